//! Clients that write: resources, with and without a pipeline, and runs of what stands.

use std::time::Duration;

use conveyor_client::proto::pipeline_service_client::PipelineServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::{
    ApplyPipelineRequest, ApplyResourceDefinitionRequest, ApplyResourceRequest, CancelRunRequest,
    CreateResourceRequest, DeleteResourceRequest, Pipeline, Resource, ResourceChange,
    ResourceDefinition, StartRunRequest, Step, UpdateResourceRequest,
};
use tokio::time::timeout;
use tonic::{Response, Status};

use super::dice::Dice;
use super::history::{Event, History};
use super::keeping::Keeping;
use super::network::Network;

/// The definition of all resources.
pub(super) const KIND: &str = "thing";
/// The pipeline of some.
const LINE: &str = "line";
/// The names that clients write; the resources after the first two have a pipeline.
const NAMES: [&str; 4] = ["one", "two", "three", "four"];
/// A definition, a pipeline and a resource that are made and deleted again and again.
pub(super) const PART: &str = "part";
pub(super) const BRANCH: &str = "branch";
pub(super) const SPARE: &str = "spare";
/// The step of the pipeline that has a timeout, and how long that is.
pub(super) const TIMED: (&str, Duration) = ("second", Duration::from_secs(6));
/// How long a client waits for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// A client.
pub(super) struct Client {
    pub(super) number: u64,
    pub(super) network: Network,
    pub(super) history: History,
    pub(super) dice: Dice,
    pub(super) keeping: Keeping,
}

