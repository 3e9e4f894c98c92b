package ug.open.conveyor;

import java.time.Duration;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Assertions;

/** Waits for what is to become true, with a deadline. */
final class Patience {
    /** Bounds every wait of the tests. */
    static final Duration SOON = Duration.ofSeconds(60);

    private Patience() {}

    static void until(String what, Callable<Boolean> holds) throws Exception {
        long end = System.nanoTime() + SOON.toNanos();
        while (!holds.call()) {
            if (System.nanoTime() >= end) {
                Assertions.fail(what + ": not within " + SOON);
            }
            Thread.sleep(1);
        }
    }
}
