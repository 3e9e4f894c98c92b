//! What the engine counts of itself, and what stands on the board when somebody asks.

use std::time::Duration;

use super::Engine;
use super::board::{Board, DriverEntry};
use crate::meter::Counter;
use crate::model::name::Name;
use crate::model::run::{Cause, Event, RunState};
use crate::store::Removed;

/// What the engine counts. It counts what was decided; the disk follows within a commit.
#[derive(Debug, Default)]
pub struct Figures {
    /// Runs that began.
    pub begun: ByCause,
    /// Runs that ended.
    pub ended: ByOutcome,
    /// Steps offered to an instance.
    pub offered: Counter,
    /// Offers that were accepted.
    pub accepted: Counter,
    /// Offers that were refused.
    pub refused: Counter,
    /// Offers that nobody answered in time.
    pub lapsed: Counter,
    /// Tasks whose driver was lost, or gave them back.
    pub lost: Counter,
    /// Tasks that ended with a result of success.
    pub succeeded: Counter,
    /// Tasks that ended with a result of failure.
    pub failed: Counter,
    /// Attempts that ran into their timeout.
    pub overdue: Counter,
    /// Reports under a token that is dead.
    pub fenced: Counter,
    /// Log lines taken from tasks.
    pub task_lines: Counter,
    /// Bytes of them.
    pub task_line_bytes: Counter,
    /// Log lines taken from outside.
    pub outside_lines: Counter,
    /// Bytes of them.
    pub outside_line_bytes: Counter,
    /// Finished runs that were kept long enough.
    pub removed_runs: Counter,
    /// Log lines that were kept long enough.
    pub removed_lines: Counter,
    /// Revisions of resources and pipelines that were kept long enough.
    pub removed_revisions: Counter,
    /// Changes of resources that were kept long enough.
    pub removed_changes: Counter,
}

/// One counter for each cause of a run.
#[derive(Debug, Default)]
pub struct ByCause([Counter; 3]);

impl ByCause {
    /// The counter of a cause.
    pub fn of(&self, cause: Cause) -> &Counter {
        match cause {
            Cause::Create => &self.0[0],
            Cause::Update => &self.0[1],
            Cause::Delete => &self.0[2],
        }
    }
}

/// One counter for each way in which a run ends.
#[derive(Debug, Default)]
pub struct ByOutcome {
    /// Every step succeeded or was skipped.
    pub succeeded: Counter,
    /// A step failed.
    pub failed: Counter,
    /// It was cancelled.
    pub cancelled: Counter,
}

impl ByOutcome {
    pub(super) fn count(&self, state: RunState) {
        match state {
            RunState::Succeeded => self.succeeded.one(),
            RunState::Failed => self.failed.one(),
            RunState::Cancelled => self.cancelled.one(),
            RunState::Pending | RunState::Running | RunState::Cancelling => {}
        }
    }
}

impl Figures {
    /// Counts what retention removed.
    pub(super) fn count_removed(&self, removed: &Removed) {
        self.removed_runs.add(removed.runs);
        self.removed_lines.add(removed.lines);
        self.removed_revisions.add(removed.revisions);
        self.removed_changes.add(removed.changes);
    }

    /// Counts what happens to a run.
    pub(super) fn count(&self, event: &Event) {
        match event {
            Event::Offered { .. } => self.offered.one(),
            Event::Accepted { .. } => self.accepted.one(),
            Event::Returned { lapsed: true, .. } => self.lapsed.one(),
            Event::Lost { .. } => self.lost.one(),
            Event::Deadline { .. } => self.overdue.one(),
            Event::Finished { outcome, .. } if outcome.success => self.succeeded.one(),
            Event::Finished { .. } => self.failed.one(),
            Event::Turn
            | Event::WaitsFor(_)
            | Event::DriverFound(_)
            | Event::Returned { lapsed: false, .. }
            | Event::Unfit { .. }
            | Event::GraceOver { .. }
            | Event::Cancel { .. }
            | Event::DriverDeleted(_) => {}
        }
    }
}

/// What stands on the board.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// Runs that have not ended.
    pub runs: usize,
    /// Tasks offered and not yet accepted.
    pub offered: usize,
    /// Tasks being worked on.
    pub running: usize,
    /// The drivers in the order of their names.
    pub drivers: Vec<DriverLoad>,
}

/// What stands on the board of one driver.
#[derive(Clone, Debug)]
pub struct DriverLoad {
    /// The driver.
    pub name: Name,
    /// Steps that wait for it.
    pub waiting: usize,
    /// Instances that are connected.
    pub instances: usize,
    /// Slots of these.
    pub slots: usize,
    /// Slots that could take a task now.
    pub free: usize,
}

impl Engine {
    /// What the engine counts.
    pub fn figures(&self) -> &Figures {
        &self.0.figures
    }

    /// What stands on the board. Looks at each driver and each open task, not at each run.
    pub fn load(&self) -> Load {
        let patience = self.0.options.heartbeat_period * 2;
        let tick = self.0.tick();
        let board = self.0.board();
        let accepted = board.tasks.values().filter(|task| task.accepted).count();
        Load {
            runs: board.runs.len(),
            offered: board.tasks.len() - accepted,
            running: accepted,
            drivers: drivers(&board, tick, patience),
        }
    }

    /// Bytes that were free on the disk when last looked at.
    pub fn free_bytes(&self) -> u64 {
        self.0.space.free()
    }
}

fn drivers(board: &Board, tick: Duration, patience: Duration) -> Vec<DriverLoad> {
    let load = |(name, entry): (&Name, &DriverEntry)| {
        let connected = entry.instances.values().filter(|it| it.session.is_some());
        let mut load = DriverLoad {
            name: name.clone(),
            waiting: entry.queue.len(),
            instances: 0,
            slots: 0,
            free: 0,
        };
        for instance in connected {
            load.instances += 1;
            load.slots += instance.slots;
            if instance.was_heard(tick, patience) {
                load.free += instance.free_slots();
            }
        }
        load
    };
    board.drivers.iter().map(load).collect()
}
