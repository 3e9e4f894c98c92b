package ug.open.conveyor.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Keeps pipelines: the order in which drivers work on the resources of one definition.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class PipelineServiceGrpc {

  private PipelineServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "conveyor.v1.PipelineService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.CreatePipelineRequest,
      ug.open.conveyor.v1.Pipeline> getCreatePipelineMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreatePipeline",
      requestType = ug.open.conveyor.v1.CreatePipelineRequest.class,
      responseType = ug.open.conveyor.v1.Pipeline.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.CreatePipelineRequest,
      ug.open.conveyor.v1.Pipeline> getCreatePipelineMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.CreatePipelineRequest, ug.open.conveyor.v1.Pipeline> getCreatePipelineMethod;
    if ((getCreatePipelineMethod = PipelineServiceGrpc.getCreatePipelineMethod) == null) {
      synchronized (PipelineServiceGrpc.class) {
        if ((getCreatePipelineMethod = PipelineServiceGrpc.getCreatePipelineMethod) == null) {
          PipelineServiceGrpc.getCreatePipelineMethod = getCreatePipelineMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.CreatePipelineRequest, ug.open.conveyor.v1.Pipeline>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreatePipeline"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.CreatePipelineRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.Pipeline.getDefaultInstance()))
              .setSchemaDescriptor(new PipelineServiceMethodDescriptorSupplier("CreatePipeline"))
              .build();
        }
      }
    }
    return getCreatePipelineMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetPipelineRequest,
      ug.open.conveyor.v1.Pipeline> getGetPipelineMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetPipeline",
      requestType = ug.open.conveyor.v1.GetPipelineRequest.class,
      responseType = ug.open.conveyor.v1.Pipeline.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetPipelineRequest,
      ug.open.conveyor.v1.Pipeline> getGetPipelineMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetPipelineRequest, ug.open.conveyor.v1.Pipeline> getGetPipelineMethod;
    if ((getGetPipelineMethod = PipelineServiceGrpc.getGetPipelineMethod) == null) {
      synchronized (PipelineServiceGrpc.class) {
        if ((getGetPipelineMethod = PipelineServiceGrpc.getGetPipelineMethod) == null) {
          PipelineServiceGrpc.getGetPipelineMethod = getGetPipelineMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.GetPipelineRequest, ug.open.conveyor.v1.Pipeline>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetPipeline"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.GetPipelineRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.Pipeline.getDefaultInstance()))
              .setSchemaDescriptor(new PipelineServiceMethodDescriptorSupplier("GetPipeline"))
              .build();
        }
      }
    }
    return getGetPipelineMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListPipelinesRequest,
      ug.open.conveyor.v1.ListPipelinesResponse> getListPipelinesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListPipelines",
      requestType = ug.open.conveyor.v1.ListPipelinesRequest.class,
      responseType = ug.open.conveyor.v1.ListPipelinesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListPipelinesRequest,
      ug.open.conveyor.v1.ListPipelinesResponse> getListPipelinesMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListPipelinesRequest, ug.open.conveyor.v1.ListPipelinesResponse> getListPipelinesMethod;
    if ((getListPipelinesMethod = PipelineServiceGrpc.getListPipelinesMethod) == null) {
      synchronized (PipelineServiceGrpc.class) {
        if ((getListPipelinesMethod = PipelineServiceGrpc.getListPipelinesMethod) == null) {
          PipelineServiceGrpc.getListPipelinesMethod = getListPipelinesMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.ListPipelinesRequest, ug.open.conveyor.v1.ListPipelinesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListPipelines"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ListPipelinesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ListPipelinesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PipelineServiceMethodDescriptorSupplier("ListPipelines"))
              .build();
        }
      }
    }
    return getListPipelinesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.UpdatePipelineRequest,
      ug.open.conveyor.v1.Pipeline> getUpdatePipelineMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdatePipeline",
      requestType = ug.open.conveyor.v1.UpdatePipelineRequest.class,
      responseType = ug.open.conveyor.v1.Pipeline.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.UpdatePipelineRequest,
      ug.open.conveyor.v1.Pipeline> getUpdatePipelineMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.UpdatePipelineRequest, ug.open.conveyor.v1.Pipeline> getUpdatePipelineMethod;
    if ((getUpdatePipelineMethod = PipelineServiceGrpc.getUpdatePipelineMethod) == null) {
      synchronized (PipelineServiceGrpc.class) {
        if ((getUpdatePipelineMethod = PipelineServiceGrpc.getUpdatePipelineMethod) == null) {
          PipelineServiceGrpc.getUpdatePipelineMethod = getUpdatePipelineMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.UpdatePipelineRequest, ug.open.conveyor.v1.Pipeline>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdatePipeline"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.UpdatePipelineRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.Pipeline.getDefaultInstance()))
              .setSchemaDescriptor(new PipelineServiceMethodDescriptorSupplier("UpdatePipeline"))
              .build();
        }
      }
    }
    return getUpdatePipelineMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.ApplyPipelineRequest,
      ug.open.conveyor.v1.Pipeline> getApplyPipelineMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ApplyPipeline",
      requestType = ug.open.conveyor.v1.ApplyPipelineRequest.class,
      responseType = ug.open.conveyor.v1.Pipeline.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.ApplyPipelineRequest,
      ug.open.conveyor.v1.Pipeline> getApplyPipelineMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.ApplyPipelineRequest, ug.open.conveyor.v1.Pipeline> getApplyPipelineMethod;
    if ((getApplyPipelineMethod = PipelineServiceGrpc.getApplyPipelineMethod) == null) {
      synchronized (PipelineServiceGrpc.class) {
        if ((getApplyPipelineMethod = PipelineServiceGrpc.getApplyPipelineMethod) == null) {
          PipelineServiceGrpc.getApplyPipelineMethod = getApplyPipelineMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.ApplyPipelineRequest, ug.open.conveyor.v1.Pipeline>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ApplyPipeline"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ApplyPipelineRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.Pipeline.getDefaultInstance()))
              .setSchemaDescriptor(new PipelineServiceMethodDescriptorSupplier("ApplyPipeline"))
              .build();
        }
      }
    }
    return getApplyPipelineMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeletePipelineRequest,
      com.google.protobuf.Empty> getDeletePipelineMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeletePipeline",
      requestType = ug.open.conveyor.v1.DeletePipelineRequest.class,
      responseType = com.google.protobuf.Empty.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeletePipelineRequest,
      com.google.protobuf.Empty> getDeletePipelineMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeletePipelineRequest, com.google.protobuf.Empty> getDeletePipelineMethod;
    if ((getDeletePipelineMethod = PipelineServiceGrpc.getDeletePipelineMethod) == null) {
      synchronized (PipelineServiceGrpc.class) {
        if ((getDeletePipelineMethod = PipelineServiceGrpc.getDeletePipelineMethod) == null) {
          PipelineServiceGrpc.getDeletePipelineMethod = getDeletePipelineMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.DeletePipelineRequest, com.google.protobuf.Empty>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeletePipeline"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.DeletePipelineRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.google.protobuf.Empty.getDefaultInstance()))
              .setSchemaDescriptor(new PipelineServiceMethodDescriptorSupplier("DeletePipeline"))
              .build();
        }
      }
    }
    return getDeletePipelineMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static PipelineServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PipelineServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PipelineServiceStub>() {
        @java.lang.Override
        public PipelineServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PipelineServiceStub(channel, callOptions);
        }
      };
    return PipelineServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static PipelineServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PipelineServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PipelineServiceBlockingV2Stub>() {
        @java.lang.Override
        public PipelineServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PipelineServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return PipelineServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static PipelineServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PipelineServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PipelineServiceBlockingStub>() {
        @java.lang.Override
        public PipelineServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PipelineServiceBlockingStub(channel, callOptions);
        }
      };
    return PipelineServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static PipelineServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PipelineServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PipelineServiceFutureStub>() {
        @java.lang.Override
        public PipelineServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PipelineServiceFutureStub(channel, callOptions);
        }
      };
    return PipelineServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Keeps pipelines: the order in which drivers work on the resources of one definition.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates a pipeline. ALREADY_EXISTS when the name is taken.
     * </pre>
     */
    default void createPipeline(ug.open.conveyor.v1.CreatePipelineRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreatePipelineMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads one pipeline.
     * </pre>
     */
    default void getPipeline(ug.open.conveyor.v1.GetPipelineRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetPipelineMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists pipelines in name order.
     * </pre>
     */
    default void listPipelines(ug.open.conveyor.v1.ListPipelinesRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListPipelinesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListPipelinesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Replaces a pipeline. Runs already written keep the pipeline as it was.
     * </pre>
     */
    default void updatePipeline(ug.open.conveyor.v1.UpdatePipelineRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdatePipelineMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a pipeline or replaces the one of that name. Writes nothing when nothing differs.
     * </pre>
     */
    default void applyPipeline(ug.open.conveyor.v1.ApplyPipelineRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getApplyPipelineMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a pipeline. FAILED_PRECONDITION while a resource names it.
     * </pre>
     */
    default void deletePipeline(ug.open.conveyor.v1.DeletePipelineRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeletePipelineMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service PipelineService.
   * <pre>
   * Keeps pipelines: the order in which drivers work on the resources of one definition.
   * </pre>
   */
  public static abstract class PipelineServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return PipelineServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service PipelineService.
   * <pre>
   * Keeps pipelines: the order in which drivers work on the resources of one definition.
   * </pre>
   */
  public static final class PipelineServiceStub
      extends io.grpc.stub.AbstractAsyncStub<PipelineServiceStub> {
    private PipelineServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PipelineServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PipelineServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a pipeline. ALREADY_EXISTS when the name is taken.
     * </pre>
     */
    public void createPipeline(ug.open.conveyor.v1.CreatePipelineRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreatePipelineMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads one pipeline.
     * </pre>
     */
    public void getPipeline(ug.open.conveyor.v1.GetPipelineRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetPipelineMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists pipelines in name order.
     * </pre>
     */
    public void listPipelines(ug.open.conveyor.v1.ListPipelinesRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListPipelinesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListPipelinesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Replaces a pipeline. Runs already written keep the pipeline as it was.
     * </pre>
     */
    public void updatePipeline(ug.open.conveyor.v1.UpdatePipelineRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdatePipelineMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a pipeline or replaces the one of that name. Writes nothing when nothing differs.
     * </pre>
     */
    public void applyPipeline(ug.open.conveyor.v1.ApplyPipelineRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getApplyPipelineMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a pipeline. FAILED_PRECONDITION while a resource names it.
     * </pre>
     */
    public void deletePipeline(ug.open.conveyor.v1.DeletePipelineRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeletePipelineMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service PipelineService.
   * <pre>
   * Keeps pipelines: the order in which drivers work on the resources of one definition.
   * </pre>
   */
  public static final class PipelineServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<PipelineServiceBlockingV2Stub> {
    private PipelineServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PipelineServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PipelineServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a pipeline. ALREADY_EXISTS when the name is taken.
     * </pre>
     */
    public ug.open.conveyor.v1.Pipeline createPipeline(ug.open.conveyor.v1.CreatePipelineRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreatePipelineMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one pipeline.
     * </pre>
     */
    public ug.open.conveyor.v1.Pipeline getPipeline(ug.open.conveyor.v1.GetPipelineRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetPipelineMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists pipelines in name order.
     * </pre>
     */
    public ug.open.conveyor.v1.ListPipelinesResponse listPipelines(ug.open.conveyor.v1.ListPipelinesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListPipelinesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces a pipeline. Runs already written keep the pipeline as it was.
     * </pre>
     */
    public ug.open.conveyor.v1.Pipeline updatePipeline(ug.open.conveyor.v1.UpdatePipelineRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdatePipelineMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a pipeline or replaces the one of that name. Writes nothing when nothing differs.
     * </pre>
     */
    public ug.open.conveyor.v1.Pipeline applyPipeline(ug.open.conveyor.v1.ApplyPipelineRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getApplyPipelineMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a pipeline. FAILED_PRECONDITION while a resource names it.
     * </pre>
     */
    public com.google.protobuf.Empty deletePipeline(ug.open.conveyor.v1.DeletePipelineRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeletePipelineMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service PipelineService.
   * <pre>
   * Keeps pipelines: the order in which drivers work on the resources of one definition.
   * </pre>
   */
  public static final class PipelineServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<PipelineServiceBlockingStub> {
    private PipelineServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PipelineServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PipelineServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a pipeline. ALREADY_EXISTS when the name is taken.
     * </pre>
     */
    public ug.open.conveyor.v1.Pipeline createPipeline(ug.open.conveyor.v1.CreatePipelineRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreatePipelineMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one pipeline.
     * </pre>
     */
    public ug.open.conveyor.v1.Pipeline getPipeline(ug.open.conveyor.v1.GetPipelineRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetPipelineMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists pipelines in name order.
     * </pre>
     */
    public ug.open.conveyor.v1.ListPipelinesResponse listPipelines(ug.open.conveyor.v1.ListPipelinesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListPipelinesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces a pipeline. Runs already written keep the pipeline as it was.
     * </pre>
     */
    public ug.open.conveyor.v1.Pipeline updatePipeline(ug.open.conveyor.v1.UpdatePipelineRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdatePipelineMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a pipeline or replaces the one of that name. Writes nothing when nothing differs.
     * </pre>
     */
    public ug.open.conveyor.v1.Pipeline applyPipeline(ug.open.conveyor.v1.ApplyPipelineRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getApplyPipelineMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a pipeline. FAILED_PRECONDITION while a resource names it.
     * </pre>
     */
    public com.google.protobuf.Empty deletePipeline(ug.open.conveyor.v1.DeletePipelineRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeletePipelineMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service PipelineService.
   * <pre>
   * Keeps pipelines: the order in which drivers work on the resources of one definition.
   * </pre>
   */
  public static final class PipelineServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<PipelineServiceFutureStub> {
    private PipelineServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PipelineServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PipelineServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a pipeline. ALREADY_EXISTS when the name is taken.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.Pipeline> createPipeline(
        ug.open.conveyor.v1.CreatePipelineRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreatePipelineMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads one pipeline.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.Pipeline> getPipeline(
        ug.open.conveyor.v1.GetPipelineRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetPipelineMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists pipelines in name order.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ListPipelinesResponse> listPipelines(
        ug.open.conveyor.v1.ListPipelinesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListPipelinesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Replaces a pipeline. Runs already written keep the pipeline as it was.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.Pipeline> updatePipeline(
        ug.open.conveyor.v1.UpdatePipelineRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdatePipelineMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a pipeline or replaces the one of that name. Writes nothing when nothing differs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.Pipeline> applyPipeline(
        ug.open.conveyor.v1.ApplyPipelineRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getApplyPipelineMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a pipeline. FAILED_PRECONDITION while a resource names it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.google.protobuf.Empty> deletePipeline(
        ug.open.conveyor.v1.DeletePipelineRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeletePipelineMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_PIPELINE = 0;
  private static final int METHODID_GET_PIPELINE = 1;
  private static final int METHODID_LIST_PIPELINES = 2;
  private static final int METHODID_UPDATE_PIPELINE = 3;
  private static final int METHODID_APPLY_PIPELINE = 4;
  private static final int METHODID_DELETE_PIPELINE = 5;

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
        case METHODID_CREATE_PIPELINE:
          serviceImpl.createPipeline((ug.open.conveyor.v1.CreatePipelineRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline>) responseObserver);
          break;
        case METHODID_GET_PIPELINE:
          serviceImpl.getPipeline((ug.open.conveyor.v1.GetPipelineRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline>) responseObserver);
          break;
        case METHODID_LIST_PIPELINES:
          serviceImpl.listPipelines((ug.open.conveyor.v1.ListPipelinesRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListPipelinesResponse>) responseObserver);
          break;
        case METHODID_UPDATE_PIPELINE:
          serviceImpl.updatePipeline((ug.open.conveyor.v1.UpdatePipelineRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline>) responseObserver);
          break;
        case METHODID_APPLY_PIPELINE:
          serviceImpl.applyPipeline((ug.open.conveyor.v1.ApplyPipelineRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Pipeline>) responseObserver);
          break;
        case METHODID_DELETE_PIPELINE:
          serviceImpl.deletePipeline((ug.open.conveyor.v1.DeletePipelineRequest) request,
              (io.grpc.stub.StreamObserver<com.google.protobuf.Empty>) responseObserver);
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
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getCreatePipelineMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.CreatePipelineRequest,
              ug.open.conveyor.v1.Pipeline>(
                service, METHODID_CREATE_PIPELINE)))
        .addMethod(
          getGetPipelineMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.GetPipelineRequest,
              ug.open.conveyor.v1.Pipeline>(
                service, METHODID_GET_PIPELINE)))
        .addMethod(
          getListPipelinesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.ListPipelinesRequest,
              ug.open.conveyor.v1.ListPipelinesResponse>(
                service, METHODID_LIST_PIPELINES)))
        .addMethod(
          getUpdatePipelineMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.UpdatePipelineRequest,
              ug.open.conveyor.v1.Pipeline>(
                service, METHODID_UPDATE_PIPELINE)))
        .addMethod(
          getApplyPipelineMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.ApplyPipelineRequest,
              ug.open.conveyor.v1.Pipeline>(
                service, METHODID_APPLY_PIPELINE)))
        .addMethod(
          getDeletePipelineMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.DeletePipelineRequest,
              com.google.protobuf.Empty>(
                service, METHODID_DELETE_PIPELINE)))
        .build();
  }

  private static abstract class PipelineServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    PipelineServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return ug.open.conveyor.v1.PipelineServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("PipelineService");
    }
  }

  private static final class PipelineServiceFileDescriptorSupplier
      extends PipelineServiceBaseDescriptorSupplier {
    PipelineServiceFileDescriptorSupplier() {}
  }

  private static final class PipelineServiceMethodDescriptorSupplier
      extends PipelineServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    PipelineServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (PipelineServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new PipelineServiceFileDescriptorSupplier())
              .addMethod(getCreatePipelineMethod())
              .addMethod(getGetPipelineMethod())
              .addMethod(getListPipelinesMethod())
              .addMethod(getUpdatePipelineMethod())
              .addMethod(getApplyPipelineMethod())
              .addMethod(getDeletePipelineMethod())
              .build();
        }
      }
    }
    return result;
  }
}
