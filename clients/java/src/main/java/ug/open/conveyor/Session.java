package ug.open.conveyor;

import io.grpc.Status;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import ug.open.conveyor.v1.DriverStreamRequest;
import ug.open.conveyor.v1.DriverStreamResponse;
import ug.open.conveyor.v1.Hello;
import ug.open.conveyor.v1.Reconcile;
import ug.open.conveyor.v1.Welcome;

/**
 * One driver instance: keeps a stream open, and the work going while there is none.
 *
 * <p>One thread opens streams, sends, beats and watches for silence. It sleeps on the bell, which rings when something
 * changed. Each task works in a thread of its own.
 */
final class Session {
    /** How long a connection may take to stand, and then the Welcome to come. */
    private static final long OPEN_TIMEOUT = Duration.ofSeconds(10).toNanos();
    /** How long the server may take to end a stream that this side has closed. */
    private static final long CLOSE_TIMEOUT = Duration.ofSeconds(5).toNanos();
    /** What a server that names no heartbeat period means. */
    private static final Duration DEFAULT_PERIOD = Duration.ofSeconds(10);
    /** How long work has to stop when the driver is told to end at once. */
    private static final Duration ABORT_GRACE = Duration.ofSeconds(2);
    /** How long work of a replaced instance, or at the end of a lease, has to stop. */
    private static final Duration STOP_GRACE = Duration.ofSeconds(10);
    /** How often the end of the lease is looked for. */
    private static final long LEASE_TICK = Duration.ofMillis(250).toNanos();

    private final Driver driver;
    private final String server;
    private final Consumer<String> log;
    private final Bell bell = new Bell();
    private final ScheduledExecutorService timer;
    private final Ledger ledger;
    private volatile boolean stopping;
    private volatile boolean aborting;
    private boolean aborted;

    Session(Driver driver, String server, Consumer<String> log) {
        this.driver = driver;
        this.server = server;
        this.log = text -> log.accept("driver " + driver.name + ": " + text);
        this.ledger = new Ledger(driver.slots, lineBytes -> driver.newLines(lineBytes, bell), bell);
        this.timer = Executors.newSingleThreadScheduledExecutor(run -> daemon(run, "conveyor-grace"));
    }

