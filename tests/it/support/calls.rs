//! The calls that tests make most, by gRPC.

use std::collections::HashMap;

use conveyor_client::proto::driver_service_client::DriverServiceClient;
use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::pipeline_service_client::PipelineServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::{
    CreatePipelineRequest, CreateResourceDefinitionRequest, CreateResourceRequest,
    DeleteResourceRequest, GetResourceRequest, GetRunRequest, LogEntry, Pipeline, Resource,
    ResourceDefinition, Run, RunState, Step, StepState, TailLogsRequest, UpdateResourceRequest,
};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{Server, eventually, soon};

const LARGEST: usize = 16 << 20;

impl Server {
    pub(crate) fn resources(&self) -> ResourceServiceClient<Channel> {
        ResourceServiceClient::new(self.channel.clone()).max_decoding_message_size(LARGEST)
    }

    pub(crate) fn pipelines(&self) -> PipelineServiceClient<Channel> {
        PipelineServiceClient::new(self.channel.clone()).max_decoding_message_size(LARGEST)
    }

    pub(crate) fn runs(&self) -> RunServiceClient<Channel> {
        RunServiceClient::new(self.channel.clone()).max_decoding_message_size(LARGEST)
    }

    pub(crate) fn drivers(&self) -> DriverServiceClient<Channel> {
        DriverServiceClient::new(self.channel.clone()).max_decoding_message_size(LARGEST)
    }

    pub(crate) fn logs(&self) -> LogServiceClient<Channel> {
        LogServiceClient::new(self.channel.clone()).max_decoding_message_size(LARGEST)
    }

    /// Defines a type by its schema.
    pub(crate) async fn try_define(
        &self,
        name: &str,
        schema: &str,
    ) -> Result<ResourceDefinition, Status> {
        let definition = ResourceDefinition {
            name: name.into(),
            schema_json: schema.into(),
            ..ResourceDefinition::default()
        };
        let request = CreateResourceDefinitionRequest {
            resource_definition: Some(definition),
            ..Default::default()
        };
        Ok(self
            .resources()
            .create_resource_definition(request)
            .await?
            .into_inner())
    }

    /// Defines a type that takes any object.
    pub(crate) async fn define(&self, name: &str) -> ResourceDefinition {
        self.try_define(name, "{}").await.unwrap()
    }

    /// Creates a pipeline of `(step, driver)` pairs.
    pub(crate) async fn pipeline(
        &self,
        name: &str,
        definition: &str,
        steps: &[(&str, &str)],
    ) -> Pipeline {
        let steps = steps.iter().map(|(id, driver)| step(id, driver)).collect();
        self.try_pipeline(name, definition, steps).await.unwrap()
    }

    /// Creates a pipeline of any steps.
    pub(crate) async fn try_pipeline(
        &self,
        name: &str,
        definition: &str,
        steps: Vec<Step>,
    ) -> Result<Pipeline, Status> {
        let pipeline = Pipeline {
            name: name.into(),
            resource: definition.into(),
            steps,
            ..Pipeline::default()
        };
        let request = CreatePipelineRequest {
            pipeline: Some(pipeline),
            ..Default::default()
        };
        Ok(self
            .pipelines()
            .create_pipeline(request)
            .await?
            .into_inner())
    }

    /// Creates a resource and gives the id of its run.
    pub(crate) async fn create(&self, definition: &str, name: &str) -> String {
        self.try_create(resource(definition, name)).await.unwrap().1
    }

    /// Creates a resource with a pipeline and gives the id of its run.
    pub(crate) async fn create_in(&self, pipeline: &str, definition: &str, name: &str) -> String {
        let resource = Resource {
            pipeline: pipeline.into(),
            ..resource(definition, name)
        };
        self.try_create(resource).await.unwrap().1
    }

    /// Creates a resource; gives it and the id of its run.
    pub(crate) async fn try_create(
        &self,
        resource: Resource,
    ) -> Result<(Resource, String), Status> {
        let change = self
            .resources()
            .create_resource(create_request(resource))
            .await?
            .into_inner();
        Ok((
            change.resource.expect("a change has its resource"),
            change.run_id,
        ))
    }

    /// Writes a resource as it stands once more; gives the id of the run.
    pub(crate) async fn update(&self, mut resource: Resource) -> String {
        // What was read has both; a writer gives one.
        resource.spec = None;
        let request = UpdateResourceRequest {
            resource: Some(resource),
            expected_revision: 0,
        };
        self.resources()
            .update_resource(request)
            .await
            .unwrap()
            .into_inner()
            .run_id
    }

