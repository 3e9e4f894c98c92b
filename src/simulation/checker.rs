//! Holds a history against the promises of the server.
//!
//! Each check answers what is broken, in words that name the promise.

use std::collections::{BTreeMap, BTreeSet};

use conveyor_client::proto::{AttemptState, Run, StepState};

use super::history::{Change, Event, Token};

/// A history, sorted by what the checks ask for.
#[derive(Default)]
struct Facts<'a> {
    events: Vec<&'a Event>,
    runs: BTreeMap<&'a str, &'a Run>,
    /// The lines of each run, by their number.
    logs: BTreeMap<&'a str, Vec<(u64, &'a str)>>,
    revisions: BTreeMap<(&'a str, i64), &'a str>,
    changes: Vec<&'a Change>,
    open: Option<usize>,
}

/// What of the promises is broken.
pub(super) fn broken(history: &[(u64, Event)]) -> Vec<String> {
    let mut facts = Facts {
        events: history.iter().map(|(_, event)| event).collect(),
        ..Facts::default()
    };
    for event in facts.events.clone() {
        match event {
            Event::FinalRun(run) => {
                facts.runs.insert(&run.id, run);
            }
            Event::FinalLine { run, seq, message } => {
                facts.logs.entry(run).or_default().push((*seq, message));
            }
            Event::FinalRevision { id, revision, spec } => {
                facts.revisions.insert((id, *revision), spec);
            }
            Event::FinalChange(change) => facts.changes.push(change),
            Event::Settled { open } => facts.open = Some(*open),
            _ => {}
        }
    }
    let mut broken = Vec::new();
    facts.answered_is_there(&mut broken);
    facts.runs_and_writes_are_one(&mut broken);
    facts.tasks(&mut broken);
    facts.logs(&mut broken);
    facts.tails(&mut broken);
    facts.watches(&mut broken);
    if facts.open != Some(0) {
        broken.push(format!("promise 6: runs that never end: {:?}", facts.open));
    }
    broken
}

