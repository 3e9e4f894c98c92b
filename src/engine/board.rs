//! The board: every unfinished run, every queue, every open task, in memory.
//!
//! It is changed only by [`super::change::Change`], which writes the same change to the store in the same order. So
//! the board runs ahead of the disk by the batches in flight, and whatever leaves the server waits for its batch.
//!
//! Invariants: a step waits in its driver's queue exactly while its run says that it may start; every open task
//! is in [`Board::tasks`] and in the list of its instance.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::instances::{Changing, Instances};
use super::outbox::Outbox;
use super::queue::Queue;
use crate::model::driver::Driver;
use crate::model::name::{InstanceId, Name, RunId, TaskId};
use crate::model::pipeline::Labels;
use crate::model::run::{Cause, Offer, ResourceRef, Run, Stop};

/// The type and the name of a resource.
pub(super) type ResourceKey = (Name, Name);

/// Everything that is going on.
#[derive(Default)]
pub(super) struct Board {
    pub(super) runs: HashMap<RunId, OpenRun>,
    /// Unfinished runs of each resource, by their order.
    pub(super) lines: HashMap<ResourceKey, BTreeMap<u64, RunId>>,
    pub(super) drivers: BTreeMap<Name, DriverEntry>,
    pub(super) tasks: HashMap<TaskId, Task>,
    pub(super) last_order: u64,
    /// The newest run of all, finished or not.
    pub(super) last_run: RunId,
}

/// An unfinished run.
pub(super) struct OpenRun {
    pub(super) run: Run,
    /// Its steps that stand in a queue.
    pub(super) queued: BTreeSet<usize>,
}

/// A driver: known, or only named by steps that wait for it.
#[derive(Default)]
pub(super) struct DriverEntry {
    pub(super) known: Option<Driver>,
    /// Steps that wait.
    pub(super) queue: Queue,
    pub(super) instances: Instances,
}

/// One process of a driver: connected, or away with open tasks.
pub(super) struct Instance {
    pub(super) session: Option<Arc<Session>>,
    pub(super) stream_number: u64,
    pub(super) slots: usize,
    pub(super) labels: Labels,
    pub(super) sdk: String,
    pub(super) connected: Timestamp,
    pub(super) tasks: BTreeSet<TaskId>,
    /// Steps that it refused, and until when it is passed over for them.
    pub(super) refused: HashMap<(RunId, usize), Duration>,
    /// It let an offer lapse, and has not acked since.
    pub(super) muted: bool,
    pub(super) draining: bool,
    /// When something was last heard of it.
    pub(super) heard: Duration,
    pub(super) last_ack: Duration,
}

/// One stream of a driver instance.
#[derive(Debug)]
pub struct Session {
    /// The driver.
    pub driver: Name,
    /// The instance.
    pub instance: InstanceId,
    /// Most bytes of one message to it.
    pub max_message: usize,
    /// What waits to go out.
    pub outbox: Outbox,
}

/// An open task: offered or being worked on. Times are of the lease clock.
pub(super) struct Task {
    pub(super) run: RunId,
    pub(super) step: usize,
    pub(super) offer: Offer,
    pub(super) driver: Name,
    pub(super) accepted: bool,
    /// The time of day of the offer, as far as it is known.
    pub(super) offered: Timestamp,
    /// When it was pushed to the driver.
    pub(super) pushed: Option<Duration>,
    pub(super) lease_until: Duration,
    /// Why it is to stop, and when the grace is over.
    pub(super) stop: Option<(Stop, Duration)>,
    /// When its timeout is over.
    pub(super) deadline: Option<Duration>,
    /// The next log line expected.
    pub(super) next_line: u64,
}

impl Board {
    /// The entry of a driver, made where there is none.
    pub(super) fn driver(&mut self, name: &Name) -> &mut DriverEntry {
        self.drivers.entry(name.clone()).or_default()
    }

    /// The instance that has a task.
    pub(super) fn holder(&mut self, task: TaskId) -> Option<Changing<'_>> {
        let task = self.tasks.get(&task)?;
        self.drivers
            .get_mut(&task.driver)?
            .instances
            .get_mut(task.offer.instance)
    }

    /// The instance whose newest stream this is.
    pub(super) fn instance_of(&mut self, session: &Arc<Session>) -> Option<Changing<'_>> {
        let entry = self.drivers.get_mut(&session.driver)?;
        let instance = entry.instances.get_mut(session.instance)?;
        let current = instance
            .session
            .as_ref()
            .is_some_and(|newest| Arc::ptr_eq(newest, session));
        current.then_some(instance)
    }

    /// Whether a resource was deleted, and the run of that waits behind those in progress. What a driver says of such
    /// a one is nobody's.
    pub(super) fn is_deleted(&self, resource: &ResourceRef) -> bool {
        let line = self
            .lines
            .get(&(resource.kind.clone(), resource.name.clone()));
        let mut behind = line
            .into_iter()
            .flat_map(|line| line.values())
            .filter_map(|id| self.runs.get(id));
        behind.any(|it| it.run.cause == Cause::Delete && it.run.resource.id == resource.id)
    }

    /// Drops what nobody needs: an instance without stream and tasks, a driver that is not known and not waited for.
    pub(super) fn tidy(&mut self, driver: &Name, instance: InstanceId) {
        let Some(entry) = self.drivers.get_mut(driver) else {
            return;
        };
        if entry
            .instances
            .get(instance)
            .is_some_and(|it| it.session.is_none() && it.tasks.is_empty())
        {
            entry.instances.remove(instance);
        }
        if entry.known.is_none() && entry.queue.is_empty() && entry.instances.is_empty() {
            self.drivers.remove(driver);
        }
    }
}

impl Instance {
    /// An instance that is away.
    pub(super) fn away(now: Duration) -> Self {
        Self {
            session: None,
            stream_number: 0,
            slots: 1,
            labels: Labels::new(),
            sdk: String::new(),
            connected: Timestamp::UNIX_EPOCH,
            tasks: BTreeSet::new(),
            refused: HashMap::new(),
            muted: false,
            draining: false,
            heard: now,
            last_ack: Duration::ZERO,
        }
    }

    /// How many tasks it can take, if it still lives.
    pub(super) fn free_slots(&self) -> usize {
        if self.session.is_none() || self.draining || self.muted {
            0
        } else {
            self.slots.saturating_sub(self.tasks.len())
        }
    }

    /// Whether it was heard so lately that it is taken to live.
    pub(super) fn was_heard(&self, now: Duration, patience: Duration) -> bool {
        now <= self.heard + patience
    }

    /// Whether it carries what a step asks for.
    pub(super) fn carries(&self, labels: &Labels) -> bool {
        labels
            .iter()
            .all(|(key, value)| self.labels.get(key) == Some(value))
    }

    /// Whether it refused a step so lately that it is passed over for it.
    pub(super) fn has_refused(&self, step: (RunId, usize), now: Duration) -> bool {
        self.refused.get(&step).is_some_and(|until| *until > now)
    }
}
