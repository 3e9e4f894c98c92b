package ug.open.conveyor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.util.RawValue;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import ug.open.conveyor.examples.Greeter;
import ug.open.conveyor.examples.Ported;
import ug.open.conveyor.v1.CancelRunRequest;
import ug.open.conveyor.v1.GetRunRequest;
import ug.open.conveyor.v1.ListDriversRequest;
import ug.open.conveyor.v1.LogEntry;
import ug.open.conveyor.v1.Run;
import ug.open.conveyor.v1.RunState;
import ug.open.conveyor.v1.StepState;

/** Drivers of this runtime against the real server, also with either side killed. */
class AgainstServerTest {
    private static final String PERSON = """
            {"name": "person", "schema": {"type": "object", "required": ["greetings"],
             "properties": {"greetings": {"type": "array", "items": {"type": "string"}}}}}""";

    @RegisterExtension
    private final Stage stage = new Stage();

    @Test
    void theTutorialsDriverIsReadByWebsocket() throws Exception {
        Path source = Path.of("src/test/java/ug/open/conveyor/examples/Greeter.java");
        assertTrue(Files.readAllLines(source).size() <= 40);
        Server server = stage.server();
        Process greeter = stage.program(Greeter.class, Map.of("CONVEYOR_SERVER", server.url));
        server.post("/resource-definitions", PERSON);
        String ada = """
                {"name": "ada", "resource": "person", "spec": {"greetings": ["Hello", "Good day"]}}""";
        String runId = server.post("/resources/", ada).get("runid").asText();

        BlockingQueue<String> frames = new LinkedBlockingQueue<>();
        URI log = URI.create(server.url.replace("http", "ws") + "/drivers/streams/logs/greeter/" + runId);
        server.http.newWebSocketBuilder().buildAsync(log, new Frames(frames)).get(60, TimeUnit.SECONDS);
        ObjectMapper mapper = new ObjectMapper();
        for (String expected : List.of("Hello, ada", "Good day, ada")) {
            JsonNode frame = mapper.readTree(frames.poll(60, TimeUnit.SECONDS));
            assertEquals(expected, frame.get(1).asText());
        }
        assertEquals("closed with 1000", frames.poll(60, TimeUnit.SECONDS));

        Run ended = run(stage.client(server), runId);
        assertEquals(RunState.RUN_STATE_SUCCEEDED, ended.getState());
        assertEquals("{\"greetings\":2}", ended.getSteps(0).getDataJson());
        // SIGTERM.
        greeter.destroy();
        assertTrue(greeter.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, greeter.exitValue());
    }

    /** Puts each whole frame of a websocket into a queue, and its end. */
    private static final class Frames implements WebSocket.Listener {
        private final BlockingQueue<String> frames;
        private final StringBuilder frame = new StringBuilder();

        Frames(BlockingQueue<String> frames) {
            this.frames = frames;
        }

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
            frame.append(part);
            if (last) {
                frames.add(frame.toString());
                frame.setLength(0);
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            frames.add("closed with " + code);
            return null;
        }
    }

    private static Run run(Client client, String runId) {
        return client.runs().getRun(GetRunRequest.newBuilder().setId(runId).build());
    }

    /** Creates a resource of the definition count and gives its run. */
    private static String count(Client client, String name, int lines) {
        client.define("count", Map.of("type", "object"));
        return client.create(Resource.of("count", name, new Counter.Count(lines)))
                .runId();
    }

    private static List<LogEntry> read(Tail tail) {
        try (tail) {
            return StreamSupport.stream(tail.spliterator(), false).toList();
        }
    }

    private static List<String> messages(List<LogEntry> lines) {
        return lines.stream().map(LogEntry::getMessage).toList();
    }

    private static List<String> numbered(int count) {
        return IntStream.range(0, count).mapToObj(number -> "line " + number).toList();
    }

    private static void untilStored(Server server, String runId, int lines) throws Exception {
        try (Client client = server.client()) {
            Patience.until(
                    "more lines are stored",
                    () -> read(client.tail(runId).noFollow()).size() >= lines);
        }
    }

    /** Waits until the server knows that the first step is at work. Work may begin before. */
    private static void untilAcked(Client client, String runId) throws Exception {
        Patience.until(
                "the ack",
                () -> run(client, runId).getStepsList().stream()
                        .anyMatch(step -> step.getState() == StepState.STEP_STATE_RUNNING));
    }

    @Test
    void aServerKilledInMidRunLosesAndDoublesNothing() throws Exception {
        Server server = stage.server();
        Stage.Running running = stage.run(server, Counter.driver(5));
        int total = 40_000;
        Client client = stage.client(server);
        String runId = count(client, "long", total);
        CompletableFuture<List<LogEntry>> follower = CompletableFuture.supplyAsync(() -> read(client.tail(runId)));
        for (int kills = 1; kills <= 3; kills++) {
            untilStored(server, runId, kills * 3_000);
            server.kill();
            // Long enough for more lines than a window, while nobody takes them.
            Thread.sleep(200);
            server.start();
        }
        assertEquals(numbered(total), messages(follower.get(60, TimeUnit.SECONDS)), "who followed all the while");
        assertEquals(numbered(total), messages(read(client.tail(runId))));
        Run ended = run(client, runId);
        assertEquals(RunState.RUN_STATE_SUCCEEDED, ended.getState());
        assertEquals(1, ended.getSteps(0).getAttemptsCount());
        running.stop();
    }