/// Makes the definition and the pipeline, however often that takes.
pub(super) async fn define(network: &Network, keeping: Keeping) {
    while apply_definitions(network, 0, keeping).await.is_err() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn apply_definitions(
    network: &Network,
    version: u64,
    keeping: Keeping,
) -> Result<(), Status> {
    let definition = ResourceDefinition {
        name: KIND.to_owned(),
        schema_json: format!("{{\"$comment\":\"{version}\"}}"),
        retention: Some(keeping.own()),
        ..ResourceDefinition::default()
    };
    let request = ApplyResourceDefinitionRequest {
        resource_definition: Some(definition),
    };
    ResourceServiceClient::new(network.clone())
        .apply_resource_definition(request)
        .await?;
    let request = ApplyPipelineRequest {
        pipeline: Some(pipeline(version)),
    };
    PipelineServiceClient::new(network.clone())
        .apply_pipeline(request)
        .await?;
    Ok(())
}

fn pipeline(version: u64) -> Pipeline {
    let step = |id: &str, driver: &str| Step {
        id: id.to_owned(),
        driver: driver.to_owned(),
        timeout: (id == TIMED.0).then(|| TIMED.1.try_into().expect("it is short")),
        ..Step::default()
    };
    Pipeline {
        name: LINE.to_owned(),
        resource: KIND.to_owned(),
        description: format!("version {version}"),
        steps: vec![
            step("first", "alpha"),
            step(TIMED.0, "beta"),
            step("third", "alpha"),
        ],
        ..Pipeline::default()
    }
}

/// The definition and the pipeline of a resource.
fn belongs(name: &str) -> (&'static str, &'static str) {
    match name {
        SPARE => (PART, BRANCH),
        _ if NAMES[2..].contains(&name) => (KIND, LINE),
        _ => (KIND, ""),
    }
}

/// The resources that may be, each with its definition.
pub(super) fn resources() -> impl Iterator<Item = (&'static str, &'static str)> {
    let names = NAMES.into_iter().chain([SPARE]);
    names.map(|name| (belongs(name).0, name))
}

/// How a resource is written.
#[derive(Clone, Copy)]
pub(super) enum Put {
    Create,
    Update,
    Apply,
}

impl Client {
    /// Writes again and again.
    pub(super) async fn write(mut self, writes: u64) {
        for at in 0..writes {
            tokio::time::sleep(self.dice.millis(10..6000)).await;
            let name = self.dice.pick(&NAMES);
            let spec = self.number * 1000 + at;
            match self.dice.below(14) {
                0..4 => self.put(name, spec, Put::Create).await,
                4..9 => self.put(name, spec, Put::Update).await,
                9 => self.put(name, spec, Put::Apply).await,
                // What stood there before may still be there.
                10 => self.put(name, spec.saturating_sub(1), Put::Apply).await,
                11 => self.delete(name).await,
                _ => self.start(name, spec).await,
            }
        }
    }

    /// Writes the definition and the pipeline anew, again and again, and does not always wait for the answer.
    pub(super) async fn define(mut self, writes: u64) {
        for at in 0..writes {
            tokio::time::sleep(self.dice.millis(10..15_000)).await;
            let patience = self.dice.millis(1..3000);
            let _ = timeout(patience, apply_definitions(&self.network, at, self.keeping)).await;
        }
    }

    /// Cancels runs again and again.
    pub(super) async fn cancel(mut self, cancels: u64) {
        let mut client = RunServiceClient::new(self.network.clone());
        for _ in 0..cancels {
            tokio::time::sleep(self.dice.millis(10..9000)).await;
            let known = self.history.runs();
            let newest = self.dice.below(4);
            let Some(run) = self.history.run(known.wrapping_sub(newest + 1)) else {
                continue;
            };
            self.history.note(Event::CancelAsked { run: run.clone() });
            let request = CancelRunRequest {
                id: run.clone(),
                reason: "a client asked for it".to_owned(),
            };
            if let Ok(Ok(answer)) = timeout(PATIENCE, client.cancel_run(request)).await {
                let state = answer.into_inner().state();
                self.history.note(Event::Cancelled { run, state });
            }
        }
    }

    /// Creates, updates or applies a resource.
    pub(super) async fn put(&mut self, name: &str, spec: u64, how: Put) {
        self.asks(name, Some(spec));
        let (kind, pipeline) = belongs(name);
        let resource = Some(Resource {
            name: name.to_owned(),
            resource: kind.to_owned(),
            spec_json: format!("{{\"n\":{spec}}}"),
            pipeline: pipeline.to_owned(),
            ..Resource::default()
        });
        let mut client = ResourceServiceClient::new(self.network.clone());
        let answer = match how {
            Put::Create => {
                let request = CreateResourceRequest {
                    resource,
                    request_id: spec.to_string(),
                };
                // Who hears nothing asks once more, as the same request.
                match timeout(PATIENCE, client.create_resource(request.clone())).await {
                    Ok(Ok(answer)) => Ok(Ok(answer)),
                    _ => timeout(PATIENCE, client.create_resource(request)).await,
                }
            }
            Put::Update => {
                let request = UpdateResourceRequest {
                    resource,
                    expected_revision: 0,
                };
                timeout(PATIENCE, client.update_resource(request)).await
            }
            Put::Apply => {
                let request = ApplyResourceRequest { resource };
                timeout(PATIENCE, client.apply_resource(request)).await
            }
        };
        self.hears(name, Some(spec), answer.unwrap_or_else(|_| Err(late())));
    }

    pub(super) async fn delete(&mut self, name: &str) {
        self.asks(name, None);
        let request = DeleteResourceRequest {
            resource: belongs(name).0.to_owned(),
            name: name.to_owned(),
            expected_revision: 0,
        };
        let mut client = ResourceServiceClient::new(self.network.clone());
        let answer = timeout(PATIENCE, client.delete_resource(request)).await;
        self.hears(name, None, answer.unwrap_or_else(|_| Err(late())));
    }

    /// Has what stands carried out again; asks twice where it hears nothing.
    async fn start(&mut self, name: &str, number: u64) {
        let request = format!("run-{number}");
        let event = self.dice.pick(&["", "update", "create"]);
        self.history.note(Event::StartAsked {
            request: request.clone(),
        });
        let mut client = RunServiceClient::new(self.network.clone());
        for _ in 0..2 {
            let it = StartRunRequest {
                resource: KIND.to_owned(),
                name: name.to_owned(),
                event: event.to_owned(),
                request_id: request.clone(),
            };
            if let Ok(Ok(answer)) = timeout(PATIENCE, client.start_run(it)).await {
                let run = answer.into_inner().id;
                self.history.note(Event::Started { request, run });
                return;
            }
        }
    }

    fn asks(&self, name: &str, spec: Option<u64>) {
        self.history.note(Event::Asked {
            client: self.number,
            name: name.to_owned(),
            spec,
        });
    }

    fn hears(
        &self,
        name: &str,
        spec: Option<u64>,
        answer: Result<Response<ResourceChange>, Status>,
    ) {
        let name = name.to_owned();
        self.history.note(match answer {
            Ok(answer) => {
                let answer = answer.into_inner();
                let resource = answer.resource.unwrap_or_default();
                Event::Written {
                    client: self.number,
                    name,
                    spec,
                    id: resource.id,
                    revision: resource.revision,
                    run: answer.run_id,
                }
            }
            Err(status) => Event::Failed {
                name,
                code: status.code(),
            },
        });
    }
}

fn late() -> Status {
    Status::deadline_exceeded("no answer")
}
