package ug.open.conveyor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.util.RawValue;

/** Reads and writes JSON. Fields that a type does not name are passed over. */
final class Json {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .findAndAddModules()
            .build();

    private Json() {}

    static <T> T read(String text, Class<T> type) throws JsonProcessingException {
        return MAPPER.readValue(text, type);
    }

    /** The JSON form of a value. The text of a RawValue stays as it is, if it is JSON. */
    static String write(Object value) throws JsonProcessingException {
        String text = MAPPER.writeValueAsString(value);
        if (value instanceof RawValue) {
            MAPPER.readTree(text);
        }
        return text;
    }
}
