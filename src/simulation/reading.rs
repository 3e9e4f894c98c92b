//! What is read when all is over.

use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::proto::{
    GetRunRequest, ListResourceRevisionsRequest, ListRunsRequest, RunState, TailLogsRequest,
    WatchResourcesRequest,
};
use tonic::{Code, Status};

use super::client::{KIND, NAMES};
use super::history::{Change, Event, History};
use super::network::Network;
use super::speaker::ELSEWHERE;

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
    let mut client = RunServiceClient::new(network.clone());
    let runs = client.list_runs(request).await?.into_inner().runs;
    for run in runs {
        read_log(network, history, &run.id).await?;
        let whole = client.get_run(GetRunRequest { id: run.id }).await?;
        history.note(Event::FinalRun(Box::new(whole.into_inner())));
    }
    match read_log(network, history, ELSEWHERE).await {
        Err(status) if status.code() == Code::NotFound => {}
        read => read?,
    }
    for name in NAMES {
        read_revisions(network, history, name).await?;
    }
    read_changes(network, history).await
}

async fn read_log(network: &Network, history: &History, run: &str) -> Result<(), Status> {
    let request = TailLogsRequest {
        run_id: run.to_owned(),
        follow: Some(false),
        ..TailLogsRequest::default()
    };
    let mut client = LogServiceClient::new(network.clone());
    let mut lines = client.tail_logs(request).await?.into_inner();
    while let Some(answer) = lines.message().await? {
        for entry in answer.entries {
            history.note(Event::FinalLine {
                run: run.to_owned(),
                seq: entry.seq,
                message: undotted(entry.message),
            });
        }
    }
    Ok(())
}

async fn read_revisions(network: &Network, history: &History, name: &str) -> Result<(), Status> {
    let request = ListResourceRevisionsRequest {
        resource: KIND.to_owned(),
        name: name.to_owned(),
        page_size: 1000,
        page_token: String::new(),
    };
    let mut client = ResourceServiceClient::new(network.clone());
    let revisions = match client.list_resource_revisions(request).await {
        Ok(answer) => answer.into_inner().revisions,
        Err(status) if status.code() == Code::NotFound => return Ok(()),
        Err(status) => return Err(status),
    };
    for it in revisions {
        history.note(Event::FinalRevision {
            id: it.id,
            revision: it.revision,
            spec: it.spec_json,
        });
    }
    Ok(())
}

async fn read_changes(network: &Network, history: &History) -> Result<(), Status> {
    let request = WatchResourcesRequest {
        after_position: Some(0),
        follow: Some(false),
        ..WatchResourcesRequest::default()
    };
    let mut client = ResourceServiceClient::new(network.clone());
    let mut changes = client.watch_resources(request).await?.into_inner();
    while let Some(answer) = changes.message().await? {
        if let Some(change) = change(answer.position, answer.seen) {
            history.note(Event::FinalChange(change));
        }
    }
    Ok(())
}

/// A line without the dots that make it long.
pub(super) fn undotted(mut message: String) -> String {
    message.truncate(message.trim_end_matches('.').len());
    message
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
        spec: it.spec_json,
    })
}
