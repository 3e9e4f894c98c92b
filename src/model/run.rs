//! A run and its steps: what is known of them, and where they stand.
//!
//! How they change is `machine`'s: [`Run::apply`] is the only way.

mod event;
mod machine;

use std::time::Duration;

use jiff::Timestamp;

pub use self::event::{Effect, Event};
pub use self::machine::fan_out;
use super::name::{InstanceId, Name, ObjectId, RunId, TaskId};
use super::pipeline::Labels;
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};
use crate::trace::TraceContext;

/// What caused a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The resource was created.
    Create,
    /// The resource was replaced, or was started again.
    Update,
    /// The resource was deleted.
    Delete,
}

impl Cause {
    /// Reads the documented word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|cause| cause.as_str() == word)
    }

    /// The documented word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunState {
    /// No driver has taken a step yet.
    Pending,
    /// A driver has taken a step.
    Running,
    /// It was cancelled, and drivers still hold steps.
    Cancelling,
    /// Every step succeeded or was skipped.
    Succeeded,
    /// A step failed.
    Failed,
    /// It was cancelled, or nobody was left to do it.
    Cancelled,
}

impl RunState {
    /// Whether it can no longer change.
    pub fn ended(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Cancelling => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// It waits for its turn or for a driver.
    Pending,
    /// It is offered to an instance that has not yet accepted.
    Offered,
    /// A driver works on it.
    Running,
    /// Its driver reported success.
    Succeeded,
    /// Its driver reported failure, or it could not be carried out.
    Failed,
    /// It was not carried out and will not be.
    Skipped,
    /// The run was cancelled before it ended.
    Cancelled,
}

impl StepState {
    /// Whether it can no longer change.
    pub fn ended(self) -> bool {
        match self {
            Self::Pending | Self::Offered | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled => true,
        }
    }
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptState {
    /// The driver works on it.
    Running,
    /// The driver reported success.
    Succeeded,
    /// The driver reported failure, or its time was over.
    Failed,
    /// The driver was not heard for a lease, or gave it back.
    Lost,
    /// The run was cancelled.
    Cancelled,
}

/// Why a driver is asked to stop a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The run was cancelled.
    Cancelled,
    /// The step's timeout is over.
    Deadline,
}

/// The revision of a resource that a run carries out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRef {
    /// The resource's id.
    pub id: ObjectId,
    /// The name of its definition.
    pub kind: Name,
    /// Its name.
    pub name: Name,
    /// Which revision.
    pub revision: i64,
}

/// The revision of a pipeline that a run follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineRef {
    /// The pipeline's id.
    pub id: ObjectId,
    /// Its name.
    pub name: Name,
    /// Which revision.
    pub revision: i64,
}

/// One event of a resource carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Its place among all runs: later ones have higher numbers.
    pub order: u64,
    /// What caused it.
    pub cause: Cause,
    /// What is carried out.
    pub resource: ResourceRef,
    /// The pipeline it follows; without one the steps are parallel.
    pub pipeline: Option<PipelineRef>,
    /// Where it stands.
    pub state: RunState,
    /// Why it stands there, in words.
    pub reason: String,
    /// The run of the same resource that goes first.
    pub waits_for: Option<RunId>,
    /// Whether steps were taken away because their driver was deleted.
    pub cut_short: bool,
    /// The steps in their order. Empty: no driver is known for it yet.
    pub steps: Vec<StepRun>,
    /// When it was written.
    pub created: Timestamp,
    /// When a driver first took a step.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it belongs to in a trace: the span of the request that caused it.
    pub trace: Option<TraceContext>,
}

/// A step inside a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRun {
    /// Unique in the run.
    pub id: Name,
    /// Free text for people.
    pub name: String,
    /// The driver that does it.
    pub driver: Name,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// What an instance must carry to take it.
    pub labels: Labels,
    /// Where it stands.
    pub state: StepState,
    /// Why it stands there, in words.
    pub reason: String,
    /// What the driver said at its end.
    pub message: String,
    /// Bytes of result data.
    pub data_bytes: u64,
    /// The highest token given out.
    pub token: u64,
    /// Offers in a row that lapsed.
    pub lapses: u32,
    /// The open offer, while the state is OFFERED.
    pub offer: Option<Offer>,
    /// The accepted offers in their order.
    pub attempts: Vec<Attempt>,
}

