package ug.open.conveyor.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Gives work to drivers and takes their reports.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class DriverServiceGrpc {

  private DriverServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "conveyor.v1.DriverService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.DriverStreamRequest,
      ug.open.conveyor.v1.DriverStreamResponse> getDriverStreamMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DriverStream",
      requestType = ug.open.conveyor.v1.DriverStreamRequest.class,
      responseType = ug.open.conveyor.v1.DriverStreamResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.DriverStreamRequest,
      ug.open.conveyor.v1.DriverStreamResponse> getDriverStreamMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.DriverStreamRequest, ug.open.conveyor.v1.DriverStreamResponse> getDriverStreamMethod;
    if ((getDriverStreamMethod = DriverServiceGrpc.getDriverStreamMethod) == null) {
      synchronized (DriverServiceGrpc.class) {
        if ((getDriverStreamMethod = DriverServiceGrpc.getDriverStreamMethod) == null) {
          DriverServiceGrpc.getDriverStreamMethod = getDriverStreamMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.DriverStreamRequest, ug.open.conveyor.v1.DriverStreamResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DriverStream"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.DriverStreamRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.DriverStreamResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DriverServiceMethodDescriptorSupplier("DriverStream"))
              .build();
        }
      }
    }
    return getDriverStreamMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetDriverRequest,
      ug.open.conveyor.v1.Driver> getGetDriverMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetDriver",
      requestType = ug.open.conveyor.v1.GetDriverRequest.class,
      responseType = ug.open.conveyor.v1.Driver.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetDriverRequest,
      ug.open.conveyor.v1.Driver> getGetDriverMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetDriverRequest, ug.open.conveyor.v1.Driver> getGetDriverMethod;
    if ((getGetDriverMethod = DriverServiceGrpc.getGetDriverMethod) == null) {
      synchronized (DriverServiceGrpc.class) {
        if ((getGetDriverMethod = DriverServiceGrpc.getGetDriverMethod) == null) {
          DriverServiceGrpc.getGetDriverMethod = getGetDriverMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.GetDriverRequest, ug.open.conveyor.v1.Driver>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetDriver"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.GetDriverRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.Driver.getDefaultInstance()))
              .setSchemaDescriptor(new DriverServiceMethodDescriptorSupplier("GetDriver"))
              .build();
        }
      }
    }
    return getGetDriverMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListDriversRequest,
      ug.open.conveyor.v1.ListDriversResponse> getListDriversMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDrivers",
      requestType = ug.open.conveyor.v1.ListDriversRequest.class,
      responseType = ug.open.conveyor.v1.ListDriversResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListDriversRequest,
      ug.open.conveyor.v1.ListDriversResponse> getListDriversMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListDriversRequest, ug.open.conveyor.v1.ListDriversResponse> getListDriversMethod;
    if ((getListDriversMethod = DriverServiceGrpc.getListDriversMethod) == null) {
      synchronized (DriverServiceGrpc.class) {
        if ((getListDriversMethod = DriverServiceGrpc.getListDriversMethod) == null) {
          DriverServiceGrpc.getListDriversMethod = getListDriversMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.ListDriversRequest, ug.open.conveyor.v1.ListDriversResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDrivers"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ListDriversRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ListDriversResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DriverServiceMethodDescriptorSupplier("ListDrivers"))
              .build();
        }
      }
    }
    return getListDriversMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeleteDriverRequest,
      com.google.protobuf.Empty> getDeleteDriverMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteDriver",
      requestType = ug.open.conveyor.v1.DeleteDriverRequest.class,
      responseType = com.google.protobuf.Empty.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeleteDriverRequest,
      com.google.protobuf.Empty> getDeleteDriverMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeleteDriverRequest, com.google.protobuf.Empty> getDeleteDriverMethod;
    if ((getDeleteDriverMethod = DriverServiceGrpc.getDeleteDriverMethod) == null) {
      synchronized (DriverServiceGrpc.class) {
        if ((getDeleteDriverMethod = DriverServiceGrpc.getDeleteDriverMethod) == null) {
          DriverServiceGrpc.getDeleteDriverMethod = getDeleteDriverMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.DeleteDriverRequest, com.google.protobuf.Empty>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteDriver"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.DeleteDriverRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.google.protobuf.Empty.getDefaultInstance()))
              .setSchemaDescriptor(new DriverServiceMethodDescriptorSupplier("DeleteDriver"))
              .build();
        }
      }
    }
    return getDeleteDriverMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.BroadcastMessageRequest,
      ug.open.conveyor.v1.BroadcastMessageResponse> getBroadcastMessageMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BroadcastMessage",
      requestType = ug.open.conveyor.v1.BroadcastMessageRequest.class,
      responseType = ug.open.conveyor.v1.BroadcastMessageResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.BroadcastMessageRequest,
      ug.open.conveyor.v1.BroadcastMessageResponse> getBroadcastMessageMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.BroadcastMessageRequest, ug.open.conveyor.v1.BroadcastMessageResponse> getBroadcastMessageMethod;
    if ((getBroadcastMessageMethod = DriverServiceGrpc.getBroadcastMessageMethod) == null) {
      synchronized (DriverServiceGrpc.class) {
        if ((getBroadcastMessageMethod = DriverServiceGrpc.getBroadcastMessageMethod) == null) {
          DriverServiceGrpc.getBroadcastMessageMethod = getBroadcastMessageMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.BroadcastMessageRequest, ug.open.conveyor.v1.BroadcastMessageResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BroadcastMessage"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.BroadcastMessageRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.BroadcastMessageResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DriverServiceMethodDescriptorSupplier("BroadcastMessage"))
              .build();
        }
      }
    }
    return getBroadcastMessageMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static DriverServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DriverServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DriverServiceStub>() {
        @java.lang.Override
        public DriverServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DriverServiceStub(channel, callOptions);
        }
      };
    return DriverServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static DriverServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DriverServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DriverServiceBlockingV2Stub>() {
        @java.lang.Override
        public DriverServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DriverServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return DriverServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static DriverServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DriverServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DriverServiceBlockingStub>() {
        @java.lang.Override
        public DriverServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DriverServiceBlockingStub(channel, callOptions);
        }
      };
    return DriverServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static DriverServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DriverServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DriverServiceFutureStub>() {
        @java.lang.Override
        public DriverServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DriverServiceFutureStub(channel, callOptions);
        }
      };
    return DriverServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Gives work to drivers and takes their reports.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * The long-lived stream of one driver instance. Hello comes first; Welcome answers it.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<ug.open.conveyor.v1.DriverStreamRequest> driverStream(
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.DriverStreamResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getDriverStreamMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads one driver.
     * </pre>
     */
    default void getDriver(ug.open.conveyor.v1.GetDriverRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Driver> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetDriverMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the known drivers in name order, connected or not.
     * </pre>
     */
    default void listDrivers(ug.open.conveyor.v1.ListDriversRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListDriversResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDriversMethod(), responseObserver);
    }

    /**
     * <pre>
     * Forgets a driver that has no stream and no open task. Steps that wait for it are skipped.
     * </pre>
     */
    default void deleteDriver(ug.open.conveyor.v1.DeleteDriverRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteDriverMethod(), responseObserver);
    }

    /**
     * <pre>
     * Sends a message to every driver connected now.
     * </pre>
     */
    default void broadcastMessage(ug.open.conveyor.v1.BroadcastMessageRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.BroadcastMessageResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBroadcastMessageMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service DriverService.
   * <pre>
   * Gives work to drivers and takes their reports.
   * </pre>
   */
  public static abstract class DriverServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return DriverServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service DriverService.
   * <pre>
   * Gives work to drivers and takes their reports.
   * </pre>
   */
  public static final class DriverServiceStub
      extends io.grpc.stub.AbstractAsyncStub<DriverServiceStub> {
    private DriverServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DriverServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DriverServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * The long-lived stream of one driver instance. Hello comes first; Welcome answers it.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<ug.open.conveyor.v1.DriverStreamRequest> driverStream(
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.DriverStreamResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getDriverStreamMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Reads one driver.
     * </pre>
     */
    public void getDriver(ug.open.conveyor.v1.GetDriverRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Driver> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetDriverMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the known drivers in name order, connected or not.
     * </pre>
     */
    public void listDrivers(ug.open.conveyor.v1.ListDriversRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListDriversResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDriversMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Forgets a driver that has no stream and no open task. Steps that wait for it are skipped.
     * </pre>
     */
    public void deleteDriver(ug.open.conveyor.v1.DeleteDriverRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteDriverMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Sends a message to every driver connected now.
     * </pre>
     */
    public void broadcastMessage(ug.open.conveyor.v1.BroadcastMessageRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.BroadcastMessageResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBroadcastMessageMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service DriverService.
   * <pre>
   * Gives work to drivers and takes their reports.
   * </pre>
   */
  public static final class DriverServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<DriverServiceBlockingV2Stub> {
    private DriverServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DriverServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DriverServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * The long-lived stream of one driver instance. Hello comes first; Welcome answers it.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<ug.open.conveyor.v1.DriverStreamRequest, ug.open.conveyor.v1.DriverStreamResponse>
        driverStream() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getDriverStreamMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Reads one driver.
     * </pre>
     */
    public ug.open.conveyor.v1.Driver getDriver(ug.open.conveyor.v1.GetDriverRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetDriverMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the known drivers in name order, connected or not.
     * </pre>
     */
    public ug.open.conveyor.v1.ListDriversResponse listDrivers(ug.open.conveyor.v1.ListDriversRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListDriversMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Forgets a driver that has no stream and no open task. Steps that wait for it are skipped.
     * </pre>
     */
    public com.google.protobuf.Empty deleteDriver(ug.open.conveyor.v1.DeleteDriverRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteDriverMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sends a message to every driver connected now.
     * </pre>
     */
    public ug.open.conveyor.v1.BroadcastMessageResponse broadcastMessage(ug.open.conveyor.v1.BroadcastMessageRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBroadcastMessageMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service DriverService.
   * <pre>
   * Gives work to drivers and takes their reports.
   * </pre>
   */
  public static final class DriverServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<DriverServiceBlockingStub> {
    private DriverServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DriverServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DriverServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Reads one driver.
     * </pre>
     */
    public ug.open.conveyor.v1.Driver getDriver(ug.open.conveyor.v1.GetDriverRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetDriverMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the known drivers in name order, connected or not.
     * </pre>
     */
    public ug.open.conveyor.v1.ListDriversResponse listDrivers(ug.open.conveyor.v1.ListDriversRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDriversMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Forgets a driver that has no stream and no open task. Steps that wait for it are skipped.
     * </pre>
     */
    public com.google.protobuf.Empty deleteDriver(ug.open.conveyor.v1.DeleteDriverRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteDriverMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Sends a message to every driver connected now.
     * </pre>
     */
    public ug.open.conveyor.v1.BroadcastMessageResponse broadcastMessage(ug.open.conveyor.v1.BroadcastMessageRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBroadcastMessageMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service DriverService.
   * <pre>
   * Gives work to drivers and takes their reports.
   * </pre>
   */
  public static final class DriverServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<DriverServiceFutureStub> {
    private DriverServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DriverServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DriverServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Reads one driver.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.Driver> getDriver(
        ug.open.conveyor.v1.GetDriverRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetDriverMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the known drivers in name order, connected or not.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ListDriversResponse> listDrivers(
        ug.open.conveyor.v1.ListDriversRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDriversMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Forgets a driver that has no stream and no open task. Steps that wait for it are skipped.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.google.protobuf.Empty> deleteDriver(
        ug.open.conveyor.v1.DeleteDriverRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteDriverMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Sends a message to every driver connected now.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.BroadcastMessageResponse> broadcastMessage(
        ug.open.conveyor.v1.BroadcastMessageRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBroadcastMessageMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_DRIVER = 0;
  private static final int METHODID_LIST_DRIVERS = 1;
  private static final int METHODID_DELETE_DRIVER = 2;
  private static final int METHODID_BROADCAST_MESSAGE = 3;
  private static final int METHODID_DRIVER_STREAM = 4;

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
        case METHODID_GET_DRIVER:
          serviceImpl.getDriver((ug.open.conveyor.v1.GetDriverRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Driver>) responseObserver);
          break;
        case METHODID_LIST_DRIVERS:
          serviceImpl.listDrivers((ug.open.conveyor.v1.ListDriversRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListDriversResponse>) responseObserver);
          break;
        case METHODID_DELETE_DRIVER:
          serviceImpl.deleteDriver((ug.open.conveyor.v1.DeleteDriverRequest) request,
              (io.grpc.stub.StreamObserver<com.google.protobuf.Empty>) responseObserver);
          break;
        case METHODID_BROADCAST_MESSAGE:
          serviceImpl.broadcastMessage((ug.open.conveyor.v1.BroadcastMessageRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.BroadcastMessageResponse>) responseObserver);
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
        case METHODID_DRIVER_STREAM:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.driverStream(
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.DriverStreamResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getDriverStreamMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              ug.open.conveyor.v1.DriverStreamRequest,
              ug.open.conveyor.v1.DriverStreamResponse>(
                service, METHODID_DRIVER_STREAM)))
        .addMethod(
          getGetDriverMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.GetDriverRequest,
              ug.open.conveyor.v1.Driver>(
                service, METHODID_GET_DRIVER)))
        .addMethod(
          getListDriversMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.ListDriversRequest,
              ug.open.conveyor.v1.ListDriversResponse>(
                service, METHODID_LIST_DRIVERS)))
        .addMethod(
          getDeleteDriverMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.DeleteDriverRequest,
              com.google.protobuf.Empty>(
                service, METHODID_DELETE_DRIVER)))
        .addMethod(
          getBroadcastMessageMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.BroadcastMessageRequest,
              ug.open.conveyor.v1.BroadcastMessageResponse>(
                service, METHODID_BROADCAST_MESSAGE)))
        .build();
  }

  private static abstract class DriverServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    DriverServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return ug.open.conveyor.v1.DriverServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("DriverService");
    }
  }

  private static final class DriverServiceFileDescriptorSupplier
      extends DriverServiceBaseDescriptorSupplier {
    DriverServiceFileDescriptorSupplier() {}
  }

  private static final class DriverServiceMethodDescriptorSupplier
      extends DriverServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    DriverServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (DriverServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new DriverServiceFileDescriptorSupplier())
              .addMethod(getDriverStreamMethod())
              .addMethod(getGetDriverMethod())
              .addMethod(getListDriversMethod())
              .addMethod(getDeleteDriverMethod())
              .addMethod(getBroadcastMessageMethod())
              .build();
        }
      }
    }
    return result;
  }
}
