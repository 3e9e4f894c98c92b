//! Drivers that do everything wrong, over a server that is killed: what was promised holds all the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{
    Ack, AttemptState, CancelReason, CancelRunRequest, Heartbeat, Hello, Log, LogAckStatus,
    LogLine, Reconcile, Result as Outcome, ResultOutcome, Run, RunState, TaskToken, TaskVerdict,
};
use conveyor_client::{CancellationToken, Driver, Manager, Outcome as Done, Task};
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;
use uuid::Uuid;

use super::{Dice, seed};
use crate::support::{Scripted, Server, held, hello};

const RUNS: usize = 60;
const CHAOS: Duration = Duration::from_secs(8);
const SETTINGS: [(&str, &str); 5] = [
    ("driver.lease_time", "1500ms"),
    ("driver.heartbeat_period", "500ms"),
    ("driver.ack_time", "400ms"),
    ("driver.refusal_pause", "200ms"),
    ("driver.cancel_grace", "500ms"),
];

/// What the server told the drivers, to be held against it.
#[derive(Default)]
struct Told {
    /// Every offer: run, step and token to the task.
    offers: HashMap<(String, String, u64), String>,
    /// Every result that was applied: run and step to the token, the task and whether it succeeded.
    applied: HashMap<(String, String), (u64, String, bool)>,
    /// How many lines of each task are on disk.
    lines: HashMap<String, u64>,
    /// What was broken.
    broken: Vec<String>,
}

/// A task in the hands of a chaotic driver.
struct Held {
    task: Reconcile,
    sent: u64,
    success: bool,
}

struct Chaotic {
    dice: Dice,
    channel: Channel,
    hello: Hello,
    stream: Option<Scripted>,
    tasks: HashMap<String, Held>,
    told: Arc<Mutex<Told>>,
}

fn key(task: &Reconcile) -> (String, String) {
    (
        task.run_id.clone(),
        task.step
            .as_ref()
            .expect("an offer has its step")
            .id
            .clone(),
    )
}

impl Chaotic {
    async fn run(mut self, until: Instant) {
        while Instant::now() < until {
            match &mut self.stream {
                None => self.connect().await,
                Some(stream) => match stream.heard_within(Duration::from_millis(10)).await {
                    Some(Ok(heard)) => self.hear(heard).await,
                    Some(Err(_)) => self.stream = None,
                    None => self.misbehave().await,
                },
            }
        }
    }

    async fn connect(&mut self) {
        self.hello.stream_number += 1;
        self.hello.tasks = self
            .tasks
            .values()
            .map(|it| held(&it.task, it.sent, false))
            .collect();
        let mut stream = Scripted::over(self.channel.clone());
        let said = stream.try_say(Say::Hello(self.hello.clone())).await;
        match stream.heard_within(Duration::from_secs(2)).await {
            Some(Ok(Hear::Welcome(welcome))) => {
                for fate in &welcome.tasks {
                    match fate.verdict() {
                        TaskVerdict::GoOn => {
                            let it = self.tasks.get_mut(&fate.task_id).expect("it was named");
                            it.sent = fate.next_line;
                        }
                        TaskVerdict::Cancel => {}
                        TaskVerdict::Unspecified | TaskVerdict::Done | TaskVerdict::Stop => {
                            self.tasks.remove(&fate.task_id);
                        }
                    }
                }
                self.stream = Some(stream);
            }
            Some(Ok(other)) => self.broken(format!("{other:?} before Welcome")),
            Some(Err(_)) | None => sleep(Duration::from_millis(20)).await,
        }
        drop(said);
    }

    async fn hear(&mut self, heard: Hear) {
        match heard {
            Hear::Reconcile(offer) => self.offered(offer).await,
            Hear::Cancel(cancel) => {
                if cancel.reason() == CancelReason::Fenced || self.dice.below(2) == 0 {
                    self.tasks.remove(&cancel.task_id);
                }
            }
            Hear::LogAck(ack) if ack.status() == LogAckStatus::Stored => {
                let mut told = self.told.lock().unwrap();
                let lines = told.lines.entry(ack.task_id).or_default();
                *lines = (*lines).max(ack.next);
            }
            Hear::LogAck(ack) => drop(self.tasks.remove(&ack.task_id)),
            Hear::ResultAck(ack) => match ack.outcome() {
                ResultOutcome::Applied => self.applied(&ack.task_id, ack.token),
                ResultOutcome::LinesMissing => {
                    if let Some(it) = self.tasks.get_mut(&ack.task_id) {
                        it.sent = ack.next;
                    }
                }
                ResultOutcome::Fenced | ResultOutcome::Unspecified => {
                    drop(self.tasks.remove(&ack.task_id))
                }
            },
            Hear::Welcome(_) => self.broken("a second Welcome".into()),
            Hear::HeartbeatAck(_) | Hear::Message(_) | Hear::Drain(_) => {}
        }
    }

