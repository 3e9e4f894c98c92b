//! What is read when all is over.

use std::collections::BTreeSet;

use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::proto::{
    GetRunRequest, ListResourceRevisionsRequest, ListRunsRequest, RunState, TailLogsRequest,
    WatchResourcesRequest,
};
use tonic::{Code, Status};

use super::client::resources;
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
    // Lines may have come to what is no run any more.
    let known = (0..history.runs()).filter_map(|at| history.run(at));
    let mut logs: BTreeSet<String> = known.chain([ELSEWHERE.to_owned()]).collect();
    for run in runs {
        let id = run.id;
        logs.insert(id.clone());
        match client.get_run(GetRunRequest { id: id.clone() }).await {
            Ok(whole) => history.note(Event::FinalRun(Box::new(whole.into_inner()))),
            // It went since it was listed.
            Err(status) if status.code() == Code::NotFound && history.is_gone(&id) => {}
            Err(status) => return Err(status),
        }
    }
    for log in logs {
        match read_log(network, history, &log).await {
            Err(status) if status.code() == Code::NotFound => {}
            read => read?,
        }
    }
    for (kind, name) in resources() {
        read_revisions(network, history, kind, name).await?;
    }
    loop {
        let after = history.trimmed();
        match read_changes(network, history, after).await {
            // Some went since.
            Err(status) if status.code() == Code::OutOfRange && history.trimmed() > after => {}
            read => return read,
        }
    }
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

async fn read_revisions(
    network: &Network,
    history: &History,
    kind: &str,
    name: &str,
) -> Result<(), Status> {
    let request = ListResourceRevisionsRequest {
        resource: kind.to_owned(),
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

async fn read_changes(network: &Network, history: &History, after: u64) -> Result<(), Status> {
    let request = WatchResourcesRequest {
        after_position: Some(after),
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
