package ug.open.conveyor;

import io.grpc.ManagedChannel;
import ug.open.conveyor.v1.DriverServiceGrpc;
import ug.open.conveyor.v1.LogServiceGrpc;
import ug.open.conveyor.v1.PipelineServiceGrpc;
import ug.open.conveyor.v1.ResourceServiceGrpc;
import ug.open.conveyor.v1.RunServiceGrpc;
import ug.open.conveyor.v1.ServerServiceGrpc;

/**
 * A connection to one server, with the clients of its services. It comes up with the first call, and comes back by
 * itself when it breaks. Any thread may use it.
 */
public final class Client implements AutoCloseable {
    private final ManagedChannel channel;

    /** A client of the server at an address such as http://127.0.0.1:8080. */
    public Client(String server) {
        channel = Connection.open(server);
    }

    /** The service of resource definitions and resources. */
    public ResourceServiceGrpc.ResourceServiceBlockingStub resources() {
        return ResourceServiceGrpc.newBlockingStub(channel);
    }

    /** The service of pipelines. */
    public PipelineServiceGrpc.PipelineServiceBlockingStub pipelines() {
        return PipelineServiceGrpc.newBlockingStub(channel);
    }

    /** The service of runs. */
    public RunServiceGrpc.RunServiceBlockingStub runs() {
        return RunServiceGrpc.newBlockingStub(channel);
    }

    /** The service of drivers. */
    public DriverServiceGrpc.DriverServiceBlockingStub drivers() {
        return DriverServiceGrpc.newBlockingStub(channel);
    }

    /** The service of logs. Tail with {@code logs().tailLogs(request)}, an iterator that waits for lines. */
    public LogServiceGrpc.LogServiceBlockingStub logs() {
        return LogServiceGrpc.newBlockingStub(channel);
    }

    /** The service of the server itself. */
    public ServerServiceGrpc.ServerServiceBlockingStub server() {
        return ServerServiceGrpc.newBlockingStub(channel);
    }

    /** The connection, for stubs of other kinds. */
    public ManagedChannel channel() {
        return channel;
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
