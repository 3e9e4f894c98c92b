package ug.open.conveyor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Context;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import ug.open.conveyor.v1.AppendLogsRequest;
import ug.open.conveyor.v1.AppendLogsResponse;
import ug.open.conveyor.v1.ApplyResourceDefinitionRequest;
import ug.open.conveyor.v1.ApplyResourceRequest;
import ug.open.conveyor.v1.CreateResourceRequest;
import ug.open.conveyor.v1.LogEntry;
import ug.open.conveyor.v1.LogServiceGrpc;
import ug.open.conveyor.v1.ResourceChange;
import ug.open.conveyor.v1.ResourceDefinition;
import ug.open.conveyor.v1.ResourceServiceGrpc;
import ug.open.conveyor.v1.Run;
import ug.open.conveyor.v1.RunServiceGrpc;
import ug.open.conveyor.v1.StartRunRequest;

/** Calls that a server has no room for, against a scripted server. */
class RetryTest {
    private static final Duration LEAST = Duration.ofMillis(20);
    private static final Resource ONE = Resource.of("count", "one", Map.of());

    /** What the server was asked. */
    private final List<Message> asked = new CopyOnWriteArrayList<>();

    private int refuses;
    private StatusRuntimeException refusal;
    private Server server;
    private Client client;

    /** Starts a server that refuses so many calls, and a client of it. */
    private void start(int refuses, StatusRuntimeException refusal) throws Exception {
        this.refuses = refuses;
        this.refusal = refusal;
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(resources())
                .addService(runs())
                .addService(logs())
                .build()
                .start();
        client = Client.connect("http://127.0.0.1:" + server.getPort());
    }

    @AfterEach
    void end() throws InterruptedException {
        client.close();
        server.shutdownNow().awaitTermination();
    }

    private <T> void answer(Message request, T answer, StreamObserver<T> caller) {
        asked.add(request);
        if (asked.size() <= refuses) {
            caller.onError(refusal);
        } else {
            caller.onNext(answer);
            caller.onCompleted();
        }
    }

    private ResourceServiceGrpc.ResourceServiceImplBase resources() {
        return new ResourceServiceGrpc.ResourceServiceImplBase() {
            @Override
            public void applyResourceDefinition(
                    ApplyResourceDefinitionRequest request, StreamObserver<ResourceDefinition> caller) {
                answer(request, request.getResourceDefinition(), caller);
            }

            @Override
            public void createResource(CreateResourceRequest request, StreamObserver<ResourceChange> caller) {
                answer(request, ResourceChange.newBuilder().setRunId("run").build(), caller);
            }

            @Override
            public void applyResource(ApplyResourceRequest request, StreamObserver<ResourceChange> caller) {
                answer(request, ResourceChange.newBuilder().setRunId("run").build(), caller);
            }
        };
    }

    private RunServiceGrpc.RunServiceImplBase runs() {
        return new RunServiceGrpc.RunServiceImplBase() {
            @Override
            public void startRun(StartRunRequest request, StreamObserver<Run> caller) {
                answer(request, Run.newBuilder().setId("run").build(), caller);
            }
        };
    }

    private LogServiceGrpc.LogServiceImplBase logs() {
        return new LogServiceGrpc.LogServiceImplBase() {
            @Override
            public StreamObserver<AppendLogsRequest> appendLogs(StreamObserver<AppendLogsResponse> caller) {
                return new Batches<>(batches -> answer(
                        batches.get(0),
                        AppendLogsResponse.newBuilder()
                                .setCount(batches.get(0).getEntriesCount())
                                .build(),
                        caller));
            }
        };
    }

    /** What comes on a stream, once it is all there. */
    private record Batches<T>(List<T> all, Consumer<List<T>> then) implements StreamObserver<T> {
        Batches(Consumer<List<T>> then) {
            this(Collections.synchronizedList(new java.util.ArrayList<>()), then);
        }

        @Override
        public void onNext(T batch) {
            all.add(batch);
        }

        @Override
        public void onError(Throwable why) {
            all.clear();
        }

        @Override
        public void onCompleted() {
            then.accept(all);
        }
    }

