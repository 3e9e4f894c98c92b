package ug.open.conveyor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.util.RawValue;
import java.util.Map;
import java.util.stream.Collectors;

/** Reads and writes JSON. Fields that a type does not name are passed over. */
final class Json {
    /** Whoever reads into a JsonNode gets numbers with the digits that they were written with. */
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonNodeFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .findAndAddModules()
            .build();

    private Json() {}

    /** Loads what reading and writing needs, which takes a good part of a second the first time: no task is to wait. */
    static void load() {
        write(read("{\"loaded\": [true]}", Map.class, "JSON"));
    }

    /** Reads JSON into a type of the user's; an error says what was read, and where in it the fault is. */
    static <T> T read(String text, Class<T> type, String what) {
        try {
            return MAPPER.readValue(text, type);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(what + place(e) + ": " + e.getOriginalMessage(), e);
        }
    }

    /** The JSON form of a value. The text of a RawValue stays as it is, if it is JSON. */
    static String write(Object value) {
        try {
            String text = MAPPER.writeValueAsString(value);
            if (value instanceof RawValue) {
                MAPPER.readTree(text);
            }
            return text;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("no JSON: " + e.getOriginalMessage(), e);
        }
    }

    /** Where in a value something does not fit, like " at greetings[0]". */
    private static String place(JsonProcessingException error) {
        if (!(error instanceof JsonMappingException mapping)
                || mapping.getPath().isEmpty()) {
            return "";
        }
        return mapping.getPath().stream()
                .map(step -> step.getFieldName() == null ? "[" + step.getIndex() + "]" : "." + step.getFieldName())
                .collect(Collectors.joining())
                .replaceFirst("^\\.?", " at ");
    }
}
