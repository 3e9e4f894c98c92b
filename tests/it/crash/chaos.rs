//! Drivers that do everything wrong, over a server that is killed: what was promised holds all the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conveyor_client::proto::{AttemptState, CancelRunRequest, Hello, Run, RunState};
use conveyor_client::{CancellationToken, Driver, Manager, Outcome as Done, Task};
use tokio::time::{Instant, sleep};

use super::misbehaving::{Chaotic, Told};
use super::users::{User, check_order};
use super::{Dice, seed};
use crate::support::{Server, hello};

const RUNS: usize = 60;
const CHAOS: Duration = Duration::from_secs(8);
const SETTINGS: [(&str, &str); 5] = [
    ("driver.lease_time", "1500ms"),
    ("driver.heartbeat_period", "500ms"),
    ("driver.ack_time", "400ms"),
    ("driver.refusal_pause", "200ms"),
    ("driver.cancel_grace", "500ms"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaotic_drivers_over_a_killed_server_break_no_promise() {
    let seed = seed();
    println!("CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    let mut server = Server::with(&SETTINGS).await;
    server.define("image").await;
    server
        .pipeline(
            "p",
            "image",
            &[("one", "builder"), ("two", "tester"), ("three", "builder")],
        )
        .await;
    let mut runs = Vec::new();
    for n in 0..RUNS {
        runs.push(server.create_in("p", "image", &format!("r{n}")).await);
    }
    let told = Arc::new(Mutex::new(Told::default()));
    let until = Instant::now() + CHAOS;
    let drivers: Vec<_> = ["builder", "builder", "tester", "builder", "tester"]
        .into_iter()
        .map(|name| Chaotic {
            dice: Dice(dice.below(u64::MAX) | 1),
            channel: server.new_channel(),
            hello: Hello {
                slots: 3,
                stream_number: 0,
                ..hello(name, "image")
            },
            stream: None,
            tasks: HashMap::new(),
            told: told.clone(),
        })
        .map(|driver| tokio::spawn(driver.run(until)))
        .collect();
    let user = User {
        dice: Dice(dice.below(u64::MAX) | 1),
        resources: server.resources(),
        runs: server.runs(),
    };
    let user = tokio::spawn(user.run(until));
    for _ in 0..4 {
        sleep(CHAOS / 6 + Duration::from_millis(dice.below(400))).await;
        let run = runs[dice.below(RUNS as u64) as usize].clone();
        server
            .runs()
            .cancel_run(CancelRunRequest {
                id: run,
                ..Default::default()
            })
            .await
            .unwrap();
        server.kill_and_start_again().await;
    }
    for driver in drivers {
        driver.await.unwrap();
    }
    runs.extend(user.await.unwrap());
    let stop = CancellationToken::new();
    let honest = Manager::new(format!("http://{}", server.address))
        .driver(Driver::new("builder", |_: Task| async { Done::success("honest") }).slots(8))
        .driver(Driver::new("tester", |_: Task| async { Done::success("honest") }).slots(8));
    let honest = tokio::spawn(honest.run(stop.clone()));
    for run in &runs {
        server
            .run_where(run, "the run ends", |run| run.end_time.is_some())
            .await;
    }
    server.kill_and_start_again().await;
    let told = std::mem::take(&mut *told.lock().unwrap());
    println!(
        "{} runs, {} offers, {} results applied",
        runs.len(),
        told.offers.len(),
        told.applied.len()
    );
    assert_eq!(told.broken, Vec::<String>::new());
    assert!(
        told.applied.len() > RUNS / 4 && told.offers.len() > RUNS,
        "there was work in the chaos"
    );
    for run in &runs {
        check(&server, &server.run(run).await, &told).await;
    }
    check_order(&server).await;
    stop.cancel();
    honest.await.unwrap().unwrap();
}

/// Holds a run against what the drivers were told of it.
async fn check(server: &Server, run: &Run, told: &Told) {
    let entries = server.stored_lines(&run.id).await;
    assert!(
        entries
            .iter()
            .map(|entry| entry.seq)
            .eq(1..=entries.len() as u64),
        "contiguous"
    );
    for step in &run.steps {
        let ends = [AttemptState::Succeeded, AttemptState::Failed];
        let ended = step
            .attempts
            .iter()
            .filter(|attempt| ends.contains(&attempt.state()));
        assert!(ended.count() <= 1, "one result counts: {step:?}");
        assert!(
            step.attempts
                .iter()
                .all(|attempt| attempt.state() != AttemptState::Running),
            "{step:?}"
        );
        for attempt in &step.attempts {
            let own: Vec<_> = entries
                .iter()
                .filter(|entry| entry.step == step.id && entry.attempt == attempt.number)
                .map(|entry| entry.message.as_str())
                .collect();
            let token = own
                .first()
                .and_then(|line| line.split(' ').next())
                .unwrap_or_default();
            let wanted: Vec<_> = (0..own.len()).map(|n| format!("{token} {n}")).collect();
            assert_eq!(
                own, wanted,
                "the lines of an attempt are its own, each once"
            );
            let acked = told
                .lines
                .get(&attempt.task_id)
                .copied()
                .unwrap_or_default();
            assert!(
                own.len() as u64 >= acked,
                "{} lines were acked, {} are there",
                acked,
                own.len()
            );
        }
        let Some((token, task, success)) = told.applied.get(&(run.id.clone(), step.id.clone()))
        else {
            continue;
        };
        let attempt = step
            .attempts
            .iter()
            .find(|attempt| attempt.task_id == *task)
            .expect("what was applied is there");
        if run.state() != RunState::Cancelled {
            let wanted = if *success {
                AttemptState::Succeeded
            } else {
                AttemptState::Failed
            };
            assert_eq!(attempt.state(), wanted, "what was applied stands");
            assert_eq!(step.data_json, token.to_string());
        }
    }
}
