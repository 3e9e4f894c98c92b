package ug.open.conveyor;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import ug.open.conveyor.v1.Pipeline;
import ug.open.conveyor.v1.Reconcile;
import ug.open.conveyor.v1.Step;
import ug.open.conveyor.v1.StepResult;

/** One step to carry out, with everything that is known about it. */
public final class Task {
    private final String driver;
    private final Reconcile offer;
    private final Resource resource;
    private final Logger log;
    private final StopSignal signal;
    private final Instant deadline;

    Task(String driver, Reconcile offer, Logger log, StopSignal signal) {
        this.driver = driver;
        this.offer = offer;
        this.resource = Resource.of(offer.getResource());
        this.log = log;
        this.signal = signal;
        this.deadline = offer.hasTimeLeft() ? Instant.now().plus(Durations.of(offer.getTimeLeft())) : null;
    }

    /** This offer of the step, a UUID. */
    public String id() {
        return offer.getTaskId();
    }

    /** The run, a UUID. */
    public String runId() {
        return offer.getRunId();
    }

    /** Counts the attempts at the step, from 1. */
    public int attempt() {
        return offer.getAttempt();
    }

    /** The name of the driver that was asked. */
    public String driver() {
        return driver;
    }

    /** What happened: create, update, process or delete. */
    public String event() {
        return offer.getEvent();
    }

    /** What caused the run: create, update or delete. */
    public String cause() {
        return offer.getCause();
    }

    /** The resource as it was when the run was written. */
    public Resource resource() {
        return resource;
    }

    /** The pipeline as it was. Empty without one. */
    public Optional<Pipeline> pipeline() {
        return offer.hasPipeline() ? Optional.of(offer.getPipeline()) : Optional.empty();
    }

    /** The step. Its parameters are the text of {@code getParamsJson()}. */
    public Step step() {
        return offer.getStep();
    }

    /** The results of earlier steps, in their order. */
    public List<StepResult> results() {
        return offer.getResultsList();
    }

    /** When the time of the attempt is over; the server then cancels it. Empty: it has as much as it needs. */
    public Optional<Instant> deadline() {
        return Optional.ofNullable(deadline);
    }

    /** Its place in a trace, as W3C's traceparent header has it. Empty text: the run belongs to no trace. */
    public String traceparent() {
        return offer.getTraceparent();
    }

    /** What other systems pass on with it, as the tracestate header has it. May be empty. */
    public String tracestate() {
        return offer.getTracestate();
    }

    /** Where it logs. */
    public Logger log() {
        return log;
    }

    /** Why it is to stop. Empty: it is not. */
    public Optional<Cancellation> cancellation() {
        return Optional.ofNullable(signal.why());
    }

    /** Waits until the task is to stop, also after an interrupt that said so. */
    public Cancellation awaitCancellation() throws InterruptedException {
        Cancellation why = signal.why();
        return why != null ? why : waitForIt();
    }

    private Cancellation waitForIt() throws InterruptedException {
        try {
            return signal.await();
        } catch (InterruptedException e) {
            Cancellation why = signal.why();
            if (why == null) {
                throw e;
            }
            return why;
        }
    }

    /**
     * Reads the spec of the resource into a type of yours. Fields that it does not name are passed over.
     *
     * @throws IllegalArgumentException when the spec has another shape
     */
    public <T> T spec(Class<T> type) {
        return resource.spec(type);
    }

    /**
     * Reads the parameters of the step into a type of yours. Null without any.
     *
     * @throws IllegalArgumentException when the parameters have another shape
     */
    public <T> T params(Class<T> type) {
        String params = step().getParamsJson();
        return params.isEmpty() ? null : Json.read(params, type, "the params of step " + step().getId());
    }
}