/// A task that is not yet accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub task: TaskId,
    /// Its fencing token.
    pub token: u64,
    /// Who it is offered to.
    pub instance: InstanceId,
}

/// A task that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The task, its token, and who has it.
    pub offer: Offer,
    /// Where it stands.
    pub state: AttemptState,
    /// Why it stands there, in words.
    pub reason: String,
    /// Why it was asked to stop, if it was.
    pub stop: Option<Stop>,
    /// Whether the driver's own result ended it.
    pub reported: bool,
    /// When it was accepted.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// What a driver says at the end of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the work succeeded.
    pub success: bool,
    /// What it tells people.
    pub message: String,
    /// Bytes of its result data.
    pub data_bytes: u64,
}

impl StepRun {
    /// A step that waits.
    pub fn new(id: Name, name: String, driver: Name) -> Self {
        Self {
            id,
            name,
            driver,
            timeout: None,
            labels: Labels::new(),
            state: StepState::Pending,
            reason: String::new(),
            message: String::new(),
            data_bytes: 0,
            token: 0,
            lapses: 0,
            offer: None,
            attempts: Vec::new(),
        }
    }

    /// The open task: offered or being worked on.
    pub fn open_task(&self) -> Option<Offer> {
        match self.state {
            StepState::Offered => self.offer,
            StepState::Running => self.attempts.last().map(|attempt| attempt.offer),
            StepState::Pending
            | StepState::Succeeded
            | StepState::Failed
            | StepState::Skipped
            | StepState::Cancelled => None,
        }
    }
}

impl Run {
    /// The steps that wait for a driver now, by index.
    pub fn startable(&self) -> impl Iterator<Item = usize> + '_ {
        let first_in_line = self.waits_for.is_none();
        self.frontier().filter(move |_| first_in_line)
    }

    /// The steps that wait for a driver once the run's turn has come, by index.
    pub fn frontier(&self) -> impl Iterator<Item = usize> + '_ {
        let open = matches!(self.state, RunState::Pending | RunState::Running);
        let last = match self.pipeline {
            Some(_) => self
                .steps
                .iter()
                .position(|step| !passed(step))
                .map_or(0, |first| first + 1),
            None => self.steps.len(),
        };
        #[cfg(test)]
        let last = if planted(Sabotage::StartsStepsTooSoon) {
            self.steps.len()
        } else {
            last
        };
        let steps = if open { &self.steps[..last] } else { &[] };
        let pending = |(_, step): &(usize, &StepRun)| step.state == StepState::Pending;
        steps.iter().enumerate().filter(pending).map(|(at, _)| at)
    }

    /// Whether it has no steps because no driver for it is known yet.
    pub fn waits_for_drivers(&self) -> bool {
        self.steps.is_empty()
            && self.pipeline.is_none()
            && self.cause != Cause::Delete
            && !self.state.ended()
    }

    /// The revisions that it shows: of its resource, and of its pipeline.
    pub fn shows(&self) -> impl Iterator<Item = (ObjectId, i64)> {
        let resource = (self.resource.id, self.resource.revision);
        let pipeline = self.pipeline.as_ref().map(|it| (it.id, it.revision));
        [resource].into_iter().chain(pipeline)
    }

    /// Whether no driver has ever accepted a step of it.
    pub fn untouched(&self) -> bool {
        self.steps.iter().all(|step| step.attempts.is_empty())
    }

    /// The step and the attempt of an accepted task, by index.
    pub fn attempt_of(&self, task: TaskId) -> Option<(usize, usize)> {
        self.steps.iter().enumerate().find_map(|(step, run)| {
            let attempt = run
                .attempts
                .iter()
                .position(|attempt| attempt.offer.task == task)?;
            Some((step, attempt))
        })
    }

    /// The word that a driver of this step gets: later steps of a pipeline process what earlier ones made.
    pub fn event_word(&self, step: usize) -> &'static str {
        if self.pipeline.is_some() && step > 0 && self.cause != Cause::Delete {
            "process"
        } else {
            self.cause.as_str()
        }
    }

    /// Bytes of result data of all its steps.
    pub fn data_bytes(&self) -> u64 {
        self.steps.iter().map(|step| step.data_bytes).sum()
    }
}

fn passed(step: &StepRun) -> bool {
    #[cfg(test)]
    if planted(Sabotage::GoesOnAfterAFailure) && step.state == StepState::Failed {
        return true;
    }
    matches!(step.state, StepState::Succeeded | StepState::Skipped)
}
