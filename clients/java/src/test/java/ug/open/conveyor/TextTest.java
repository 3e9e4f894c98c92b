package ug.open.conveyor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TextTest {
    @Test
    void aHalfOfACharacterIsReplacedAndAWholeOneStays() {
        assertEquals("a\uFFFDb\uD83D\uDE00\uFFFD", Text.valid("a\uDE00b\uD83D\uDE00\uD83D"));
    }

    @Test
    void textIsCutBetweenCharacters() {
        assertEquals("\u20AC", Text.clip("\u20AC\u20AC", 5));
        assertEquals("\uD83D\uDE00", Text.clip("\uD83D\uDE00x", 4));
        assertEquals("abcde", Text.clip("abcde", 5));
    }

    @Test
    void textOfSeveralLinesIsSeveralLines() {
        assertEquals(List.of(""), Text.lines(""));
        assertEquals(List.of("a", "", "b"), Text.lines("a\r\n\nb\n"));
    }

    @Test
    void bytesAreSplitTheSameWhereverWritesEnd() {
        byte[] all = "one\r\n\n12345\u20AC7890\nlast".getBytes(StandardCharsets.UTF_8);
        List<String> expected = List.of("one", "", "12345+", "\u20AC7890", "last");
        for (int step = 1; step <= all.length; step++) {
            List<String> lines = new ArrayList<>();
            Splitter splitter = new Splitter(7, (text, goesOn) -> lines.add(goesOn ? text + "+" : text));
            for (int from = 0; from < all.length; from += step) {
                splitter.feed(all, from, Math.min(step, all.length - from));
            }
            splitter.end();
            assertEquals(expected, lines, "in writes of " + step);
        }
    }
}