    async fn offered(&mut self, offer: Reconcile) {
        let (run, step) = key(&offer);
        let task = self
            .told
            .lock()
            .unwrap()
            .offers
            .insert((run, step, offer.token), offer.task_id.clone());
        if task.is_some_and(|task| task != offer.task_id) {
            self.broken(format!("token {} was given out twice", offer.token));
        }
        if self.tasks.len() >= self.hello.slots as usize {
            self.forget_oldest();
        }
        match self.dice.below(10) {
            0 => {
                self.say(Say::Ack(Ack {
                    refused: true,
                    ..ack(&offer)
                }))
                .await
            }
            1 => {}
            2 => self.stream = None,
            _ => {
                self.say(Say::Ack(ack(&offer))).await;
                let success = self.dice.below(10) > 0;
                self.tasks.insert(
                    offer.task_id.clone(),
                    Held {
                        task: offer,
                        sent: 0,
                        success,
                    },
                );
            }
        }
    }

    fn applied(&mut self, task: &str, token: u64) {
        let Some(it) = self.tasks.remove(task) else {
            return;
        };
        let before = {
            let said = (token, task.to_owned(), it.success);
            self.told
                .lock()
                .unwrap()
                .applied
                .insert(key(&it.task), said)
        };
        if let Some((other, ..)) = before.filter(|(other, ..)| *other != token) {
            self.broken(format!(
                "results of tokens {other} and {token} were both applied"
            ));
        }
    }

    /// One of the things that drivers should not do, or do at another time.
    async fn misbehave(&mut self) {
        match self.dice.below(100) {
            0..2 => self.stream = None,
            2 => {
                self.hello.instance_id = Uuid::new_v4().to_string();
                self.hello.stream_number = 0;
                self.tasks.clear();
                self.stream = None;
            }
            3 => self.forget_oldest(),
            4..20 => {
                let tasks = self.tasks.values().map(|it| token(&it.task)).collect();
                self.say(Say::Heartbeat(Heartbeat { tasks })).await;
            }
            20..70 => self.log().await,
            70..85 => self.report().await,
            _ => {}
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(task) = self.tasks.keys().min().cloned() {
            self.tasks.remove(&task);
        }
    }

    /// Sends lines: the next ones, some again, or some too far on.
    async fn log(&mut self) {
        let back = self.dice.below(3);
        let (ahead, count) = (self.dice.below(10) / 8, self.dice.below(6));
        let Some(it) = self.tasks.values_mut().next() else {
            return;
        };
        let first = it.sent.saturating_sub(back) + 5 * ahead;
        let lines = (first..first + count).map(|n| LogLine {
            message: format!("{} {n}", it.task.token),
            ..LogLine::default()
        });
        let log = Log {
            task_id: it.task.task_id.clone(),
            token: it.task.token,
            first_line: first,
            lines: lines.collect(),
        };
        if first <= it.sent {
            it.sent = it.sent.max(first + count);
        }
        self.say(Say::Log(log)).await;
    }

    async fn report(&mut self) {
        let more = self.dice.below(4) / 3;
        let Some(it) = self.tasks.values().next() else {
            return;
        };
        let result = Outcome {
            success: it.success,
            data_json: it.task.token.to_string(),
            ..Scripted::success(&it.task, it.sent + more)
        };
        self.say(Say::Result(result)).await;
    }

    async fn say(&mut self, kind: Say) {
        if let Some(stream) = &mut self.stream
            && stream.try_say(kind).await.is_err()
        {
            self.stream = None;
        }
    }

    fn broken(&self, what: String) {
        self.told.lock().unwrap().broken.push(what);
    }
}

fn ack(task: &Reconcile) -> Ack {
    Ack {
        task_id: task.task_id.clone(),
        token: task.token,
        ..Ack::default()
    }
}

fn token(task: &Reconcile) -> TaskToken {
    TaskToken {
        task_id: task.task_id.clone(),
        token: task.token,
    }
}

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
        "{} offers, {} results applied",
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
