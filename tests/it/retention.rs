//! Retention: what is due goes with all that belongs to it, and nothing else does.

mod changes;
mod crash;
mod disk;
mod logs;
mod revisions;
mod runs;

use conveyor_client::proto::{
    GetRunRequest, ListRunsRequest, ResourceDefinition, Retention, RetentionLimits, Run, RunState,
    StartRunRequest, UpdateResourceDefinitionRequest,
};
use conveyor_client::{CancellationToken, Driver, Manager, Outcome, Task};
use tonic::Code;

use crate::support::{Server, eventually};

/// Looks for what is due all the time.
const OFTEN: (&str, &str) = ("retention.period", "20ms");

/// A driver that ends each run of `image` after so many lines.
fn ends_runs(server: &Server, lines: u64) -> tokio_util::sync::DropGuard {
    let stop = CancellationToken::new();
    let work = move |task: Task| async move {
        for n in 1..=lines {
            task.log.info(format!("line {n}")).await;
        }
        Outcome::success("done").data(n_of(&task))
    };
    let driver = Driver::new("ender", work).definitions(["image"]).slots(8);
    let manager = Manager::new(format!("http://{}", server.address)).driver(driver);
    tokio::spawn(manager.run(stop.clone()));
    stop.drop_guard()
}

fn n_of(task: &Task) -> String {
    task.run_id.clone()
}

/// Starts a run of a resource once more, and awaits its end.
async fn run_again(server: &Server, name: &str) -> String {
    let request = StartRunRequest {
        resource: "image".into(),
        name: name.into(),
        ..Default::default()
    };
    let run = server.runs().start_run(request).await.unwrap().into_inner();
    server.run_is(&run.id, RunState::Succeeded).await;
    run.id
}

/// The runs of a resource, the newest first.
async fn runs_of(server: &Server, name: &str) -> Vec<Run> {
    let request = ListRunsRequest {
        resource: "image".into(),
        name: name.into(),
        page_size: 1000,
        ..Default::default()
    };
    server
        .runs()
        .list_runs(request)
        .await
        .unwrap()
        .into_inner()
        .runs
}

fn ids(runs: &[Run]) -> Vec<String> {
    runs.iter().map(|run| run.id.clone()).collect()
}

/// Waits until a run is no longer known.
async fn run_goes(server: &Server, id: &str) {
    eventually("the run goes", async || {
        let run = server.runs().get_run(GetRunRequest { id: id.into() }).await;
        run.err()
            .map(|status| assert_eq!(status.code(), Code::NotFound))
    })
    .await;
}

fn limits(max_age: &str, max_count: &str) -> Option<RetentionLimits> {
    Some(RetentionLimits {
        max_age: max_age.into(),
        max_count: max_count.into(),
    })
}

/// Gives a definition limits.
async fn limit(server: &Server, name: &str, retention: Retention) -> ResourceDefinition {
    let definition = ResourceDefinition {
        name: name.into(),
        schema_json: "{}".into(),
        retention: Some(retention),
        ..Default::default()
    };
    let request = UpdateResourceDefinitionRequest {
        resource_definition: Some(definition),
        expected_revision: 0,
    };
    let mut resources = server.resources();
    let updated = resources.update_resource_definition(request).await.unwrap();
    updated.into_inner()
}
