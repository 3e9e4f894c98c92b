package ug.open.conveyor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import ug.open.conveyor.v1.Cancel;
import ug.open.conveyor.v1.CancelReason;
import ug.open.conveyor.v1.DriverStreamRequest;
import ug.open.conveyor.v1.DriverStreamResponse;
import ug.open.conveyor.v1.HeldTask;
import ug.open.conveyor.v1.Limits;
import ug.open.conveyor.v1.Log;
import ug.open.conveyor.v1.LogAck;
import ug.open.conveyor.v1.LogAckStatus;
import ug.open.conveyor.v1.LogLine;
import ug.open.conveyor.v1.Reconcile;
import ug.open.conveyor.v1.ResultAck;
import ug.open.conveyor.v1.ResultOutcome;
import ug.open.conveyor.v1.Step;
import ug.open.conveyor.v1.TaskFate;
import ug.open.conveyor.v1.TaskVerdict;
import ug.open.conveyor.v1.Welcome;

/**
 * A server that forgets, repeats and breaks off, against the ledger, without a network: whatever happens, each line
 * arrives once and in order, and the result after the last of them.
 */
class LedgerTest {
    private static final String TASK = "task";
    private static final long TOKEN = 7;
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    /** The server's side of one task. */
    private static final class SimulatedServer {
        List<String> received = new ArrayList<>();
        int stored;
        boolean applied;
        final Deque<DriverStreamResponse> answers = new ArrayDeque<>();

        void receive(DriverStreamRequest message) {
            switch (message.getKindCase()) {
                case LOG -> log(message.getLog());
                case RESULT -> result(message.getResult().getLines());
                default -> assertFalse(message.getAck().getRefused(), message.toString());
            }
        }

        private void log(Log log) {
            int known = received.size() - (int) log.getFirstLine();
            if (known < 0) {
                ack();
                return;
            }
            log.getLinesList().stream().skip(known).map(LogLine::getMessage).forEach(received::add);
        }

        private void result(long lines) {
            ResultOutcome outcome = ResultOutcome.RESULT_OUTCOME_LINES_MISSING;
            if (received.size() == lines) {
                stored = received.size();
                applied = true;
                outcome = ResultOutcome.RESULT_OUTCOME_APPLIED;
            }
            answers.add(DriverStreamResponse.newBuilder()
                    .setResultAck(ResultAck.newBuilder()
                            .setTaskId(TASK)
                            .setToken(TOKEN)
                            .setOutcome(outcome)
                            .setNext(stored))
                    .build());
        }

        /** Stores what was received, and says so. */
        void sync() {
            stored = received.size();
            ack();
        }

        private void ack() {
            answers.add(DriverStreamResponse.newBuilder()
                    .setLogAck(LogAck.newBuilder()
                            .setTaskId(TASK)
                            .setToken(TOKEN)
                            .setNext(stored)
                            .setStatus(LogAckStatus.LOG_ACK_STATUS_STORED))
                    .build());
        }

        void forget() {
            received = new ArrayList<>(received.subList(0, stored));
        }

        /** Opens a new stream: what was not stored is lost. */
        Welcome welcome(List<HeldTask> tasks) {
            forget();
            answers.clear();
            // Small batches make many of them.
            Welcome.Builder welcome = Welcome.newBuilder()
                    .setLimits(Limits.newBuilder().setLogBatchLines(3).build());
            for (HeldTask task : tasks) {
                welcome.addTasks(TaskFate.newBuilder()
                        .setTaskId(task.getTaskId())
                        .setToken(task.getToken())
                        .setVerdict(applied ? TaskVerdict.TASK_VERDICT_DONE : TaskVerdict.TASK_VERDICT_GO_ON)
                        .setNextLine(stored));
            }
            return welcome.build();
        }
    }

    /** The two sides, and what the task wrote. */
    private static final class World {
        final SimulatedServer server = new SimulatedServer();
        final Ledger ledger = ledger(1);
        final List<String> written = new ArrayList<>();
        final Ledger.Start work;
        long now;

        World() {
            ledger.welcome(server.welcome(List.of()), now);
            ledger.receive(offer(TASK, TOKEN, "step"), now);
            work = ledger.nextStart();
            assertNotNull(work);
        }

        void send() {
            DriverStreamRequest message = ledger.nextMessage(now);
            if (message != null) {
                server.receive(message);
            }
        }

        void answer() {
            if (!server.answers.isEmpty()) {
                ledger.receive(server.answers.remove(), now);
            }
        }

        /** One of the things that may happen. */
        void step(Random random) {
            switch (random.nextInt(7)) {
                case 0 -> {
                    for (int count = random.nextInt(20); count > 0; count--) {
                        String line = "line " + written.size();
                        written.add(line);
                        work.lines().push(LogLine.newBuilder().setMessage(line).build());
                    }
                }
                case 1, 2 -> send();
                case 3 -> server.sync();
                case 4 -> answer();
                case 5 -> server.forget();
                default -> ledger.welcome(server.welcome(ledger.inHello()), now);
            }
        }
    }

    private static Ledger ledger(int slots) {
        Bell bell = new Bell();
        return new Ledger(slots, lineBytes -> new Lines(lineBytes, 1 << 20, 0, bell), bell);
    }

