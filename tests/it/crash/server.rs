//! kill -9 of the server at random points of 200 runs with two drivers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{
    Attempt, AttemptState, CreateResourceRequest, ListResourcesRequest, ListRunsRequest, Resource,
    RunState, StepState,
};
use conveyor_client::{CancellationToken, Driver, Manager, Outcome, Task};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;

use super::{Dice, seed};
use crate::support::{Server, resource};

const RUNS: usize = 200;
const KILLS: usize = 15;
const LINES: u64 = 20;

/// How often each step was carried out: run and step to the ids of its executions.
pub(super) type Executions = Arc<Mutex<HashMap<(String, String), Vec<String>>>>;

pub(super) fn driver(name: &str, executions: &Executions) -> Driver {
    let executions = executions.clone();
    Driver::new(name, move |task: Task| {
        let executions = executions.clone();
        async move {
            for n in 0..LINES {
                task.log.info(format!("{} {n}", task.attempt)).await;
            }
            executions
                .lock()
                .unwrap()
                .entry((task.run_id, task.step.id))
                .or_default()
                .push(task.task_id.clone());
            Outcome::success("done").data(task.task_id)
        }
    })
    .slots(8)
}

/// Creates one resource, however often the server goes away; gives the id of its run.
pub(super) async fn create(
    mut client: ResourceServiceClient<Channel>,
    pipeline: &str,
    name: &str,
) -> String {
    let wanted = Resource {
        pipeline: pipeline.into(),
        ..resource("image", name)
    };
    let request = CreateResourceRequest {
        resource: Some(wanted),
        request_id: name.into(),
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match tokio::time::timeout(
            Duration::from_secs(5),
            client.create_resource(request.clone()),
        )
        .await
        {
            Ok(Ok(change)) => return change.into_inner().run_id,
            Ok(Err(_)) | Err(_) => sleep(Duration::from_millis(20)).await,
        }
        assert!(Instant::now() < deadline, "{name} was never answered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_at_random_points_loses_doubles_and_tears_nothing() {
    let seed = seed();
    println!("CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    let mut server = Server::start().await;
    server.define("image").await;
    server
        .pipeline("two", "image", &[("build", "builder"), ("push", "pusher")])
        .await;
    let executions = Executions::default();
    let stop = CancellationToken::new();
    let manager = Manager::new(format!("http://{}", server.address))
        .driver(driver("builder", &executions))
        .driver(driver("pusher", &executions));
    let working = tokio::spawn(manager.run(stop.clone()));

    let client = server.resources();
    let creating = tokio::spawn(async move {
        let mut runs = Vec::new();
        for n in 0..RUNS {
            runs.push(create(client.clone(), "two", &format!("r{n}")).await);
            sleep(Duration::from_millis(5)).await;
        }
        runs
    });
    for _ in 0..KILLS {
        sleep(Duration::from_millis(20 + dice.below(300))).await;
        if dice.below(4) == 0 {
            server.signal(Signal::TERM);
            assert_eq!(server.exit_code().await, Some(0));
            server.start_again().await;
        } else {
            server.kill_and_start_again().await;
        }
    }
    let runs = creating.await.unwrap();
    for run in &runs {
        server.run_is(run, RunState::Succeeded).await;
    }
    server.kill_and_start_again().await;
    for run in &runs {
        check(&server, run, &executions).await;
    }
    check_pairs(&server, runs).await;
    stop.cancel();
    working.await.unwrap().unwrap();
}

/// No resource without its run, no run without its resource.
pub(super) async fn check_pairs(server: &Server, mut runs: Vec<String>) {
    let all = ListRunsRequest {
        page_size: 1000,
        ..Default::default()
    };
    let listed = server
        .runs()
        .list_runs(all)
        .await
        .unwrap()
        .into_inner()
        .runs;
    let mut ids: Vec<_> = listed.iter().map(|run| run.id.clone()).collect();
    let mut names: Vec<_> = listed.into_iter().map(|run| run.name).collect();
    let all = ListResourcesRequest {
        page_size: 1000,
        ..Default::default()
    };
    let resources = server
        .resources()
        .list_resources(all)
        .await
        .unwrap()
        .into_inner()
        .resources;
    ids.sort();
    runs.sort();
    names.sort();
    assert_eq!(ids, runs);
    assert_eq!(
        names,
        resources
            .into_iter()
            .map(|one| one.name)
            .collect::<Vec<_>>()
    );
}

pub(super) async fn check(server: &Server, id: &str, executions: &Executions) {
    let run = server.run(id).await;
    assert_eq!(run.state(), RunState::Succeeded);
    let entries = server.stored_lines(id).await;
    assert!(
        entries
            .iter()
            .map(|entry| entry.seq)
            .eq(1..=entries.len() as u64),
        "contiguous"
    );
    for step in &run.steps {
        assert_eq!(step.state(), StepState::Succeeded);
        let won = |attempt: &&Attempt| attempt.state() == AttemptState::Succeeded;
        assert_eq!(step.attempts.iter().filter(won).count(), 1, "applied once");
        let last = step.attempts.last().expect("an attempt succeeded");
        assert_eq!(step.data_json, format!("\"{}\"", last.task_id));
        let done = executions.lock().unwrap()[&(id.to_owned(), step.id.clone())].clone();
        assert!(
            done.contains(&last.task_id),
            "a result comes from work that was done"
        );
        for attempt in &step.attempts {
            let own: Vec<_> = entries
                .iter()
                .filter(|entry| entry.step == step.id && entry.attempt == attempt.number)
                .map(|entry| entry.message.clone())
                .collect();
            let wanted: Vec<_> = (0..LINES)
                .map(|n| format!("{} {n}", attempt.number))
                .collect();
            if attempt.task_id == last.task_id {
                assert_eq!(own, wanted, "every line once, in order");
            } else {
                assert!(
                    wanted.starts_with(&own),
                    "a lost attempt's lines have no gap: {own:?}"
                );
            }
        }
    }
}
