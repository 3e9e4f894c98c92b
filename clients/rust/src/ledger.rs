//! The protocol's rules for the tasks of one driver instance, without I/O.
//!
//! The session hands in what arrives and asks what to send next; the work of each task reports its
//! end here. The invariant: of each step at most one piece of work runs, whatever is offered.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::cancel::{CancelReason, CancelSignal};
use crate::held::{Held, StepKey};
use crate::lease::Lease;
use crate::limits::Limits;
use crate::lines::{Lines, Room};
use crate::outcome::Outcome;
use crate::proto;
use crate::proto::driver_stream_request::Kind as Outgoing;
use crate::proto::driver_stream_response::Kind as Incoming;

/// How long a task has to stop when the server does not say.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// How many ended tasks are remembered, so that an old offer that comes again does not start anew.
const REMEMBERED: usize = 1024;
/// How many acks may wait to be sent before nothing more is read.
const MAX_ACKS: usize = 1024;
/// What is said of a task that was cancelled before its work began.
pub(crate) const NEVER_BEGUN: &str = "cancelled before the work began";

/// The tasks in hand and what is to be said of them.
pub(crate) struct Ledger {
    slots: usize,
    room: Room,
    limits: Limits,
    held: BTreeMap<String, Held>,
    /// The task whose work runs, of each step. It may be fenced, and so no longer held.
    working: HashMap<StepKey, String>,
    /// Tasks that ended or were fenced, newest last.
    ended: VecDeque<String>,
    acks: VecDeque<proto::Ack>,
    heartbeat_due: bool,
    lease: Lease,
    draining: bool,
    drain_due: bool,
    /// The task whose lines were sent last; the others have their turn first.
    last_sent: String,
    /// Tells the session that there may be something to do.
    changed: Arc<Notify>,
}

/// A task whose work is to start.
pub(crate) struct Start {
    pub(crate) offer: proto::Reconcile,
    pub(crate) step: StepKey,
    pub(crate) lines: Arc<Lines>,
    pub(crate) cancel: CancelSignal,
}

impl Ledger {
    /// A ledger for `slots` tasks at once, with so much `room` for the lines of each.
    pub(crate) fn new(slots: usize, room: Room, changed: Arc<Notify>) -> Self {
        Self {
            slots,
            room,
            limits: Limits::default(),
            held: BTreeMap::new(),
            working: HashMap::new(),
            ended: VecDeque::new(),
            acks: VecDeque::new(),
            heartbeat_due: false,
            lease: Lease::new(),
            draining: false,
            drain_due: false,
            last_sent: String::new(),
            changed,
        }
    }

    /// How Hello names the tasks in hand.
    pub(crate) fn in_hello(&self) -> Vec<proto::HeldTask> {
        self.held.values().map(Held::in_hello).collect()
    }

    /// A new stream is open: takes the server's limits and its verdict on each task.
    pub(crate) fn welcome(&mut self, welcome: proto::Welcome, hello_at: Instant) {
        self.limits = welcome.limits.unwrap_or_default().into();
        let lease = welcome
            .lease_time
            .and_then(|time| Duration::try_from(time).ok());
        self.lease.welcomed(lease, hello_at);
        self.acks.clear();
        self.heartbeat_due = false;
        self.drain_due = self.draining;
        self.held.values_mut().for_each(Held::start_stream);
        for fate in welcome.tasks {
            self.decide(&fate);
        }
    }

    /// Takes one message of the stream.
    pub(crate) fn receive(&mut self, message: Incoming, now: Instant) {
        match message {
            Incoming::Reconcile(offer) => self.offered(offer),
            Incoming::Cancel(cancel) => self.cancelled(&cancel),
            Incoming::LogAck(ack) => self.log_acked(&ack, now),
            Incoming::ResultAck(ack) => self.result_acked(&ack),
            Incoming::HeartbeatAck(_) => self.lease.answered(),
            // A second Welcome says nothing; the others concern the session, not the tasks.
            Incoming::Welcome(_) | Incoming::Message(_) | Incoming::Drain(_) => {}
        }
    }

    /// Whether there is room for what a received message may leave behind.
    pub(crate) fn can_receive(&self) -> bool {
        self.acks.len() < MAX_ACKS
    }

    /// The next message to send, the most urgent first.
    pub(crate) fn next_message(&mut self, now: Instant) -> Option<Outgoing> {
        if std::mem::take(&mut self.heartbeat_due) {
            self.lease.beat(now);
            return Some(Outgoing::Heartbeat(self.heartbeat()));
        }
        if let Some(ack) = self.acks.pop_front() {
            return Some(Outgoing::Ack(ack));
        }
        if std::mem::take(&mut self.drain_due) {
            return Some(Outgoing::Drain(proto::Drain {}));
        }
        let result = self
            .held
            .values_mut()
            .find_map(|held| held.next_result(now));
        result
            .map(Outgoing::Result)
            .or_else(|| self.next_log(now).map(Outgoing::Log))
    }

