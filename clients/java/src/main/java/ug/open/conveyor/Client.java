package ug.open.conveyor;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import ug.open.conveyor.v1.ApplyResourceDefinitionRequest;
import ug.open.conveyor.v1.ApplyResourceRequest;
import ug.open.conveyor.v1.CreateResourceRequest;
import ug.open.conveyor.v1.DeleteResourceRequest;
import ug.open.conveyor.v1.DriverServiceGrpc;
import ug.open.conveyor.v1.GetResourceRequest;
import ug.open.conveyor.v1.LogServiceGrpc;
import ug.open.conveyor.v1.PipelineServiceGrpc;
import ug.open.conveyor.v1.ResourceDefinition;
import ug.open.conveyor.v1.ResourceServiceGrpc;
import ug.open.conveyor.v1.RunServiceGrpc;
import ug.open.conveyor.v1.ServerServiceGrpc;

/**
 * A connection to one server, the calls that users need most, and the generated clients of its services. It comes back
 * by itself when it breaks. Any thread may use it. What the server refuses is a {@link io.grpc.StatusRuntimeException}.
 */
public final class Client implements AutoCloseable {
    private final ManagedChannel channel;

    private Client(ManagedChannel channel) {
        this.channel = channel;
    }

    /** Connects to the server that the variable CONVEYOR_SERVER names, or else to http://127.0.0.1:8080. */
    public static Client connect() throws IOException {
        return connect("");
    }

    /**
     * Connects to the server at an address such as http://127.0.0.1:8080, and waits until it answers.
     *
     * @throws ConnectException when no server answers there
     */
    public static Client connect(String server) throws IOException {
        String address = Connection.named(server);
        Client client = new Client(Connection.open(address));
        try {
            if (client.isReady()) {
                return client;
            }
        } catch (InterruptedException e) {
            client.close();
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while connecting to " + address);
        }
        client.close();
        throw new ConnectException("no server answers at " + address + ": start one with `conveyor up`");
    }

    private boolean isReady() throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Connection.CONNECT_MILLIS);
        while (true) {
            ConnectivityState state = channel.getState(true);
            if (state == ConnectivityState.READY || state == ConnectivityState.TRANSIENT_FAILURE) {
                return state == ConnectivityState.READY;
            }
            CountDownLatch changed = new CountDownLatch(1);
            channel.notifyWhenStateChanged(state, changed::countDown);
            if (!changed.await(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                return false;
            }
        }
    }

    /**
     * Makes a call, and makes it again as often as five times where the server says when to come back, since it has no
     * room. Each wait is as long as the server says or longer, at random, so that those who were refused together do
     * not come back together. An interrupt and the end of the {@link io.grpc.Context} end the wait; the answer is then
     * the refusal. {@code define}, {@code create} and {@code apply} do this by themselves; a generated call is wrapped:
     *
     * <pre>{@code Run run = Client.retried(() -> client.runs().startRun(request));}</pre>
     */
    public static <T> T retried(Supplier<T> call) {
        return Retry.retried(call);
    }

    /** Creates a definition, or replaces the schema of the one of that name. */
    public void define(String name, Object schema) {
        ResourceDefinition definition = ResourceDefinition.newBuilder()
                .setName(name)
                .setSchemaJson(Json.write(schema))
                .build();
        ApplyResourceDefinitionRequest request = ApplyResourceDefinitionRequest.newBuilder()
                .setResourceDefinition(definition)
                .build();
        retried(() -> resources().applyResourceDefinition(request));
    }

    /** Creates a resource. */
    public Change create(Resource resource) {
        CreateResourceRequest request =
                CreateResourceRequest.newBuilder().setResource(resource.wire()).build();
        return Change.of(retried(() -> resources().createResource(request)));
    }

    /** Creates a resource or replaces the one of that definition and name. Where nothing differs there is no run. */
    public Change apply(Resource resource) {
        ApplyResourceRequest request =
                ApplyResourceRequest.newBuilder().setResource(resource.wire()).build();
        return Change.of(retried(() -> resources().applyResource(request)));
    }

    /** Reads a resource. */
    public Resource get(String definition, String name) {
        return Resource.of(resources()
                .getResource(GetResourceRequest.newBuilder()
                        .setResource(definition)
                        .setName(name)
                        .build()));
    }

    /** Deletes a resource. */
    public Change delete(String definition, String name) {
        return Change.of(resources()
                .deleteResource(DeleteResourceRequest.newBuilder()
                        .setResource(definition)
                        .setName(name)
                        .build()));
    }

    /** The log of a run, to go through line by line. */
    public Tail tail(String runId) {
        return new Tail(logs(), runId);
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

    /** The service of logs. */
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

    /** Ends the connection. */
    @Override
    public void close() {
        channel.shutdownNow();
    }
}
