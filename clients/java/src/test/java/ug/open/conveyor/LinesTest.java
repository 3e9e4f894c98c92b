package ug.open.conveyor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import ug.open.conveyor.v1.LogLine;

class LinesTest {
    private static final Limits LIMITS = Limits.of(ug.open.conveyor.v1.Limits.getDefaultInstance());

    @Test
    void linesThatMemoryHasNoRoomForComeBackInOrder() {
        Bell bell = new Bell();
        Lines lines = new Lines(1 << 16, 64 << 10, 1 << 20, bell);
        // More than memory holds, and over the end of the ring.
        int count = 20_000;
        Thread writer = new Thread(() -> {
            for (int n = 0; n < count; n++) {
                lines.push(LogLine.newBuilder().setMessage("line " + n + " " + "x".repeat(100)).build());
            }
        });
        writer.setDaemon(true);
        writer.start();
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(30), () -> {
            for (int next = 0; next < count; ) {
                List<LogLine> batch = lines.batch(next, LIMITS);
                if (batch.isEmpty()) {
                    bell.await(Duration.ofSeconds(1).toNanos());
                }
                for (LogLine line : batch) {
                    assertEquals("line " + next++, line.getMessage().substring(0, line.getMessage().indexOf(" x")));
                }
                lines.free(next);
            }
            writer.join();
        });
        assertEquals(count, lines.seal());
    }

    @Test
    void aSealedLogDropsLinesAndHoldsNobodyUp() {
        Lines lines = new Lines(1 << 16, 1, 0, new Bell());
        lines.push(LogLine.newBuilder().setMessage("kept").build());
        assertEquals(1, lines.seal());
        lines.push(LogLine.newBuilder().setMessage("dropped").build());
        assertEquals(1, lines.next());
    }
}