    @Test
    void aDriverAndAServerKilledInMidRunAreFollowedByOthers() throws Exception {
        Server server = stage.server("DRIVER_LEASE_TIME=2s", "DRIVER_HEARTBEAT_PERIOD=500ms");
        Process first = stage.program(Counter.class, Map.of(), server.url);
        int total = 20_000;
        String runId = count(stage.client(server), "long", total);
        untilStored(server, runId, 2_000);
        first.destroyForcibly().waitFor();
        server.kill();
        server.start();
        stage.run(server, Counter.driver(0));
        Map<Integer, List<String>> attempts = new TreeMap<>();
        for (LogEntry line : read(stage.client(server).tail(runId))) {
            attempts.computeIfAbsent(line.getAttempt(), attempt -> new ArrayList<>())
                    .add(line.getMessage());
        }
        assertEquals(List.of(1, 2), List.copyOf(attempts.keySet()));
        assertTrue(attempts.get(1).size() >= 2_000);
        assertEquals(numbered(attempts.get(1).size()), attempts.get(1));
        assertEquals(numbered(total), attempts.get(2));
    }

    @Test
    void workThatKeepsEveryProcessorBusyDoesNotLoseItsTask() throws Exception {
        Server server = stage.server("DRIVER_LEASE_TIME=1500ms", "DRIVER_HEARTBEAT_PERIOD=500ms");
        Driver busy = new Driver("busy", task -> {
            int processors = Runtime.getRuntime().availableProcessors();
            IntStream.range(0, processors).parallel().forEach(each -> {
                long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
                while (System.nanoTime() < end) {
                    Thread.onSpinWait();
                }
            });
            return Result.success("worked");
        });
        stage.run(server, busy.definitions("count"));
        Client client = stage.client(server);
        String runId = count(client, "busy", 0);
        read(client.tail(runId));
        Run ended = run(client, runId);
        assertEquals(RunState.RUN_STATE_SUCCEEDED, ended.getState());
        assertEquals(1, ended.getSteps(0).getAttemptsCount());
    }

    @Test
    void aCancelledRunTellsItsDriverWhy() throws Exception {
        Server server = stage.server();
        Semaphore began = new Semaphore(0);
        Driver patient = new Driver("patient", task -> {
            began.release();
            try {
                Thread.sleep(Long.MAX_VALUE);
            } finally {
                task.log().info("stops: " + task.cancellation().get().reason());
            }
            return Result.success("");
        });
        stage.run(server, patient.definitions("count"));
        Client client = stage.client(server);
        String runId = count(client, "slow", 0);
        began.acquire();
        untilAcked(client, runId);
        client.runs().cancelRun(CancelRunRequest.newBuilder().setId(runId).build());
        assertEquals(List.of("stops: the run was cancelled"), messages(read(client.tail(runId))));
        Run ended = run(client, runId);
        assertEquals(RunState.RUN_STATE_CANCELLED, ended.getState());
        assertEquals("the run was cancelled", ended.getSteps(0).getMessage());
    }

    @Test
    void workThatOutstaysItsGraceIsReportedAndKeepsItsSlot() throws Exception {
        Server server = stage.server("DRIVER_CANCEL_GRACE=300ms");
        Semaphore begun = new Semaphore(0);
        Semaphore end = new Semaphore(0);
        Driver deaf = new Driver("deaf", task -> {
            begun.release();
            end.acquireUninterruptibly();
            return Result.success("late");
        });
        stage.run(server, deaf.definitions("count"));
        Client client = stage.client(server);
        String first = count(client, "first", 0);
        begun.acquire();
        untilAcked(client, first);
        client.runs().cancelRun(CancelRunRequest.newBuilder().setId(first).build());
        read(client.tail(first));
        String second = count(client, "second", 0);
        assertFalse(begun.tryAcquire(300, TimeUnit.MILLISECONDS));
        end.release(2);
        read(client.tail(second));
        assertEquals(RunState.RUN_STATE_SUCCEEDED, run(client, second).getState());
    }

    @Test
    void numbersArriveWithTheDigitsThatTheyWereWrittenWith() throws Exception {
        Server server = stage.server();
        Driver exact = new Driver("exact", task -> {
            JsonNode spec = task.spec(JsonNode.class);
            task.log().line("stdout", spec.toString());
            task.log().line("stdout", task.resource().specJson());
            return Result.success("").withData(spec);
        });
        Driver raw = new Driver(
                "raw",
                task -> Result.success("").withData(new RawValue(task.resource().specJson())));
        stage.run(server, exact.definitions("count"), raw.definitions("count"));
        Client client = stage.client(server);
        client.define("count", Map.of("type", "object"));
        // Both drivers must be known before the run is written.
        Patience.until(
                "both drivers",
                () -> client.drivers()
                                .listDrivers(ListDriversRequest.getDefaultInstance())
                                .getDriversCount()
                        == 2);
        String digits = "{\"price\":2.50,\"id\":9007199254740993,\"huge\":123456789012345678901234567890}";
        String runId =
                client.create(Resource.of("count", "one", new RawValue(digits))).runId();
        assertEquals(List.of(digits, digits), messages(read(client.tail(runId).driver("exact"))));
        Run ended = run(client, runId);
        assertEquals(digits, ended.getSteps(0).getDataJson());
        assertEquals(digits, ended.getSteps(1).getDataJson());
    }

