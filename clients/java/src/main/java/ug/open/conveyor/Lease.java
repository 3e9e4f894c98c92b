package ug.open.conveyor;

import java.time.Duration;
import java.util.ArrayDeque;

/**
 * How long the server surely keeps this instance's tasks for it.
 *
 * <p>The server renews the lease when it reads a heartbeat, which is after the heartbeat was sent. So the
 * lease that is reckoned from the sending of the last answered one never ends too late.
 */
final class Lease {
    /** What a server that does not say means. */
    private static final Duration NORMAL = Duration.ofSeconds(30);
    /** More unanswered heartbeats than a stream lives to see. */
    private static final int MAX_UNANSWERED = 8;

    private boolean known;
    private long nanos;
    private long renewedAt;
    private final ArrayDeque<Long> unanswered = new ArrayDeque<>();

    /** A Welcome answered the Hello that was sent at helloAt. */
    void welcomed(Duration said, long helloAt) {
        known = true;
        nanos = (said.isZero() || said.isNegative() ? NORMAL : said).toNanos();
        renewedAt = helloAt;
        unanswered.clear();
    }

    void beat(long now) {
        if (unanswered.size() < MAX_UNANSWERED) {
            unanswered.add(now);
        }
    }

    /** The oldest unanswered heartbeat was answered. */
    void answered() {
        if (!unanswered.isEmpty()) {
            renewedAt = unanswered.remove();
        }
    }

    /** Whether the server may have given the tasks to others. */
    boolean isOver(long now) {
        return known && now - renewedAt >= nanos;
    }
}
