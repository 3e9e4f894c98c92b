package ug.open.conveyor;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The Java that pages show stands in the examples, which are compiled and run. */
class ReadmeTest {
    private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @ParameterizedTest
    @ValueSource(strings = {"README.md", "../../docs/porting-a-driver.md"})
    void theCodeOfAPageIsThatOfAnExample(String page) throws IOException {
        List<String> shown = CODE.matcher(Files.readString(Path.of(page)))
                .results()
                .map(MatchResult::group)
                .map(block -> block.substring("```java\n".length(), block.length() - "```".length()))
                .map(ReadmeTest::withoutIndent)
                .toList();
        assertTrue(!shown.isEmpty(), page + " shows no code");
        try (Stream<Path> examples = Files.list(Path.of("src/test/java/ug/open/conveyor/examples"))) {
            String all = "";
            for (Path example : examples.toList()) {
                all += withoutIndent(Files.readString(example));
            }
            for (String block : shown) {
                assertTrue(all.contains(block), page + " shows code that stands in no example:\n" + block);
            }
        }
    }

    /** Comments of the examples need not be shown. */
    private static String withoutIndent(String text) {
        return text.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("//"))
                .collect(Collectors.joining("\n", "\n", "\n"));
    }
}
