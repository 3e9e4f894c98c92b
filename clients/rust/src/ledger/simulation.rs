//! A server that forgets, repeats and breaks off, against the ledger, without a network: whatever
//! happens, each line arrives once and in order, and the result after the last of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tokio::sync::Notify;

use super::{Incoming, Ledger, Outgoing, Start};
use crate::lines::Room;
use crate::outcome::Outcome;
use crate::proto;

/// What may happen next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The task writes lines.
    Write(u8),
    /// The server gets the next message.
    Send,
    /// The server stores what it received, and answers.
    Sync,
    /// The driver gets the oldest answer.
    Answer,
    /// The server loses what it has not stored.
    Forget,
    /// The stream breaks, and what is under way is lost; a new one opens.
    Cut,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..20_u8).prop_map(Step::Write),
        Just(Step::Send),
        Just(Step::Send),
        Just(Step::Sync),
        Just(Step::Answer),
        Just(Step::Forget),
        Just(Step::Cut),
    ]
}

const TASK: &str = "task";
const TOKEN: u64 = 7;

/// The server's side of one task.
#[derive(Default)]
struct Server {
    received: Vec<String>,
    stored: usize,
    applied: bool,
    answers: VecDeque<Incoming>,
}

impl Server {
    fn receive(&mut self, message: Outgoing) {
        match message {
            Outgoing::Log(log) => {
                let next = self.received.len();
                let Some(known) = next.checked_sub(log.first_line as usize) else {
                    return self.log_ack();
                };
                let texts = log.lines.into_iter().map(|line| line.message);
                self.received.extend(texts.skip(known));
            }
            Outgoing::Result(result) => self.result(result.lines as usize),
            Outgoing::Ack(ack) => assert!(!ack.refused),
            other => panic!("{other:?} is not due"),
        }
    }

    fn result(&mut self, lines: usize) {
        let complete = self.received.len() == lines;
        let outcome = if complete {
            self.stored = lines;
            self.applied = true;
            proto::ResultOutcome::Applied
        } else {
            proto::ResultOutcome::LinesMissing
        };
        self.answers
            .push_back(Incoming::ResultAck(proto::ResultAck {
                task_id: TASK.to_owned(),
                token: TOKEN,
                outcome: outcome.into(),
                next: self.stored as u64,
            }));
    }

    fn sync(&mut self) {
        self.stored = self.received.len();
        self.log_ack();
    }

    fn log_ack(&mut self) {
        self.answers.push_back(Incoming::LogAck(proto::LogAck {
            task_id: TASK.to_owned(),
            token: TOKEN,
            next: self.stored as u64,
            status: proto::LogAckStatus::Stored.into(),
        }));
    }

    fn forget(&mut self) {
        self.received.truncate(self.stored);
    }

    /// The Welcome of a new stream.
    fn welcome(&mut self, held: &[proto::HeldTask]) -> proto::Welcome {
        self.forget();
        self.answers.clear();
        let verdict = if self.applied {
            proto::TaskVerdict::Done
        } else {
            proto::TaskVerdict::GoOn
        };
        let fate = |task: &proto::HeldTask| proto::TaskFate {
            task_id: task.task_id.clone(),
            token: task.token,
            verdict: verdict.into(),
            next_line: self.stored as u64,
            ..proto::TaskFate::default()
        };
        // Small batches make many of them.
        let limits = proto::Limits {
            log_batch_lines: 3,
            ..proto::Limits::default()
        };
        proto::Welcome {
            limits: Some(limits),
            tasks: held.iter().map(fate).collect(),
            ..proto::Welcome::default()
        }
    }
}

/// The two sides and what the task wrote.
struct World {
    ledger: Ledger,
    server: Server,
    work: Start,
    written: Vec<String>,
    now: Instant,
}

impl World {
    fn new() -> Self {
        let (mut server, now) = (Server::default(), Instant::now());
        let mut ledger = Ledger::new(1, Room::default(), Arc::new(Notify::new()));
        ledger.welcome(server.welcome(&[]), now);
        let offer = proto::Reconcile {
            task_id: TASK.to_owned(),
            token: TOKEN,
            ..proto::Reconcile::default()
        };
        ledger.receive(Incoming::Reconcile(offer), now);
        let work = ledger.next_start().expect("the offer is accepted");
        Self {
            ledger,
            server,
            work,
            written: Vec::new(),
            now,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Write(count) => (0..count).for_each(|_| self.write()),
            Step::Send => {
                let message = self.ledger.next_message(self.now);
                message
                    .into_iter()
                    .for_each(|message| self.server.receive(message));
            }
            Step::Sync => self.server.sync(),
            Step::Answer => {
                let answer = self.server.answers.pop_front();
                answer
                    .into_iter()
                    .for_each(|answer| self.ledger.receive(answer, self.now));
            }
            Step::Forget => self.server.forget(),
            Step::Cut => {
                let welcome = self.server.welcome(&self.ledger.in_hello());
                self.ledger.welcome(welcome, self.now);
            }
        }
    }

    fn write(&mut self) {
        let message = format!("line {}", self.written.len());
        self.written.push(message.clone());
        self.work.lines.push_now(proto::LogLine {
            message,
            ..proto::LogLine::default()
        });
    }

    /// Ends the work, and lets time and messages pass until nothing is held.
    fn finish(&mut self) {
        self.ledger
            .finish(&self.work.step, TASK, Some(Outcome::success("")));
        for _ in 0..20_000 {
            if self.ledger.in_hello().is_empty() {
                return;
            }
            self.take(Step::Send);
            self.take(Step::Sync);
            self.take(Step::Answer);
            self.now += Duration::from_secs(1);
        }
        panic!("the task is never settled");
    }
}

proptest! {
    #[test]
    fn every_line_arrives_once_and_the_result_after_them(steps in prop::collection::vec(step(), 0..200)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.take(step));
        world.finish();
        prop_assert_eq!(&world.server.received, &world.written);
        prop_assert!(world.server.applied);
    }
}
