//! Those who list and those who watch runs: what stood all the while is listed, once; a watch of a run sees its end.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::order::ended;
use crate::simulation::history::Event;

/// What was answered before a list began, and was not gone when it ended, is in it.
pub(super) fn lists_are_whole(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut due: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for (_, event) in &facts.events {
        match event {
            Event::Written { run, .. } | Event::Started { run, .. } if !run.is_empty() => {
                known.insert(run);
            }
            Event::GoneRun { run, .. } => {
                known.remove(run.id.as_str());
                for due in due.values_mut() {
                    due.remove(run.id.as_str());
                }
            }
            Event::ListBegins { reader } => {
                due.insert(*reader, known.clone());
            }
            Event::Listed {
                reader,
                kind,
                name,
                runs,
            } => {
                let mut listed = BTreeSet::new();
                if let Some(twice) = runs.iter().find(|run| !listed.insert(run.as_str())) {
                    broken.push(format!("lists: {twice} is listed twice"));
                }
                let due = due.remove(reader).unwrap_or_default();
                let of_them = |run: &&&str| {
                    facts.runs.get(**run).is_some_and(|run| {
                        (kind.is_empty() || run.resource == *kind)
                            && (name.is_empty() || run.name == *name)
                    })
                };
                for missed in due
                    .iter()
                    .filter(of_them)
                    .filter(|it| !listed.contains(**it))
                {
                    broken.push(format!(
                        "lists: {missed} is not in the list of {kind:?} {name:?}"
                    ));
                }
            }
            Event::ListedRevisions { revisions } => {
                let falls =
                    |pair: &[(String, i64)]| pair[0].0 == pair[1].0 && pair[0].1 > pair[1].1;
                if !revisions.windows(2).all(falls) {
                    broken.push(format!("lists: revisions come as {revisions:?}"));
                }
            }
            _ => {}
        }
    }
}

/// Where a run has ended it stays, and a watch of it ends there; one that was lost is gone.
pub(super) fn runs_are_seen_to_the_end(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let mut seen = BTreeMap::new();
    for (_, event) in &facts.events {
        match event {
            Event::RunSeen { watch, run, state } => {
                let before = seen.insert((watch, run), *state);
                if before.is_some_and(|before| ended(before) && before != *state) {
                    broken.push(format!("watch of a run: {event:?} after {before:?}"));
                }
            }
            Event::RunSeenLast {
                run, lost: true, ..
            } if facts.is_gone_run(run) => {}
            Event::RunSeenLast { lost: true, .. } => {
                broken.push(format!("watch of a run: {event:?}, and it is there"));
            }
            Event::RunSeenLast { watch, run, .. } => {
                let last = seen.get(&(watch, run)).copied();
                let stands = facts.runs.get(run.as_str()).map(|run| run.state());
                if last != stands || !last.is_some_and(ended) {
                    broken.push(format!(
                        "watch of a run: {event:?}, {last:?} is the last of {stands:?}"
                    ));
                }
            }
            _ => {}
        }
    }
}

/// Nobody is passed over for a driver that was not to be forgotten.
pub(super) fn drivers_are_forgotten_when_asked(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let asked: BTreeSet<&str> = facts
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::ForgetAsked { driver } => Some(*driver),
            _ => None,
        })
        .collect();
    for run in facts.runs.values() {
        for step in run
            .steps
            .iter()
            .filter(|step| step.reason.ends_with("was deleted"))
        {
            if !asked.contains(step.driver.as_str()) && run.pipeline.is_empty() {
                let reason = &step.reason;
                broken.push(format!(
                    "drivers: {} {}: {reason:?}, and nobody asked",
                    run.id, step.id
                ));
            }
        }
    }
}
