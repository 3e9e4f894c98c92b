//! The run state machine: a run, what can happen to it, and what must be done about it.
//!
//! [`Run::apply`] is the only way a run changes. It is pure: it takes an event and the time, and answers with the
//! effects that others carry out once the changed run is on disk.
//!
//! Invariants: a step has at most one open task; tokens of a step only grow; an ended run or step never changes
//! its state again; a run ends exactly when its last step has.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::name::{InstanceId, Name, ObjectId, RunId, TaskId};
use super::pipeline::Labels;

/// How often a step is tried when its driver is lost.
pub const MAX_ATTEMPTS: usize = 5;
/// How many offers in a row may lapse before the step fails.
pub const MAX_LAPSES: u32 = 10;

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

/// What can happen to a run. `step` is an index of [`Run::steps`].
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

    fn end(&mut self, state: StepState, reason: impl Into<String>) {
        self.state = state;
        self.reason = reason.into();
        self.offer = None;
    }
}

impl Run {
    /// Changes the run by one event. An event that does not fit the state changes nothing.
    pub fn apply(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.state.ended() {
            return effects;
        }
        match event {
            Event::Turn => self.waits_for = None,
            Event::WaitsFor(run) => self.waits_for = Some(run),
            Event::DriverFound(driver) if self.waits_for_drivers() => {
                self.reason.clear();
                self.steps = fan_out(std::iter::once(driver));
            }
            Event::DriverFound(_) => {}
            Event::Offered {
                step,
                task,
                instance,
            } => self.offer(step, task, instance),
            Event::Accepted { step } => self.accept(step, now),
            Event::Returned { step, lapsed } => self.take_back(step, lapsed, &mut effects),
            Event::Unfit { step, reason } => self.unfit(step, reason, &mut effects),
            Event::Finished { step, outcome } => self.finish(step, outcome, now, &mut effects),
            Event::Lost { step, reason } => self.lose(step, &reason, now, &mut effects),
            Event::Deadline { step } => self.deadline(step, &mut effects),
            Event::GraceOver { step } => {
                self.lose(step, "it did not stop in time", now, &mut effects)
            }
            Event::Cancel { reason } => self.cancel(&reason, &mut effects),
            Event::DriverDeleted(driver) => self.forget(&driver),
        }
        self.settle(now);
        effects
    }

