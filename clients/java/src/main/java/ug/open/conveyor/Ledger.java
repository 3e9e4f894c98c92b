package ug.open.conveyor;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import ug.open.conveyor.v1.Ack;
import ug.open.conveyor.v1.Cancel;
import ug.open.conveyor.v1.CancelReason;
import ug.open.conveyor.v1.Drain;
import ug.open.conveyor.v1.DriverStreamRequest;
import ug.open.conveyor.v1.DriverStreamResponse;
import ug.open.conveyor.v1.Heartbeat;
import ug.open.conveyor.v1.HeldTask;
import ug.open.conveyor.v1.Log;
import ug.open.conveyor.v1.LogAck;
import ug.open.conveyor.v1.Reconcile;
import ug.open.conveyor.v1.ResultAck;
import ug.open.conveyor.v1.TaskFate;
import ug.open.conveyor.v1.TaskToken;
import ug.open.conveyor.v1.Welcome;

/**
 * The rules of the protocol for the tasks of one driver instance, without I/O.
 *
 * <p>The session hands in what arrives and asks what to send next; the work of each task reports its end here. The
 * invariant: of each step at most one piece of work runs, whatever is offered. Its owner holds a lock around each call.
 */
final class Ledger {
    /** How long a task has to stop when the server does not say. */
    private static final Duration DEFAULT_GRACE = Duration.ofSeconds(10);
    /** How many ended tasks are remembered, so that an old offer that comes again does not start anew. */
    private static final int REMEMBERED = 1024;
    /** How many acks may wait to be sent before nothing more is read. */
    private static final int MAX_ACKS = 1024;

    private final int slots;
    private final IntFunction<Lines> newLines;
    private final Bell changed;
    private Limits limits = Limits.of(ug.open.conveyor.v1.Limits.getDefaultInstance());

    /** The tasks in hand, in the order in which they came. */
    private final Map<String, Held> tasks = new LinkedHashMap<>();
    /** The task whose work runs, of each step. It may be fenced, and so no longer held. */
    private final Map<Held.StepKey, String> working = new HashMap<>();

