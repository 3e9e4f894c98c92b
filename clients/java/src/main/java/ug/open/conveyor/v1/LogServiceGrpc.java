package ug.open.conveyor.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Keeps the log lines of runs and lets any number of readers follow them.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class LogServiceGrpc {

  private LogServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "conveyor.v1.LogService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.TailLogsRequest,
      ug.open.conveyor.v1.TailLogsResponse> getTailLogsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "TailLogs",
      requestType = ug.open.conveyor.v1.TailLogsRequest.class,
      responseType = ug.open.conveyor.v1.TailLogsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.TailLogsRequest,
      ug.open.conveyor.v1.TailLogsResponse> getTailLogsMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.TailLogsRequest, ug.open.conveyor.v1.TailLogsResponse> getTailLogsMethod;
    if ((getTailLogsMethod = LogServiceGrpc.getTailLogsMethod) == null) {
      synchronized (LogServiceGrpc.class) {
        if ((getTailLogsMethod = LogServiceGrpc.getTailLogsMethod) == null) {
          LogServiceGrpc.getTailLogsMethod = getTailLogsMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.TailLogsRequest, ug.open.conveyor.v1.TailLogsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "TailLogs"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.TailLogsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.TailLogsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new LogServiceMethodDescriptorSupplier("TailLogs"))
              .build();
        }
      }
    }
    return getTailLogsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.AppendLogsRequest,
      ug.open.conveyor.v1.AppendLogsResponse> getAppendLogsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "AppendLogs",
      requestType = ug.open.conveyor.v1.AppendLogsRequest.class,
      responseType = ug.open.conveyor.v1.AppendLogsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.AppendLogsRequest,
      ug.open.conveyor.v1.AppendLogsResponse> getAppendLogsMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.AppendLogsRequest, ug.open.conveyor.v1.AppendLogsResponse> getAppendLogsMethod;
    if ((getAppendLogsMethod = LogServiceGrpc.getAppendLogsMethod) == null) {
      synchronized (LogServiceGrpc.class) {
        if ((getAppendLogsMethod = LogServiceGrpc.getAppendLogsMethod) == null) {
          LogServiceGrpc.getAppendLogsMethod = getAppendLogsMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.AppendLogsRequest, ug.open.conveyor.v1.AppendLogsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "AppendLogs"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.AppendLogsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.AppendLogsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new LogServiceMethodDescriptorSupplier("AppendLogs"))
              .build();
        }
      }
    }
    return getAppendLogsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static LogServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LogServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LogServiceStub>() {
        @java.lang.Override
        public LogServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LogServiceStub(channel, callOptions);
        }
      };
    return LogServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static LogServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LogServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LogServiceBlockingV2Stub>() {
        @java.lang.Override
        public LogServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LogServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return LogServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static LogServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LogServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LogServiceBlockingStub>() {
        @java.lang.Override
        public LogServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LogServiceBlockingStub(channel, callOptions);
        }
      };
    return LogServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static LogServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<LogServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<LogServiceFutureStub>() {
        @java.lang.Override
        public LogServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new LogServiceFutureStub(channel, callOptions);
        }
      };
    return LogServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Keeps the log lines of runs and lets any number of readers follow them.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Sends the lines of a run from any sequence number: first what is stored, then what comes. Ends when
     * the run has ended and all is sent.
     * </pre>
     */
    default void tailLogs(ug.open.conveyor.v1.TailLogsRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.TailLogsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getTailLogsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Appends lines beside those of the drivers. The answer comes when all lines are on disk. The lines of one
     * message are stored all or none.
     * Over REST each line of the body is one entry, and lines are stored while others still arrive.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<ug.open.conveyor.v1.AppendLogsRequest> appendLogs(
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.AppendLogsResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getAppendLogsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service LogService.
   * <pre>
   * Keeps the log lines of runs and lets any number of readers follow them.
   * </pre>
   */
  public static abstract class LogServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return LogServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service LogService.
   * <pre>
   * Keeps the log lines of runs and lets any number of readers follow them.
   * </pre>
   */
  public static final class LogServiceStub
      extends io.grpc.stub.AbstractAsyncStub<LogServiceStub> {
    private LogServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LogServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LogServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Sends the lines of a run from any sequence number: first what is stored, then what comes. Ends when
     * the run has ended and all is sent.
     * </pre>
     */
    public void tailLogs(ug.open.conveyor.v1.TailLogsRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.TailLogsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getTailLogsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Appends lines beside those of the drivers. The answer comes when all lines are on disk. The lines of one
     * message are stored all or none.
     * Over REST each line of the body is one entry, and lines are stored while others still arrive.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<ug.open.conveyor.v1.AppendLogsRequest> appendLogs(
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.AppendLogsResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncClientStreamingCall(
          getChannel().newCall(getAppendLogsMethod(), getCallOptions()), responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service LogService.
   * <pre>
   * Keeps the log lines of runs and lets any number of readers follow them.
   * </pre>
   */
  public static final class LogServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<LogServiceBlockingV2Stub> {
    private LogServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LogServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LogServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Sends the lines of a run from any sequence number: first what is stored, then what comes. Ends when
     * the run has ended and all is sent.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, ug.open.conveyor.v1.TailLogsResponse>
        tailLogs(ug.open.conveyor.v1.TailLogsRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getTailLogsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Appends lines beside those of the drivers. The answer comes when all lines are on disk. The lines of one
     * message are stored all or none.
     * Over REST each line of the body is one entry, and lines are stored while others still arrive.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<ug.open.conveyor.v1.AppendLogsRequest, ug.open.conveyor.v1.AppendLogsResponse>
        appendLogs() {
      return io.grpc.stub.ClientCalls.blockingClientStreamingCall(
          getChannel(), getAppendLogsMethod(), getCallOptions());
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service LogService.
   * <pre>
   * Keeps the log lines of runs and lets any number of readers follow them.
   * </pre>
   */
  public static final class LogServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<LogServiceBlockingStub> {
    private LogServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LogServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LogServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Sends the lines of a run from any sequence number: first what is stored, then what comes. Ends when
     * the run has ended and all is sent.
     * </pre>
     */
    public java.util.Iterator<ug.open.conveyor.v1.TailLogsResponse> tailLogs(
        ug.open.conveyor.v1.TailLogsRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getTailLogsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service LogService.
   * <pre>
   * Keeps the log lines of runs and lets any number of readers follow them.
   * </pre>
   */
  public static final class LogServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<LogServiceFutureStub> {
    private LogServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected LogServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new LogServiceFutureStub(channel, callOptions);
    }
  }

  private static final int METHODID_TAIL_LOGS = 0;
  private static final int METHODID_APPEND_LOGS = 1;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_TAIL_LOGS:
          serviceImpl.tailLogs((ug.open.conveyor.v1.TailLogsRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.TailLogsResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_APPEND_LOGS:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.appendLogs(
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.AppendLogsResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getTailLogsMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              ug.open.conveyor.v1.TailLogsRequest,
              ug.open.conveyor.v1.TailLogsResponse>(
                service, METHODID_TAIL_LOGS)))
        .addMethod(
          getAppendLogsMethod(),
          io.grpc.stub.ServerCalls.asyncClientStreamingCall(
            new MethodHandlers<
              ug.open.conveyor.v1.AppendLogsRequest,
              ug.open.conveyor.v1.AppendLogsResponse>(
                service, METHODID_APPEND_LOGS)))
        .build();
  }

  private static abstract class LogServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    LogServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return ug.open.conveyor.v1.LogServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("LogService");
    }
  }

  private static final class LogServiceFileDescriptorSupplier
      extends LogServiceBaseDescriptorSupplier {
    LogServiceFileDescriptorSupplier() {}
  }

  private static final class LogServiceMethodDescriptorSupplier
      extends LogServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    LogServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (LogServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new LogServiceFileDescriptorSupplier())
              .addMethod(getTailLogsMethod())
              .addMethod(getAppendLogsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
