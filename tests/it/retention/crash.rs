//! kill -9 in the middle of removals: what is left is whole.

use std::time::Duration;

use conveyor::offline::doctor::examine;
use conveyor_client::proto::{
    DeleteResourceRequest, Pipeline, Resource, UpdatePipelineRequest, UpdateResourceRequest,
};
use rustix::process::Signal;
use tokio::time::sleep;

use super::ends_runs;
use crate::crash::{Dice, seed};
use crate::support::{Server, resource, step};

const KILLS: usize = 12;

/// Writes, replaces and deletes a few resources and a pipeline, for ever, whatever is answered.
async fn write(resources: usize, server: &Server, mut dice: Dice) {
    loop {
        let name = format!("r{}", dice.below(resources as u64));
        let wanted = Resource {
            pipeline: ["", "one"][usize::from(dice.below(2) == 0)].into(),
            ..resource("image", &name)
        };
        match dice.below(8) {
            0 => {
                let request = DeleteResourceRequest {
                    resource: "image".into(),
                    name,
                    expected_revision: 0,
                };
                drop(server.resources().delete_resource(request).await);
            }
            1 => {
                let pipeline = Pipeline {
                    name: "one".into(),
                    resource: "image".into(),
                    steps: vec![step("only", "ender")],
                    ..Pipeline::default()
                };
                let request = UpdatePipelineRequest {
                    pipeline: Some(pipeline),
                    ..Default::default()
                };
                drop(server.pipelines().update_pipeline(request).await);
            }
            2 => drop(server.try_create(wanted).await),
            _ => {
                let request = UpdateResourceRequest {
                    resource: Some(wanted),
                    expected_revision: 0,
                };
                drop(server.resources().update_resource(request).await);
            }
        }
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_in_the_middle_of_removals_leaves_nothing_that_leads_nowhere() {
    let seed = seed();
    println!("CRASH_SEED={seed}");
    let mut dice = Dice::new(seed);
    let mut server = Server::with(&[
        ("retention.period", "1ms"),
        ("retention.runs.max_count", "2"),
        ("retention.logs.max_count", "1"),
        ("retention.revisions.max_count", "2"),
        ("retention.changes.max_count", "20"),
    ])
    .await;
    server.define("image").await;
    server.pipeline("one", "image", &[("only", "ender")]).await;
    let driver = ends_runs(&server, 3);
    for _ in 0..KILLS {
        let time = Duration::from_millis(300 + dice.below(500));
        let writers =
            async { tokio::join!(write(4, &server, Dice::new(dice.below(u64::MAX) | 1))) };
        drop(tokio::time::timeout(time, writers).await);
        server.kill_and_start_again().await;
    }
    drop(driver);
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    let report = examine(&server.data(), |_| ()).unwrap();
    assert_eq!(report.findings, []);
}
