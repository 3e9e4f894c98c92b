package ug.open.conveyor.runtime;

/** Does the work of one task. What it throws is a failed result. */
@FunctionalInterface
public interface Reconcile {
    /**
     * Carries out an event of a resource.
     *
     * @param payload the resource as JSON, its spec as it was written
     * @param event create, update, process or delete
     * @param runId the run, a UUID
     * @param logger the log of the task
     */
    DriverResult reconcile(String payload, String event, String runId, DriverLogger logger) throws Exception;
}
