//! Services that answer at once and keep nothing, so that the way to them can be tested alone.

use bytes::{BufMut, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};
use prost::Message;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

use crate::api::rest::stream::WaitForUnknownRun;
use crate::error::{Error, Violation};
use crate::proto::driver_service_server::DriverService;
use crate::proto::log_service_server::LogService;
use crate::proto::pipeline_service_server::PipelineService;
use crate::proto::resource_service_server::ResourceService;
use crate::proto::run_service_server::RunService;
use crate::proto::server_service_server::ServerService;
use crate::proto::{
    AppendLogsRequest, AppendLogsResponse, ApplyPipelineRequest, ApplyResourceDefinitionRequest,
    ApplyResourceRequest, BackupRequest, BackupResponse, BroadcastMessageRequest,
    BroadcastMessageResponse, CancelRunRequest, CreatePipelineRequest,
    CreateResourceDefinitionRequest, CreateResourceRequest, DeleteDriverRequest,
    DeletePipelineRequest, DeleteResourceDefinitionRequest, DeleteResourceRequest, Driver,
    DriverStreamRequest, DriverStreamResponse, GetDriverRequest, GetPipelineRequest,
    GetResourceDefinitionRequest, GetResourceRequest, GetRunRequest, GetServerRequest,
    GetServerResponse, ListDriversRequest, ListDriversResponse, ListPipelinesRequest,
    ListPipelinesResponse, ListResourceDefinitionsRequest, ListResourceDefinitionsResponse,
    ListResourceRevisionsRequest, ListResourceRevisionsResponse, ListResourcesRequest,
    ListResourcesResponse, ListRunsRequest, ListRunsResponse, LogEntry, Pipeline, Resource,
    ResourceChange, ResourceDefinition, Run, RunState, StartRunRequest, TailLogsRequest,
    TailLogsResponse, UpdatePipelineRequest, UpdateResourceDefinitionRequest,
    UpdateResourceRequest, WatchResourcesRequest, WatchResourcesResponse, WatchRunRequest,
};

/// Key order, digits and spacing as nobody would write them.
pub(super) const SPEC: &str = r#"{"z": 9007199254740993, "a": 1.10}"#;

/// Answers what the tests look for.
#[derive(Clone)]
pub(super) struct Stub;

fn one_violation() -> Status {
    let mut details = ErrorDetails::new();
    details.add_bad_request_violation("resource.spec.steps[0].command", "must be a string");
    Status::with_error_details(Code::InvalidArgument, "the spec is wrong", details)
}

fn many_violations() -> Status {
    let all = (0..1200).map(|at| Violation::new(format!("resource.spec.items[{at}]"), "is wrong"));
    let mut status = Status::invalid_argument("the spec is wrong");
    status.set_source(std::sync::Arc::new(Error::Invalid(all.collect())));
    status
}

fn lines(run: &str, seq: u64) -> TailLogsResponse {
    let entry = LogEntry {
        run_id: run.into(),
        seq,
        step: "1".into(),
        attempt: 1,
        driver: "d".into(),
        pipeline: "p".into(),
        time: Some(prost_types::Timestamp {
            seconds: 1_700_000_000 + seq as i64,
            nanos: 1,
        }),
        stream: "stdout".into(),
        labels: [("k".to_owned(), "v".to_owned())].into(),
        message: format!("line {seq} \u{1F600}\t\""),
    };
    let mut answer = BytesMut::new();
    answer.put_u8(1 << 3 | 2); // the field `entries`
    entry.encode_length_delimited(&mut answer).unwrap();
    TailLogsResponse(answer.freeze())
}

fn nothing<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not in the stub"))
}

#[tonic::async_trait]
impl RunService for Stub {
    type WatchRunStream = BoxStream<'static, Result<Run, Status>>;
    async fn start_run(&self, _: Request<StartRunRequest>) -> Result<Response<Run>, Status> {
        nothing()
    }
    async fn get_run(&self, request: Request<GetRunRequest>) -> Result<Response<Run>, Status> {
        let request = request.into_inner();
        let state = if request.id == "ended" {
            RunState::Succeeded
        } else {
            RunState::Running
        };
        Ok(Response::new(Run {
            state: state.into(),
            ..Run::default()
        }))
    }
    async fn list_runs(
        &self,
        _: Request<ListRunsRequest>,
    ) -> Result<Response<ListRunsResponse>, Status> {
        nothing()
    }
    async fn cancel_run(&self, _: Request<CancelRunRequest>) -> Result<Response<Run>, Status> {
        nothing()
    }
    async fn watch_run(
        &self,
        _: Request<WatchRunRequest>,
    ) -> Result<Response<Self::WatchRunStream>, Status> {
        nothing()
    }
}

