package ug.open.conveyor.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Keeps resource definitions (types) and the resources of each.
 * Every write of a resource makes a new revision and, in the same atomic batch, the run that carries
 * it out.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ResourceServiceGrpc {

  private ResourceServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "conveyor.v1.ResourceService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.CreateResourceDefinitionRequest,
      ug.open.conveyor.v1.ResourceDefinition> getCreateResourceDefinitionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateResourceDefinition",
      requestType = ug.open.conveyor.v1.CreateResourceDefinitionRequest.class,
      responseType = ug.open.conveyor.v1.ResourceDefinition.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.CreateResourceDefinitionRequest,
      ug.open.conveyor.v1.ResourceDefinition> getCreateResourceDefinitionMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.CreateResourceDefinitionRequest, ug.open.conveyor.v1.ResourceDefinition> getCreateResourceDefinitionMethod;
    if ((getCreateResourceDefinitionMethod = ResourceServiceGrpc.getCreateResourceDefinitionMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getCreateResourceDefinitionMethod = ResourceServiceGrpc.getCreateResourceDefinitionMethod) == null) {
          ResourceServiceGrpc.getCreateResourceDefinitionMethod = getCreateResourceDefinitionMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.CreateResourceDefinitionRequest, ug.open.conveyor.v1.ResourceDefinition>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateResourceDefinition"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.CreateResourceDefinitionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ResourceDefinition.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("CreateResourceDefinition"))
              .build();
        }
      }
    }
    return getCreateResourceDefinitionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetResourceDefinitionRequest,
      ug.open.conveyor.v1.ResourceDefinition> getGetResourceDefinitionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetResourceDefinition",
      requestType = ug.open.conveyor.v1.GetResourceDefinitionRequest.class,
      responseType = ug.open.conveyor.v1.ResourceDefinition.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetResourceDefinitionRequest,
      ug.open.conveyor.v1.ResourceDefinition> getGetResourceDefinitionMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetResourceDefinitionRequest, ug.open.conveyor.v1.ResourceDefinition> getGetResourceDefinitionMethod;
    if ((getGetResourceDefinitionMethod = ResourceServiceGrpc.getGetResourceDefinitionMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getGetResourceDefinitionMethod = ResourceServiceGrpc.getGetResourceDefinitionMethod) == null) {
          ResourceServiceGrpc.getGetResourceDefinitionMethod = getGetResourceDefinitionMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.GetResourceDefinitionRequest, ug.open.conveyor.v1.ResourceDefinition>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetResourceDefinition"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.GetResourceDefinitionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ResourceDefinition.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("GetResourceDefinition"))
              .build();
        }
      }
    }
    return getGetResourceDefinitionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListResourceDefinitionsRequest,
      ug.open.conveyor.v1.ListResourceDefinitionsResponse> getListResourceDefinitionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListResourceDefinitions",
      requestType = ug.open.conveyor.v1.ListResourceDefinitionsRequest.class,
      responseType = ug.open.conveyor.v1.ListResourceDefinitionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListResourceDefinitionsRequest,
      ug.open.conveyor.v1.ListResourceDefinitionsResponse> getListResourceDefinitionsMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListResourceDefinitionsRequest, ug.open.conveyor.v1.ListResourceDefinitionsResponse> getListResourceDefinitionsMethod;
    if ((getListResourceDefinitionsMethod = ResourceServiceGrpc.getListResourceDefinitionsMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getListResourceDefinitionsMethod = ResourceServiceGrpc.getListResourceDefinitionsMethod) == null) {
          ResourceServiceGrpc.getListResourceDefinitionsMethod = getListResourceDefinitionsMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.ListResourceDefinitionsRequest, ug.open.conveyor.v1.ListResourceDefinitionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListResourceDefinitions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ListResourceDefinitionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ListResourceDefinitionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("ListResourceDefinitions"))
              .build();
        }
      }
    }
    return getListResourceDefinitionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.UpdateResourceDefinitionRequest,
      ug.open.conveyor.v1.ResourceDefinition> getUpdateResourceDefinitionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateResourceDefinition",
      requestType = ug.open.conveyor.v1.UpdateResourceDefinitionRequest.class,
      responseType = ug.open.conveyor.v1.ResourceDefinition.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.UpdateResourceDefinitionRequest,
      ug.open.conveyor.v1.ResourceDefinition> getUpdateResourceDefinitionMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.UpdateResourceDefinitionRequest, ug.open.conveyor.v1.ResourceDefinition> getUpdateResourceDefinitionMethod;
    if ((getUpdateResourceDefinitionMethod = ResourceServiceGrpc.getUpdateResourceDefinitionMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getUpdateResourceDefinitionMethod = ResourceServiceGrpc.getUpdateResourceDefinitionMethod) == null) {
          ResourceServiceGrpc.getUpdateResourceDefinitionMethod = getUpdateResourceDefinitionMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.UpdateResourceDefinitionRequest, ug.open.conveyor.v1.ResourceDefinition>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateResourceDefinition"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.UpdateResourceDefinitionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ResourceDefinition.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("UpdateResourceDefinition"))
              .build();
        }
      }
    }
    return getUpdateResourceDefinitionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.ApplyResourceDefinitionRequest,
      ug.open.conveyor.v1.ResourceDefinition> getApplyResourceDefinitionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ApplyResourceDefinition",
      requestType = ug.open.conveyor.v1.ApplyResourceDefinitionRequest.class,
      responseType = ug.open.conveyor.v1.ResourceDefinition.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.ApplyResourceDefinitionRequest,
      ug.open.conveyor.v1.ResourceDefinition> getApplyResourceDefinitionMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.ApplyResourceDefinitionRequest, ug.open.conveyor.v1.ResourceDefinition> getApplyResourceDefinitionMethod;
    if ((getApplyResourceDefinitionMethod = ResourceServiceGrpc.getApplyResourceDefinitionMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getApplyResourceDefinitionMethod = ResourceServiceGrpc.getApplyResourceDefinitionMethod) == null) {
          ResourceServiceGrpc.getApplyResourceDefinitionMethod = getApplyResourceDefinitionMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.ApplyResourceDefinitionRequest, ug.open.conveyor.v1.ResourceDefinition>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ApplyResourceDefinition"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ApplyResourceDefinitionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ResourceDefinition.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("ApplyResourceDefinition"))
              .build();
        }
      }
    }
    return getApplyResourceDefinitionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeleteResourceDefinitionRequest,
      com.google.protobuf.Empty> getDeleteResourceDefinitionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteResourceDefinition",
      requestType = ug.open.conveyor.v1.DeleteResourceDefinitionRequest.class,
      responseType = com.google.protobuf.Empty.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeleteResourceDefinitionRequest,
      com.google.protobuf.Empty> getDeleteResourceDefinitionMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeleteResourceDefinitionRequest, com.google.protobuf.Empty> getDeleteResourceDefinitionMethod;
    if ((getDeleteResourceDefinitionMethod = ResourceServiceGrpc.getDeleteResourceDefinitionMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getDeleteResourceDefinitionMethod = ResourceServiceGrpc.getDeleteResourceDefinitionMethod) == null) {
          ResourceServiceGrpc.getDeleteResourceDefinitionMethod = getDeleteResourceDefinitionMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.DeleteResourceDefinitionRequest, com.google.protobuf.Empty>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteResourceDefinition"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.DeleteResourceDefinitionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.google.protobuf.Empty.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("DeleteResourceDefinition"))
              .build();
        }
      }
    }
    return getDeleteResourceDefinitionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.CreateResourceRequest,
      ug.open.conveyor.v1.ResourceChange> getCreateResourceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateResource",
      requestType = ug.open.conveyor.v1.CreateResourceRequest.class,
      responseType = ug.open.conveyor.v1.ResourceChange.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.CreateResourceRequest,
      ug.open.conveyor.v1.ResourceChange> getCreateResourceMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.CreateResourceRequest, ug.open.conveyor.v1.ResourceChange> getCreateResourceMethod;
    if ((getCreateResourceMethod = ResourceServiceGrpc.getCreateResourceMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getCreateResourceMethod = ResourceServiceGrpc.getCreateResourceMethod) == null) {
          ResourceServiceGrpc.getCreateResourceMethod = getCreateResourceMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.CreateResourceRequest, ug.open.conveyor.v1.ResourceChange>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateResource"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.CreateResourceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ResourceChange.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("CreateResource"))
              .build();
        }
      }
    }
    return getCreateResourceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetResourceRequest,
      ug.open.conveyor.v1.Resource> getGetResourceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetResource",
      requestType = ug.open.conveyor.v1.GetResourceRequest.class,
      responseType = ug.open.conveyor.v1.Resource.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetResourceRequest,
      ug.open.conveyor.v1.Resource> getGetResourceMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.GetResourceRequest, ug.open.conveyor.v1.Resource> getGetResourceMethod;
    if ((getGetResourceMethod = ResourceServiceGrpc.getGetResourceMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getGetResourceMethod = ResourceServiceGrpc.getGetResourceMethod) == null) {
          ResourceServiceGrpc.getGetResourceMethod = getGetResourceMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.GetResourceRequest, ug.open.conveyor.v1.Resource>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetResource"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.GetResourceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.Resource.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("GetResource"))
              .build();
        }
      }
    }
    return getGetResourceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListResourcesRequest,
      ug.open.conveyor.v1.ListResourcesResponse> getListResourcesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListResources",
      requestType = ug.open.conveyor.v1.ListResourcesRequest.class,
      responseType = ug.open.conveyor.v1.ListResourcesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListResourcesRequest,
      ug.open.conveyor.v1.ListResourcesResponse> getListResourcesMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListResourcesRequest, ug.open.conveyor.v1.ListResourcesResponse> getListResourcesMethod;
    if ((getListResourcesMethod = ResourceServiceGrpc.getListResourcesMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getListResourcesMethod = ResourceServiceGrpc.getListResourcesMethod) == null) {
          ResourceServiceGrpc.getListResourcesMethod = getListResourcesMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.ListResourcesRequest, ug.open.conveyor.v1.ListResourcesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListResources"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ListResourcesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ListResourcesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("ListResources"))
              .build();
        }
      }
    }
    return getListResourcesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.UpdateResourceRequest,
      ug.open.conveyor.v1.ResourceChange> getUpdateResourceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateResource",
      requestType = ug.open.conveyor.v1.UpdateResourceRequest.class,
      responseType = ug.open.conveyor.v1.ResourceChange.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.UpdateResourceRequest,
      ug.open.conveyor.v1.ResourceChange> getUpdateResourceMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.UpdateResourceRequest, ug.open.conveyor.v1.ResourceChange> getUpdateResourceMethod;
    if ((getUpdateResourceMethod = ResourceServiceGrpc.getUpdateResourceMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getUpdateResourceMethod = ResourceServiceGrpc.getUpdateResourceMethod) == null) {
          ResourceServiceGrpc.getUpdateResourceMethod = getUpdateResourceMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.UpdateResourceRequest, ug.open.conveyor.v1.ResourceChange>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateResource"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.UpdateResourceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ResourceChange.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("UpdateResource"))
              .build();
        }
      }
    }
    return getUpdateResourceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.ApplyResourceRequest,
      ug.open.conveyor.v1.ResourceChange> getApplyResourceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ApplyResource",
      requestType = ug.open.conveyor.v1.ApplyResourceRequest.class,
      responseType = ug.open.conveyor.v1.ResourceChange.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.ApplyResourceRequest,
      ug.open.conveyor.v1.ResourceChange> getApplyResourceMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.ApplyResourceRequest, ug.open.conveyor.v1.ResourceChange> getApplyResourceMethod;
    if ((getApplyResourceMethod = ResourceServiceGrpc.getApplyResourceMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getApplyResourceMethod = ResourceServiceGrpc.getApplyResourceMethod) == null) {
          ResourceServiceGrpc.getApplyResourceMethod = getApplyResourceMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.ApplyResourceRequest, ug.open.conveyor.v1.ResourceChange>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ApplyResource"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ApplyResourceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ResourceChange.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("ApplyResource"))
              .build();
        }
      }
    }
    return getApplyResourceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeleteResourceRequest,
      ug.open.conveyor.v1.ResourceChange> getDeleteResourceMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteResource",
      requestType = ug.open.conveyor.v1.DeleteResourceRequest.class,
      responseType = ug.open.conveyor.v1.ResourceChange.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeleteResourceRequest,
      ug.open.conveyor.v1.ResourceChange> getDeleteResourceMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.DeleteResourceRequest, ug.open.conveyor.v1.ResourceChange> getDeleteResourceMethod;
    if ((getDeleteResourceMethod = ResourceServiceGrpc.getDeleteResourceMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getDeleteResourceMethod = ResourceServiceGrpc.getDeleteResourceMethod) == null) {
          ResourceServiceGrpc.getDeleteResourceMethod = getDeleteResourceMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.DeleteResourceRequest, ug.open.conveyor.v1.ResourceChange>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteResource"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.DeleteResourceRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ResourceChange.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("DeleteResource"))
              .build();
        }
      }
    }
    return getDeleteResourceMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListResourceRevisionsRequest,
      ug.open.conveyor.v1.ListResourceRevisionsResponse> getListResourceRevisionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListResourceRevisions",
      requestType = ug.open.conveyor.v1.ListResourceRevisionsRequest.class,
      responseType = ug.open.conveyor.v1.ListResourceRevisionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListResourceRevisionsRequest,
      ug.open.conveyor.v1.ListResourceRevisionsResponse> getListResourceRevisionsMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.ListResourceRevisionsRequest, ug.open.conveyor.v1.ListResourceRevisionsResponse> getListResourceRevisionsMethod;
    if ((getListResourceRevisionsMethod = ResourceServiceGrpc.getListResourceRevisionsMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getListResourceRevisionsMethod = ResourceServiceGrpc.getListResourceRevisionsMethod) == null) {
          ResourceServiceGrpc.getListResourceRevisionsMethod = getListResourceRevisionsMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.ListResourceRevisionsRequest, ug.open.conveyor.v1.ListResourceRevisionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListResourceRevisions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ListResourceRevisionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.ListResourceRevisionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("ListResourceRevisions"))
              .build();
        }
      }
    }
    return getListResourceRevisionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<ug.open.conveyor.v1.WatchResourcesRequest,
      ug.open.conveyor.v1.WatchResourcesResponse> getWatchResourcesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchResources",
      requestType = ug.open.conveyor.v1.WatchResourcesRequest.class,
      responseType = ug.open.conveyor.v1.WatchResourcesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<ug.open.conveyor.v1.WatchResourcesRequest,
      ug.open.conveyor.v1.WatchResourcesResponse> getWatchResourcesMethod() {
    io.grpc.MethodDescriptor<ug.open.conveyor.v1.WatchResourcesRequest, ug.open.conveyor.v1.WatchResourcesResponse> getWatchResourcesMethod;
    if ((getWatchResourcesMethod = ResourceServiceGrpc.getWatchResourcesMethod) == null) {
      synchronized (ResourceServiceGrpc.class) {
        if ((getWatchResourcesMethod = ResourceServiceGrpc.getWatchResourcesMethod) == null) {
          ResourceServiceGrpc.getWatchResourcesMethod = getWatchResourcesMethod =
              io.grpc.MethodDescriptor.<ug.open.conveyor.v1.WatchResourcesRequest, ug.open.conveyor.v1.WatchResourcesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchResources"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.WatchResourcesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  ug.open.conveyor.v1.WatchResourcesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ResourceServiceMethodDescriptorSupplier("WatchResources"))
              .build();
        }
      }
    }
    return getWatchResourcesMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ResourceServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ResourceServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ResourceServiceStub>() {
        @java.lang.Override
        public ResourceServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ResourceServiceStub(channel, callOptions);
        }
      };
    return ResourceServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ResourceServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ResourceServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ResourceServiceBlockingV2Stub>() {
        @java.lang.Override
        public ResourceServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ResourceServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ResourceServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ResourceServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ResourceServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ResourceServiceBlockingStub>() {
        @java.lang.Override
        public ResourceServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ResourceServiceBlockingStub(channel, callOptions);
        }
      };
    return ResourceServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ResourceServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ResourceServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ResourceServiceFutureStub>() {
        @java.lang.Override
        public ResourceServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ResourceServiceFutureStub(channel, callOptions);
        }
      };
    return ResourceServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Keeps resource definitions (types) and the resources of each.
   * Every write of a resource makes a new revision and, in the same atomic batch, the run that carries
   * it out.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Defines a type of resources by its JSON Schema. ALREADY_EXISTS when the name is taken.
     * </pre>
     */
    default void createResourceDefinition(ug.open.conveyor.v1.CreateResourceDefinitionRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateResourceDefinitionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads one definition.
     * </pre>
     */
    default void getResourceDefinition(ug.open.conveyor.v1.GetResourceDefinitionRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetResourceDefinitionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists definitions in name order.
     * </pre>
     */
    default void listResourceDefinitions(ug.open.conveyor.v1.ListResourceDefinitionsRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListResourceDefinitionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListResourceDefinitionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Replaces a definition. Its id stays. Stored resources are checked at their own next write.
     * </pre>
     */
    default void updateResourceDefinition(ug.open.conveyor.v1.UpdateResourceDefinitionRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateResourceDefinitionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a definition or replaces the one of that name. Writes nothing when nothing differs.
     * </pre>
     */
    default void applyResourceDefinition(ug.open.conveyor.v1.ApplyResourceDefinitionRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getApplyResourceDefinitionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a definition. FAILED_PRECONDITION while a resource or a pipeline names it.
     * </pre>
     */
    default void deleteResourceDefinition(ug.open.conveyor.v1.DeleteResourceDefinitionRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteResourceDefinitionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a resource and the run of its `create` event.
     * </pre>
     */
    default void createResource(ug.open.conveyor.v1.CreateResourceRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateResourceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reads a resource: as it stands, or one of its revisions.
     * </pre>
     */
    default void getResource(ug.open.conveyor.v1.GetResourceRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Resource> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetResourceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists resources in order of type and name.
     * </pre>
     */
    default void listResources(ug.open.conveyor.v1.ListResourcesRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListResourcesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListResourcesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Replaces a resource: always a new revision, and the run of its `update` event.
     * </pre>
     */
    default void updateResource(ug.open.conveyor.v1.UpdateResourceRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateResourceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Creates a resource or replaces the one of that type and name. Where nothing differs there is no
     * revision, no event and no run.
     * </pre>
     */
    default void applyResource(ug.open.conveyor.v1.ApplyResourceRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getApplyResourceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a resource and its revisions, and starts the run of its `delete` event.
     * </pre>
     */
    default void deleteResource(ug.open.conveyor.v1.DeleteResourceRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteResourceMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the revisions of a resource, the newest first.
     * </pre>
     */
    default void listResourceRevisions(ug.open.conveyor.v1.ListResourceRevisionsRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListResourceRevisionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListResourceRevisionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Follows resources: the objects as they stand, or the changes after a position, then what comes.
     * OUT_OF_RANGE when the position is no longer kept: list again.
     * </pre>
     */
    default void watchResources(ug.open.conveyor.v1.WatchResourcesRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.WatchResourcesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchResourcesMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ResourceService.
   * <pre>
   * Keeps resource definitions (types) and the resources of each.
   * Every write of a resource makes a new revision and, in the same atomic batch, the run that carries
   * it out.
   * </pre>
   */
  public static abstract class ResourceServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ResourceServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ResourceService.
   * <pre>
   * Keeps resource definitions (types) and the resources of each.
   * Every write of a resource makes a new revision and, in the same atomic batch, the run that carries
   * it out.
   * </pre>
   */
  public static final class ResourceServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ResourceServiceStub> {
    private ResourceServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ResourceServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ResourceServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Defines a type of resources by its JSON Schema. ALREADY_EXISTS when the name is taken.
     * </pre>
     */
    public void createResourceDefinition(ug.open.conveyor.v1.CreateResourceDefinitionRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateResourceDefinitionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads one definition.
     * </pre>
     */
    public void getResourceDefinition(ug.open.conveyor.v1.GetResourceDefinitionRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetResourceDefinitionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists definitions in name order.
     * </pre>
     */
    public void listResourceDefinitions(ug.open.conveyor.v1.ListResourceDefinitionsRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListResourceDefinitionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListResourceDefinitionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Replaces a definition. Its id stays. Stored resources are checked at their own next write.
     * </pre>
     */
    public void updateResourceDefinition(ug.open.conveyor.v1.UpdateResourceDefinitionRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateResourceDefinitionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a definition or replaces the one of that name. Writes nothing when nothing differs.
     * </pre>
     */
    public void applyResourceDefinition(ug.open.conveyor.v1.ApplyResourceDefinitionRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getApplyResourceDefinitionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a definition. FAILED_PRECONDITION while a resource or a pipeline names it.
     * </pre>
     */
    public void deleteResourceDefinition(ug.open.conveyor.v1.DeleteResourceDefinitionRequest request,
        io.grpc.stub.StreamObserver<com.google.protobuf.Empty> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteResourceDefinitionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a resource and the run of its `create` event.
     * </pre>
     */
    public void createResource(ug.open.conveyor.v1.CreateResourceRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateResourceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reads a resource: as it stands, or one of its revisions.
     * </pre>
     */
    public void getResource(ug.open.conveyor.v1.GetResourceRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Resource> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetResourceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists resources in order of type and name.
     * </pre>
     */
    public void listResources(ug.open.conveyor.v1.ListResourcesRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListResourcesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListResourcesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Replaces a resource: always a new revision, and the run of its `update` event.
     * </pre>
     */
    public void updateResource(ug.open.conveyor.v1.UpdateResourceRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateResourceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Creates a resource or replaces the one of that type and name. Where nothing differs there is no
     * revision, no event and no run.
     * </pre>
     */
    public void applyResource(ug.open.conveyor.v1.ApplyResourceRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getApplyResourceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a resource and its revisions, and starts the run of its `delete` event.
     * </pre>
     */
    public void deleteResource(ug.open.conveyor.v1.DeleteResourceRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteResourceMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the revisions of a resource, the newest first.
     * </pre>
     */
    public void listResourceRevisions(ug.open.conveyor.v1.ListResourceRevisionsRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListResourceRevisionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListResourceRevisionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Follows resources: the objects as they stand, or the changes after a position, then what comes.
     * OUT_OF_RANGE when the position is no longer kept: list again.
     * </pre>
     */
    public void watchResources(ug.open.conveyor.v1.WatchResourcesRequest request,
        io.grpc.stub.StreamObserver<ug.open.conveyor.v1.WatchResourcesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchResourcesMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ResourceService.
   * <pre>
   * Keeps resource definitions (types) and the resources of each.
   * Every write of a resource makes a new revision and, in the same atomic batch, the run that carries
   * it out.
   * </pre>
   */
  public static final class ResourceServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ResourceServiceBlockingV2Stub> {
    private ResourceServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ResourceServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ResourceServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Defines a type of resources by its JSON Schema. ALREADY_EXISTS when the name is taken.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceDefinition createResourceDefinition(ug.open.conveyor.v1.CreateResourceDefinitionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateResourceDefinitionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one definition.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceDefinition getResourceDefinition(ug.open.conveyor.v1.GetResourceDefinitionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetResourceDefinitionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists definitions in name order.
     * </pre>
     */
    public ug.open.conveyor.v1.ListResourceDefinitionsResponse listResourceDefinitions(ug.open.conveyor.v1.ListResourceDefinitionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListResourceDefinitionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces a definition. Its id stays. Stored resources are checked at their own next write.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceDefinition updateResourceDefinition(ug.open.conveyor.v1.UpdateResourceDefinitionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateResourceDefinitionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a definition or replaces the one of that name. Writes nothing when nothing differs.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceDefinition applyResourceDefinition(ug.open.conveyor.v1.ApplyResourceDefinitionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getApplyResourceDefinitionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a definition. FAILED_PRECONDITION while a resource or a pipeline names it.
     * </pre>
     */
    public com.google.protobuf.Empty deleteResourceDefinition(ug.open.conveyor.v1.DeleteResourceDefinitionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteResourceDefinitionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a resource and the run of its `create` event.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceChange createResource(ug.open.conveyor.v1.CreateResourceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateResourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads a resource: as it stands, or one of its revisions.
     * </pre>
     */
    public ug.open.conveyor.v1.Resource getResource(ug.open.conveyor.v1.GetResourceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetResourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists resources in order of type and name.
     * </pre>
     */
    public ug.open.conveyor.v1.ListResourcesResponse listResources(ug.open.conveyor.v1.ListResourcesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListResourcesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces a resource: always a new revision, and the run of its `update` event.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceChange updateResource(ug.open.conveyor.v1.UpdateResourceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateResourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a resource or replaces the one of that type and name. Where nothing differs there is no
     * revision, no event and no run.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceChange applyResource(ug.open.conveyor.v1.ApplyResourceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getApplyResourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a resource and its revisions, and starts the run of its `delete` event.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceChange deleteResource(ug.open.conveyor.v1.DeleteResourceRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteResourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the revisions of a resource, the newest first.
     * </pre>
     */
    public ug.open.conveyor.v1.ListResourceRevisionsResponse listResourceRevisions(ug.open.conveyor.v1.ListResourceRevisionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListResourceRevisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Follows resources: the objects as they stand, or the changes after a position, then what comes.
     * OUT_OF_RANGE when the position is no longer kept: list again.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, ug.open.conveyor.v1.WatchResourcesResponse>
        watchResources(ug.open.conveyor.v1.WatchResourcesRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchResourcesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ResourceService.
   * <pre>
   * Keeps resource definitions (types) and the resources of each.
   * Every write of a resource makes a new revision and, in the same atomic batch, the run that carries
   * it out.
   * </pre>
   */
  public static final class ResourceServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ResourceServiceBlockingStub> {
    private ResourceServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ResourceServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ResourceServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Defines a type of resources by its JSON Schema. ALREADY_EXISTS when the name is taken.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceDefinition createResourceDefinition(ug.open.conveyor.v1.CreateResourceDefinitionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateResourceDefinitionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads one definition.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceDefinition getResourceDefinition(ug.open.conveyor.v1.GetResourceDefinitionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetResourceDefinitionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists definitions in name order.
     * </pre>
     */
    public ug.open.conveyor.v1.ListResourceDefinitionsResponse listResourceDefinitions(ug.open.conveyor.v1.ListResourceDefinitionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListResourceDefinitionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces a definition. Its id stays. Stored resources are checked at their own next write.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceDefinition updateResourceDefinition(ug.open.conveyor.v1.UpdateResourceDefinitionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateResourceDefinitionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a definition or replaces the one of that name. Writes nothing when nothing differs.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceDefinition applyResourceDefinition(ug.open.conveyor.v1.ApplyResourceDefinitionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getApplyResourceDefinitionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a definition. FAILED_PRECONDITION while a resource or a pipeline names it.
     * </pre>
     */
    public com.google.protobuf.Empty deleteResourceDefinition(ug.open.conveyor.v1.DeleteResourceDefinitionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteResourceDefinitionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a resource and the run of its `create` event.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceChange createResource(ug.open.conveyor.v1.CreateResourceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateResourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reads a resource: as it stands, or one of its revisions.
     * </pre>
     */
    public ug.open.conveyor.v1.Resource getResource(ug.open.conveyor.v1.GetResourceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetResourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists resources in order of type and name.
     * </pre>
     */
    public ug.open.conveyor.v1.ListResourcesResponse listResources(ug.open.conveyor.v1.ListResourcesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListResourcesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Replaces a resource: always a new revision, and the run of its `update` event.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceChange updateResource(ug.open.conveyor.v1.UpdateResourceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateResourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Creates a resource or replaces the one of that type and name. Where nothing differs there is no
     * revision, no event and no run.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceChange applyResource(ug.open.conveyor.v1.ApplyResourceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getApplyResourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a resource and its revisions, and starts the run of its `delete` event.
     * </pre>
     */
    public ug.open.conveyor.v1.ResourceChange deleteResource(ug.open.conveyor.v1.DeleteResourceRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteResourceMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the revisions of a resource, the newest first.
     * </pre>
     */
    public ug.open.conveyor.v1.ListResourceRevisionsResponse listResourceRevisions(ug.open.conveyor.v1.ListResourceRevisionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListResourceRevisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Follows resources: the objects as they stand, or the changes after a position, then what comes.
     * OUT_OF_RANGE when the position is no longer kept: list again.
     * </pre>
     */
    public java.util.Iterator<ug.open.conveyor.v1.WatchResourcesResponse> watchResources(
        ug.open.conveyor.v1.WatchResourcesRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchResourcesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ResourceService.
   * <pre>
   * Keeps resource definitions (types) and the resources of each.
   * Every write of a resource makes a new revision and, in the same atomic batch, the run that carries
   * it out.
   * </pre>
   */
  public static final class ResourceServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ResourceServiceFutureStub> {
    private ResourceServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ResourceServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ResourceServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Defines a type of resources by its JSON Schema. ALREADY_EXISTS when the name is taken.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ResourceDefinition> createResourceDefinition(
        ug.open.conveyor.v1.CreateResourceDefinitionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateResourceDefinitionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads one definition.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ResourceDefinition> getResourceDefinition(
        ug.open.conveyor.v1.GetResourceDefinitionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetResourceDefinitionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists definitions in name order.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ListResourceDefinitionsResponse> listResourceDefinitions(
        ug.open.conveyor.v1.ListResourceDefinitionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListResourceDefinitionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Replaces a definition. Its id stays. Stored resources are checked at their own next write.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ResourceDefinition> updateResourceDefinition(
        ug.open.conveyor.v1.UpdateResourceDefinitionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateResourceDefinitionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a definition or replaces the one of that name. Writes nothing when nothing differs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ResourceDefinition> applyResourceDefinition(
        ug.open.conveyor.v1.ApplyResourceDefinitionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getApplyResourceDefinitionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a definition. FAILED_PRECONDITION while a resource or a pipeline names it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.google.protobuf.Empty> deleteResourceDefinition(
        ug.open.conveyor.v1.DeleteResourceDefinitionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteResourceDefinitionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a resource and the run of its `create` event.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ResourceChange> createResource(
        ug.open.conveyor.v1.CreateResourceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateResourceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reads a resource: as it stands, or one of its revisions.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.Resource> getResource(
        ug.open.conveyor.v1.GetResourceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetResourceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists resources in order of type and name.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ListResourcesResponse> listResources(
        ug.open.conveyor.v1.ListResourcesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListResourcesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Replaces a resource: always a new revision, and the run of its `update` event.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ResourceChange> updateResource(
        ug.open.conveyor.v1.UpdateResourceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateResourceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Creates a resource or replaces the one of that type and name. Where nothing differs there is no
     * revision, no event and no run.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ResourceChange> applyResource(
        ug.open.conveyor.v1.ApplyResourceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getApplyResourceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a resource and its revisions, and starts the run of its `delete` event.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ResourceChange> deleteResource(
        ug.open.conveyor.v1.DeleteResourceRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteResourceMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the revisions of a resource, the newest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<ug.open.conveyor.v1.ListResourceRevisionsResponse> listResourceRevisions(
        ug.open.conveyor.v1.ListResourceRevisionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListResourceRevisionsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_RESOURCE_DEFINITION = 0;
  private static final int METHODID_GET_RESOURCE_DEFINITION = 1;
  private static final int METHODID_LIST_RESOURCE_DEFINITIONS = 2;
  private static final int METHODID_UPDATE_RESOURCE_DEFINITION = 3;
  private static final int METHODID_APPLY_RESOURCE_DEFINITION = 4;
  private static final int METHODID_DELETE_RESOURCE_DEFINITION = 5;
  private static final int METHODID_CREATE_RESOURCE = 6;
  private static final int METHODID_GET_RESOURCE = 7;
  private static final int METHODID_LIST_RESOURCES = 8;
  private static final int METHODID_UPDATE_RESOURCE = 9;
  private static final int METHODID_APPLY_RESOURCE = 10;
  private static final int METHODID_DELETE_RESOURCE = 11;
  private static final int METHODID_LIST_RESOURCE_REVISIONS = 12;
  private static final int METHODID_WATCH_RESOURCES = 13;

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
        case METHODID_CREATE_RESOURCE_DEFINITION:
          serviceImpl.createResourceDefinition((ug.open.conveyor.v1.CreateResourceDefinitionRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition>) responseObserver);
          break;
        case METHODID_GET_RESOURCE_DEFINITION:
          serviceImpl.getResourceDefinition((ug.open.conveyor.v1.GetResourceDefinitionRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition>) responseObserver);
          break;
        case METHODID_LIST_RESOURCE_DEFINITIONS:
          serviceImpl.listResourceDefinitions((ug.open.conveyor.v1.ListResourceDefinitionsRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListResourceDefinitionsResponse>) responseObserver);
          break;
        case METHODID_UPDATE_RESOURCE_DEFINITION:
          serviceImpl.updateResourceDefinition((ug.open.conveyor.v1.UpdateResourceDefinitionRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition>) responseObserver);
          break;
        case METHODID_APPLY_RESOURCE_DEFINITION:
          serviceImpl.applyResourceDefinition((ug.open.conveyor.v1.ApplyResourceDefinitionRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceDefinition>) responseObserver);
          break;
        case METHODID_DELETE_RESOURCE_DEFINITION:
          serviceImpl.deleteResourceDefinition((ug.open.conveyor.v1.DeleteResourceDefinitionRequest) request,
              (io.grpc.stub.StreamObserver<com.google.protobuf.Empty>) responseObserver);
          break;
        case METHODID_CREATE_RESOURCE:
          serviceImpl.createResource((ug.open.conveyor.v1.CreateResourceRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange>) responseObserver);
          break;
        case METHODID_GET_RESOURCE:
          serviceImpl.getResource((ug.open.conveyor.v1.GetResourceRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.Resource>) responseObserver);
          break;
        case METHODID_LIST_RESOURCES:
          serviceImpl.listResources((ug.open.conveyor.v1.ListResourcesRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListResourcesResponse>) responseObserver);
          break;
        case METHODID_UPDATE_RESOURCE:
          serviceImpl.updateResource((ug.open.conveyor.v1.UpdateResourceRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange>) responseObserver);
          break;
        case METHODID_APPLY_RESOURCE:
          serviceImpl.applyResource((ug.open.conveyor.v1.ApplyResourceRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange>) responseObserver);
          break;
        case METHODID_DELETE_RESOURCE:
          serviceImpl.deleteResource((ug.open.conveyor.v1.DeleteResourceRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ResourceChange>) responseObserver);
          break;
        case METHODID_LIST_RESOURCE_REVISIONS:
          serviceImpl.listResourceRevisions((ug.open.conveyor.v1.ListResourceRevisionsRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.ListResourceRevisionsResponse>) responseObserver);
          break;
        case METHODID_WATCH_RESOURCES:
          serviceImpl.watchResources((ug.open.conveyor.v1.WatchResourcesRequest) request,
              (io.grpc.stub.StreamObserver<ug.open.conveyor.v1.WatchResourcesResponse>) responseObserver);
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
          getCreateResourceDefinitionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.CreateResourceDefinitionRequest,
              ug.open.conveyor.v1.ResourceDefinition>(
                service, METHODID_CREATE_RESOURCE_DEFINITION)))
        .addMethod(
          getGetResourceDefinitionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.GetResourceDefinitionRequest,
              ug.open.conveyor.v1.ResourceDefinition>(
                service, METHODID_GET_RESOURCE_DEFINITION)))
        .addMethod(
          getListResourceDefinitionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.ListResourceDefinitionsRequest,
              ug.open.conveyor.v1.ListResourceDefinitionsResponse>(
                service, METHODID_LIST_RESOURCE_DEFINITIONS)))
        .addMethod(
          getUpdateResourceDefinitionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.UpdateResourceDefinitionRequest,
              ug.open.conveyor.v1.ResourceDefinition>(
                service, METHODID_UPDATE_RESOURCE_DEFINITION)))
        .addMethod(
          getApplyResourceDefinitionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.ApplyResourceDefinitionRequest,
              ug.open.conveyor.v1.ResourceDefinition>(
                service, METHODID_APPLY_RESOURCE_DEFINITION)))
        .addMethod(
          getDeleteResourceDefinitionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.DeleteResourceDefinitionRequest,
              com.google.protobuf.Empty>(
                service, METHODID_DELETE_RESOURCE_DEFINITION)))
        .addMethod(
          getCreateResourceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.CreateResourceRequest,
              ug.open.conveyor.v1.ResourceChange>(
                service, METHODID_CREATE_RESOURCE)))
        .addMethod(
          getGetResourceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.GetResourceRequest,
              ug.open.conveyor.v1.Resource>(
                service, METHODID_GET_RESOURCE)))
        .addMethod(
          getListResourcesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.ListResourcesRequest,
              ug.open.conveyor.v1.ListResourcesResponse>(
                service, METHODID_LIST_RESOURCES)))
        .addMethod(
          getUpdateResourceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.UpdateResourceRequest,
              ug.open.conveyor.v1.ResourceChange>(
                service, METHODID_UPDATE_RESOURCE)))
        .addMethod(
          getApplyResourceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.ApplyResourceRequest,
              ug.open.conveyor.v1.ResourceChange>(
                service, METHODID_APPLY_RESOURCE)))
        .addMethod(
          getDeleteResourceMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.DeleteResourceRequest,
              ug.open.conveyor.v1.ResourceChange>(
                service, METHODID_DELETE_RESOURCE)))
        .addMethod(
          getListResourceRevisionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              ug.open.conveyor.v1.ListResourceRevisionsRequest,
              ug.open.conveyor.v1.ListResourceRevisionsResponse>(
                service, METHODID_LIST_RESOURCE_REVISIONS)))
        .addMethod(
          getWatchResourcesMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              ug.open.conveyor.v1.WatchResourcesRequest,
              ug.open.conveyor.v1.WatchResourcesResponse>(
                service, METHODID_WATCH_RESOURCES)))
        .build();
  }

  private static abstract class ResourceServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ResourceServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return ug.open.conveyor.v1.ResourceServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ResourceService");
    }
  }

  private static final class ResourceServiceFileDescriptorSupplier
      extends ResourceServiceBaseDescriptorSupplier {
    ResourceServiceFileDescriptorSupplier() {}
  }

  private static final class ResourceServiceMethodDescriptorSupplier
      extends ResourceServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ResourceServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (ResourceServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ResourceServiceFileDescriptorSupplier())
              .addMethod(getCreateResourceDefinitionMethod())
              .addMethod(getGetResourceDefinitionMethod())
              .addMethod(getListResourceDefinitionsMethod())
              .addMethod(getUpdateResourceDefinitionMethod())
              .addMethod(getApplyResourceDefinitionMethod())
              .addMethod(getDeleteResourceDefinitionMethod())
              .addMethod(getCreateResourceMethod())
              .addMethod(getGetResourceMethod())
              .addMethod(getListResourcesMethod())
              .addMethod(getUpdateResourceMethod())
              .addMethod(getApplyResourceMethod())
              .addMethod(getDeleteResourceMethod())
              .addMethod(getListResourceRevisionsMethod())
              .addMethod(getWatchResourcesMethod())
              .build();
        }
      }
    }
    return result;
  }
}
