//! Faults of a runtime, played by the suite itself to prove that its cases see them.
//!
//! What a faulty driver would say, or not hear, is made of what the good one says and is told, before
//! rules and case look at it. Each case has a fault that it must name: see [`PROOFS`].

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::{
    Ack, Cancel, CancelReason, Hello, Log, LogAckStatus, Reconcile, Result as TaskResult,
    ResultOutcome, TaskVerdict, Welcome,
};
use tonic::{Code, Status};

use Sabotage::*;

/// A fault, named for what the driver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    AcksOnce,
    AcksOneTask,
    CutsMore,
    DeafToSignals,
    DiesOfUnknown,
    DrainsOnce,
    EmptyHeartbeats,
    EndlessSpill,
    ForgetsTasks,
    GoesOnAlways,
    HearsNoBroadcast,
    HearsNoCancel,
    HearsNoFence,
    IgnoresLimits,
    KeepsAllInMemory,
    KnowsNoMetadata,
    KnowsNoTrace,
    MistakesReason,
    MistakesToken,
    MixesTasks,
    NeverComes,
    NeverNotices,
    NeverRefuses,
    NeverRewinds,
    NoHeartbeats,
    NoSpill,
    NoTrace,
    NoWords,
    OneLineBatches,
    OneStream,
    QuestionMarks,
    RefusesAfterDrain,
    Renumbers,
    ResultOnce,
    SaysNoDrain,
    SaysNoLabels,
    SameId,
    SameNumber,
    SendsTwice,
    SkipsLines,
    SmallMessages,
    Stubborn,
    SucceedsAlways,
    SwapsBatches,
    TakesAllForRefusal,
    WorksOn,
    WrongToken,
}

/// Each case, and a fault that it must name.
pub(crate) const PROOFS: &[(&str, Sabotage)] = &[
    ("hello-first", SaysNoLabels),
    ("new-id-per-process", SameId),
    ("streams-count-up", SameNumber),
    ("offer-acked", WrongToken),
    ("offer-carries-all", KnowsNoMetadata),
    ("trace-context", KnowsNoTrace),
    ("spec-of-another-shape", SucceedsAlways),
    ("duplicate-offer", AcksOnce),
    ("slots-full", NeverRefuses),
    ("side-by-side", MixesTasks),
    ("second-offer-of-a-step", AcksOneTask),
    ("late-ack", HearsNoCancel),
    ("fenced-task", HearsNoCancel),
    ("cancel-reasons", MistakesReason),
    ("cancel-during-reconcile", MistakesToken),
    ("cancel-before-start", HearsNoCancel),
    ("outstayed-grace", HearsNoCancel),
    ("heartbeats-name-tasks", EmptyHeartbeats),
    ("blocked-thread", NoHeartbeats),
    ("silent-server", NeverNotices),
    ("half-open", NeverNotices),
    ("cut-off-works-on", ForgetsTasks),
    ("stop-at-lease-end", WorksOn),
    ("server-restart", ForgetsTasks),
    ("server-drain", RefusesAfterDrain),
    ("verdict-go-on", SkipsLines),
    ("verdict-done", GoesOnAlways),
    ("verdict-cancel", GoesOnAlways),
    ("verdict-stop", GoesOnAlways),
    ("replaced", SameId),
    ("back-off", SameId),
    ("comes-back", TakesAllForRefusal),
    ("stop-codes", Stubborn),
    ("waits-for-server", NeverComes),
    ("log-batches", SwapsBatches),
    ("cut-mid-batch", Renumbers),
    ("log-ack-rewinds", NeverRewinds),
    ("slow-ack", SendsTwice),
    ("burst", OneLineBatches),
    ("long-line", SaysNoLabels),
    ("not-utf8", QuestionMarks),
    ("piped-child", OneStream),
    ("log-words", SaysNoLabels),
    ("fenced-lines", HearsNoFence),
    ("lines-spill", NoSpill),
    ("lines-wait", EndlessSpill),
    ("bounded-memory", KeepsAllInMemory),
    ("result-until-acked", ResultOnce),
    ("lines-missing", ResultOnce),
    ("result-fenced", HearsNoFence),
    ("data-limit", IgnoresLimits),
    ("message-cut", CutsMore),
    ("throw", NoTrace),
    ("returned-error", NoWords),
    ("drain-idle", SaysNoDrain),
    ("drain-with-task", DrainsOnce),
    ("drain-with-result", DrainsOnce),
    ("drain-without-server", DeafToSignals),
    ("unknown-message", DiesOfUnknown),
    ("broadcast", HearsNoBroadcast),
    ("large-message", SmallMessages),
];

