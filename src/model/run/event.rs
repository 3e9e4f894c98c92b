//! What can happen to a run, and what must be done about it.

use super::{Offer, Outcome, Stop};
use crate::model::name::{InstanceId, Name, RunId, TaskId};

/// What can happen to a run. `step` is an index of [`Run::steps`](super::Run::steps).
#[derive(Clone, Debug)]
pub enum Event {
    /// Its turn among the runs of its resource came.
    Turn,
    /// The run that goes first is now another one.
    WaitsFor(RunId),
    /// The first driver for a run without steps came.
    DriverFound(Name),
    /// A step is offered.
    Offered {
        /// Which step.
        step: usize,
        /// The new task.
        task: TaskId,
        /// To whom.
        instance: InstanceId,
    },
    /// The offer is accepted.
    Accepted {
        /// Which step.
        step: usize,
    },
    /// The offer is taken back: refused, lapsed, or never pushed.
    Returned {
        /// Which step.
        step: usize,
        /// Whether nobody answered it in time.
        lapsed: bool,
    },
    /// The step cannot be offered at all.
    Unfit {
        /// Which step.
        step: usize,
        /// Why.
        reason: String,
    },
    /// The driver reported the end.
    Finished {
        /// Which step.
        step: usize,
        /// What it said.
        outcome: Outcome,
    },
    /// The driver that works on it is lost.
    Lost {
        /// Which step.
        step: usize,
        /// How.
        reason: String,
    },
    /// The step's timeout is over.
    Deadline {
        /// Which step.
        step: usize,
    },
    /// The time to stop is over, and no result came.
    GraceOver {
        /// Which step.
        step: usize,
    },
    /// Somebody cancelled the run.
    Cancel {
        /// Why, in words.
        reason: String,
    },
    /// A driver was deleted: what waits for it is skipped.
    DriverDeleted(Name),
}

/// What must be done once the changed run is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A task is closed; its slot is free again.
    Closed {
        /// The task.
        offer: Offer,
        /// Whether its driver has to be told that the token is dead.
        fenced: bool,
    },
    /// A driver is to be asked to stop.
    Stop {
        /// The task.
        offer: Offer,
        /// Why.
        reason: Stop,
    },
}
