//! Retention: nothing goes before its time, or while it is wanted, and in the end what is due is gone. What "due" means
//! is computed here, from the words of the documents.

use std::collections::BTreeMap;
use std::time::Duration;

use conveyor_client::proto::Run;
use jiff::Timestamp;

use super::facts::Facts;
use crate::model::retention::{Limit, Limits};
use crate::simulation::history::Event;
use crate::simulation::keeping::Keeping;
use crate::simulation::world::MORNING;
use crate::store::gone::{Gone, Place};

/// For how many milliseconds a removal may be under way: the disk may stand still meanwhile.
const UNDER_WAY: u64 = 120_000;
/// For how many milliseconds before the end all was quiet, so that what was due then is gone.
const QUIET: u64 = 30_000;
/// A clock that gains more than so many milliseconds between two looks is not believed.
const JUMP: i64 = 3_500_000;

/// The clock on the wall, in milliseconds since the story began.
struct Wall(Vec<(u64, i64)>);

impl Wall {
    fn of(facts: &Facts<'_>) -> Self {
        let mut steps = vec![(0, 0)];
        let mut ahead = 0;
        for (at, event) in &facts.events {
            if let Event::ClockSet { seconds } = event {
                ahead += seconds * 1000;
                steps.push((*at, ahead));
            }
        }
        Self(steps)
    }

    /// The latest that it said from one moment to another.
    fn latest(&self, from: u64, to: u64) -> i64 {
        let until = self.0.iter().skip(1).map(|(at, _)| *at).chain([u64::MAX]);
        let spans = self.0.iter().zip(until);
        let seen = spans.filter(|((since, _), until)| *since <= to && *until >= from);
        let said = seen.map(|((_, ahead), until)| millis(until.min(to)) + ahead);
        said.max().unwrap_or_default()
    }

    /// Whether it jumped so far that it may not be believed.
    fn jumped(&self) -> bool {
        self.0.iter().enumerate().any(|(first, (at, before))| {
            let soon = self.0[first..]
                .iter()
                .filter(|(it, _)| *it <= at + UNDER_WAY);
            soon.map(|(_, ahead)| ahead - before).max() > Some(JUMP)
        })
    }
}

fn millis(it: u64) -> i64 {
    i64::try_from(it).expect("it is short")
}

fn since_morning(time: Timestamp) -> i64 {
    time.as_millisecond() - MORNING * 1000
}

/// Whether something is due that stands so since a time, when the clock says so much.
fn is_old(limits: Limits, since: Option<Timestamp>, now: i64) -> bool {
    let (Limit::AtMost(age), Some(since)) = (limits.max_age, since) else {
        return false;
    };
    since_morning(since) + millis_of(age) <= now
}

fn millis_of(age: Duration) -> i64 {
    i64::try_from(age.as_millis()).expect("it is short")
}

fn is_one_too_many(limits: Limits, newer: u64) -> bool {
    matches!(limits.max_count, Limit::AtMost(most) if newer >= most)
}

