package ug.open.conveyor.runtime;

/**
 * How a task ended.
 *
 * @param success whether the work succeeded
 * @param message what to tell people
 * @param data for later steps: anything that Jackson writes, or null
 */
public record DriverResult(boolean success, String message, Object data) {
    /** A result without data. */
    public DriverResult(boolean success, String message) {
        this(success, message, null);
    }
}
