package ug.open.conveyor;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import ug.open.conveyor.v1.HeldTask;
import ug.open.conveyor.v1.Log;
import ug.open.conveyor.v1.LogLine;
import ug.open.conveyor.v1.Reconcile;

/**
 * One accepted task: what of its log and its result the server has, and what is to be sent next.
 *
 * <p>Lines travel in batches, of which a few may be unanswered; the window makes a chatty task coalesce its
 * lines while it waits. The result follows the last line.
 */
final class Held {
    /** Names a step across its offers. */
    record StepKey(String runId, String stepId) {
        static StepKey of(Reconcile offer) {
            return new StepKey(offer.getRunId(), offer.getStep().getId());
        }
    }

    /** How many batches of a task may be unanswered. */
    private static final int WINDOW = 4;
    /** After this long without an answer, lines or a result are sent again on the same stream. */
    private static final long RESEND_AFTER = Duration.ofSeconds(30).toNanos();

    final String taskId;
    final long token;
    final StepKey step;
    final Lines lines;
    final StopSignal signal = new StopSignal();
    /** What to start with, until the work has started. */
    Reconcile offer;

    ug.open.conveyor.v1.Result result;

    // What was sent on the present stream: the next line, where each unanswered batch ends, when lines were last
    // sent or acked, the last number for which lines were sent again, and when the result was sent.
    private long nextLine;
    private final ArrayDeque<Long> batches = new ArrayDeque<>();
    private long movedAt;
    private Long repeated;
    private Long resultAt;

    Held(Reconcile offer, Lines lines) {
        this.taskId = offer.getTaskId();
        this.token = offer.getToken();
        this.step = StepKey.of(offer);
        this.offer = offer;
        this.lines = lines;
    }

    /** How Hello names it. */
    HeldTask inHello() {
        return HeldTask.newBuilder()
                .setTaskId(taskId)
                .setToken(token)
                .setNextLine(lines.next())
                .setResultWaits(result != null)
                .build();
    }

    /** A new stream begins: on it nothing was sent yet. */
    void startStream() {
        nextLine = lines.oldest();
        batches.clear();
        repeated = null;
        resultAt = null;
    }

    /** The work has ended: no more lines, and a result to send. */
    void finish(Report report) {
        offer = null;
        result = ug.open.conveyor.v1.Result.newBuilder()
                .setTaskId(taskId)
                .setToken(token)
                .setSuccess(report.success())
                .setMessage(report.message())
                .setDataJson(report.data())
                .setLines(lines.seal())
                .build();
    }

    /**
     * Takes a LogAck: all lines before next are on disk. One that says nothing new while lines are under way means
     * that the server dropped a batch, so they are sent again from there, once: a server repeats the number for each
     * batch in flight.
     */
    void stored(long next, long now) {
        boolean news = next > lines.oldest();
        lines.free(next);
        while (!batches.isEmpty() && batches.peek() <= next) {
            batches.remove();
        }
        if (news) {
            nextLine = Math.max(nextLine, next);
            movedAt = now;
            repeated = null;
        } else if (!batches.isEmpty() && (repeated == null || repeated != next)) {
            sendFrom(next);
            repeated = next;
        }
    }

    /** The server wants the lines from next on, and then the result. */
    void sendFrom(long next) {
        lines.free(next);
        startStream();
    }

    /** The next batch of lines, when there are any and the window is open; else null. */
    Log nextLog(Limits limits, long now) {
        if (!batches.isEmpty() && now - movedAt >= RESEND_AFTER) {
            startStream();
        }
        if (batches.size() >= WINDOW) {
            return null;
        }
        List<LogLine> batch = lines.batch(nextLine, limits);
        if (batch.isEmpty()) {
            return null;
        }
        Log log = Log.newBuilder()
                .setTaskId(taskId)
                .setToken(token)
                .setFirstLine(nextLine)
                .addAllLines(batch)
                .build();
        nextLine += batch.size();
        batches.add(nextLine);
        movedAt = now;
        return log;
    }

    /** The result, when all lines were sent and it was not, or was long ago; else null. */
    ug.open.conveyor.v1.Result nextResult(long now) {
        boolean sent = resultAt != null && now - resultAt < RESEND_AFTER;
        if (result == null || nextLine < result.getLines() || sent) {
            return null;
        }
        resultAt = now;
        return result;
    }
}