    /// A heartbeat is due.
    pub(crate) fn beat(&mut self) {
        self.heartbeat_due = true;
    }

    /// The next task whose work can start: the old work on its step, if any, has stopped.
    pub(crate) fn next_start(&mut self) -> Option<Start> {
        let working = &self.working;
        let ready = |held: &&mut Held| held.offer.is_some() && !working.contains_key(&held.step);
        let held = self.held.values_mut().find(ready)?;
        let offer = *held.offer.take()?;
        self.working.insert(held.step.clone(), held.task_id.clone());
        Some(Start {
            offer,
            step: held.step.clone(),
            lines: Arc::clone(&held.lines),
            cancel: held.cancel.clone(),
        })
    }

    /// The work on a task has ended. No outcome: it was cut short, and nothing is known of it.
    pub(crate) fn finish(&mut self, step: &StepKey, task_id: &str, outcome: Option<Outcome>) {
        self.working.remove(step);
        match (self.held.get_mut(task_id), outcome) {
            (Some(held), Some(outcome)) => held.finish(outcome, &self.limits),
            (Some(_), None) => self.fence(task_id, Duration::ZERO),
            (None, _) => {}
        }
        self.changed.notify_one();
    }

    /// Takes no more offers.
    pub(crate) fn drain(&mut self) {
        if !self.draining {
            self.draining = true;
            self.drain_due = true;
            self.changed.notify_one();
        }
    }

    /// Stops all work and drops what it said: the step is another's, or nobody's.
    pub(crate) fn fence_all(&mut self, grace: Duration) {
        let tasks: Vec<String> = self.held.keys().cloned().collect();
        tasks.iter().for_each(|task_id| self.fence(task_id, grace));
        self.changed.notify_one();
    }

    /// Whether the server may have given the tasks to others.
    pub(crate) fn lease_is_over(&self, now: Instant) -> bool {
        self.lease.is_over(now)
    }

    /// Whether it drains and the server has every result.
    pub(crate) fn is_drained(&self) -> bool {
        self.draining && self.held.is_empty()
    }

    fn decide(&mut self, fate: &proto::TaskFate) {
        let Some(held) = self.find(&fate.task_id, fate.token) else {
            return;
        };
        match fate.verdict() {
            proto::TaskVerdict::GoOn => held.send_from(fate.next_line),
            proto::TaskVerdict::Done => self.forget(&fate.task_id),
            proto::TaskVerdict::Cancel => {
                held.send_from(fate.next_line);
                self.stop(&fate.task_id, fate.reason(), grace(fate.grace));
            }
            proto::TaskVerdict::Stop => self.fence(&fate.task_id, DEFAULT_GRACE),
            // A verdict that this runtime does not know: the next heartbeat or ack settles it.
            proto::TaskVerdict::Unspecified => {}
        }
    }

    fn offered(&mut self, offer: proto::Reconcile) {
        let seen =
            self.find(&offer.task_id, offer.token).is_some() || self.ended.contains(&offer.task_id);
        let refusal = if seen { None } else { self.refusal(&offer) };
        self.acks.push_back(proto::Ack {
            task_id: offer.task_id.clone(),
            token: offer.token,
            refused: refusal.is_some(),
            reason: refusal.unwrap_or_default().to_owned(),
        });
        if !seen && refusal.is_none() {
            self.accept(offer);
        }
    }