    private static DriverStreamResponse offer(String task, long token, String step) {
        return DriverStreamResponse.newBuilder()
                .setReconcile(Reconcile.newBuilder()
                        .setTaskId(task)
                        .setToken(token)
                        .setRunId("run")
                        .setStep(Step.newBuilder().setId(step)))
                .build();
    }

    @Test
    void everyLineArrivesOnceAndTheResultAfterThem() {
        for (long seed = 0; seed < 500; seed++) {
            Random random = new Random(seed);
            World world = new World();
            for (int steps = random.nextInt(200); steps > 0; steps--) {
                world.step(random);
            }
            world.ledger.report(TASK, Report.of(Result.success("")));
            world.ledger.stopped(Held.StepKey.of(world.work.offer()));
            world.ledger.drain();
            for (int left = 20_000; !world.ledger.isDrained() && left > 0; left--) {
                world.send();
                world.server.sync();
                world.answer();
                world.now += SECOND;
            }
            assertTrue(world.ledger.isDrained(), "seed " + seed + ": the task is never settled");
            assertTrue(world.server.applied, "seed " + seed);
            assertEquals(world.written, world.server.received, "seed " + seed);
        }
    }

    /** The next messages are acks, each refused or not. */
    private static void expectAcks(Ledger ledger, boolean... refused) {
        for (boolean each : refused) {
            DriverStreamRequest message = ledger.nextMessage(0);
            assertNotNull(message);
            assertTrue(message.hasAck(), message.toString());
            assertEquals(each, message.getAck().getRefused());
            assertEquals(each, !message.getAck().getReason().isEmpty());
        }
    }

    @Test
    void anOfferThatComesTwiceIsAckedAgainAndStartedOnce() {
        Ledger ledger = ledger(4);
        ledger.receive(offer("t", 1, "a"), 0);
        ledger.receive(offer("t", 1, "a"), 0);
        expectAcks(ledger, false, false);
        assertNotNull(ledger.nextStart());
        assertNull(ledger.nextStart());
    }

    @Test
    void anOfferBeyondTheSlotsIsRefused() {
        Ledger ledger = ledger(1);
        ledger.receive(offer("t", 1, "a"), 0);
        ledger.receive(offer("u", 2, "b"), 0);
        expectAcks(ledger, false, true);
    }

    @Test
    void anOfferToADrainingDriverIsRefused() {
        Ledger ledger = ledger(1);
        ledger.drain();
        ledger.receive(offer("t", 1, "a"), 0);
        expectAcks(ledger, true);
        assertTrue(ledger.nextMessage(0).hasDrain());
    }

    @Test
    void aNewOfferOfAStepWaitsForTheOldWorkToStop() {
        Ledger ledger = ledger(1);
        ledger.receive(offer("old", 1, "a"), 0);
        Ledger.Start old = ledger.nextStart();
        ledger.receive(offer("new", 2, "a"), 0);
        expectAcks(ledger, false, false);
        assertEquals(Cancellation.Reason.FENCED, old.signal().why().reason());
        assertNull(ledger.nextStart());
        ledger.report("old", Report.of(Result.success("in vain")));
        ledger.stopped(Held.StepKey.of(old.offer()));
        assertEquals("new", ledger.nextStart().offer().getTaskId());
        // An older token than the one in hand is nothing to work on.
        ledger.receive(offer("older", 1, "a"), 0);
        expectAcks(ledger, true);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, Long.MIN_VALUE})
    void tokensAreCountedWithoutASign(long newer) {
        Ledger ledger = ledger(1);
        ledger.receive(offer("t", newer - 1, "a"), 0);
        assertNotNull(ledger.nextStart());
        ledger.receive(offer("u", newer, "a"), 0);
        expectAcks(ledger, false, false);
    }

    @Test
    void aTaskThatIsCancelledWhileItWaitsNeverStarts() {
        Ledger ledger = ledger(1);
        ledger.receive(offer("old", 1, "a"), 0);
        Ledger.Start old = ledger.nextStart();
        ledger.receive(offer("new", 2, "a"), 0);
        Cancel cancel = Cancel.newBuilder()
                .setTaskId("new")
                .setToken(2)
                .setReason(CancelReason.CANCEL_REASON_CANCELLED)
                .build();
        ledger.receive(DriverStreamResponse.newBuilder().setCancel(cancel).build(), 0);
        ledger.stopped(Held.StepKey.of(old.offer()));
        assertNull(ledger.nextStart());
        expectAcks(ledger, false, false);
        DriverStreamRequest message = ledger.nextMessage(0);
        assertEquals("new", message.getResult().getTaskId());
        assertFalse(message.getResult().getSuccess());
    }

    @Test
    void theLeaseIsReckonedFromTheLastAnsweredHeartbeat() {
        Lease lease = new Lease();
        assertFalse(lease.isOver(0), "there is none before the first Welcome");
        lease.welcomed(Duration.ofSeconds(3), 100 * SECOND);
        assertFalse(lease.isOver(103 * SECOND - 1));
        assertTrue(lease.isOver(103 * SECOND));
        lease.beat(101 * SECOND);
        lease.beat(102 * SECOND);
        lease.answered();
        assertFalse(lease.isOver(104 * SECOND - 1));
        assertTrue(lease.isOver(104 * SECOND));
        lease.welcomed(Duration.ZERO, 200 * SECOND);
        assertFalse(lease.isOver(230 * SECOND - 1), "a server that does not say means 30 seconds");
        assertTrue(lease.isOver(230 * SECOND));
    }
}
