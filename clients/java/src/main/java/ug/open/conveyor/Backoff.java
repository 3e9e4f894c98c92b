package ug.open.conveyor;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** How long to wait before the next try: twice as long each time, half of it by chance. */
final class Backoff {
    private static final long SHORTEST = Duration.ofMillis(100).toNanos();
    private static final long LONGEST = Duration.ofSeconds(10).toNanos();

    private long wait = SHORTEST;

    void reset() {
        wait = SHORTEST;
    }

    long nextNanos() {
        long now = wait;
        wait = Math.min(2 * wait, LONGEST);
        ThreadLocalRandom random = ThreadLocalRandom.current();
        return now == SHORTEST ? now + random.nextLong(now) : now / 2 + random.nextLong(now / 2);
    }
}
