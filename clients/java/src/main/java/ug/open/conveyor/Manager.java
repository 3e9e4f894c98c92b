package ug.open.conveyor;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** Runs one or more drivers against one server until it is told to stop. */
public final class Manager {
    /** The version of this runtime. */
    public static final String VERSION = "0.1.0";

    private static final System.Logger LOGGER = System.getLogger("conveyor");

    private final String server;
    private final List<Driver> drivers;
    private final List<Session> sessions = new ArrayList<>();
    private Consumer<String> logger = text -> LOGGER.log(System.Logger.Level.INFO, text);
    private long drainMillis;
    private boolean stopping;
    private boolean aborting;

    /** A manager of drivers for the server that the variable CONVEYOR_SERVER names, or else http://127.0.0.1:8080. */
    public Manager(Driver... drivers) {
        this("", drivers);
    }

    /** A manager of drivers for the server at an address such as http://127.0.0.1:8080. */
    public Manager(String server, Driver... drivers) {
        if (drivers.length == 0) {
            throw new IllegalArgumentException("there is no driver to run");
        }
        this.server = Connection.named(server);
        Connection.address(this.server);
        this.drivers = List.of(drivers);
    }

    /** Where the runtime says what it has to say, such as a broken stream. Not said: the System.Logger "conveyor". */
    public Manager logger(Consumer<String> logger) {
        this.logger = logger;
        return this;
    }

    /** How long a drain may take before the tasks that are left are given back. Not said: no bound. */
    public Manager drainTimeout(Duration timeout) {
        this.drainMillis = timeout.toMillis();
        return this;
    }

    /**
     * Works until {@link #stop} is called and the drain is complete. A server that is away is waited for. An interrupt
     * aborts.
     *
     * @throws RefusedException when the server will not have one of the drivers; the others are drained
     */
    public void run() throws RefusedException, InterruptedException {
        AtomicReference<RefusedException> refused = new AtomicReference<>();
        CountDownLatch left = new CountDownLatch(drivers.size());
        synchronized (this) {
            if (!sessions.isEmpty()) {
                throw new IllegalStateException("a manager runs once");
            }
            for (Driver driver : drivers) {
                Session session = new Session(driver, server, logger);
                sessions.add(session);
                Thread thread = new Thread(() -> serve(session, refused, left), "conveyor-" + driver.name);
                thread.setDaemon(true);
                thread.start();
            }
            if (stopping) {
                sessions.forEach(Session::stop);
            }
            if (aborting) {
                sessions.forEach(Session::abort);
            }
        }
        try {
            left.await();
        } catch (InterruptedException e) {
            abort();
            throw e;
        }
        if (refused.get() != null) {
            throw refused.get();
        }
    }

    private void serve(Session session, AtomicReference<RefusedException> refused, CountDownLatch left) {
        try {
            session.run();
        } catch (RefusedException e) {
            // One driver that cannot go on ends them all.
            refused.compareAndSet(null, e);
            stop();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            left.countDown();
        }
    }

    /** Works until the process gets SIGTERM or an interrupt, then drains. A second one aborts. */
    public void runUntilSignal() throws RefusedException, InterruptedException {
        AtomicBoolean again = new AtomicBoolean();
        Signals signals = Signals.hear(() -> {
            if (again.getAndSet(true)) {
                abort();
            }
            stop();
        });
        try {
            run();
        } finally {
            signals.forget();
        }
    }

    /** Drains: takes no new task, ends those it has, and then run returns. Any thread may call it. */
    public synchronized void stop() {
        sessions.forEach(Session::stop);
        if (!stopping && drainMillis > 0) {
            Thread thread = new Thread(this::abortAfterDrain, "conveyor-drain");
            thread.setDaemon(true);
            thread.start();
        }
        stopping = true;
    }

    private void abortAfterDrain() {
        try {
            TimeUnit.MILLISECONDS.sleep(drainMillis);
            abort();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Cancels the tasks that are left and gives them back, and run returns. It is for good. */
    public synchronized void abort() {
        aborting = true;
        sessions.forEach(Session::abort);
    }
}
