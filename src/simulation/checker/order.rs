//! The order of steps and of runs, cancels and timeouts.

use std::collections::{BTreeMap, BTreeSet};

use conveyor_client::proto::{Run, RunState, StepRun, StepState};

use super::facts::Facts;
use crate::simulation::client::TIMED;
use crate::simulation::history::Event;

/// A step of a pipeline is offered after each before it has succeeded; one that failed stops those after it.
pub(super) fn steps_go_in_order(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let offers = facts.offers_by_token();
    // Where the work of each step first succeeded.
    let mut succeeded: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for end in facts.ends.values().filter(|end| end.success) {
        if let Some(offer) = offers.get(end.token) {
            let first = succeeded
                .entry((offer.run, offer.step))
                .or_insert(end.place);
            *first = end.place.min(*first);
        }
    }
    for offer in &facts.offers {
        let Some(run) = facts
            .runs
            .get(offer.run)
            .filter(|run| !run.pipeline.is_empty())
        else {
            continue;
        };
        let before = run.steps.iter().take_while(|step| step.id != offer.step);
        // In a delete, a step whose driver does not listen to it is passed over.
        let due = before.filter(|step| !(run.event == "delete" && passed_over(step)));
        for step in due {
            let done = succeeded.get(&(offer.run, step.id.as_str()));
            if done.is_none_or(|done| *done > offer.place) {
                broken.push(format!(
                    "order of steps: {} of {} was offered before {} had succeeded",
                    offer.step, offer.run, step.id
                ));
            }
        }
    }
}

fn passed_over(step: &StepRun) -> bool {
    step.state() == StepState::Skipped && step.reason.contains("does not listen")
}

/// Nothing of a run is offered before the runs of the same resource that were written earlier have ended.
pub(super) fn runs_go_one_at_a_time(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for offer in &facts.offers {
        first.entry(offer.run).or_insert(offer.place);
    }
    // The runs of each resource, by the write that they carry out: one that was started by hand stands beside that of
    // the write.
    let mut lines: BTreeMap<(&str, u64), Vec<&Run>> = BTreeMap::new();
    for run in facts.runs.values() {
        if let Some(position) = facts.position_of(run) {
            lines.entry((&run.name, position)).or_default().push(run);
        }
    }
    let mut ended: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for ((name, _), runs) in lines {
        let before = ended.get(name).copied().unwrap_or_default();
        for run in runs {
            if first
                .get(run.id.as_str())
                .is_some_and(|first| *first < before.0)
            {
                broken.push(format!(
                    "order of runs: {} began before {} had ended",
                    run.id, before.1
                ));
            }
            let last = ended.entry(name).or_default();
            *last = (*last).max((last_work(facts, run), &run.id));
        }
    }
}

/// The place where the last work that counts in a run ended.
fn last_work(facts: &Facts<'_>, run: &Run) -> usize {
    let ends = run
        .steps
        .iter()
        .map(|step| facts.ends.get(step.message.as_str()));
    ends.flatten()
        .map(|end| end.place)
        .max()
        .unwrap_or_default()
}

/// A cancel that was answered stands, and nobody is cancelled whom nobody asked to.
pub(super) fn cancels_stand(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let mut asked = BTreeSet::new();
    for (_, event) in &facts.events {
        match event {
            Event::CancelAsked { run } => {
                asked.insert(run.as_str());
            }
            Event::Cancelled { run, state } => {
                let Some(stands) = facts.runs.get(run.as_str()) else {
                    broken.push(format!("promise 1: {event:?}, and it is not there"));
                    continue;
                };
                let due = match state {
                    RunState::Cancelling => RunState::Cancelled,
                    other => *other,
                };
                if stands.state() != due || !ended(due) {
                    broken.push(format!("cancel: {event:?}, and it is {:?}", stands.state()));
                }
            }
            _ => {}
        }
    }
    for run in facts.runs.values() {
        let by_client = run.reason == "a client asked for it";
        if run.state() == RunState::Cancelled && by_client && !asked.contains(run.id.as_str()) {
            broken.push(format!(
                "cancel: {} was cancelled, and nobody asked",
                run.id
            ));
        }
    }
}

pub(super) fn ended(state: RunState) -> bool {
    matches!(
        state,
        RunState::Succeeded | RunState::Failed | RunState::Cancelled
    )
}

/// A timeout is over for a step that has one, and not before its time. Where the clock was set, the time that is left
/// after a restart cannot be known.
pub(super) fn nobody_is_stopped_too_soon(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let offers = facts.offers_by_token();
    let timeout = u64::try_from(TIMED.1.as_millis()).expect("it is short");
    for (at, event) in &facts.events {
        match event {
            Event::ClockSet { .. } => return,
            Event::OutOfTime { token } => {
                let offer = offers.get(token);
                if offer.is_none_or(|it| it.step != TIMED.0 || it.at + timeout > *at) {
                    broken.push(format!("timeout: {event:?} came too soon"));
                }
            }
            _ => {}
        }
    }
}
