package ug.open.conveyor;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * New tries of calls that the server had no room for. A server that has fallen behind refuses with
 * {@code google.rpc.RetryInfo}, which says two things: nothing was done, and when to come back. So any call may be made
 * again, a create too.
 */
final class Retry {
    /** How often a call is made again, at most. */
    private static final int TRIES = 5;
    /** The longest wait, before its jitter. */
    private static final long LONGEST = Duration.ofSeconds(10).toNanos();

    private Retry() {}

    static <T> T retried(Supplier<T> call) {
        long wait = 0;
        for (int again = 0; ; again++) {
            try {
                return call.get();
            } catch (StatusRuntimeException refused) {
                Duration least = comesBackIn(refused);
                if (least == null || again == TRIES) {
                    throw refused;
                }
                wait = Math.max(Math.min(2 * wait, LONGEST), least.toNanos());
                if (!rest(wait + (long) (ThreadLocalRandom.current().nextDouble() * wait))) {
                    throw refused;
                }
            }
        }
    }

    /** When the server wants to be asked again. Null: it does not say so. */
    private static Duration comesBackIn(StatusRuntimeException refused) {
        Status said = StatusProto.fromThrowable(refused);
        for (Any detail : said.getDetailsList()) {
            if (detail.is(RetryInfo.class)) {
                try {
                    RetryInfo info = detail.unpack(RetryInfo.class);
                    return info.hasRetryDelay() ? Durations.of(info.getRetryDelay()) : null;
                } catch (InvalidProtocolBufferException e) {
                    // What cannot be read says nothing.
                    return null;
                }
            }
        }
        return null;
    }

    /** Waits for so long. False: the thread was interrupted, or the caller's context has ended. */
    private static boolean rest(long nanos) {
        Context caller = Context.current();
        CountDownLatch ended = new CountDownLatch(1);
        Context.CancellationListener listener = context -> ended.countDown();
        caller.addListener(listener, Runnable::run);
        try {
            return !ended.await(nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            caller.removeListener(listener);
        }
    }
}
