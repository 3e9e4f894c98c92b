package ug.open.conveyor;

/**
 * Does the work of one task, in a thread of its own.
 *
 * <p>What it throws becomes a failed result, with its trace in the log. A failed result is final: the step is not
 * tried again. When the task is cancelled its thread is interrupted, and {@link Task#cancellation()} says why; a
 * result that comes within the grace is kept, unless the task was fenced.
 */
@FunctionalInterface
public interface Reconciler {
    /** Carries out the task and says how it ended. */
    Result reconcile(Task task) throws Exception;
}
