//! Promises 1, 2 and 9: what was answered OK is there, each write with its run, and none was taken on a full disk.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use crate::simulation::history::Event;

/// How long a server may take to see that its disk is full, in milliseconds.
const LOOK: u64 = 3000;

/// Promise 1.
pub(super) fn answered_is_there(facts: &Facts<'_>, broken: &mut Vec<String>) {
    for (_, event) in &facts.events {
        if let Event::Written { run, .. } | Event::Started { run, .. } = event
            && !run.is_empty()
            && !facts.runs.contains_key(run.as_str())
        {
            broken.push(format!(
                "promise 1: {event:?} was answered, and there is no such run"
            ));
        }
        let Event::Written {
            spec, id, revision, ..
        } = event
        else {
            continue;
        };
        let gone = facts.is_deleted(id);
        if let (Some(spec), false) = (spec, gone) {
            let kept = facts.revisions.get(&(id.as_str(), *revision));
            if kept.is_none_or(|kept| *kept != format!("{{\"n\":{spec}}}")) {
                broken.push(format!(
                    "promise 1: {event:?} was answered, and {kept:?} is there"
                ));
            }
        }
        if spec.is_none() && !gone {
            broken.push(format!(
                "promise 1: {event:?} was answered, and it is still there"
            ));
        }
    }
}

/// Promise 1: the log of changes is what came to the disk, but for what retention removed.
pub(super) fn changes_stand(facts: &Facts<'_>, broken: &mut Vec<String>) {
    for change in &facts.final_changes {
        if !facts.changes.contains(change) {
            broken.push(format!("promise 1: {change:?} stands, and never came"));
        }
    }
    for change in &facts.changes {
        let gone = facts.gone_changes.contains_key(&change.position)
            || facts.is_passed_over(change, usize::MAX);
        if !gone && !facts.final_changes.contains(change) {
            broken.push(format!("promise 1: {change:?} came, and is not there"));
        }
    }
}

/// Promise 2: each change has one run, and each run its change. More runs than that were started by hand.
pub(super) fn writes_and_runs_are_one(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let mut due: BTreeMap<(&str, i64, bool), i64> = BTreeMap::new();
    for run in facts.runs.values() {
        let id = run.resource_snapshot.as_ref().map_or("", |it| &it.id);
        let key = (id, run.revision, run.event == "delete");
        *due.entry(key).or_default() += 1;
    }
    for change in &facts.changes {
        let key = (change.id.as_str(), change.revision, change.deleted);
        *due.entry(key).or_default() -= 1;
    }
    let alone = due
        .iter()
        .filter(|((.., deleted), runs)| **runs < 0 || (*deleted && **runs > 0));
    for ((id, revision, deleted), runs) in alone {
        broken.push(format!(
            "promise 2: revision {revision} of {id} (deleted: {deleted}) has {runs} runs too many"
        ));
    }
    let (mut asked, mut started) = (BTreeSet::new(), BTreeMap::new());
    for (_, event) in &facts.events {
        match event {
            Event::StartAsked { request } => {
                asked.insert(request);
            }
            Event::Started { request, run } => {
                started.insert(request, run);
            }
            _ => {}
        }
    }
    let more: i64 = due.values().sum();
    let few = i64::try_from(started.len()).expect("it is small");
    let many = i64::try_from(asked.len()).expect("it is small");
    if !(few..=many).contains(&more) {
        broken.push(format!(
            "promise 2: {more} runs beside those of writes, and {many} were asked for, {few} answered"
        ));
    }
}

/// Promise 9: what was asked for while the disk was known to be full is not answered OK, unless it makes room.
pub(super) fn nothing_is_taken_on_a_full_disk(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let mut full: Option<u64> = None;
    // Who asked while the disk was full.
    let mut asked = BTreeMap::new();
    for (at, event) in &facts.events {
        match event {
            Event::DiskFull => full = Some(*at),
            Event::DiskFree => {
                full = None;
                asked.clear();
            }
            Event::Asked { client, .. } => {
                let known = full.is_some_and(|since| since + LOOK < *at);
                asked.insert(client, known);
            }
            Event::Written {
                client,
                spec: Some(_),
                ..
            } if asked.get(client) == Some(&true) => broken.push(format!(
                "promise 9: the disk was full, and {event:?} was answered OK"
            )),
            _ => {}
        }
    }
}