#[tonic::async_trait]
impl LogService for Stub {
    type TailLogsStream = BoxStream<'static, Result<TailLogsResponse, Status>>;
    async fn tail_logs(
        &self,
        request: Request<TailLogsRequest>,
    ) -> Result<Response<Self::TailLogsStream>, Status> {
        let waits = request.extensions().get::<WaitForUnknownRun>().is_some();
        let request = request.into_inner();
        if request.run_id == "panics" {
            let first = stream::iter([Ok(lines("panics", 1))]);
            // What came before has gone out by then.
            let planted = stream::once(async {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                panic!("planted in an answer that goes on")
            });
            return Ok(Response::new(first.chain(planted).boxed()));
        }
        assert!(waits);
        if request.run_id == "broken" {
            let broken = Err(Status::data_loss("a line cannot be read"));
            return Ok(Response::new(
                stream::iter([Ok(lines("broken", 1)), broken]).boxed(),
            ));
        }
        let lines = (request.after + 1..=3).map(|seq| Ok(lines(&request.run_id, seq)));
        let stored = stream::iter(lines.collect::<Vec<_>>());
        let is_live = request.run_id == "live" && request.follow != Some(false);
        Ok(Response::new(if is_live {
            stored.chain(stream::pending()).boxed()
        } else {
            stored.boxed()
        }))
    }
    async fn append_logs(
        &self,
        request: Request<Streaming<AppendLogsRequest>>,
    ) -> Result<Response<AppendLogsResponse>, Status> {
        let message = request.into_inner().message().await?.unwrap();
        let entry = &message.entries[0];
        if entry.run_id.is_empty() {
            let mut details = ErrorDetails::new();
            details.add_bad_request_violation("entries[0].run_id", "must be given");
            return Err(Status::with_error_details(
                Code::InvalidArgument,
                "bad",
                details,
            ));
        }
        // Shows the time that was read.
        match entry.time {
            Some(time) => Err(Status::internal(format!(
                "{}.{:09}",
                time.seconds, time.nanos
            ))),
            None => Ok(Response::new(AppendLogsResponse { count: 1 })),
        }
    }
}

#[tonic::async_trait]
impl PipelineService for Stub {
    async fn create_pipeline(
        &self,
        request: Request<CreatePipelineRequest>,
    ) -> Result<Response<Pipeline>, Status> {
        Ok(Response::new(
            request.into_inner().pipeline.unwrap_or_default(),
        ))
    }
    async fn get_pipeline(
        &self,
        _: Request<GetPipelineRequest>,
    ) -> Result<Response<Pipeline>, Status> {
        nothing()
    }
    async fn list_pipelines(
        &self,
        _: Request<ListPipelinesRequest>,
    ) -> Result<Response<ListPipelinesResponse>, Status> {
        nothing()
    }
    async fn update_pipeline(
        &self,
        _: Request<UpdatePipelineRequest>,
    ) -> Result<Response<Pipeline>, Status> {
        nothing()
    }
    async fn apply_pipeline(
        &self,
        _: Request<ApplyPipelineRequest>,
    ) -> Result<Response<Pipeline>, Status> {
        nothing()
    }
    async fn delete_pipeline(
        &self,
        _: Request<DeletePipelineRequest>,
    ) -> Result<Response<()>, Status> {
        nothing()
    }
}

#[tonic::async_trait]
impl DriverService for Stub {
    type DriverStreamStream = BoxStream<'static, Result<DriverStreamResponse, Status>>;
    async fn driver_stream(
        &self,
        _: Request<Streaming<DriverStreamRequest>>,
    ) -> Result<Response<Self::DriverStreamStream>, Status> {
        nothing()
    }
    async fn get_driver(&self, _: Request<GetDriverRequest>) -> Result<Response<Driver>, Status> {
        nothing()
    }
    async fn list_drivers(
        &self,
        _: Request<ListDriversRequest>,
    ) -> Result<Response<ListDriversResponse>, Status> {
        nothing()
    }
    async fn delete_driver(&self, _: Request<DeleteDriverRequest>) -> Result<Response<()>, Status> {
        nothing()
    }
    async fn broadcast_message(
        &self,
        request: Request<BroadcastMessageRequest>,
    ) -> Result<Response<BroadcastMessageResponse>, Status> {
        Err(Status::invalid_argument(request.into_inner().payload))
    }
}

