package ug.open.conveyor;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.function.Consumer;
import ug.open.conveyor.v1.DriverServiceGrpc;
import ug.open.conveyor.v1.DriverStreamRequest;
import ug.open.conveyor.v1.DriverStreamResponse;

/**
 * One stream of a driver instance, on a connection of its own: what ailed the last one is left behind.
 *
 * <p>Messages come in a thread of gRPC, one at a time; the next is asked for when the last was taken and there is room.
 * Everything else is called by the session's thread.
 */
final class DriverStream extends ClientCall.Listener<DriverStreamResponse> implements AutoCloseable {
    private final ManagedChannel channel;
    private final ClientCall<DriverStreamRequest, DriverStreamResponse> call;
    /** Takes a message, and says whether there is room for another. */
    interface Receiver {
        boolean take(DriverStreamResponse message);
    }

    private final Receiver receiver;
    private final Bell bell;
    private volatile long heardAt = System.nanoTime();
    private volatile Status ended;
    /** Whether no message is asked for, since there is no room. */
    private boolean pausing;

    private int unknown;
    private final Consumer<String> log;

    DriverStream(String server, Receiver receiver, Bell bell, Consumer<String> log) {
        this.receiver = receiver;
        this.bell = bell;
        this.log = log;
        channel = Connection.open(server);
        call = channel.newCall(DriverServiceGrpc.getDriverStreamMethod(), CallOptions.DEFAULT);
        call.start(this, new Metadata());
        call.request(1);
    }

    @Override
    public void onMessage(DriverStreamResponse message) {
        heardAt = System.nanoTime();
        boolean room = true;
        if (message.getKindCase() == DriverStreamResponse.KindCase.KIND_NOT_SET) {
            if (unknown++ == 0) {
                log.accept("skips a kind of message that it does not know: is the server newer?");
            }
        } else if (ended == null) {
            room = receiver.take(message);
        }
        if (room) {
            call.request(1);
        } else {
            synchronized (this) {
                pausing = true;
            }
        }
        bell.ring();
    }

    /** Asks for the next message, if that was put off. */
    void goOn() {
        synchronized (this) {
            if (!pausing) {
                return;
            }
            pausing = false;
        }
        call.request(1);
    }

    @Override
    public void onReady() {
        bell.ring();
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        ended = ended == null ? status : ended;
        bell.ring();
    }

    /** How it ended. Null: it has not. */
    Status ended() {
        return ended;
    }

    long heardAt() {
        return heardAt;
    }

    /** Whether a message would go out now, instead of waiting in memory. */
    boolean isReady() {
        return call.isReady();
    }

    void send(DriverStreamRequest message) {
        call.sendMessage(message);
    }

    /** This side has nothing more to say. */
    void halfClose() {
        call.halfClose();
    }

    /** Ends the stream at once. What still arrives is dropped. */
    @Override
    public void close() {
        if (ended == null) {
            ended = Status.CANCELLED;
        }
        call.cancel("the driver leaves this stream", null);
        channel.shutdownNow();
    }
}
