//! One change of the board and of the store: the same events in the same order on both.
//!
//! The board is locked while a change is made and handed to the committer, so that the order in memory is the order
//! on disk. What it sends to drivers, and whom it wakes, happens when its batch is on disk, in that same order. A
//! change that writes nothing goes through the committer too: what it says may rest on batches still in flight.
//!
//! Invariant: a change is handed over whole, or nothing is answered OK any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::board::{Board, OpenRun, Session};
use super::outbox::{CancelReason, Outgoing};
use super::{Inner, Options, journal};
use crate::crash::{Moment, Point, reached};
use crate::error::{Error, Result};
use crate::model::name::{Name, RunId, TaskId};
use crate::model::run::{Effect, Event, Offer, Run, Stop};
#[cfg(test)]
use crate::sabotage::{Sabotage, panic_on_the_board, planted};
use crate::store::{Batch, Position, Slot};
use crate::trace::Span;

/// A change in the making.
pub(super) struct Change<'a> {
    pub(super) board: MutexGuard<'a, Board>,
    pub(super) batch: Batch,
    /// The time of day.
    pub(super) now: Timestamp,
    /// The time of the lease clock.
    pub(super) tick: Duration,
    pub(super) inner: &'a Arc<Inner>,
    dirty: BTreeSet<RunId>,
    ended: BTreeMap<RunId, Run>,
    /// Drivers whose queue or slots changed.
    pub(super) drivers: BTreeSet<Name>,
    sends: Vec<(Arc<Session>, Outgoing)>,
    /// What is over once the change is on disk.
    pub(super) spans: Vec<Span>,
}

impl<'a> Change<'a> {
    /// Locks the board.
    pub(super) fn begin(inner: &'a Arc<Inner>) -> Self {
        let mut batch = Batch::new();
        batch.trace(inner.tracer.here());
        Self {
            board: inner.board(),
            batch,
            now: inner.world.now(),
            tick: inner.tick(),
            inner,
            dirty: BTreeSet::new(),
            ended: BTreeMap::new(),
            drivers: BTreeSet::new(),
            sends: Vec::new(),
            spans: Vec::new(),
        }
    }