    /// Why an offer is refused, if it is.
    fn refusal(&self, offer: &proto::Reconcile) -> Option<&'static str> {
        let step = step_key(offer);
        if self.draining {
            return Some("the driver is draining");
        }
        if self
            .held
            .values()
            .any(|held| held.step == step && held.token > offer.token)
        {
            return Some("the driver has a newer offer of this step");
        }
        // Work counts while it runs, be it fenced; and so does what waits for it to stop.
        let waiting = self.held.values().filter(|held| held.offer.is_some());
        let waiting = waiting
            .filter(|held| !self.working.contains_key(&held.step))
            .count();
        let busy = self.working.len() + waiting;
        let same_step = self.working.contains_key(&step);
        let full = !same_step && busy >= self.slots;
        (full || self.held.len() >= 2 * self.slots).then_some("the driver has no free slot")
    }

    fn accept(&mut self, offer: proto::Reconcile) {
        let step = step_key(&offer);
        // The new token makes every older one of the step a dead one.
        let older = self.held.values().filter(|held| held.step == step);
        let older: Vec<String> = older.map(|held| held.task_id.clone()).collect();
        older
            .iter()
            .for_each(|task_id| self.fence(task_id, DEFAULT_GRACE));
        let lines = Arc::new(Lines::new(
            self.limits.line_bytes,
            self.room,
            Arc::clone(&self.changed),
        ));
        self.held
            .insert(offer.task_id.clone(), Held::new(offer, step, lines));
    }

    fn cancelled(&mut self, cancel: &proto::Cancel) {
        if self.find(&cancel.task_id, cancel.token).is_some() {
            self.stop(&cancel.task_id, cancel.reason(), grace(cancel.grace));
        }
    }

    fn log_acked(&mut self, ack: &proto::LogAck, now: Instant) {
        let Some(held) = self.find(&ack.task_id, ack.token) else {
            return;
        };
        match ack.status() {
            proto::LogAckStatus::Stored => held.stored(ack.next, now),
            proto::LogAckStatus::Fenced => self.fence(&ack.task_id, DEFAULT_GRACE),
            proto::LogAckStatus::Unspecified => {}
        }
    }

    fn result_acked(&mut self, ack: &proto::ResultAck) {
        let Some(held) = self.find(&ack.task_id, ack.token) else {
            return;
        };
        match ack.outcome() {
            proto::ResultOutcome::Applied => self.forget(&ack.task_id),
            proto::ResultOutcome::LinesMissing => held.send_from(ack.next),
            proto::ResultOutcome::Fenced => self.fence(&ack.task_id, DEFAULT_GRACE),
            proto::ResultOutcome::Unspecified => {}
        }
    }

    /// Tells a task to stop. One that has not started never will.
    fn stop(&mut self, task_id: &str, reason: proto::CancelReason, grace: Duration) {
        let reason = match reason {
            proto::CancelReason::Fenced => return self.fence(task_id, grace),
            proto::CancelReason::Deadline => CancelReason::Deadline,
            proto::CancelReason::Cancelled | proto::CancelReason::Unspecified => {
                CancelReason::Cancelled
            }
        };
        let Some(held) = self.held.get_mut(task_id) else {
            return;
        };
        held.cancel.cancel(reason, grace);
        if held.offer.is_some() {
            held.finish(Outcome::failure(NEVER_BEGUN), &self.limits);
        }
    }

    /// The token is dead: stops the work and drops its lines and its result.
    fn fence(&mut self, task_id: &str, grace: Duration) {
        if let Some(held) = self.held.get(task_id) {
            held.cancel.cancel(CancelReason::Fenced, grace);
            self.forget(task_id);
        }
    }

    /// Holds the task no longer. Its work may still be stopping.
    fn forget(&mut self, task_id: &str) {
        if let Some(held) = self.held.remove(task_id) {
            held.lines.discard();
            if self.ended.len() == REMEMBERED {
                self.ended.pop_front();
            }
            self.ended.push_back(held.task_id);
        }
    }

    fn heartbeat(&self) -> proto::Heartbeat {
        let name = |held: &Held| proto::TaskToken {
            task_id: held.task_id.clone(),
            token: held.token,
        };
        proto::Heartbeat {
            tasks: self.held.values().map(name).collect(),
        }
    }

    /// The next batch of lines; each task has its turn.
    fn next_log(&mut self, now: Instant) -> Option<proto::Log> {
        let last = std::mem::take(&mut self.last_sent);
        let after = (Excluded(&last), Unbounded);
        let log = self
            .held
            .range_mut::<String, _>(after)
            .find_map(|(_, held)| held.next_log(&self.limits, now));
        let log = log.or_else(|| {
            let before = self.held.range_mut::<String, _>(..=&last);
            before
                .map(|(_, held)| held)
                .find_map(|held| held.next_log(&self.limits, now))
        });
        self.last_sent = log.as_ref().map_or(last, |log| log.task_id.clone());
        log
    }

    fn find(&mut self, task_id: &str, token: u64) -> Option<&mut Held> {
        self.held
            .get_mut(task_id)
            .filter(|held| held.token == token)
    }
}

fn step_key(offer: &proto::Reconcile) -> StepKey {
    let step_id = offer
        .step
        .as_ref()
        .map(|step| step.id.clone())
        .unwrap_or_default();
    StepKey {
        run_id: offer.run_id.clone(),
        step_id,
    }
}

fn grace(said: Option<prost_types::Duration>) -> Duration {
    said.and_then(|said| Duration::try_from(said).ok())
        .unwrap_or(DEFAULT_GRACE)
}

#[cfg(test)]
mod simulation;
