//! One accepted task: what of its log and its result the server has, and what is to be sent next.
//!
//! Lines travel in batches, of which a few may be unanswered; the window makes a chatty task coalesce
//! its lines while it waits. The result follows the last line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cancel::CancelSignal;
use crate::limits::Limits;
use crate::lines::Lines;
use crate::outcome::Outcome;
use crate::proto;
use crate::split::cut;

/// How many batches of a task may be unanswered.
const WINDOW: usize = 4;
/// After this long without an answer, lines or a result are sent again on the same stream.
const RESEND_AFTER: Duration = Duration::from_secs(30);

/// Names a step across its offers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StepKey {
    pub(crate) run_id: String,
    pub(crate) step_id: String,
}

/// A task that was accepted and whose result is not yet known to be on the server's disk.
pub(crate) struct Held {
    pub(crate) task_id: String,
    pub(crate) token: u64,
    pub(crate) step: StepKey,
    pub(crate) lines: Arc<Lines>,
    pub(crate) cancel: CancelSignal,
    /// What to start with, until the work has started.
    pub(crate) offer: Option<Box<proto::Reconcile>>,
    result: Option<proto::Result>,
    sending: Sending,
}

/// What was sent on the present stream.
struct Sending {
    /// The number of the next line to send.
    next: u64,
    /// Where each unanswered batch ends.
    batches: VecDeque<u64>,
    /// When lines were last sent or acked.
    moved_at: Option<Instant>,
    /// The last `next` for which lines were sent again. A server repeats it for each batch in flight.
    repeated: Option<u64>,
    /// When the result was sent.
    result_at: Option<Instant>,
}

impl Sending {
    fn from(next: u64) -> Self {
        let batches = VecDeque::with_capacity(WINDOW);
        Self {
            next,
            batches,
            moved_at: None,
            repeated: None,
            result_at: None,
        }
    }
}

impl Held {
    pub(crate) fn new(offer: proto::Reconcile, step: StepKey, lines: Arc<Lines>) -> Self {
        Self {
            task_id: offer.task_id.clone(),
            token: offer.token,
            step,
            lines,
            cancel: CancelSignal::default(),
            offer: Some(Box::new(offer)),
            result: None,
            sending: Sending::from(0),
        }
    }

    /// Whether its work has ended and only the report is left.
    pub(crate) fn has_result(&self) -> bool {
        self.result.is_some()
    }

    /// How Hello names it.
    pub(crate) fn in_hello(&self) -> proto::HeldTask {
        proto::HeldTask {
            task_id: self.task_id.clone(),
            token: self.token,
            next_line: self.lines.next(),
            result_waits: self.has_result(),
        }
    }

    /// A new stream begins: on it nothing was sent yet.
    pub(crate) fn start_stream(&mut self) {
        self.sending = Sending::from(self.lines.first());
    }

    /// The work has ended: no more lines, and a result to send.
    pub(crate) fn finish(&mut self, outcome: Outcome, limits: &Limits) {
        let outcome = within(outcome, limits);
        self.offer = None;
        self.result = Some(proto::Result {
            task_id: self.task_id.clone(),
            token: self.token,
            success: outcome.success,
            message: outcome.message,
            data: None,
            data_json: outcome.data_json,
            lines: self.lines.seal(),
        });
    }

    /// A LogAck: all lines before `next` are on disk. One that says nothing new while lines are under
    /// way means that the server dropped a batch, so they are sent again from there, once.
    pub(crate) fn stored(&mut self, next: u64, now: Instant) {
        let news = next > self.lines.first();
        self.lines.free(next);
        let sending = &mut self.sending;
        sending.batches.retain(|end| *end > next);
        if news {
            sending.next = sending.next.max(next);
            sending.moved_at = Some(now);
            sending.repeated = None;
        } else if !sending.batches.is_empty() && sending.repeated != Some(next) {
            self.send_from(next);
            self.sending.repeated = Some(next);
        }
    }

    /// The server asks for the lines from `next` on, and then for the result.
    pub(crate) fn send_from(&mut self, next: u64) {
        self.lines.free(next);
        self.sending = Sending::from(self.lines.first());
    }

    /// The next batch of lines, when there are any and the window is open.
    pub(crate) fn next_log(&mut self, limits: &Limits, now: Instant) -> Option<proto::Log> {
        if overdue(self.sending.moved_at, now) && !self.sending.batches.is_empty() {
            self.send_from(self.lines.first());
        }
        if self.sending.batches.len() >= WINDOW {
            return None;
        }
        let first_line = self.sending.next;
        let lines = self.lines.batch(first_line, limits);
        if lines.is_empty() {
            return None;
        }
        self.sending.next += lines.len() as u64;
        self.sending.batches.push_back(self.sending.next);
        self.sending.moved_at = Some(now);
        Some(proto::Log {
            task_id: self.task_id.clone(),
            token: self.token,
            first_line,
            lines,
        })
    }

    /// The result, when all lines were sent and it was not, or was long ago.
    pub(crate) fn next_result(&mut self, now: Instant) -> Option<proto::Result> {
        let result = self.result.as_ref()?;
        let due = self.sending.result_at.is_none() || overdue(self.sending.result_at, now);
        if !due || self.sending.next < result.lines {
            return None;
        }
        self.sending.result_at = Some(now);
        Some(result.clone())
    }
}

fn overdue(since: Option<Instant>, now: Instant) -> bool {
    since.is_some_and(|since| now.saturating_duration_since(since) >= RESEND_AFTER)
}

/// The outcome as the server takes it: a long message is cut, data that it would not take makes it a
/// failure.
fn within(mut outcome: Outcome, limits: &Limits) -> Outcome {
    if let Some(reason) = data_fault(&outcome.data_json, limits) {
        outcome = Outcome::failure(format!("{reason}; the work said: {}", outcome.message));
    }
    let end = cut(&outcome.message, limits.message_bytes);
    outcome.message.truncate(end);
    outcome
}

/// Why the server would not take a result's data.
fn data_fault(data: &str, limits: &Limits) -> Option<String> {
    let (bytes, most) = (data.len(), limits.data_bytes);
    if bytes > most {
        return Some(format!(
            "the result's data has {bytes} bytes, and {most} are allowed"
        ));
    }
    if data.is_empty() {
        return None;
    }
    let read: Result<serde_json::Value, _> = serde_json::from_str(data);
    read.err()
        .map(|error| format!("the result's data is no JSON: {error}"))
}