    /// Deletes a resource and gives the id of the run.
    pub(crate) async fn delete(&self, definition: &str, name: &str) -> String {
        let request = DeleteResourceRequest {
            resource: definition.into(),
            name: name.into(),
            expected_revision: 0,
        };
        self.resources()
            .delete_resource(request)
            .await
            .unwrap()
            .into_inner()
            .run_id
    }

    /// Reads a revision of a resource; 0 is the current one.
    pub(crate) async fn read(
        &self,
        definition: &str,
        name: &str,
        revision: i64,
    ) -> Result<Resource, Status> {
        let request = GetResourceRequest {
            resource: definition.into(),
            name: name.into(),
            revision,
        };
        Ok(self.resources().get_resource(request).await?.into_inner())
    }

    /// Reads a run.
    pub(crate) async fn run(&self, id: &str) -> Run {
        self.runs()
            .get_run(GetRunRequest { id: id.into() })
            .await
            .unwrap()
            .into_inner()
    }

    /// Reads a run until it is as awaited.
    pub(crate) async fn run_where(
        &self,
        id: &str,
        what: &str,
        holds: impl Fn(&Run) -> bool,
    ) -> Run {
        let mut last = None;
        eventually(what, async || {
            let run = self.run(id).await;
            let held = holds(&run).then(|| run.clone());
            if held.is_none() && last.as_ref() != Some(&run) {
                println!("{what}? {}", short(&run));
                last = Some(run);
            }
            held
        })
        .await
    }

    /// Awaits a state of a run.
    pub(crate) async fn run_is(&self, id: &str, state: RunState) -> Run {
        self.run_where(id, &format!("run is {state:?}"), |run| run.state() == state)
            .await
    }

    /// Awaits a state of the step with this index.
    pub(crate) async fn step_is(&self, id: &str, index: usize, state: StepState) -> Run {
        let what = format!("step {index} is {state:?}");
        self.run_where(id, &what, |run| {
            run.steps
                .get(index)
                .is_some_and(|step| step.state() == state)
        })
        .await
    }

    /// All lines of a run that are stored now.
    pub(crate) async fn stored_lines(&self, run: &str) -> Vec<LogEntry> {
        self.tail(TailLogsRequest {
            run_id: run.into(),
            follow: Some(false),
            ..Default::default()
        })
        .await
        .unwrap()
    }

    /// Reads a tail to its end.
    pub(crate) async fn tail(&self, request: TailLogsRequest) -> Result<Vec<LogEntry>, Status> {
        let mut stream = self.logs().tail_logs(request).await?.into_inner();
        let mut entries = Vec::new();
        while let Some(response) = soon("the next lines of a tail", stream.message()).await? {
            assert_eq!(response.gap, None, "nothing was removed");
            entries.extend(response.entries);
        }
        Ok(entries)
    }
}

/// A request to create a resource.
fn create_request(resource: Resource) -> CreateResourceRequest {
    CreateResourceRequest {
        resource: Some(resource),
        request_id: String::new(),
    }
}

/// A resource with an empty spec.
pub(crate) fn resource(definition: &str, name: &str) -> Resource {
    Resource {
        resource: definition.into(),
        name: name.into(),
        ..Resource::default()
    }
}

/// A step of a driver.
pub(crate) fn step(id: &str, driver: &str) -> Step {
    Step {
        id: id.into(),
        driver: driver.into(),
        ..Step::default()
    }
}

/// Key-value pairs.
pub(crate) fn params(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}

/// The field violations of an INVALID_ARGUMENT, as `(field, description)`.
pub(crate) fn violations(status: &Status) -> Vec<(String, String)> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    let bad = details
        .bad_request()
        .unwrap_or_else(|| panic!("no BadRequest in {status:?}"));
    bad.field_violations
        .iter()
        .map(|one| (one.field.clone(), one.description.clone()))
        .collect()
}

/// The machine-readable reason of an error, whose domain must be ours.
pub(crate) fn reason_of(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details
        .error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "conveyor");
    info.reason.clone()
}

fn short(run: &Run) -> String {
    let steps: Vec<_> = run
        .steps
        .iter()
        .map(|step| format!("{}={:?}({})", step.id, step.state(), step.reason))
        .collect();
    format!("{:?} ({}) {}", run.state(), run.reason, steps.join(" "))
}
