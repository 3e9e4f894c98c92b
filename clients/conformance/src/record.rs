//! What was said in a case, in short: the last messages both ways, and the contender's own output.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::driver_stream_response::Kind as FromServer;

/// How many lines are kept.
const KEPT: usize = 60;
/// How much of one line is kept.
const LINE_CHARS: usize = 240;

/// The record of one case.
pub(crate) struct Record {
    start: Instant,
    lines: Mutex<VecDeque<String>>,
    broken: Mutex<Option<String>>,
}

impl Record {
    /// An empty record that begins now.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            lines: Mutex::default(),
            broken: Mutex::default(),
        }
    }

    /// Notes what `who` said.
    pub(crate) fn note(&self, who: &str, said: &str) {
        let said: String = said.chars().take(LINE_CHARS).collect();
        let time = self.start.elapsed().as_secs_f32();
        let mut lines = lock(&self.lines);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(format!("{time:7.3} {who:<9} {said}"));
    }

    /// Notes that the driver broke a rule that holds in every case. The first one counts.
    pub(crate) fn broken(&self, rule: String) {
        self.note("broken", &rule);
        lock(&self.broken).get_or_insert(rule);
    }

    /// The rule that was broken first.
    pub(crate) fn first_broken(&self) -> Option<String> {
        lock(&self.broken).clone()
    }

    /// The lines that are kept.
    pub(crate) fn lines(&self) -> Vec<String> {
        lock(&self.lines).iter().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A driver's message in a line. Lines of a log are counted, not shown.
pub(crate) fn brief(message: &FromDriver) -> String {
    match message {
        FromDriver::Log(log) => {
            let (first, count) = (log.first_line, log.lines.len());
            format!(
                "Log {} token {} lines {first}+{count}",
                log.task_id, log.token
            )
        }
        FromDriver::Hello(_)
        | FromDriver::Ack(_)
        | FromDriver::Result(_)
        | FromDriver::Heartbeat(_)
        | FromDriver::Drain(_) => format!("{message:?}"),
    }
}

/// A server's message in a line.
pub(crate) fn brief_answer(message: &FromServer) -> String {
    match message {
        FromServer::Reconcile(offer) => {
            format!("Reconcile {} token {}", offer.task_id, offer.token)
        }
        FromServer::Welcome(_)
        | FromServer::Cancel(_)
        | FromServer::LogAck(_)
        | FromServer::ResultAck(_)
        | FromServer::HeartbeatAck(_)
        | FromServer::Message(_)
        | FromServer::Drain(_) => format!("{message:?}"),
    }
}
