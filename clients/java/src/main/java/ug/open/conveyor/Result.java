package ug.open.conveyor;

/**
 * How a task ended.
 *
 * @param success whether the work succeeded; a failed result is final: the step is not tried again
 * @param message what to tell people; over 16 KiB it is cut
 * @param data for later steps: anything that Jackson writes, or null. A Jackson RawValue keeps its exact text. With
 *     more than 256 KiB the result becomes a failed one.
 */
public record Result(boolean success, String message, Object data) {
    /** A result of work that succeeded. */
    public static Result success(String message) {
        return new Result(true, message, null);
    }

    /** A result of work that failed. */
    public static Result failure(String message) {
        return new Result(false, message, null);
    }

    /** The same result with data for later steps. */
    public Result withData(Object data) {
        return new Result(success, message, data);
    }
}
