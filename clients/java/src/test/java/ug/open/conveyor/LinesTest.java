package ug.open.conveyor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import ug.open.conveyor.v1.LogLine;

/** Lines in memory and on disk: in order, each once, and a writer that waits where there is no room. */
class LinesTest {
    private static final Limits LIMITS = Limits.of(ug.open.conveyor.v1.Limits.getDefaultInstance());

    @RegisterExtension
    private final Stage stage = new Stage();

    static LogLine numbered(int number) {
        return LogLine.newBuilder()
                .setMessage("line " + number + " " + "x".repeat(number % 300))
                .build();
    }

    /** Takes and frees batches until there were count lines, and checks each. */
    private static void drain(Lines lines, int count) throws Exception {
        for (int[] next = {0}; next[0] < count; ) {
            Patience.until(
                    "line " + next[0], () -> !lines.batch(next[0], LIMITS).isEmpty());
            for (LogLine line : lines.batch(next[0], LIMITS)) {
                assertEquals(numbered(next[0]++).getMessage(), line.getMessage());
            }
            lines.free(next[0]);
        }
    }

    /** Writes lines in a thread of its own. */
    private static CompletableFuture<Void> write(Lines lines, int count) {
        return CompletableFuture.runAsync(() -> {
            for (int number = 0; number < count; number++) {
                lines.push(numbered(number));
            }
        });
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 4 << 10, 1 << 20})
    void linesBeyondMemoryComeBackFromTheFileInOrder(long memory) throws Exception {
        Lines lines = new Lines(64 << 10, memory, 1 << 20, new Bell());
        // More than the file holds, so that its ring goes round.
        int count = 20_000;
        CompletableFuture<Void> written = write(lines, count);
        drain(lines, count);
        written.get(60, TimeUnit.SECONDS);
        assertEquals(count, lines.seal());
        Patience.until("the file is closed", () -> !lines.hasFile());
    }

    @Test
    void aTaskThatWritesAndAServerThatAcksByChanceKeepTheOrder() throws Exception {
        for (long seed = 0; seed < 20; seed++) {
            Random random = new Random(seed);
            int memory = 1 << random.nextInt(16);
            Lines lines = new Lines(64 << 10, memory, random.nextBoolean() ? 0 : 32 << 10, new Bell());
            int count = 1 + random.nextInt(500);
            CompletableFuture<Void> written = write(lines, count);
            int next = 0;
            while (next < count) {
                // Some batches are asked for again, and of some only a part is acked.
                int from = next;
                Patience.until("a line", () -> !lines.batch(from, LIMITS).isEmpty());
                List<LogLine> batch = lines.batch(next, LIMITS);
                for (int at = 0; at < batch.size(); at++) {
                    assertEquals(numbered(next + at).getMessage(), batch.get(at).getMessage(), "seed " + seed);
                }
                next += random.nextInt(batch.size() + 1);
                lines.free(next);
            }
            written.get(60, TimeUnit.SECONDS);
            assertEquals(count, lines.seal(), "seed " + seed);
        }
    }

    @Test
    void memoryIsBoundedWhileLinesWaitInTheFile() throws Exception {
        Lines lines = new Lines(64 << 10, 64 << 10, 1 << 20, new Bell());
        for (int number = 0; number < 1_000; number++) {
            lines.push(numbered(number));
        }
        assertTrue(lines.hasFile());
        assertTrue(lines.memory() <= 64 << 10, lines.memory() + " bytes are in memory");
        drain(lines, 1_000);
        lines.discard();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 16 << 10})
    void aWriterWaitsWhenMemoryAndFileAreFull(long spill) throws Exception {
        Lines lines = new Lines(64 << 10, 8 << 10, spill, new Bell());
        int count = 1_000;
        Thread writer = new Thread(() -> {
            for (int number = 0; number < count; number++) {
                lines.push(numbered(number));
            }
        });
        writer.start();
        Patience.until("the writer waits", () -> writer.getState() == Thread.State.WAITING);
        assertTrue(lines.next() < count, "all lines have room");
        drain(lines, count);
        writer.join(60_000);
        assertEquals(count, lines.seal());
    }

    @ParameterizedTest
    @ValueSource(strings = {"seal", "discard"})
    void sealAndDiscardLetAWaitingWriterGo(String how) throws Exception {
        Lines lines = new Lines(64 << 10, 1, 0, new Bell());
        lines.push(numbered(0));
        Thread writer = new Thread(() -> lines.push(numbered(1)));
        writer.start();
        Patience.until("the writer waits", () -> writer.getState() == Thread.State.WAITING);
        if (how.equals("seal")) {
            lines.seal();
        } else {
            lines.discard();
        }
        writer.join(60_000);
        assertEquals(Thread.State.TERMINATED, writer.getState());
        assertEquals(how.equals("seal") ? 1 : 0, lines.next());
    }

    @Test
    void anInterruptNeitherLosesALineNorIsLost() throws Exception {
        Lines lines = new Lines(64 << 10, 8 << 10, 1 << 20, new Bell());
        Thread.currentThread().interrupt();
        for (int number = 0; number < 1_000; number++) {
            lines.push(numbered(number));
        }
        assertTrue(Thread.interrupted(), "the work is still to hear of it");
        drain(lines, 1_000);
        lines.discard();
    }

    @Test
    void aFileThatCannotBeReadIsToldInTheLog() throws Exception {
        Lines lines = new Lines(64 << 10, 1, 1 << 20, new Bell());
        lines.push(numbered(0));
        for (int number = 1; !lines.hasFile(); number++) {
            lines.push(numbered(number));
        }
        lines.spill.close();
        lines.free(1);
        Patience.until("the line comes back", () -> !lines.batch(1, LIMITS).isEmpty());
        String message = lines.batch(1, LIMITS).get(0).getMessage();
        assertTrue(message.contains("lost"), message);
        lines.discard();
    }

    /** Writes more than its memory holds, says so, and waits to be killed. */
    static final class Spiller {
        private Spiller() {}

        public static void main(String[] arguments) throws Exception {
            Lines lines = new Lines(64 << 10, 1, 1 << 20, new Bell());
            for (int number = 0; !lines.hasFile(); number++) {
                lines.push(numbered(number));
            }
            Files.createFile(Path.of(arguments[0]));
            Thread.sleep(Long.MAX_VALUE);
        }
    }

    @Test
    void theFileIsGoneWithItsProcessHoweverThatEnds(@TempDir Path folder) throws Exception {
        Path temporary = Files.createDirectory(folder.resolve("temporary"));
        Path ready = folder.resolve("ready");
        Process spiller = stage.program(
                Spiller.class, Map.of("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=" + temporary), ready.toString());
        Patience.until("the file is there", () -> Files.exists(ready));
        spiller.destroyForcibly().waitFor();
        try (var left = Files.list(temporary)) {
            assertEquals(
                    List.of(),
                    left.filter(file -> file.getFileName().toString().startsWith("conveyor"))
                            .toList());
        }
    }
}