impl Facts<'_> {
    /// Promise 1.
    fn answered_is_there(&self, broken: &mut Vec<String>) {
        for event in &self.events {
            let Event::Written {
                spec,
                id,
                revision,
                run,
                ..
            } = event
            else {
                continue;
            };
            let gone = self
                .changes
                .iter()
                .any(|change| change.id == *id && change.deleted);
            if let (Some(spec), false) = (spec, gone) {
                let kept = self.revisions.get(&(id.as_str(), *revision));
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
            if !run.is_empty() && !self.runs.contains_key(run.as_str()) {
                broken.push(format!(
                    "promise 1: {event:?} was answered, and there is no such run"
                ));
            }
        }
    }

    /// Promise 2: each change has its run, and each run its change.
    fn runs_and_writes_are_one(&self, broken: &mut Vec<String>) {
        let kinds = |deleted: bool| if deleted { "delete" } else { "write" };
        let changes: BTreeSet<(&str, i64)> = self.revisions.keys().copied().collect();
        let mut runs = BTreeMap::new();
        for run in self.runs.values() {
            let key = (
                run.name.as_str(),
                run.revision,
                kinds(run.event == "delete"),
            );
            *runs.entry(key).or_insert(0_usize) += 1;
        }
        let mut written = BTreeMap::new();
        for change in &self.changes {
            *written
                .entry((change.revision, kinds(change.deleted)))
                .or_insert(0_usize) += 1;
        }
        let mut carried = BTreeMap::new();
        for ((_, revision, kind), count) in &runs {
            *carried.entry((*revision, *kind)).or_insert(0_usize) += count;
        }
        if written != carried {
            broken.push(format!(
                "promise 2: changes {written:?}, and runs {carried:?}"
            ));
        }
        for (id, revision) in changes {
            let shown = |change: &&&Change| change.id == id && change.revision == revision;
            if !self.changes.iter().any(|change| shown(&change)) {
                broken.push(format!(
                    "watch, reliable: revision {revision} of {id} is no change"
                ));
            }
        }
    }

    /// Promise 3.
    fn tasks(&self, broken: &mut Vec<String>) {
        let mut offers: BTreeMap<(&str, &str, u64), &str> = BTreeMap::new();
        let mut begun = BTreeSet::new();
        let mut ends: BTreeSet<&str> = BTreeSet::new();
        let mut applied: BTreeSet<&Token> = BTreeSet::new();
        let mut places: BTreeMap<&Token, (&str, &str)> = BTreeMap::new();
        for event in &self.events {
            match event {
                Event::Offered {
                    token, run, step, ..
                } => {
                    let other = offers.insert((run, step, token.1), &token.0);
                    if other.is_some_and(|other| other != token.0) {
                        broken.push(format!(
                            "promise 3: two tasks of {run} {step} have token {}",
                            token.1
                        ));
                    }
                    places.insert(token, (run, step));
                }
                Event::Begins { token } => {
                    begun.insert(&token.0);
                }
                Event::Ends { message, .. } => {
                    ends.insert(message);
                }
                Event::Applied { token } => {
                    applied.insert(token);
                }
                _ => {}
            }
        }
        for run in self.runs.values() {
            for step in &run.steps {
                let at = format!("{} {}", run.id, step.id);
                let reported = step.state() == StepState::Succeeded;
                let last = step.attempts.last();
                if reported && !ends.contains(step.message.as_str()) {
                    broken.push(format!(
                        "promise 3: {at} says {:?}, and nobody did",
                        step.message
                    ));
                }
                if reported && !last.is_some_and(|it| begun.contains(&it.task_id)) {
                    broken.push(format!(
                        "promise 3: {at} succeeded, and nobody worked on it"
                    ));
                }
                let won = |state: AttemptState| {
                    step.attempts
                        .iter()
                        .filter(|it| it.state() == state)
                        .count()
                };
                if won(AttemptState::Succeeded) + won(AttemptState::Failed) > 1 {
                    broken.push(format!("promise 3: {at} ended twice"));
                }
            }
        }
        let mut steps: BTreeMap<(&str, &str), &Token> = BTreeMap::new();
        for token in applied {
            let Some(place) = places.get(token) else {
                continue;
            };
            if let Some(other) = steps.insert(*place, token) {
                broken.push(format!(
                    "promise 3: {place:?} has two results: {other:?} and {token:?}"
                ));
            }
            let step = self
                .runs
                .get(place.0)
                .and_then(|run| run.steps.iter().find(|it| it.id == place.1));
            let stands = step.is_some_and(|step| {
                step.attempts.last().is_some_and(|it| it.task_id == token.0)
                    && step
                        .message
                        .starts_with(&format!("{} {} ", token.0, token.1))
            });
            let cancelled = step.is_some_and(|step| step.message.starts_with("cancelled"));
            if !stands && !cancelled {
                broken.push(format!(
                    "promises 1 and 3: the result of {token:?} was applied, and is not there"
                ));
            }
        }
    }

    /// Promise 4: each line once, in order; what was acked is there, and so is what a result counts.
    fn logs(&self, broken: &mut Vec<String>) {
        let mut lines: BTreeMap<&str, u64> = BTreeMap::new();
        for (run, log) in &self.logs {
            for ((seq, message), due) in log.iter().zip(1..) {
                if *seq != due {
                    broken.push(format!("promise 4: line {seq} of {run} stands at {due}"));
                }
                let Some((task, line)) = task_line(message) else {
                    continue;
                };
                let next = lines.entry(task).or_default();
                if line != *next {
                    broken.push(format!(
                        "promise 4: {message:?} in {run}, and line {next} was due"
                    ));
                }
                *next = line + 1;
            }
        }
        let has = |task: &str| lines.get(task).copied().unwrap_or_default();
        let mut counted = BTreeMap::new();
        for event in &self.events {
            match event {
                Event::Stored { token, next } if has(&token.0) < *next => {
                    broken.push(format!(
                        "promises 1 and 4: {event:?}, and {} are there",
                        has(&token.0)
                    ));
                }
                Event::Ends { token, lines, .. } => {
                    counted.insert(token, *lines);
                }
                Event::Applied { token }
                    if counted.get(token).is_some_and(|it| *it != has(&token.0)) =>
                {
                    broken.push(format!(
                        "promise 4: {token:?} wrote {:?}, and {} are there",
                        counted[token],
                        has(&token.0)
                    ));
                }
                _ => {}
            }
        }
    }

    /// Promises 4 and 5: a tail sees the log, each line once, to its end.
    fn tails(&self, broken: &mut Vec<String>) {
        let mut seen: BTreeMap<(u64, &str), Vec<(u64, &str)>> = BTreeMap::new();
        for event in &self.events {
            match event {
                Event::Tailed {
                    tail,
                    run,
                    seq,
                    message,
                } => {
                    seen.entry((*tail, run)).or_default().push((*seq, message));
                }
                Event::TailEnds { tail, run } => {
                    seen.entry((*tail, run)).or_default();
                    let seen = &seen[&(*tail, run.as_str())];
                    let log = self
                        .logs
                        .get(run.as_str())
                        .map(Vec::as_slice)
                        .unwrap_or_default();
                    if seen.len() < log.len() {
                        broken.push(format!(
                            "promise 4: tail {tail} of {run} saw {} of {} lines",
                            seen.len(),
                            log.len()
                        ));
                    }
                }
                _ => {}
            }
        }
        for ((tail, run), seen) in seen {
            let log = self.logs.get(run).map(Vec::as_slice).unwrap_or_default();
            if !log.starts_with(&seen) {
                broken.push(format!(
                    "promise 4: tail {tail} of {run} saw {seen:?} of {log:?}"
                ));
            }
        }
    }

    /// Watches are ordered, unique, reliable, resumable and bookmarked.
    fn watches(&self, broken: &mut Vec<String>) {
        /// What a watch has seen: the changes after its list.
        #[derive(Default)]
        struct Seen {
            listed: BTreeSet<(String, i64)>,
            /// Where the list ended.
            from: Option<u64>,
            last: u64,
        }
        let mut watches: BTreeMap<u64, Seen> = BTreeMap::new();
        for event in &self.events {
            match event {
                Event::Lists { watch } => {
                    watches.insert(*watch, Seen::default());
                }
                Event::Watched { watch, change } if change.position == 0 => {
                    let seen = watches.entry(*watch).or_default();
                    if !seen.listed.insert((change.id.clone(), change.revision)) {
                        broken.push(format!("watch, unique: {change:?} is listed twice"));
                    }
                }
                Event::Watched { watch, change } => {
                    let seen = watches.entry(*watch).or_default();
                    let due = self.changes.iter().find(|it| it.position > seen.last);
                    if due != Some(&change) {
                        broken.push(format!(
                            "watch {watch}, ordered and reliable: {change:?}, and {due:?} was due"
                        ));
                    }
                    if seen.listed.contains(&(change.id.clone(), change.revision))
                        && !change.deleted
                    {
                        broken.push(format!(
                            "watch {watch}, unique: {change:?} was listed before"
                        ));
                    }
                    seen.last = change.position;
                }
                Event::Bookmarked { watch, position } => {
                    let seen = watches.entry(*watch).or_default();
                    let passed =
                        |it: &&&Change| it.position > seen.last && it.position <= *position;
                    if let (Some(_), Some(missed)) =
                        (seen.from, self.changes.iter().find(|it| passed(it)))
                    {
                        broken.push(format!(
                            "watch {watch}, bookmarked at {position}, and {missed:?} was not shown"
                        ));
                    }
                    seen.from.get_or_insert(*position);
                    seen.last = seen.last.max(*position);
                }
                _ => {}
            }
        }
        let newest = self.changes.last().map_or(0, |it| it.position);
        for (watch, seen) in watches {
            if seen.last < newest {
                broken.push(format!(
                    "watch {watch}, reliable: it came to {} of {newest}",
                    seen.last
                ));
            }
        }
    }
}

/// The task and the number that a line of a driver names.
fn task_line(message: &str) -> Option<(&str, u64)> {
    let mut words = message.split(' ');
    let (task, _) = (words.next()?, words.next()?);
    Some((task, words.next()?.parse().ok()?))
}