    /// The steps that wait for a driver now, by index.
    pub fn startable(&self) -> impl Iterator<Item = usize> + '_ {
        let open =
            self.waits_for.is_none() && matches!(self.state, RunState::Pending | RunState::Running);
        let last = match self.pipeline {
            Some(_) => self
                .steps
                .iter()
                .position(|step| !passed(step))
                .map_or(0, |first| first + 1),
            None => self.steps.len(),
        };
        let steps = if open { &self.steps[..last] } else { &[] };
        steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.state == StepState::Pending)
            .map(|(at, _)| at)
    }

    /// Whether it has no steps because no driver for it is known yet.
    pub fn waits_for_drivers(&self) -> bool {
        self.steps.is_empty()
            && self.pipeline.is_none()
            && self.cause != Cause::Delete
            && !self.state.ended()
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

    fn offer(&mut self, step: usize, task: TaskId, instance: InstanceId) {
        let step = &mut self.steps[step];
        if step.state == StepState::Pending {
            step.token += 1;
            step.state = StepState::Offered;
            step.reason.clear();
            step.offer = Some(Offer {
                task,
                token: step.token,
                instance,
            });
        }
    }

    fn accept(&mut self, step: usize, now: Timestamp) {
        let step = &mut self.steps[step];
        let Some(offer) = step.offer.take() else {
            return;
        };
        step.state = StepState::Running;
        step.lapses = 0;
        step.attempts.push(Attempt {
            offer,
            state: AttemptState::Running,
            reason: String::new(),
            stop: None,
            reported: false,
            started: now,
            ended: None,
        });
        if self.state == RunState::Pending {
            self.state = RunState::Running;
            self.started = Some(now);
        }
    }

    fn take_back(&mut self, step: usize, lapsed: bool, effects: &mut Vec<Effect>) {
        let step = &mut self.steps[step];
        let Some(offer) = step.offer.take() else {
            return;
        };
        effects.push(Effect::Closed {
            offer,
            fenced: false,
        });
        step.state = StepState::Pending;
        step.lapses += u32::from(lapsed);
        if step.lapses >= MAX_LAPSES {
            step.end(
                StepState::Failed,
                format!("{MAX_LAPSES} offers in a row were not acknowledged"),
            );
        }
    }

    fn unfit(&mut self, step: usize, reason: String, effects: &mut Vec<Effect>) {
        let step = &mut self.steps[step];
        if let Some(offer) = step.offer.take() {
            effects.push(Effect::Closed {
                offer,
                fenced: false,
            });
            step.end(StepState::Failed, reason);
        }
    }

    fn finish(&mut self, at: usize, outcome: Outcome, now: Timestamp, effects: &mut Vec<Effect>) {
        let step = &mut self.steps[at];
        let Some(attempt) = running(step) else { return };
        let (state, ended) = match (attempt.stop, outcome.success) {
            (Some(Stop::Cancelled), _) => (StepState::Cancelled, AttemptState::Cancelled),
            (Some(Stop::Deadline), _) | (None, false) => (StepState::Failed, AttemptState::Failed),
            (None, true) => (StepState::Succeeded, AttemptState::Succeeded),
        };
        attempt.state = ended;
        attempt.reported = true;
        attempt.ended = Some(now);
        effects.push(Effect::Closed {
            offer: attempt.offer,
            fenced: false,
        });
        let reason = match (attempt.stop, outcome.success) {
            (Some(Stop::Cancelled), _) => "the run was cancelled".to_owned(),
            (Some(Stop::Deadline), _) => timeout_reason(step),
            (None, false) => "its driver reported failure".to_owned(),
            (None, true) => String::new(),
        };
        step.message = outcome.message;
        step.data_bytes = outcome.data_bytes;
        step.end(state, reason);
    }

    fn lose(&mut self, at: usize, reason: &str, now: Timestamp, effects: &mut Vec<Effect>) {
        let step = &mut self.steps[at];
        let attempts = step.attempts.len();
        let Some(attempt) = running(step) else { return };
        attempt.ended = Some(now);
        attempt.reason = reason.to_owned();
        effects.push(Effect::Closed {
            offer: attempt.offer,
            fenced: true,
        });
        match attempt.stop {
            Some(Stop::Cancelled) => {
                attempt.state = AttemptState::Cancelled;
                step.end(StepState::Cancelled, "the run was cancelled");
            }
            Some(Stop::Deadline) => {
                attempt.state = AttemptState::Failed;
                let reason = timeout_reason(step);
                step.end(StepState::Failed, reason);
            }
            None => {
                attempt.state = AttemptState::Lost;
                if attempts >= MAX_ATTEMPTS {
                    step.end(
                        StepState::Failed,
                        format!("lost {attempts} times, the last time because {reason}"),
                    );
                } else {
                    step.state = StepState::Pending;
                    step.reason = format!("attempt {attempts} was lost: {reason}");
                }
            }
        }
    }

    fn deadline(&mut self, step: usize, effects: &mut Vec<Effect>) {
        if let Some(attempt) = running(&mut self.steps[step])
            && attempt.stop.is_none()
        {
            attempt.stop = Some(Stop::Deadline);
            effects.push(Effect::Stop {
                offer: attempt.offer,
                reason: Stop::Deadline,
            });
        }
    }

    fn cancel(&mut self, reason: &str, effects: &mut Vec<Effect>) {
        if self.state == RunState::Cancelling {
            return;
        }
        self.state = RunState::Cancelling;
        self.reason = reason.to_owned();
        for step in &mut self.steps {
            match step.state {
                StepState::Pending => step.end(StepState::Cancelled, "the run was cancelled"),
                StepState::Offered => {
                    if let Some(offer) = step.offer {
                        effects.push(Effect::Closed {
                            offer,
                            fenced: true,
                        });
                    }
                    step.end(StepState::Cancelled, "the run was cancelled");
                }
                StepState::Running => {
                    if let Some(attempt) = running(step) {
                        attempt.stop = Some(Stop::Cancelled);
                        effects.push(Effect::Stop {
                            offer: attempt.offer,
                            reason: Stop::Cancelled,
                        });
                    }
                }
                StepState::Succeeded
                | StepState::Failed
                | StepState::Skipped
                | StepState::Cancelled => {}
            }
        }
    }

    fn forget(&mut self, driver: &Name) {
        let waiting: Vec<usize> = self
            .startable()
            .filter(|at| self.steps[*at].driver == *driver)
            .collect();
        for at in waiting {
            self.steps[at].end(StepState::Skipped, format!("driver {driver} was deleted"));
            if self.pipeline.is_some() {
                self.cut_short = true;
                for later in self.steps[at + 1..]
                    .iter_mut()
                    .filter(|step| step.state == StepState::Pending)
                {
                    later.end(StepState::Skipped, format!("driver {driver} was deleted"));
                }
            }
        }
    }

    /// Ends what a failure leaves without a chance, and the run when nothing is left to do.
    fn settle(&mut self, now: Timestamp) {
        if self.pipeline.is_some()
            && let Some(failed) = self
                .steps
                .iter()
                .position(|step| step.state == StepState::Failed)
        {
            let reason = format!("step {} failed", self.steps[failed].id);
            for later in self.steps[failed + 1..]
                .iter_mut()
                .filter(|step| step.state == StepState::Pending)
            {
                later.end(StepState::Skipped, reason.clone());
            }
        }
        let cancelling = self.state == RunState::Cancelling;
        let blocked = self.waits_for.is_some() || self.waits_for_drivers();
        if (blocked && !cancelling) || self.steps.iter().any(|step| !step.state.ended()) {
            return;
        }
        let failed = self
            .steps
            .iter()
            .find(|step| step.state == StepState::Failed);
        let skipped_all = !self.steps.is_empty()
            && self.pipeline.is_none()
            && self
                .steps
                .iter()
                .all(|step| step.state == StepState::Skipped);
        if cancelling {
            self.state = RunState::Cancelled;
        } else if let Some(step) = failed {
            self.state = RunState::Failed;
            self.reason = format!("step {} failed: {}", step.id, step.reason);
        } else if self.cut_short || skipped_all {
            self.state = RunState::Cancelled;
            self.reason = "the driver of a step was deleted".to_owned();
        } else {
            self.state = RunState::Succeeded;
            self.reason.clear();
        }
        self.waits_for = None;
        self.ended = Some(now);
    }
}

/// One parallel step for each driver, with the driver's name as its id.
pub fn fan_out(drivers: impl Iterator<Item = Name>) -> Vec<StepRun> {
    let unique: BTreeMap<Name, ()> = drivers.map(|driver| (driver, ())).collect();
    unique
        .into_keys()
        .map(|driver| StepRun::new(driver.clone(), String::new(), driver))
        .collect()
}

fn passed(step: &StepRun) -> bool {
    matches!(step.state, StepState::Succeeded | StepState::Skipped)
}

fn running(step: &mut StepRun) -> Option<&mut Attempt> {
    (step.state == StepState::Running)
        .then(|| step.attempts.last_mut())
        .flatten()
}

fn timeout_reason(step: &StepRun) -> String {
    format!(
        "its timeout of {:?} was over",
        step.timeout.unwrap_or_default()
    )
}