    private final Set<String> ended = Collections.newSetFromMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > REMEMBERED;
        }
    });

    private final ArrayDeque<Ack> acks = new ArrayDeque<>();
    private final Lease lease = new Lease();
    private boolean heartbeatDue;
    private boolean draining;
    private boolean drainDue;
    /** Where in the order the next log batch is looked for, so that each task has its turn. */
    private int turn;

    /** A task whose work is to start. */
    record Start(Reconcile offer, Lines lines, StopSignal signal) {}

    Ledger(int slots, IntFunction<Lines> newLines, Bell changed) {
        this.slots = slots;
        this.newLines = newLines;
        this.changed = changed;
    }

    /** How Hello names the tasks in hand. */
    List<HeldTask> inHello() {
        return tasks.values().stream().map(Held::inHello).toList();
    }

    /** A new stream is open: takes the server's limits and its verdict on each task. */
    void welcome(Welcome welcome, long helloAt) {
        limits = Limits.of(welcome.getLimits());
        lease.welcomed(Durations.of(welcome.getLeaseTime()), helloAt);
        acks.clear();
        heartbeatDue = false;
        drainDue = draining;
        tasks.values().forEach(Held::startStream);
        welcome.getTasksList().forEach(this::decide);
    }

    /** Takes one message of the stream. */
    void receive(DriverStreamResponse message, long now) {
        switch (message.getKindCase()) {
            case RECONCILE -> offered(message.getReconcile());
            case CANCEL -> cancelled(message.getCancel());
            case LOG_ACK -> logAcked(message.getLogAck(), now);
            case RESULT_ACK -> resultAcked(message.getResultAck());
            case HEARTBEAT_ACK -> lease.answered();
            default -> {
                // A second Welcome says nothing; the others concern the session, not the tasks.
            }
        }
    }

    /** Whether there is room for what a received message may leave behind. */
    boolean canReceive() {
        return acks.size() < MAX_ACKS;
    }

    /** The next message to send, the most urgent first. Null: there is none. */
    DriverStreamRequest nextMessage(long now) {
        DriverStreamRequest.Builder next = DriverStreamRequest.newBuilder();
        if (heartbeatDue) {
            heartbeatDue = false;
            lease.beat(now);
            return next.setHeartbeat(heartbeat()).build();
        }
        if (!acks.isEmpty()) {
            return next.setAck(acks.remove()).build();
        }
        if (drainDue) {
            drainDue = false;
            return next.setDrain(Drain.getDefaultInstance()).build();
        }
        List<Held> order = List.copyOf(tasks.values());
        for (Held held : order) {
            ug.open.conveyor.v1.Result result = held.nextResult(now);
            if (result != null) {
                return next.setResult(result).build();
            }
        }
        for (int i = 0; i < order.size(); i++) {
            turn = (turn + 1) % order.size();
            Log log = order.get(turn).nextLog(limits, now);
            if (log != null) {
                return next.setLog(log).build();
            }
        }
        return null;
    }

    /** A heartbeat is due. */
    void beat() {
        heartbeatDue = true;
    }

    boolean isLeaseOver(long now) {
        return lease.isOver(now);
    }

    /** The next task whose work can start: the old work on its step, if any, has stopped. Null: none. */
    Start nextStart() {
        for (Held held : tasks.values()) {
            if (held.offer != null && !working.containsKey(held.step)) {
                working.put(held.step, held.taskId);
                Start start = new Start(held.offer, held.lines, held.signal);
                held.offer = null;
                return start;
            }
        }
        return null;
    }

    /** How a task ended. Its work may still be stopping. */
    void report(String taskId, Report report) {
        Held held = tasks.get(taskId);
        if (held != null && held.result == null) {
            held.finish(report.within(limits));
            changed.ring();
        }
    }

    /** The work on a step has ended. */
    void stopped(Held.StepKey step) {
        working.remove(step);
        changed.ring();
    }

    boolean isAtWork() {
        return !working.isEmpty();
    }

    /** Takes no more offers. */
    void drain() {
        if (!draining) {
            draining = true;
            drainDue = true;
            changed.ring();
        }
    }

    /** Stops all work and drops what it said: the step is another's, or nobody's. */
    void fenceAll(Duration grace) {
        List.copyOf(tasks.values()).forEach(held -> fence(held, grace));
    }

    /** Whether it drains and the server has every result. */
    boolean isDrained() {
        return draining && tasks.isEmpty();
    }

    private void decide(TaskFate fate) {
        Held held = find(fate.getTaskId(), fate.getToken());
        if (held == null) {
            return;
        }
        switch (fate.getVerdict()) {
            case TASK_VERDICT_GO_ON -> held.sendFrom(fate.getNextLine());
            case TASK_VERDICT_DONE -> forget(held);
            case TASK_VERDICT_CANCEL -> {
                held.sendFrom(fate.getNextLine());
                stop(held, fate.getReason(), fate.hasGrace() ? Durations.of(fate.getGrace()) : DEFAULT_GRACE);
            }
            case TASK_VERDICT_STOP -> fence(held, DEFAULT_GRACE);
            default -> {
                // A verdict that this version does not know: the next heartbeat or ack settles it.
            }
        }
    }

    private void offered(Reconcile offer) {
        boolean known = find(offer.getTaskId(), offer.getToken()) != null || ended.contains(offer.getTaskId());
        String refusal = known ? "" : refusal(offer);
        acks.add(Ack.newBuilder()
                .setTaskId(offer.getTaskId())
                .setToken(offer.getToken())
                .setRefused(!refusal.isEmpty())
                .setReason(refusal)
                .build());
        if (!known && refusal.isEmpty()) {
            accept(offer);
        }
        changed.ring();
    }

    /** Why an offer is refused; empty: it is not. */
    private String refusal(Reconcile offer) {
        if (draining) {
            return "the driver is draining";
        }
        Held.StepKey step = Held.StepKey.of(offer);
        // Work counts while it runs, be it fenced; and so does what waits to start.
        int busy = working.size();
        for (Held held : tasks.values()) {
            if (held.step.equals(step) && Long.compareUnsigned(held.token, offer.getToken()) > 0) {
                return "the driver has a newer offer of this step";
            }
            if (held.offer != null && !working.containsKey(held.step)) {
                busy++;
            }
        }
        boolean full = !working.containsKey(step) && busy >= slots;
        return full || tasks.size() >= 2 * slots ? "the driver has no free slot" : "";
    }

    private void accept(Reconcile offer) {
        Held next = new Held(offer, newLines.apply(limits.lineBytes()));
        // The new token makes every older one of the step a dead one.
        for (Held held : List.copyOf(tasks.values())) {
            if (held.step.equals(next.step)) {
                fence(held, DEFAULT_GRACE);
            }
        }
        tasks.put(next.taskId, next);
    }

    private void cancelled(Cancel cancel) {
        Held held = find(cancel.getTaskId(), cancel.getToken());
        if (held != null) {
            stop(held, cancel.getReason(), cancel.hasGrace() ? Durations.of(cancel.getGrace()) : DEFAULT_GRACE);
        }
    }

    private void logAcked(LogAck ack, long now) {
        Held held = find(ack.getTaskId(), ack.getToken());
        if (held == null) {
            return;
        }
        switch (ack.getStatus()) {
            case LOG_ACK_STATUS_STORED -> held.stored(ack.getNext(), now);
            case LOG_ACK_STATUS_FENCED -> fence(held, DEFAULT_GRACE);
            default -> {
                // A status that this version does not know.
            }
        }
        changed.ring();
    }

    private void resultAcked(ResultAck ack) {
        Held held = find(ack.getTaskId(), ack.getToken());
        if (held == null) {
            return;
        }
        switch (ack.getOutcome()) {
            case RESULT_OUTCOME_APPLIED -> forget(held);
            case RESULT_OUTCOME_LINES_MISSING -> held.sendFrom(ack.getNext());
            case RESULT_OUTCOME_FENCED -> fence(held, DEFAULT_GRACE);
            default -> {
                // An outcome that this version does not know.
            }
        }
        changed.ring();
    }

    /** Tells a task to stop. One that has not started never will. */
    private void stop(Held held, CancelReason why, Duration grace) {
        Cancellation.Reason reason = switch (why) {
            case CANCEL_REASON_DEADLINE -> Cancellation.Reason.DEADLINE;
            case CANCEL_REASON_FENCED -> Cancellation.Reason.FENCED;
            // One that this version does not know is an order to stop.
            default -> Cancellation.Reason.CANCELLED;
        };
        if (reason == Cancellation.Reason.FENCED) {
            fence(held, grace);
            return;
        }
        held.signal.fire(reason, grace);
        if (held.offer != null) {
            held.finish(Report.failure("cancelled before the work began"));
            changed.ring();
        }
    }

    /** The token is dead: stops the work and drops its lines and its result. */
    private void fence(Held held, Duration grace) {
        held.signal.fire(Cancellation.Reason.FENCED, grace);
        forget(held);
    }

    /** Holds the task no longer. Its work may still be stopping. */
    private void forget(Held held) {
        tasks.remove(held.taskId);
        held.lines.discard();
        ended.add(held.taskId);
        changed.ring();
    }

    private Heartbeat heartbeat() {
        List<TaskToken> held = new ArrayList<>();
        tasks.values()
                .forEach(task -> held.add(TaskToken.newBuilder()
                        .setTaskId(task.taskId)
                        .setToken(task.token)
                        .build()));
        return Heartbeat.newBuilder().addAllTasks(held).build();
    }

    private Held find(String taskId, long token) {
        Held held = tasks.get(taskId);
        return held != null && held.token == token ? held : null;
    }
}
