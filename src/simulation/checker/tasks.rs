//! Promise 3: one task for each token, and results that somebody gave, each of which counts once.

use std::collections::{BTreeMap, BTreeSet};

use conveyor_client::proto::{AttemptState, StepRun, StepState};

use super::facts::Facts;
use crate::simulation::history::{Event, Token};

/// No two tasks of one step have one token.
pub(super) fn each_token_is_of_one_task(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let mut tasks: BTreeMap<(&str, &str, u64), &str> = BTreeMap::new();
    for offer in &facts.offers {
        let (task, token) = offer.token;
        let other = tasks.insert((offer.run, offer.step, *token), task);
        if other.is_some_and(|other| other != task) {
            broken.push(format!(
                "promise 3: two tasks of {} {} have token {token}",
                offer.run, offer.step
            ));
        }
    }
}

/// What a step says was said by one who worked on it.
pub(super) fn steps_end_as_somebody_said(facts: &Facts<'_>, broken: &mut Vec<String>) {
    for run in facts.runs.values() {
        for step in &run.steps {
            let at = format!("{} {}", run.id, step.id);
            let end = facts.ends.get(step.message.as_str());
            let is_said = end.is_some() || facts.is_given_by_the_runtime(step);
            if !step.message.is_empty() && !is_said {
                let message = &step.message;
                broken.push(format!("promise 3: {at} says {message:?}, and nobody did"));
            }
            if step.state() == StepState::Succeeded {
                if !end.is_some_and(|end| end.success) {
                    broken.push(format!("promise 3: {at} succeeded, and nobody said so"));
                }
                if !facts.has_begun(step) {
                    broken.push(format!(
                        "promise 3: {at} succeeded, and nobody worked on it"
                    ));
                }
            }
            if ended(step) > 1 {
                broken.push(format!("promise 3: {at} ended twice"));
            }
        }
    }
}

/// How many attempts of a step gave a result.
fn ended(step: &StepRun) -> usize {
    let gave = [AttemptState::Succeeded, AttemptState::Failed];
    let attempts = step.attempts.iter();
    attempts.filter(|it| gave.contains(&it.state())).count()
}

/// A step has one result that was applied, and that one stands.
pub(super) fn results_count_once(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let offers = facts.offers_by_token();
    let applied: BTreeSet<&Token> = facts
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Applied { token } => Some(token),
            _ => None,
        })
        .collect();
    let mut steps: BTreeMap<(&str, &str), &Token> = BTreeMap::new();
    for token in applied {
        let Some(offer) = offers.get(token) else {
            continue;
        };
        if let Some(other) = steps.insert((offer.run, offer.step), token) {
            broken.push(format!(
                "promise 3: {} {} has two results: {other:?} and {token:?}",
                offer.run, offer.step
            ));
        }
        let run = facts.runs.get(offer.run);
        let step = run.and_then(|run| run.steps.iter().find(|it| it.id == offer.step));
        let said = format!("{} {} ", token.0, token.1);
        let stands = step.is_some_and(|step| {
            step.attempts.last().is_some_and(|it| it.task_id == token.0)
                && (step.message.starts_with(&said) || facts.is_given_by_the_runtime(step))
        });
        if !stands {
            broken.push(format!(
                "promises 1 and 3: the result of {token:?} was applied, and is not there"
            ));
        }
    }
}

/// Drivers keep the protocol, and the server says nothing else of them.
pub(super) fn nobody_is_rejected(facts: &Facts<'_>, broken: &mut Vec<String>) {
    for (_, event) in &facts.events {
        if matches!(event, Event::Rejected { .. }) {
            broken.push(format!("promise 3: {event:?}, and it kept the protocol"));
        }
    }
}