    @Test
    void aPortedDriverGetsWhatItExpects() throws Exception {
        Server server = stage.server();
        Process ported = stage.program(Ported.class, Map.of("CONVEYOR_SERVER", server.url));
        Client client = stage.client(server);
        client.define("pipeline", Map.of("type", "object"));
        Change change = client.create(
                Resource.of("pipeline", "p", new RawValue("{\"image\":2.50}")).withMetadata(Map.of("a", "b")));
        LogEntry line = read(client.tail(change.runId())).get(0);
        assertEquals(Map.of("step", "build"), line.getLabelsMap());
        String payload = "create {\"id\":\"" + change.resource().id() + "\",\"name\":\"p\",\"resource\":\"pipeline\",";
        assertTrue(line.getMessage().startsWith(payload), line.getMessage());
        assertTrue(line.getMessage().contains("\"a\":\"b\""), line.getMessage());
        assertTrue(line.getMessage().endsWith(",\"spec\":{\"image\":2.50}}"), line.getMessage());
        Run ended = run(client, change.runId());
        assertEquals(RunState.RUN_STATE_SUCCEEDED, ended.getState());
        assertEquals("built", ended.getSteps(0).getMessage());
        ported.destroy();
        assertTrue(ported.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, ported.exitValue());
    }

    @Test
    void theClientCreatesAppliesGetsAndDeletes() throws Exception {
        Client client = stage.client(stage.server());
        count(client, "one", 1);
        Resource one = client.get("count", "one");
        assertEquals("{\"lines\":1}", one.specJson());
        assertEquals(new Counter.Count(1), one.spec(Counter.Count.class));
        assertEquals(1, one.revision());
        assertFalse(one.id().isEmpty());
        Change same = client.apply(one);
        assertEquals("", same.runId());
        assertEquals(1, same.resource().revision());
        Change other =
                client.apply(one.withSpec(new RawValue("{\"lines\": 2.50}")).withMetadata(Map.of("a", "b")));
        assertFalse(other.runId().isEmpty());
        assertEquals(2, other.resource().revision());
        assertEquals("{\"lines\":2.50}", other.resource().specJson());
        assertEquals("b", other.resource().metadata().get("a"));
        assertFalse(client.delete("count", "one").runId().isEmpty());
        StatusRuntimeException gone = assertThrows(StatusRuntimeException.class, () -> client.get("count", "one"));
        assertEquals(Status.Code.NOT_FOUND, gone.getStatus().getCode());
    }

    @Test
    void aTailIsOfOneDriverOrStepAndGoesOnAfterANumber() throws Exception {
        Server server = stage.server();
        stage.run(server, Counter.driver(0));
        Client client = stage.client(server);
        String runId = count(client, "one", 10);
        List<LogEntry> all = read(client.tail(runId));
        assertEquals(numbered(10), messages(all));
        assertEquals(
                numbered(10).subList(7, 10),
                messages(read(client.tail(runId).after(all.get(6).getSeq()))));
        assertEquals(numbered(10), messages(read(client.tail(runId).driver("counter"))));
        assertEquals(List.of(), read(client.tail(runId).driver("other")));
        assertEquals(List.of(), read(client.tail(runId).step("other")));
        assertThrows(StatusRuntimeException.class, () -> read(client.tail("no run")));
    }

    @Test
    void aTailThatIsClosedEndsItsLoop() throws Exception {
        Server server = stage.server();
        Client client = stage.client(server);
        // Nobody carries it out, so that its log has no end.
        Tail tail = client.tail(count(client, "one", 1));
        CompletableFuture<Boolean> more =
                CompletableFuture.supplyAsync(() -> tail.iterator().hasNext());
        Thread.sleep(20);
        tail.close();
        assertFalse(more.get(60, TimeUnit.SECONDS));
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://127.0.0.1:8080", "127.0.0.1:8080", "http://", "http://a:b"})
    void anAddressThatIsNoneIsAnErrorThatSaysSo(String address) {
        String message = assertThrows(IllegalArgumentException.class, () -> Client.connect(address))
                .getMessage();
        assertTrue(message.contains(address), message);
    }

    @Test
    void aServerThatIsNotThereIsAnErrorThatSaysSo() {
        String message = assertThrows(ConnectException.class, () -> Client.connect("http://127.0.0.1:1"))
                .getMessage();
        assertTrue(message.contains("http://127.0.0.1:1"), message);
    }
}
