//! Clients that write resources, and what is read when all is over.

use std::time::Duration;

use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::proto::{
    CreateResourceDefinitionRequest, CreateResourceRequest, DeleteResourceRequest,
    ListResourceRevisionsRequest, ListRunsRequest, Resource, ResourceDefinition, RunState,
    TailLogsRequest, UpdateResourceRequest, WatchResourcesRequest,
};
use tokio::time::timeout;
use tonic::Status;

use super::dice::Dice;
use super::history::{Change, Event, History};
use super::network::Network;

/// The definition of all resources.
pub(super) const KIND: &str = "thing";
/// The names that clients write.
pub(super) const NAMES: [&str; 3] = ["one", "two", "three"];
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Makes the definition, however often that takes.
pub(super) async fn define(network: &Network) {
    let definition = ResourceDefinition {
        name: KIND.to_owned(),
        schema_json: "{}".to_owned(),
        ..ResourceDefinition::default()
    };
    let request = CreateResourceDefinitionRequest {
        resource_definition: Some(definition),
        request_id: "the-definition".to_owned(),
    };
    let mut client = ResourceServiceClient::new(network.clone());
    while client
        .create_resource_definition(request.clone())
        .await
        .is_err()
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Writes again and again.
pub(super) async fn write(
    network: Network,
    history: History,
    mut dice: Dice,
    number: u64,
    writes: u64,
) {
    let mut client = ResourceServiceClient::new(network);
    for at in 0..writes {
        tokio::time::sleep(dice.millis(10..6000)).await;
        let name = dice.pick(&NAMES).to_owned();
        let spec = number * 1000 + at;
        let resource = Resource {
            name: name.clone(),
            resource: KIND.to_owned(),
            spec_json: format!("{{\"n\":{spec}}}"),
            ..Resource::default()
        };
        let choice = dice.below(10);
        let spec = (choice < 9).then_some(spec);
        history.note(Event::Asked {
            name: name.clone(),
            spec,
        });
        let answer = match choice {
            0..4 => {
                let request_id = spec.map(|spec| spec.to_string()).unwrap_or_default();
                let request = CreateResourceRequest {
                    resource: Some(resource),
                    request_id,
                };
                let first = timeout(PATIENCE, client.create_resource(request.clone())).await;
                match first {
                    Ok(Ok(answer)) => Ok(Ok(answer)),
                    // Once more, as the same request.
                    _ => timeout(PATIENCE, client.create_resource(request)).await,
                }
            }
            4..9 => {
                let request = UpdateResourceRequest {
                    resource: Some(resource),
                    expected_revision: 0,
                };
                timeout(PATIENCE, client.update_resource(request)).await
            }
            _ => {
                let request = DeleteResourceRequest {
                    resource: KIND.to_owned(),
                    name: name.clone(),
                    expected_revision: 0,
                };
                timeout(PATIENCE, client.delete_resource(request)).await
            }
        };
        let late = |_| Err(Status::deadline_exceeded("no answer"));
        history.note(match answer.unwrap_or_else(late) {
            Ok(answer) => {
                let answer = answer.into_inner();
                let resource = answer.resource.unwrap_or_default();
                Event::Written {
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

/// How many runs have not ended.
pub(super) async fn open_runs(network: &Network) -> Result<usize, Status> {
    let states = [RunState::Pending, RunState::Running, RunState::Cancelling];
    let request = ListRunsRequest {
        states: states.map(i32::from).to_vec(),
        page_size: 1000,
        ..ListRunsRequest::default()
    };
    let answer = RunServiceClient::new(network.clone())
        .list_runs(request)
        .await?;
    Ok(answer.into_inner().runs.len())
}

/// Notes all that stands.
pub(super) async fn read_all(network: &Network, history: &History) -> Result<(), Status> {
    let request = ListRunsRequest {
        page_size: 1000,
        ..ListRunsRequest::default()
    };
    let runs = RunServiceClient::new(network.clone())
        .list_runs(request)
        .await?;
    for run in runs.into_inner().runs {
        let request = TailLogsRequest {
            run_id: run.id.clone(),
            follow: Some(false),
            ..TailLogsRequest::default()
        };
        let mut lines = LogServiceClient::new(network.clone())
            .tail_logs(request)
            .await?
            .into_inner();
        while let Some(answer) = lines.message().await? {
            for entry in answer.entries {
                history.note(Event::FinalLine {
                    run: run.id.clone(),
                    seq: entry.seq,
                    message: entry.message,
                });
            }
        }
        history.note(Event::FinalRun(Box::new(run)));
    }
    let mut resources = ResourceServiceClient::new(network.clone());
    for name in NAMES {
        let request = ListResourceRevisionsRequest {
            resource: KIND.to_owned(),
            name: name.to_owned(),
            page_size: 1000,
            page_token: String::new(),
        };
        match resources.list_resource_revisions(request).await {
            Ok(answer) => {
                for it in answer.into_inner().revisions {
                    history.note(Event::FinalRevision {
                        id: it.id,
                        revision: it.revision,
                        spec: it.spec_json,
                    });
                }
            }
            Err(status) if status.code() == tonic::Code::NotFound => {}
            Err(status) => return Err(status),
        }
    }
    let request = WatchResourcesRequest {
        after_position: Some(0),
        follow: Some(false),
        ..WatchResourcesRequest::default()
    };
    let mut changes = resources.watch_resources(request).await?.into_inner();
    while let Some(answer) = changes.message().await? {
        if let Some(change) = change(answer.position, answer.seen) {
            history.note(Event::FinalChange(change));
        }
    }
    Ok(())
}

/// What a watch saw, if it was a resource.
pub(super) fn change(position: u64, seen: Option<Seen>) -> Option<Change> {
    let (it, deleted) = match seen? {
        Seen::Resource(it) => (it, false),
        Seen::Deleted(it) => (it, true),
        Seen::Bookmark(_) => return None,
    };
    Some(Change {
        position,
        id: it.id,
        revision: it.revision,
        deleted,
    })
}
