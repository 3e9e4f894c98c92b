//! The state machine of runs: what can happen to a run, and what must be done about it.
//!
//! [`Run::apply`] is pure: it takes an event and the time, and answers with the effects that others carry out once
//! the changed run is on disk.
//!
//! Invariants: a step has at most one open task; tokens of a step only grow; an ended run or step never changes
//! its state again; a run ends exactly when its last step has.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::event::{Effect, Event};
use super::{Attempt, AttemptState, Offer, Outcome, Run, RunState, StepRun, StepState, Stop};
use crate::model::name::{InstanceId, Name, TaskId};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// How often a step is tried when its driver is lost.
pub(super) const MAX_ATTEMPTS: usize = 5;
/// How many offers in a row may lapse before the step fails.
pub(super) const MAX_LAPSES: u32 = 10;

impl StepRun {
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

    fn offer(&mut self, step: usize, task: TaskId, instance: InstanceId) {
        let step = &mut self.steps[step];
        if step.state == StepState::Pending {
            step.token += 1;
            #[cfg(test)]
            if planted(Sabotage::RepeatsTokens) {
                step.token = 1;
            }
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
        #[cfg(test)]
        if planted(Sabotage::ForgetsCancels) {
            return;
        }
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
            .frontier()
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
        let stops = self.pipeline.is_some();
        #[cfg(test)]
        let stops = stops && !planted(Sabotage::GoesOnAfterAFailure);
        if stops
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
    let unique: BTreeSet<Name> = drivers.collect();
    unique
        .into_iter()
        .map(|driver| StepRun::new(driver.clone(), String::new(), driver))
        .collect()
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

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
