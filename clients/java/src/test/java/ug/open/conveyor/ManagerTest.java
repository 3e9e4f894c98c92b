package ug.open.conveyor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import ug.open.conveyor.v1.BroadcastMessageRequest;
import ug.open.conveyor.v1.GetDriverRequest;
import ug.open.conveyor.v1.GetRunRequest;
import ug.open.conveyor.v1.Run;
import ug.open.conveyor.v1.StepState;

/** How a manager ends: drained, aborted, or refused. */
class ManagerTest {
    @RegisterExtension
    private final Stage stage = new Stage();

    private static Driver idle(String name) {
        return new Driver(name, task -> Result.success(""));
    }

    @Test
    void aManagerWithoutAServerEndsWhenItIsStopped() throws Exception {
        Stage.Running running = stage.run(new Manager("http://127.0.0.1:1", idle("lonely")));
        Thread.sleep(200);
        running.stop();
    }

    @Test
    void aManagerThatIsStoppedBeforeItRunsEndsAtOnce() throws Exception {
        Manager manager = new Manager("http://127.0.0.1:1", idle("lonely"));
        manager.stop();
        stage.run(manager).await();
        assertThrows(IllegalStateException.class, manager::run);
    }

    @Test
    void whatCannotWorkSaysWhy() {
        Map<String, Executable> all = Map.of(
                "no driver", () -> new Manager("http://127.0.0.1:1"),
                "no name", () -> idle(""),
                "a bad name", () -> idle("a b"),
                "no function", () -> new Driver("a", null),
                "much at once", () -> idle("a").slots(1001),
                "nothing at once", () -> idle("a").slots(0),
                "half a character in a label", () -> idle("a").labels(Map.of("os", "\uD800")),
                "half a character in a definition", () -> idle("a").definitions("\uDC00"),
                "no server", () -> new Manager("localhost:8080", idle("a")));
        all.forEach((name, wrong) -> {
            RuntimeException why = assertThrows(RuntimeException.class, wrong, name);
            assertTrue(why.getMessage().contains(" "), name + ": " + why);
        });
    }

    @Test
    void aRefusedDriverEndsTheManagerAndDrainsTheOthers() throws Exception {
        Server server = stage.server();
        Stage.Running running = stage.run(server, idle("fine"), idle("refused").definitions("no such name!"));
        ExecutionException end = assertThrows(ExecutionException.class, running::await);
        RefusedException why = assertInstanceOf(RefusedException.class, end.getCause());
        assertTrue(why.getMessage().contains("refuses driver refused"), why.getMessage());
    }

    private static StepState state(Client client, String runId) {
        Run run = client.runs().getRun(GetRunRequest.newBuilder().setId(runId).build());
        // Before a driver is known that listens, there is no step.
        return run.getStepsCount() == 0
                ? StepState.STEP_STATE_UNSPECIFIED
                : run.getSteps(0).getState();
    }

    private static String slowRun(Client client) {
        client.define("count", Map.of("type", "object"));
        return client.create(Resource.of("count", "slow", Map.of())).runId();
    }

    @ParameterizedTest
    @ValueSource(strings = {"drain timeout", "abort"})
    void aTaskIsGivenBackWhenTheManagerIsToldToEndAtOnce(String how) throws Exception {
        Server server = stage.server();
        BlockingQueue<Cancellation.Reason> why = new LinkedBlockingQueue<>();
        Semaphore began = new Semaphore(0);
        Driver slow = new Driver("slow", task -> {
            began.release();
            why.add(task.awaitCancellation().reason());
            return Result.success("in vain");
        });
        Client client = stage.client(server);
        Manager manager = new Manager(server.url, slow.definitions("count")).drainTimeout(Duration.ofMillis(100));
        Stage.Running running = stage.run(manager);
        String runId = slowRun(client);
        began.acquire();
        Patience.until("the ack", () -> state(client, runId) == StepState.STEP_STATE_RUNNING);
        if (how.equals("abort")) {
            manager.abort();
        } else {
            manager.stop();
        }
        running.await();
        assertEquals(List.of(Cancellation.Reason.FENCED), List.copyOf(why));
        assertEquals(StepState.STEP_STATE_PENDING, state(client, runId));
    }

    /** A driver whose work heeds no interrupt. */
    static final class Blocker {
        private Blocker() {}

        public static void main(String[] arguments) throws Exception {
            Driver driver = new Driver("blocker", task -> {
                new Semaphore(0).acquireUninterruptibly();
                return null;
            });
            new Manager(arguments[0], driver.definitions("count")).runUntilSignal();
        }
    }

    @Test
    void aSecondSignalGivesTheTaskBackWhileItsThreadIsBlocked() throws Exception {
        Server server = stage.server();
        Process blocker = stage.program(Blocker.class, Map.of(), server.url);
        Client client = stage.client(server);
        String runId = slowRun(client);
        Patience.until("the ack", () -> state(client, runId) == StepState.STEP_STATE_RUNNING);
        blocker.destroy();
        Patience.until(
                "the drain",
                () -> client.drivers()
                        .getDriver(
                                GetDriverRequest.newBuilder().setName("blocker").build())
                        .getInstances(0)
                        .getDraining());
        assertTrue(blocker.isAlive());
        signal(blocker, "TERM");
        Patience.until("the task is given back", () -> state(client, runId) == StepState.STEP_STATE_PENDING);
        // What blocks for ever is left behind.
        assertTrue(blocker.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, blocker.exitValue());
    }

    private static void signal(Process process, String name) throws Exception {
        new ProcessBuilder("sh", "-c", "kill -" + name + " " + process.pid())
                .start()
                .waitFor();
    }

    @Test
    void aFunctionForMessagesThatThrowsDoesNotBreakTheStream() throws Exception {
        Server server = stage.server();
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        stage.run(server, idle("hearing").onMessage(message -> {
            heard.add(message.getEvent());
            throw new AssertionError("clumsy");
        }));
        Client client = stage.client(server);
        for (String event : List.of("one", "two")) {
            Patience.until(
                    "somebody hears",
                    () -> client.drivers()
                                    .broadcastMessage(BroadcastMessageRequest.newBuilder()
                                            .setEvent(event)
                                            .setPayload("p")
                                            .build())
                                    .getDelivered()
                            > 0);
            assertEquals(event, heard.poll(60, TimeUnit.SECONDS));
        }
    }
}