    pub(super) fn options(&self) -> &'a Options {
        &self.inner.options
    }

    /// Sends a message once the change is on disk.
    pub(super) fn send(&mut self, session: &Arc<Session>, message: Outgoing) {
        self.sends.push((Arc::clone(session), message));
    }

    /// Adds a new run at the end of its resource's line.
    pub(super) fn add_run(&mut self, mut run: Run) -> RunId {
        self.board.last_order += 1;
        run.order = self.board.last_order;
        let id = run.id;
        self.inner.figures.begun.of(run.cause).one();
        self.batch.index_run(&run);
        let key = (run.resource.kind.clone(), run.resource.name.clone());
        let line = self.board.lines.entry(key).or_default();
        let first = line
            .last_key_value()
            .map(|(_, last)| Event::WaitsFor(*last));
        #[cfg(test)]
        let first = first.filter(|_| !planted(Sabotage::LetsRunsOverlap));
        line.insert(run.order, id);
        #[cfg(test)]
        panic_on_the_board(run.resource.name.as_str());
        self.board.runs.insert(
            id,
            OpenRun {
                run,
                queued: BTreeSet::new(),
            },
        );
        self.apply(id, first.unwrap_or(Event::Turn));
        id
    }

    /// Changes a run by an event, with all that follows from it. The runs that stand in line behind it follow one
    /// by one, not one inside the other: a line may be long.
    pub(super) fn apply(&mut self, id: RunId, event: Event) {
        let mut next = Some((id, event));
        while let Some((id, event)) = next {
            self.apply_one(id, event);
            next = self.end_run(id);
        }
    }

    fn apply_one(&mut self, id: RunId, event: Event) {
        let Some(open) = self.board.runs.get_mut(&id) else {
            return;
        };
        self.inner.figures.count(&event);
        journal::happens(&open.run, &event);
        let effects = open.run.apply(event, self.now);
        if open.run.trace.is_some() {
            self.trace_run(id, &effects);
        }
        self.dirty.insert(id);
        for effect in effects {
            match effect {
                Effect::Closed { offer, fenced } => self.close_task(offer, fenced),
                Effect::Stop { offer, reason } => self.stop_task(offer.task, reason),
            }
        }
        self.requeue(id);
    }

    /// Marks an offered task as accepted.
    pub(super) fn accept(&mut self, task: TaskId) {
        let tick = self.tick;
        let lease_until = tick + self.options().lease_time;
        let Some(open) = self.board.tasks.get_mut(&task) else {
            return;
        };
        if open.accepted {
            return;
        }
        open.accepted = true;
        open.lease_until = lease_until;
        let (run, step) = (open.run, open.step);
        self.trace_offer(task);
        self.apply(run, Event::Accepted { step });
        self.batch.index_task(task, run);
        let timeout = self
            .board
            .runs
            .get(&run)
            .and_then(|open| open.run.steps[step].timeout);
        if let Some(open) = self.board.tasks.get_mut(&task) {
            open.deadline = timeout.map(|timeout| tick + timeout);
        }
    }

    fn close_task(&mut self, offer: Offer, fenced: bool) {
        let Some(task) = self.board.tasks.get(&offer.task) else {
            return;
        };
        let driver = task.driver.clone();
        let session = self.board.holder(offer.task).and_then(|mut holder| {
            holder.tasks.remove(&offer.task);
            holder.session.clone()
        });
        if fenced && let Some(session) = session {
            self.send(
                &session,
                cancel(offer, CancelReason::Fenced, Duration::ZERO),
            );
        }
        self.board.tasks.remove(&offer.task);
        self.board.tidy(&driver, offer.instance);
        self.drivers.insert(driver);
    }

    fn stop_task(&mut self, task: TaskId, reason: Stop) {
        let grace = self.options().cancel_grace;
        let until = self.tick + grace;
        let Some(open) = self.board.tasks.get_mut(&task) else {
            return;
        };
        open.stop = Some((reason, until));
        let offer = open.offer;
        if let Some(session) = self
            .board
            .holder(task)
            .and_then(|holder| holder.session.clone())
        {
            self.send(&session, cancel(offer, CancelReason::from(reason), grace));
        }
    }

    /// Brings the queues in line with what the run says may start.
    pub(super) fn requeue(&mut self, id: RunId) {
        let board = &mut *self.board;
        let Some(open) = board.runs.get_mut(&id) else {
            return;
        };
        let startable: BTreeSet<usize> = open.run.startable().collect();
        let order = open.run.order;
        for at in open.queued.difference(&startable) {
            let step = &open.run.steps[*at];
            if let Some(entry) = board.drivers.get_mut(&step.driver) {
                entry.queue.remove(&step.labels, (order, *at));
            }
        }
        for at in startable.difference(&open.queued) {
            let step = &open.run.steps[*at];
            let entry = board.drivers.entry(step.driver.clone()).or_default();
            entry.queue.insert(&step.labels, (order, *at), id);
            self.drivers.insert(step.driver.clone());
        }
        open.queued = startable;
    }

    /// Takes an ended run off the board and answers what happens to the next run of its resource.
    fn end_run(&mut self, id: RunId) -> Option<(RunId, Event)> {
        if !self.board.runs.get(&id)?.run.state.ended() {
            return None;
        }
        let OpenRun { run, .. } = self.board.runs.remove(&id)?;
        self.dirty.remove(&id);
        self.inner.figures.ended.count(run.state);
        journal::ended(&run);
        self.spans.extend(self.inner.run_span(&run));
        let key = (run.resource.kind.clone(), run.resource.name.clone());
        let line = self.board.lines.get_mut(&key)?;
        line.remove(&run.order);
        let before = line
            .range(..run.order)
            .next_back()
            .map(|(_, before)| *before);
        let after = line.range(run.order..).next().map(|(_, after)| *after);
        if line.is_empty() {
            self.board.lines.remove(&key);
        }
        self.ended.insert(id, run);
        Some((after?, before.map_or(Event::Turn, Event::WaitsFor)))
    }

    /// Has a driver looked at again, though nothing of it changed here.
    pub(super) fn touch(&mut self, driver: &Name) {
        self.drivers.insert(driver.clone());
    }

    /// The run as this change leaves it.
    pub(super) fn run(&self, id: RunId) -> Option<&Run> {
        self.board
            .runs
            .get(&id)
            .map(|open| &open.run)
            .or_else(|| self.ended.get(&id))
    }

    /// Hands the change to the committer.
    pub(super) fn commit(self, slot: Slot) {
        self.commit_then(slot, |_| {});
    }

    /// Hands the change to the committer. The answer can be waited for when the board is free again.
    pub(super) fn commit_answered(self, slot: Slot) -> Answer {
        let (done, answer) = oneshot::channel();
        // One whose answer is cut hears at once, though the change goes on.
        let done = (!reached(Moment::Before, Point::Answer)).then_some(done);
        self.commit_then(slot, move |outcome| {
            let Some(done) = done.filter(|_| !reached(Moment::After, Point::Answer)) else {
                return;
            };
            // Where nobody waits any more, nobody needs the answer.
            let _ = done.send(outcome);
        });
        Answer(answer)
    }

    /// Hands the change to the committer. `done` runs when it is on disk, before anything is sent.
    pub(super) fn commit_then(
        mut self,
        slot: Slot,
        done: impl FnOnce(crate::store::Result<Position>) + Send + 'static,
    ) {
        self.dispatch();
        let mut changed: Vec<RunId> = Vec::new();
        for id in std::mem::take(&mut self.dirty) {
            if let Some(open) = self.board.runs.get(&id) {
                self.batch.put_run(&open.run);
                changed.push(id);
            }
        }
        let ended = std::mem::take(&mut self.ended);
        for run in ended.values() {
            self.batch.put_run(run);
        }
        let inner = Arc::clone(self.inner);
        let sends = std::mem::take(&mut self.sends);
        let spans = std::mem::take(&mut self.spans);
        let batch = std::mem::take(&mut self.batch);
        let news = batch.changes_resources();
        sends.iter().for_each(|it| cut_at(Moment::Before, it));
        slot.commit(batch, move |outcome| {
            if let Err(error) = &outcome {
                // The board has run ahead of a disk that will not follow: nobody may be told of it.
                let committer = inner.store.committer();
                committer.fail(&format!("a write failed: {error}"));
            }
            let written = outcome.is_ok();
            done(outcome);
            if written {
                for send in sends {
                    cut_at(Moment::After, &send);
                    let (session, message) = send;
                    session.outbox.push(message);
                }
                for run in changed.iter().chain(ended.keys()) {
                    inner.run_news.tell(run, |()| {});
                }
                for run in ended.values() {
                    inner.run_ended(run.id);
                    let resource = &run.resource;
                    inner.retention.touch(&resource.kind, &resource.name);
                }
                inner.record(spans);
                if news {
                    inner.changes.tell(&(), |()| {});
                }
            }
        });
    }
}