/// Plays one fault, or none, through a whole case.
pub(crate) struct Saboteur {
    fault: Option<Sabotage>,
    past: Mutex<Past>,
}

/// What was said so far.
#[derive(Default)]
struct Past {
    acked: HashSet<String>,
    results: HashSet<String>,
    hellos: u64,
    drains: u64,
    server_drained: bool,
    swapped: Option<Log>,
    /// The tokens as they were offered, and the lines acked so far.
    tokens: HashMap<String, u64>,
    stored: HashMap<String, u64>,
}

impl Saboteur {
    pub(crate) fn new(fault: Option<Sabotage>) -> Self {
        Self {
            fault,
            past: Mutex::default(),
        }
    }

    /// Whether it plays this fault.
    pub(crate) fn plays(&self, fault: Sabotage) -> bool {
        self.fault == Some(fault)
    }

    /// What the faulty driver says instead of `said`.
    pub(crate) fn says(&self, said: FromDriver) -> Vec<FromDriver> {
        let Some(fault) = self.fault else {
            return vec![said];
        };
        let mut past = self.past();
        match said {
            FromDriver::Hello(hello) => past.hello(hello, fault),
            FromDriver::Ack(ack) => past.ack(ack, fault),
            FromDriver::Log(log) => past.log(log, fault),
            FromDriver::Result(result) => past.result(result, fault),
            FromDriver::Heartbeat(_) if fault == NoHeartbeats => vec![],
            FromDriver::Heartbeat(_) if fault == EmptyHeartbeats => {
                vec![FromDriver::Heartbeat(Default::default())]
            }
            FromDriver::Drain(drain) => {
                past.drains += 1;
                let silent = fault == SaysNoDrain || fault == DrainsOnce && past.drains > 1;
                if silent {
                    vec![]
                } else {
                    vec![FromDriver::Drain(drain)]
                }
            }
            FromDriver::Heartbeat(beat) => vec![FromDriver::Heartbeat(beat)],
        }
    }

    /// What the faulty driver hears instead of `told`, if anything.
    pub(crate) fn hears(&self, mut told: FromServer) -> Option<FromServer> {
        let Some(fault) = self.fault else {
            return Some(told);
        };
        let mut past = self.past();
        let heard = match &mut told {
            FromServer::Reconcile(offer) => past.offer(offer, fault),
            FromServer::Welcome(welcome) => {
                rewrite(welcome, fault);
                true
            }
            FromServer::Cancel(cancel) => past.cancel(cancel, fault),
            FromServer::LogAck(ack) => match fault {
                HearsNoFence => ack.status() != LogAckStatus::Fenced,
                NeverRewinds => past.stored.insert(ack.task_id.clone(), ack.next) != Some(ack.next),
                _ => true,
            },
            FromServer::ResultAck(ack) => {
                fault != HearsNoFence || ack.outcome() != ResultOutcome::Fenced
            }
            FromServer::Message(_) => fault != HearsNoBroadcast,
            FromServer::Drain(_) => {
                past.server_drained = true;
                true
            }
            FromServer::HeartbeatAck(_) => true,
        };
        heard.then_some(told)
    }

    /// How the faulty driver takes the status that ends its stream.
    pub(crate) fn ends(&self, status: Status) -> Status {
        match self.fault {
            Some(TakesAllForRefusal) if status.code() == Code::Internal => {
                Status::invalid_argument("sabotaged")
            }
            Some(Stubborn) => Status::unavailable("sabotaged"),
            _ => status,
        }
    }

