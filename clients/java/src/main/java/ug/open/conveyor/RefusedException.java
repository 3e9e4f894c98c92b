package ug.open.conveyor;

import io.grpc.Status;

/** The server will not have a driver, and would not on another try. */
public final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient Status status;

    RefusedException(String driver, String server, Status status) {
        super("the server at " + server + " refuses driver " + driver + ": " + status.getDescription() + " ("
                + status.getCode() + "); " + advice(status.getCode()));
        this.status = status;
    }

    /** What the server said. */
    public Status status() {
        return status;
    }

    /** Whether no new try can cure a stream that ended like this. */
    static boolean isRefusal(Status.Code code) {
        return switch (code) {
            case INVALID_ARGUMENT, FAILED_PRECONDITION, UNAUTHENTICATED, PERMISSION_DENIED, UNIMPLEMENTED -> true;
            default -> false;
        };
    }

    private static String advice(Status.Code code) {
        return switch (code) {
            case INVALID_ARGUMENT -> "mend the driver's name, definitions, events or labels";
            case FAILED_PRECONDITION -> "bring the server into the state that it asks for";
            case UNAUTHENTICATED -> "give the driver credentials that the server knows";
            case PERMISSION_DENIED -> "ask for the right to run this driver";
            case UNIMPLEMENTED -> "is this a Conveyor server, and not older than the driver? Check the address";
            default -> "see the server's log";
        };
    }
}
