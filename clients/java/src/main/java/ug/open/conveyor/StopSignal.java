package ug.open.conveyor;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Tells one task that it is to stop: by an interrupt of its thread, and by words for who asks. */
final class StopSignal {
    private Cancellation why;
    private Thread thread;
    private final List<Runnable> listeners = new ArrayList<>();

    /** The thread that works. It is interrupted at once when the signal has fired already. */
    synchronized void attach(Thread worker) {
        thread = worker;
        if (why != null) {
            worker.interrupt();
        }
    }

    /** The work has ended: its thread is interrupted no more. */
    synchronized void detach() {
        thread = null;
    }

    synchronized Cancellation why() {
        return why;
    }

    synchronized Cancellation await() throws InterruptedException {
        while (why == null) {
            wait();
        }
        return why;
    }

    /** Calls the listener once, when the signal fires, or now if it has. */
    void listen(Runnable listener) {
        synchronized (this) {
            if (why == null) {
                listeners.add(listener);
                return;
            }
        }
        listener.run();
    }

    /**
     * Cancels the task. A later cancel changes the reason only when it is FENCED, which outranks the others,
     * and never gives more time.
     */
    void fire(Cancellation.Reason reason, Duration grace) {
        List<Runnable> told;
        synchronized (this) {
            Cancellation next = new Cancellation(reason, grace, Instant.now().plus(grace));
            if (why != null) {
                if (reason == Cancellation.Reason.FENCED) {
                    boolean sooner = why.stopBy().isBefore(next.stopBy());
                    why = sooner ? new Cancellation(reason, why.grace(), why.stopBy()) : next;
                }
                return;
            }
            why = next;
            notifyAll();
            if (thread != null) {
                thread.interrupt();
            }
            told = List.copyOf(listeners);
        }
        told.forEach(Runnable::run);
    }
}