#[tonic::async_trait]
impl ResourceService for Stub {
    type WatchResourcesStream = BoxStream<'static, Result<WatchResourcesResponse, Status>>;
    async fn create_resource_definition(
        &self,
        _: Request<CreateResourceDefinitionRequest>,
    ) -> Result<Response<ResourceDefinition>, Status> {
        nothing()
    }
    async fn get_resource_definition(
        &self,
        _: Request<GetResourceDefinitionRequest>,
    ) -> Result<Response<ResourceDefinition>, Status> {
        nothing()
    }
    async fn list_resource_definitions(
        &self,
        _: Request<ListResourceDefinitionsRequest>,
    ) -> Result<Response<ListResourceDefinitionsResponse>, Status> {
        nothing()
    }
    async fn update_resource_definition(
        &self,
        _: Request<UpdateResourceDefinitionRequest>,
    ) -> Result<Response<ResourceDefinition>, Status> {
        nothing()
    }
    async fn apply_resource_definition(
        &self,
        _: Request<ApplyResourceDefinitionRequest>,
    ) -> Result<Response<ResourceDefinition>, Status> {
        nothing()
    }
    async fn delete_resource_definition(
        &self,
        _: Request<DeleteResourceDefinitionRequest>,
    ) -> Result<Response<()>, Status> {
        nothing()
    }
    async fn create_resource(
        &self,
        request: Request<CreateResourceRequest>,
    ) -> Result<Response<ResourceChange>, Status> {
        let mut resource = request.into_inner().resource.unwrap_or_default();
        match resource.name.as_str() {
            "one-wrong" => Err(one_violation()),
            "all-wrong" => Err(many_violations()),
            _ => {
                resource.revision = 1;
                let change = ResourceChange {
                    resource: Some(resource),
                    run_id: "run-1".into(),
                };
                Ok(Response::new(change))
            }
        }
    }
    async fn get_resource(
        &self,
        request: Request<GetResourceRequest>,
    ) -> Result<Response<Resource>, Status> {
        let request = request.into_inner();
        Ok(Response::new(Resource {
            id: "an-id".into(),
            name: request.name,
            resource: request.resource,
            metadata: [("version".to_owned(), request.revision.to_string())].into(),
            spec_json: SPEC.into(),
            revision: request.revision,
            create_time: Some(prost_types::Timestamp {
                seconds: 1_700_000_000,
                nanos: 5_000_000,
            }),
            ..Resource::default()
        }))
    }
    async fn list_resources(
        &self,
        request: Request<ListResourcesRequest>,
    ) -> Result<Response<ListResourcesResponse>, Status> {
        let request = request.into_inner();
        Ok(Response::new(ListResourcesResponse {
            resources: Vec::new(),
            next_page_token: format!("{}+{}", request.resource, request.page_size),
        }))
    }
    async fn update_resource(
        &self,
        request: Request<UpdateResourceRequest>,
    ) -> Result<Response<ResourceChange>, Status> {
        let request = request.into_inner();
        if request.expected_revision == 7 {
            return Err(Status::aborted("stale"));
        }
        Ok(Response::new(ResourceChange {
            resource: request.resource,
            run_id: "run-2".into(),
        }))
    }
    async fn apply_resource(
        &self,
        _: Request<ApplyResourceRequest>,
    ) -> Result<Response<ResourceChange>, Status> {
        nothing()
    }
    async fn delete_resource(
        &self,
        request: Request<DeleteResourceRequest>,
    ) -> Result<Response<ResourceChange>, Status> {
        let _ = request;
        Ok(Response::new(ResourceChange {
            resource: None,
            run_id: "run-3".into(),
        }))
    }
    async fn list_resource_revisions(
        &self,
        _: Request<ListResourceRevisionsRequest>,
    ) -> Result<Response<ListResourceRevisionsResponse>, Status> {
        nothing()
    }
    async fn watch_resources(
        &self,
        _: Request<WatchResourcesRequest>,
    ) -> Result<Response<Self::WatchResourcesStream>, Status> {
        nothing()
    }
}

#[tonic::async_trait]
impl ServerService for Stub {
    type BackupStream = BoxStream<'static, Result<BackupResponse, Status>>;
    async fn backup(
        &self,
        _: Request<BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        Err(Status::unimplemented("there is no store"))
    }
    async fn get_server(
        &self,
        _: Request<GetServerRequest>,
    ) -> Result<Response<GetServerResponse>, Status> {
        Ok(Response::new(GetServerResponse {
            version: "1.2.3".to_owned(),
        }))
    }
}