impl Drop for Change<'_> {
    /// A change that ends before it was handed over, by a panic or an error in its middle, leaves a board that the store
    /// will never agree with. Nothing may rest on that: it is as if a write had failed. Only then is the board unlocked.
    fn drop(&mut self) {
        let is_left = !(self.dirty.is_empty() && self.ended.is_empty() && self.sends.is_empty());
        if is_left || thread::panicking() {
            let committer = self.inner.store.committer();
            committer.fail("a change of what is in memory ended half done, which is a bug");
        }
    }
}

/// Cuts the stream in place of a message, where a test asks for it.
fn cut_at(moment: Moment, (session, message): &(Arc<Session>, Outgoing)) {
    if message
        .crash_point()
        .is_some_and(|point| reached(moment, point))
    {
        session.outbox.cut(Error::Stopping);
    }
}

/// The outcome of a change that was handed to the committer.
pub(super) struct Answer(oneshot::Receiver<crate::store::Result<Position>>);

impl Answer {
    /// Waits until the change is on disk.
    pub(super) async fn on_disk(self) -> Result<()> {
        self.0.await.map_err(|_| Error::Stopping)??;
        Ok(())
    }
}

impl From<Stop> for CancelReason {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::Cancelled,
            Stop::Deadline => Self::Deadline,
        }
    }
}

/// Asks a driver to stop a task.
pub(super) fn cancel(offer: Offer, reason: CancelReason, grace: Duration) -> Outgoing {
    Outgoing::Cancel {
        task: offer.task,
        token: offer.token,
        reason,
        grace,
    }
}
