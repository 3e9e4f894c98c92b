package ug.open.conveyor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import ug.open.conveyor.v1.LogLine;
import ug.open.conveyor.v1.Reconcile;
import ug.open.conveyor.v1.Step;

/** What becomes of a task's work: its result, its trace, its lines. */
public class WorkTest {
    private static final Limits LIMITS = Limits.of(ug.open.conveyor.v1.Limits.getDefaultInstance());

    private final Lines lines = new Lines(64 << 10, 1 << 20, 0, new Bell());
    private final Logger log = new Logger(lines);
    private final StopSignal signal = new StopSignal();

    private Report carryOut(Reconciler reconciler) {
        return carryOut("{}", reconciler);
    }

    private Report carryOut(String spec, Reconciler reconciler) {
        Reconcile offer = Reconcile.newBuilder()
                .setTaskId("task")
                .setEvent("create")
                .setRunId("run")
                .setResource(ug.open.conveyor.v1.Resource.newBuilder()
                        .setName("ada")
                        .setResource("person")
                        .setSpecJson(spec))
                .setStep(Step.newBuilder().setId("step").setParamsJson("{\"x\": 3}"))
                .build();
        return Work.carryOut(new Driver("tester", reconciler), new Ledger.Start(offer, lines, signal));
    }

    /** The lines of the log, each as "stream labels message". */
    private String logged() {
        return lines.batch(0, LIMITS).stream()
                .map(line -> line.getStream() + " " + new TreeMap<>(line.getLabelsMap()) + " " + line.getMessage())
                .collect(Collectors.joining("\n"));
    }

    /** Says nothing of itself without a fault. */
    private static final class Clumsy extends RuntimeException {
        private static final long serialVersionUID = 1;

