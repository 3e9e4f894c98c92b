//! A driver that refuses, ignores, forgets, repeats, cuts and dies at random, and notes what it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{
    Ack, CancelReason, Heartbeat, Hello, Log, LogAckStatus, LogLine, Reconcile, Result as Outcome,
    ResultOutcome, TaskToken, TaskVerdict,
};
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;
use uuid::Uuid;

use super::Dice;
use crate::support::{Scripted, held};

/// What the server told the drivers, to be held against it.
#[derive(Default)]
pub(super) struct Told {
    /// Every offer: run, step and token to the task.
    pub(super) offers: HashMap<(String, String, u64), String>,
    /// Every result that was applied: run and step to the token, the task and whether it succeeded.
    pub(super) applied: HashMap<(String, String), (u64, String, bool)>,
    /// How many lines of each task are on disk.
    pub(super) lines: HashMap<String, u64>,
    /// What was broken.
    pub(super) broken: Vec<String>,
}

/// A task in the hands of a chaotic driver.
pub(super) struct Held {
    task: Reconcile,
    sent: u64,
    success: bool,
}

pub(super) struct Chaotic {
    pub(super) dice: Dice,
    pub(super) channel: Channel,
    pub(super) hello: Hello,
    pub(super) stream: Option<Scripted>,
    pub(super) tasks: HashMap<String, Held>,
    pub(super) told: Arc<Mutex<Told>>,
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
    /// Misbehaves until then.
    pub(super) async fn run(mut self, until: Instant) {
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
