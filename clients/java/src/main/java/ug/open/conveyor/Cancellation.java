package ug.open.conveyor;

import java.time.Duration;
import java.time.Instant;

/**
 * Why a task is to stop, and by when.
 *
 * @param reason why
 * @param grace how long the task had from the moment of the cancel
 * @param stopBy when the grace is over; the runtime then reports the task as failed
 */
public record Cancellation(Reason reason, Duration grace, Instant stopBy) {
    /** Why a task is to stop. */
    public enum Reason {
        /** The run was cancelled. A result within the grace is kept. */
        CANCELLED("the run was cancelled"),
        /** The step's time is over. A result within the grace is kept. */
        DEADLINE("the step's time is over"),
        /** Another instance has the step, or nobody needs it. Nothing that the task still says is kept. */
        FENCED("another instance has the step, or nobody needs it");

        private final String words;

        Reason(String words) {
            this.words = words;
        }

        @Override
        public String toString() {
            return words;
        }
    }
}