        @Override
        public String getMessage() {
            throw new IllegalStateException("no text");
        }
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                Arguments.of((Reconciler) task -> List.<Result>of().iterator().next(), "NoSuchElementException", true),
                Arguments.of(thrower(new IOException("no disk")), "IOException: no disk", true),
                Arguments.of(thrower(new StackOverflowError()), "java.lang.StackOverflowError", true),
                Arguments.of(thrower(new InterruptedException("by itself")), "InterruptedException: by itself", true),
                Arguments.of(thrower(new Clumsy()), "Clumsy", true),
                Arguments.of((Reconciler) task -> null, "the driver gave no result", false));
    }

    private static Reconciler thrower(Throwable thrown) {
        return task -> {
            if (thrown instanceof Error error) {
                throw error;
            }
            throw (Exception) thrown;
        };
    }

    @ParameterizedTest
    @MethodSource("faults")
    void workThatReturnsNoResultFailsWithATrace(Reconciler work, String message, boolean traced) {
        Report report = carryOut(work::reconcile);
        assertFalse(report.success());
        assertTrue(report.message().contains(message), report.message());
        assertEquals(traced, logged().contains("driver {level=error}"), logged());
        assertEquals(traced, logged().contains("WorkTest.java"), logged());
    }

    record Point(int x) {}

    static Stream<Arguments> results() {
        return Stream.of(
                Arguments.of(Result.success("kept"), new Report(true, "kept", "")),
                Arguments.of(new Result(false, null, null), new Report(false, "", "")),
                Arguments.of(
                        Result.success("kept").withData(new RawValue("{\"b\": 2.50, \"a\": \"<\"}")),
                        new Report(true, "kept", "{\"b\": 2.50, \"a\": \"<\"}")),
                Arguments.of(
                        Result.success("kept").withData(Map.of("a", List.of(new Point(1)))),
                        new Report(true, "kept", "{\"a\":[{\"x\":1}]}")),
                Arguments.of(
                        Result.success("much").withData("x".repeat(256 << 10)),
                        Report.failure(
                                "the result's data has 262146 bytes, and 262144 are allowed; the work said: much")),
                Arguments.of(Result.failure("\u00e4".repeat(9000)), Report.failure("\u00e4".repeat(8 << 10))),
                Arguments.of(Result.failure("a\uD800b"), Report.failure("a\uFFFDb")));
    }

    @ParameterizedTest
    @MethodSource("results")
    void resultsAreBroughtWithinTheLimits(Result result, Report expected) {
        assertEquals(expected, carryOut(task -> result).within(LIMITS));
    }

    @Test
    void dataThatIsNoJsonMakesAFailure() {
        for (Object data : List.of(new RawValue("{"), new Object())) {
            Report report = carryOut(task -> Result.success("odd").withData(data));
            assertFalse(report.success());
            assertTrue(report.message().startsWith("the result's data is no JSON: "), report.message());
            assertTrue(report.message().endsWith("; the work said: odd"), report.message());
        }
    }

    record Person(String name, List<Integer> ages) {}

    @Test
    void theSpecIsReadIntoTheUsersType() {
        String spec = "{\"name\": \"Ada\", \"ages\": [1, 2], \"more\": true}";
        Report report = carryOut(
                spec,
                task -> Result.success(
                        task.spec(Person.class) + " " + task.params(Point.class) + " " + task.spec(Map.class)));
        assertEquals("Person[name=Ada, ages=[1, 2]] Point[x=3] {name=Ada, ages=[1, 2], more=true}", report.message());
        report = carryOut("{\"ages\": [1, \"two\"]}", task -> Result.success("" + task.spec(Person.class)));
        assertFalse(report.success());
        assertTrue(report.message().contains("the spec of ada at ages[1]: "), report.message());
    }

    @Test
    void numbersOfANodeKeepTheirDigits() {
        String spec = "{\"price\":2.50,\"id\":9007199254740993,\"tiny\":0.10000000000000000000000001}";
        Report report = carryOut(spec, task -> Result.success("").withData(task.spec(JsonNode.class)));
        assertEquals(spec, report.data());
    }

    @Test
    void aCancelInterruptsTheWorkAndSaysWhy() throws Exception {
        CompletableFuture<Thread> began = new CompletableFuture<>();
        CompletableFuture<Report> report = CompletableFuture.supplyAsync(() -> carryOut(task -> {
            began.complete(Thread.currentThread());
            try {
                Thread.sleep(Long.MAX_VALUE);
                return null;
            } catch (InterruptedException e) {
                Cancellation why = task.cancellation().orElseThrow();
                return Result.failure(why.reason().name() + " " + why.grace().toSeconds());
            }
        }));
        began.get(60, TimeUnit.SECONDS);
        signal.fire(Cancellation.Reason.DEADLINE, Duration.ofSeconds(5));
        assertEquals(Report.failure("DEADLINE 5"), report.get(60, TimeUnit.SECONDS));
    }

    @Test
    void anInterruptThatIsThrownOnFailsWithTheReasonAndNoTrace() {
        signal.fire(Cancellation.Reason.CANCELLED, Duration.ofSeconds(5));
        Report report = carryOut(task -> {
            Thread.sleep(Long.MAX_VALUE);
            return null;
        });
        assertEquals(Report.failure("the run was cancelled"), report);
        assertEquals("", logged());
        assertFalse(Thread.interrupted(), "the signal was for the work alone");
    }

    @Test
    void workCanWaitForItsCancel() throws Exception {
        CompletableFuture<Void> began = new CompletableFuture<>();
        CompletableFuture<Report> report = CompletableFuture.supplyAsync(() -> carryOut(task -> {
            began.complete(null);
            return Result.success(task.awaitCancellation().reason().name());
        }));
        began.get(60, TimeUnit.SECONDS);
        signal.fire(Cancellation.Reason.FENCED, Duration.ofSeconds(5));
        assertEquals("FENCED", report.get(60, TimeUnit.SECONDS).message());
    }

    @Test
    void theSignalIsOutrankedByFencedOnlyAndNeverGivesMoreTime() {
        signal.fire(Cancellation.Reason.DEADLINE, Duration.ofHours(1));
        Cancellation first = signal.why();
        signal.fire(Cancellation.Reason.CANCELLED, Duration.ZERO);
        assertEquals(first, signal.why());
        signal.fire(Cancellation.Reason.FENCED, Duration.ofHours(2));
        assertEquals(Cancellation.Reason.FENCED, signal.why().reason());
        assertEquals(first.stopBy(), signal.why().stopBy());
    }

    @Test
    void theLoggerWritesLinesWithLabels() throws IOException {
        log.info("two\nlines");
        log.with("image", "app").with("layers", 3).warn("pushed");
        log.line("stderr", "");
        OutputStream open = log.writer("stdout");
        open.write("no end yet".getBytes(StandardCharsets.UTF_8));
        try (OutputStream writer = log.writer("bytes")) {
            writer.write(new byte[] {'a', '\n', 'b', (byte) 0xff});
        }
        log.flush();
        assertEquals("""
                driver {level=info} two
                driver {level=info} lines
                driver {image=app, layers=3, level=warn} pushed
                stderr {}\s
                bytes {} a
                bytes {} b\uFFFD
                stdout {} no end yet""", logged());
    }

    @Test
    void longLinesAreSplitAndMarked() throws IOException {
        String all = "\u20ac".repeat(50 << 10);
        log.line("stdout", all);
        log.pipe("stdout", new ByteArrayInputStream(all.getBytes(StandardCharsets.UTF_8)));
        List<LogLine> batch = lines.batch(0, LIMITS);
        assertEquals(6, batch.size());
        for (int number = 0; number < batch.size(); number++) {
            assertEquals(
                    number % 3 == 2 ? "" : "true",
                    batch.get(number).getLabelsMap().getOrDefault("split", ""));
            assertTrue(batch.get(number).getMessageBytes().size() <= 64 << 10);
        }
        assertEquals(all + all, batch.stream().map(LogLine::getMessage).collect(Collectors.joining()));
    }

    @Test
    void labelsAreKeptWithinTheLimits() {
        Logger labelled = log;
        for (int number = 0; number < 40; number++) {
            labelled = labelled.with("label" + number, "v".repeat(2000));
        }
        labelled.line("stdout", "x".repeat(100 << 10));
        for (LogLine line : lines.batch(0, LIMITS)) {
            assertTrue(line.getLabelsCount() <= 32);
            assertEquals(1 << 10, line.getLabelsOrThrow("label0").length());
        }
    }

    @Test
    void aCommandsOutputIsInTheLog() throws Exception {
        String script = "echo out; echo err >&2; printf 'no end'; exit 3";
        assertEquals(3, log.run(new ProcessBuilder("sh", "-c", script)));
        log.flush();
        List<String> all = logged().lines().sorted().toList();
        assertEquals(List.of("stderr {} err", "stdout {} no end", "stdout {} out"), all);
        assertThrows(IOException.class, () -> log.run(new ProcessBuilder("/no/such/program")));
    }

    @Test
    void aCancelledCommandIsToldToEndAndItsLastWordsAreKept() throws Exception {
        String script = "trap 'echo bye; exit' TERM; echo ready; while :; do sleep 0.01; done";
        CompletableFuture<Report> report = CompletableFuture.supplyAsync(() ->
                carryOut(task -> Result.success("" + task.log().run(new ProcessBuilder("sh", "-c", script)))));
        Patience.until("the command runs", () -> logged().contains("ready"));
        signal.fire(Cancellation.Reason.CANCELLED, Duration.ofSeconds(30));
        assertEquals("the run was cancelled", report.get(60, TimeUnit.SECONDS).message());
        assertEquals("stdout {} ready\nstdout {} bye", logged());
    }

    /** The trace of a cause is there too. */
    @Test
    void theTraceHasItsCauses() {
        carryOut(task -> {
            throw new IllegalStateException("outer", new NoSuchElementException("inner"));
        });
        assertTrue(logged().contains("Caused by: java.util.NoSuchElementException: inner"), logged());
    }
}