    /** How a server refuses that has fallen behind. */
    private static StatusRuntimeException noRoom(Duration comeBack) {
        com.google.protobuf.Duration delay = com.google.protobuf.Duration.newBuilder()
                .setSeconds(comeBack.getSeconds())
                .setNanos(comeBack.getNano())
                .build();
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.RESOURCE_EXHAUSTED.value())
                .setMessage("the disk is behind")
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setReason("OVERLOADED")
                        .setDomain("conveyor")
                        .build()))
                .addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build()))
                .build());
    }

    static Stream<Arguments> calls() {
        StartRunRequest start = StartRunRequest.newBuilder()
                .setResource("count")
                .setName("one")
                .setRequestId("mine")
                .build();
        return Stream.of(
                call("define", client -> client.define("count", Map.of("type", "object"))),
                call("create", client -> assertEquals("run", client.create(ONE).runId())),
                call("apply", client -> client.apply(ONE)),
                call("start", client -> Client.retried(() -> client.runs().startRun(start))),
                call("append", client -> Client.retried(() -> append(client))));
    }

    private static Arguments call(String name, Consumer<Client> call) {
        return Arguments.of(name, call);
    }

    /** Appends a line, and waits until it is stored. */
    private static AppendLogsResponse append(Client client) {
        BlockingQueue<Object> answer = new ArrayBlockingQueue<>(2);
        StreamObserver<AppendLogsRequest> lines = LogServiceGrpc.newStub(client.channel())
                .appendLogs(new StreamObserver<>() {
                    @Override
                    public void onNext(AppendLogsResponse said) {
                        answer.add(said);
                    }

                    @Override
                    public void onError(Throwable why) {
                        answer.add(why);
                    }

                    @Override
                    public void onCompleted() {}
                });
        LogEntry hello =
                LogEntry.newBuilder().setRunId("run").setMessage("hello").build();
        lines.onNext(AppendLogsRequest.newBuilder().addEntries(hello).build());
        lines.onCompleted();
        try {
            Object said = answer.poll(Patience.SOON.toSeconds(), TimeUnit.SECONDS);
            if (said instanceof StatusRuntimeException refused) {
                throw refused;
            }
            return (AppendLogsResponse) said;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("calls")
    void whatTheServerHasNoRoomForIsAskedAgainInTheSameWords(String name, Consumer<Client> call) throws Exception {
        start(3, noRoom(LEAST));
        long began = System.nanoTime();
        call.accept(client);
        assertTrue(System.nanoTime() - began >= 3 * LEAST.toNanos());
        assertEquals(Collections.nCopies(4, asked.get(0)), asked);
    }

    static Stream<Arguments> refusals() {
        return Stream.of(
                Arguments.of("again and again", noRoom(Duration.ofMillis(1)), 6),
                Arguments.of("no word of a new try", bare(Status.RESOURCE_EXHAUSTED), 1),
                Arguments.of("something else, alike", bare(Status.UNAVAILABLE), 1));
    }

    private static StatusRuntimeException bare(Status status) {
        return status.withDescription("the disk is behind").asRuntimeException();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refusals")
    void whatIsRefusedForGoodIsNotAskedAgain(String name, StatusRuntimeException refusal, int times) throws Exception {
        start(100, refusal);
        StatusRuntimeException why = assertThrows(StatusRuntimeException.class, () -> client.create(ONE));
        assertEquals("the disk is behind", why.getStatus().getDescription());
        assertEquals(times, asked.size());
    }

    @Test
    void theWaitForRoomEndsWithTheCallersDeadline() throws Exception {
        start(100, noRoom(Duration.ofHours(1)));
        ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
        try (Context.CancellableContext soon = Context.current().withDeadlineAfter(200, TimeUnit.MILLISECONDS, clock)) {
            assertThrows(StatusRuntimeException.class, () -> soon.call(() -> client.create(ONE)));
            assertTrue(soon.isCancelled());
        } finally {
            clock.shutdownNow();
        }
        assertTrue(asked.size() <= 1);
    }

    @Test
    void theWaitForRoomEndsWithAnInterrupt() throws Exception {
        start(100, noRoom(Duration.ofHours(1)));
        BlockingQueue<Boolean> interrupted = new ArrayBlockingQueue<>(1);
        Thread caller = new Thread(() -> {
            assertThrows(StatusRuntimeException.class, () -> client.create(ONE));
            interrupted.add(Thread.currentThread().isInterrupted());
        });
        caller.start();
        Patience.until("it is refused", () -> asked.size() == 1);
        caller.interrupt();
        assertEquals(true, interrupted.poll(Patience.SOON.toSeconds(), TimeUnit.SECONDS));
        assertEquals(1, asked.size());
    }
}