    /// The environment that the faulty driver heeds instead of what it is given.
    pub(crate) fn environment(&self) -> Vec<(&'static str, &'static str)> {
        match self.fault {
            Some(WorksOn) => vec![("CONTENDER_STOP_AT_LEASE_END", "")],
            Some(NoSpill) => vec![("CONTENDER_LOG_SPILL", "1")],
            Some(EndlessSpill) => vec![("CONTENDER_LOG_SPILL", "1000000000")],
            Some(KeepsAllInMemory) => vec![("CONTENDER_LOG_MEMORY", "1000000000")],
            _ => vec![],
        }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    /// Whether the driver hears an offer, and which.
    fn offer(&mut self, offer: &mut Reconcile, fault: Sabotage) -> bool {
        self.tokens.insert(offer.task_id.clone(), offer.token);
        if fault == KnowsNoTrace {
            offer.traceparent.clear();
        }
        let Some(resource) = &mut offer.resource else {
            return true;
        };
        if fault == KnowsNoMetadata {
            resource.metadata.clear();
        }
        fault != SmallMessages || resource.spec_json.len() < 4 << 20
    }

    /// Whether the driver hears a cancel, and which.
    fn cancel(&mut self, cancel: &mut Cancel, fault: Sabotage) -> bool {
        match fault {
            MistakesReason => cancel.set_reason(CancelReason::Fenced),
            MistakesToken => {
                let offered = self.tokens.get(&cancel.task_id);
                cancel.token = offered.copied().unwrap_or_default();
            }
            _ => {}
        }
        fault != HearsNoCancel
    }

    fn hello(&mut self, mut hello: Hello, fault: Sabotage) -> Vec<FromDriver> {
        self.hellos += 1;
        match fault {
            NeverComes => return vec![],
            SaysNoLabels => hello.labels.clear(),
            SameId => hello.instance_id = "0192f000-0000-4000-8000-000000000000".to_owned(),
            SameNumber => hello.stream_number = 1,
            ForgetsTasks => hello.tasks.clear(),
            _ => {}
        }
        vec![FromDriver::Hello(hello)]
    }

    fn ack(&mut self, mut ack: Ack, fault: Sabotage) -> Vec<FromDriver> {
        let again = !self.acked.insert(ack.task_id.clone());
        ack.refused |= fault == RefusesAfterDrain && self.server_drained;
        ack.refused &= fault != NeverRefuses;
        let swallows = fault == AcksOnce && again || fault == AcksOneTask && self.acked.len() > 1;
        if swallows {
            vec![]
        } else {
            vec![FromDriver::Ack(ack)]
        }
    }

    fn log(&mut self, mut log: Log, fault: Sabotage) -> Vec<FromDriver> {
        match fault {
            SendsTwice => return vec![FromDriver::Log(log.clone()), FromDriver::Log(log)],
            OneLineBatches => return one_by_one(log),
            SwapsBatches => match self.swapped.take() {
                Some(first) => return vec![FromDriver::Log(log), FromDriver::Log(first)],
                None => {
                    self.swapped = Some(log);
                    return vec![];
                }
            },
            MixesTasks => {
                let other = self
                    .tokens
                    .iter()
                    .find(|(task_id, _)| **task_id != log.task_id);
                if let Some((task_id, token)) = other {
                    (log.task_id, log.token) = (task_id.clone(), *token);
                }
            }
            Renumbers if self.hellos > 1 => log.first_line = log.first_line.saturating_sub(1),
            _ => {}
        }
        for line in &mut log.lines {
            match fault {
                SaysNoLabels => line.labels.clear(),
                QuestionMarks => line.message = line.message.replace('\u{fffd}', "?"),
                OneStream => "stdout".clone_into(&mut line.stream),
                NoTrace if line.stream == "driver" => line.message.clear(),
                _ => {}
            }
        }
        vec![FromDriver::Log(log)]
    }

    fn result(&mut self, mut result: TaskResult, fault: Sabotage) -> Vec<FromDriver> {
        let again = !self.results.insert(result.task_id.clone());
        match fault {
            ResultOnce if again => return vec![],
            WrongToken => result.token += 1,
            SucceedsAlways => result.success = true,
            CutsMore => result.message.truncate(1),
            NoWords => "failed".clone_into(&mut result.message),
            _ => {}
        }
        vec![FromDriver::Result(result)]
    }
}

/// The Welcome as the driver takes it.
fn rewrite(welcome: &mut Welcome, fault: Sabotage) {
    if fault == IgnoresLimits {
        welcome.limits = None;
    }
    for fate in &mut welcome.tasks {
        match fault {
            SkipsLines => fate.next_line += 3,
            GoesOnAlways => fate.set_verdict(TaskVerdict::GoOn),
            _ => {}
        }
    }
}

fn one_by_one(log: Log) -> Vec<FromDriver> {
    let (task_id, token) = (log.task_id, log.token);
    let lines = (log.first_line..).zip(log.lines);
    let one = lines.map(|(first_line, line)| Log {
        task_id: task_id.clone(),
        token,
        first_line,
        lines: vec![line],
    });
    one.map(FromDriver::Log).collect()
}