/// Each removal was due.
pub(super) fn nothing_goes_too_soon(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let Some(keeping) = facts.keeping else { return };
    let wall = Wall::of(facts);
    let mut trimmed = 0;
    for (at, event) in &facts.events {
        let now = wall.latest(at.saturating_sub(UNDER_WAY), *at);
        let ever = wall.latest(0, *at);
        let wrong = match event {
            Event::GoneRun { run, place } => run_goes(&keeping, run, *place, now),
            Event::Gone(gone) => {
                let kind = match &**gone {
                    Gone::Lines { log, .. } => {
                        facts.runs.get(log.as_str()).map(|run| &*run.resource)
                    }
                    _ => None,
                };
                goes(
                    &keeping,
                    (gone, kind.unwrap_or_default()),
                    now,
                    ever,
                    &mut trimmed,
                )
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            broken.push(format!("retention: {wrong}"));
        }
    }
}

fn run_goes(keeping: &Keeping, run: &Run, place: Place, now: i64) -> Option<String> {
    let limits = keeping.of(&run.resource).runs;
    let due = is_old(limits, place.ended, now) || is_one_too_many(limits, place.newer);
    let id = &run.id;
    match place.ended {
        None => Some(format!("run {id} is gone, and had not ended")),
        Some(_) if due => None,
        Some(_) => Some(format!(
            "run {id} is gone before its time: {place:?} {limits:?}"
        )),
    }
}

fn goes(
    keeping: &Keeping,
    (gone, kind): (&Gone, &str),
    now: i64,
    ever: i64,
    trimmed: &mut u64,
) -> Option<String> {
    match gone {
        Gone::Lines {
            log,
            lines,
            of,
            with_run,
        } => {
            let due = match of {
                _ if *with_run => true,
                None => {
                    let last = lines.iter().map(|line| line.time).max();
                    is_old(keeping.of("").logs, last, now)
                }
                Some(Place { ended: None, .. }) => {
                    return Some(format!("lines of {log} are gone, and it had not ended"));
                }
                Some(place) => {
                    let limits = keeping.of(kind).logs;
                    is_old(limits, place.ended, now) || is_one_too_many(limits, place.newer)
                }
            };
            (!due).then(|| format!("lines of {log} are gone before their time: {of:?}"))
        }
        Gone::Revision { .. } => revision_goes(keeping, gone, ever),
        Gone::PipelineRevision { wanted: true, .. } => Some(format!("{gone:?}")),
        Gone::Change {
            position,
            time,
            newer,
        } => {
            let limits = keeping.changes;
            let due = is_old(limits, Some(*time), now) || is_one_too_many(limits, *newer);
            let is_oldest = std::mem::replace(trimmed, *position) < *position;
            (!due || !is_oldest)
                .then(|| format!("the change at {position} is gone before its time"))
        }
        Gone::Driver { open: Some(_), .. } => Some(format!("a driver with work is gone: {gone:?}")),
        Gone::Named { by: true, .. } => Some(format!("what is named is gone: {gone:?}")),
        _ => None,
    }
}

/// The same of a revision.
fn revision_goes(keeping: &Keeping, gone: &Gone, ever: i64) -> Option<String> {
    let Gone::Revision {
        id,
        it,
        replaced,
        current,
        shown,
        told,
    } = gone
    else {
        return None;
    };
    let limits = keeping.of(it.kind.as_str()).revisions;
    let newer = current
        .map_or(0, |current| current - it.revision)
        .unsigned_abs();
    // Its time may have been over while a run still showed it, and the clock was set back since.
    let due = is_old(limits, *replaced, ever)
        || is_one_too_many(limits, newer)
        || current.is_none()
        // The next one is gone already, and was due then.
        || replaced.is_none();
    let wanted = *current == Some(it.revision) || *shown || *told;
    (!due || wanted).then(|| {
        let revision = it.revision;
        format!("revision {revision} of {id} is gone: current {current:?}, replaced {replaced:?}, shown {shown}, told of {told}")
    })
}

/// What was due when everybody came to rest is gone in the end.
pub(super) fn nothing_due_is_left(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let settled = |(_, event): &&(u64, &Event)| matches!(event, Event::Settled { .. });
    let (Some(keeping), Some((end, _))) = (facts.keeping, facts.events.iter().find(settled)) else {
        return;
    };
    let wall = Wall::of(facts);
    let then = end.saturating_sub(QUIET);
    // On a clock that is not believed nothing is old.
    let then = if wall.jumped() {
        i64::MIN
    } else {
        wall.latest(then, then)
    };
    // The finished runs of each resource, and those of them that have a log.
    let mut left: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for id in &facts.standing {
        let run = facts.runs[id];
        let ended = run
            .end_time
            .and_then(|it| Timestamp::new(it.seconds, it.nanos).ok());
        if ended.is_none() {
            continue;
        }
        let policy = keeping.of(&run.resource);
        let (runs, logs) = left.entry((&run.resource, &run.name)).or_default();
        *runs += 1;
        if is_old(policy.runs, ended, then) {
            broken.push(format!("retention: run {id} is still there, which is old"));
        }
        let has_lines = facts.log(id).iter().any(|line| line.gone.is_none());
        if has_lines && !facts.has_lines_from_outside(id) {
            *logs += 1;
            if is_old(policy.logs, ended, then) {
                broken.push(format!(
                    "retention: the log of {id} is still there, which is old"
                ));
            }
        }
    }
    for ((kind, name), (runs, logs)) in left {
        let policy = keeping.of(kind);
        let too_many = |limits: Limits, left: u64| left > 0 && is_one_too_many(limits, left - 1);
        if too_many(policy.runs, runs) || too_many(policy.logs, logs) {
            broken.push(format!(
                "retention: {runs} runs of {name} and {logs} logs are still there"
            ));
        }
    }
    let left = u64::try_from(facts.final_changes.len()).expect("it is small");
    if matches!(keeping.changes.max_count, Limit::AtMost(most) if left > most) {
        broken.push(format!("retention: {left} changes are still there"));
    }
    for found in facts.events.iter().filter_map(|(_, event)| match event {
        Event::Found(found) => Some(found),
        _ => None,
    }) {
        broken.push(format!("retention: the doctor found {found}"));
    }
}