    private static Thread daemon(Runnable run, String name) {
        Thread thread = new Thread(run, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Takes no new task, and ends when the server has the results of those in hand. */
    void stop() {
        stopping = true;
        bell.ring();
    }

    /** Cancels the tasks that are left, gives them back, and ends. */
    void abort() {
        aborting = true;
        bell.ring();
    }

    /** Serves until drained, aborted, or refused by the server. */
    void run() throws RefusedException, InterruptedException {
        try {
            Json.load();
            serve();
        } finally {
            settle();
            timer.shutdownNow();
        }
    }

    /** Opens one stream after the other. */
    private void serve() throws RefusedException, InterruptedException {
        String instance = UUID.randomUUID().toString();
        Backoff backoff = new Backoff();
        for (long number = 1; ; number++) {
            Status end = stream(instance, number, backoff);
            if (end.isOk() && isDrained()) {
                return;
            }
            if (RefusedException.isRefusal(end.getCode())) {
                throw new RefusedException(driver.name, server, end);
            }
            if (end.getCode() == Status.Code.ABORTED) {
                with(() -> ledger.fenceAll(STOP_GRACE));
                instance = UUID.randomUUID().toString();
            }
            long wait = backoff.nextNanos();
            log.accept("the stream ended: " + end.getDescription() + " (" + end.getCode() + "); trying again in "
                    + wait / 1_000_000 + " ms");
            long until = System.nanoTime() + wait;
            for (long left = wait; left > 0; left = until - System.nanoTime()) {
                tend();
                if (isDrained()) {
                    return;
                }
                bell.await(Math.min(left, LEASE_TICK));
            }
        }
    }

    /** Serves one stream, from its Hello to its end. OK: the driver is drained. */
    private Status stream(String instance, long number, Backoff backoff) throws InterruptedException {
        // When the Hello went out: not before the connection stands, which may take a good part of a lease.
        AtomicReference<Long> helloAt = new AtomicReference<>();
        AtomicReference<Welcome> welcome = new AtomicReference<>();
        DriverStream.Receiver receiver = message -> receive(message, welcome, helloAt);
        try (DriverStream stream = new DriverStream(server, receiver, bell, log)) {
            long openedAt = System.nanoTime();
            while (welcome.get() == null) {
                tend();
                if (isDrained()) {
                    return Status.OK;
                }
                if (stream.ended() != null) {
                    return ended(stream);
                }
                if (helloAt.get() == null && stream.isReady()) {
                    helloAt.set(System.nanoTime());
                    stream.send(DriverStreamRequest.newBuilder()
                            .setHello(hello(instance, number))
                            .build());
                }
                long since = helloAt.get() == null ? openedAt : helloAt.get();
                long left = since + OPEN_TIMEOUT - System.nanoTime();
                if (left <= 0) {
                    return Status.UNAVAILABLE.withDescription("the server does not answer");
                }
                bell.await(Math.min(left, LEASE_TICK));
            }
            log.accept("connected to " + server);
            Duration said = Durations.of(welcome.get().getHeartbeatPeriod());
            long period = (said.isZero() || said.isNegative() ? DEFAULT_PERIOD : said).toNanos();
            Status end = converse(stream, period);
            // A stream that ends at once counts as one more failure.
            if (System.nanoTime() - openedAt >= period) {
                backoff.reset();
            }
            return end;
        }
    }

    private static Status ended(DriverStream stream) {
        Status end = stream.ended();
        return end.isOk() ? Status.UNAVAILABLE.withDescription("the server ended the stream") : end;
    }

    /** Speaks until the stream ends. OK: nothing is left to tell the server. */
    private Status converse(DriverStream stream, long period) throws InterruptedException {
        long beatAt = System.nanoTime() + period;
        long closedAt = 0;
        boolean closed = false;
        while (true) {
            tend();
            long now = System.nanoTime();
            if (closed) {
                if (stream.ended() != null || now - closedAt >= CLOSE_TIMEOUT) {
                    return Status.OK;
                }
                bell.await(CLOSE_TIMEOUT - (now - closedAt));
                continue;
            }
            if (stream.ended() != null) {
                return ended(stream);
            }
            long silent = now - stream.heardAt();
            if (silent >= 2 * period) {
                return Status.UNAVAILABLE.withDescription("the server is silent");
            }
            if (now >= beatAt) {
                with(ledger::beat);
                beatAt = now + period;
            }
            boolean sent = false;
            if (stream.isReady()) {
                DriverStreamRequest message = with(() -> ledger.nextMessage(now));
                if (message != null) {
                    stream.send(message);
                    sent = true;
                } else if (isDrained()) {
                    stream.halfClose();
                    closed = true;
                    closedAt = now;
                    continue;
                }
            }
            if (with(ledger::canReceive)) {
                stream.goOn();
            }
            if (!sent) {
                bell.await(Math.min(LEASE_TICK, Math.min(beatAt - now, 2 * period - silent)));
            }
        }
    }

    /** Takes a message, in a thread of gRPC. Says whether there is room for another. */
    private boolean receive(
            DriverStreamResponse message, AtomicReference<Welcome> welcome, AtomicReference<Long> helloAt) {
        if (message.hasMessage()) {
            try {
                driver.onMessage.accept(message.getMessage());
            } catch (Throwable e) {
                // The user's function must not take the stream down with it.
                log.accept("onMessage threw: " + e);
            }
            return true;
        }
        return with(() -> {
            if (welcome.get() != null) {
                ledger.receive(message, System.nanoTime());
            } else if (message.hasWelcome() && helloAt.get() != null) {
                // What comes before it is skipped.
                ledger.welcome(message.getWelcome(), helloAt.get());
                welcome.set(message.getWelcome());
            }
            return ledger.canReceive();
        });
    }

    private Hello hello(String instance, long number) {
        return Hello.newBuilder()
                .setDriver(driver.name)
                .setInstanceId(instance)
                .setStreamNumber(number)
                .addAllDefinitions(driver.definitions)
                .addAllEvents(driver.events)
                .putAllLabels(driver.labels)
                .setSlots(driver.slots)
                .setMaxMessageBytes(Connection.MESSAGE_BYTES)
                .setSdkName("conveyor-java")
                .setSdkVersion(Manager.VERSION)
                .addAllTasks(with(ledger::inHello))
                .build();
    }

    /** Drains and aborts when told to, and stops work at the lease's end where wanted. */
    private void tend() {
        if (stopping || aborting) {
            with(ledger::drain);
        }
        if (aborting && !aborted) {
            aborted = true;
            with(() -> ledger.fenceAll(ABORT_GRACE));
        }
        if (driver.stopAtLeaseEnd) {
            with(() -> {
                if (ledger.isLeaseOver(System.nanoTime())) {
                    ledger.fenceAll(STOP_GRACE);
                }
            });
        }
    }

    private boolean isDrained() {
        return with(ledger::isDrained);
    }

    private void with(Runnable act) {
        with(() -> {
            act.run();
            return null;
        });
    }

    /** Holds the ledger's lock, and starts what can start then. */
    private <T> T with(Supplier<T> act) {
        synchronized (ledger) {
            T answer = act.get();
            startWhatCan();
            return answer;
        }
    }

    private void startWhatCan() {
        for (Ledger.Start start = ledger.nextStart(); start != null; start = ledger.nextStart()) {
            Ledger.Start next = start;
            daemon(() -> carryOut(next), "conveyor-task-" + next.offer().getTaskId())
                    .start();
        }
    }

    /**
     * Carries out a task, in its thread. Java cannot end a thread: work that outstays its grace is reported as failed,
     * and keeps its slot until it returns.
     */
    private void carryOut(Ledger.Start start) {
        String taskId = start.offer().getTaskId();
        start.signal().listen(() -> {
            Cancellation why = start.signal().why();
            Report late = Report.failure(why.reason() + "; the work did not stop within "
                    + why.grace().toMillis() / 1000.0 + " s");
            if (!timer.isShutdown()) {
                timer.schedule(
                        () -> with(() -> ledger.report(taskId, late)),
                        why.grace().toMillis(),
                        TimeUnit.MILLISECONDS);
            }
        });
        Report report = Report.failure("the driver's work ended in an unknown way");
        try {
            report = Work.carryOut(driver, start);
        } finally {
            ended(start.offer(), report);
        }
    }

    /** The work has ended. Without lambdas, whose first use takes milliseconds: the slot is to be free at once. */
    private void ended(Reconcile offer, Report report) {
        synchronized (ledger) {
            ledger.report(offer.getTaskId(), report);
            ledger.stopped(Held.StepKey.of(offer));
            startWhatCan();
        }
    }

    /** Lets work that nobody waits for any more stop within its grace. */
    private void settle() throws InterruptedException {
        with(() -> {
            ledger.drain();
            ledger.fenceAll(STOP_GRACE);
        });
        long started = System.nanoTime();
        long patience = STOP_GRACE.plus(ABORT_GRACE).toNanos();
        while (with(ledger::isAtWork)) {
            if (aborting && !aborted) {
                aborted = true;
                started = System.nanoTime();
            }
            long left = started + (aborted ? 2 * ABORT_GRACE.toNanos() : patience) - System.nanoTime();
            if (left <= 0) {
                log.accept("leaves work that does not stop");
                return;
            }
            bell.await(left);
        }
    }
}
