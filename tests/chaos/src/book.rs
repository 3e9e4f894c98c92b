//! What was answered, what was seen, and what is wrong.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use conveyor_client::proto::{LogEntry, Run};

/// One line of a log, as far as all ways to read it tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) step: String,
    pub(crate) attempt: i32,
    pub(crate) message: String,
}

impl From<LogEntry> for Line {
    fn from(entry: LogEntry) -> Self {
        Self {
            seq: entry.seq,
            step: entry.step,
            attempt: entry.attempt,
            message: entry.message,
        }
    }
}

/// A run as it ended.
pub(crate) struct Ended {
    pub(crate) run: Print,
    pub(crate) lines: usize,
    pub(crate) log: u64,
    pub(crate) seen: Instant,
}

/// What must not change any more when a run has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    state: i32,
    end: (i64, i32),
    /// Id, state, attempts and result of each step.
    steps: Vec<(String, i32, usize, String)>,
}

impl From<&Run> for Print {
    fn from(run: &Run) -> Self {
        let end = run.end_time.unwrap_or_default();
        Self {
            state: run.state,
            end: (end.seconds, end.nanos),
            steps: run
                .steps
                .iter()
                .map(|it| {
                    (
                        it.id.clone(),
                        it.state,
                        it.attempts.len(),
                        it.data_json.clone(),
                    )
                })
                .collect(),
        }
    }
}

/// A log in one number.
pub(crate) fn log_print(lines: &[Line]) -> u64 {
    let mut hasher = DefaultHasher::new();
    lines.hash(&mut hasher);
    hasher.finish()
}

/// Things that are counted.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) server_kills: AtomicU64,
    pub(crate) server_stops: AtomicU64,
    pub(crate) driver_kills: AtomicU64,
    pub(crate) driver_stops: AtomicU64,
    pub(crate) driver_freezes: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) runs: AtomicU64,
    pub(crate) lines: AtomicU64,
    pub(crate) tails: AtomicU64,
    pub(crate) cut_tails: AtomicU64,
    pub(crate) changes: AtomicU64,
    pub(crate) attempts: AtomicU64,
}

/// The book that all write into.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) counts: Counts,
    runs: Mutex<HashMap<String, Ended>>,
    /// Type and name to the last revision; none when it is deleted.
    resources: Mutex<BTreeMap<(String, String), Option<i64>>>,
    /// How runs ended, with the reason of those that failed.
    ends: Mutex<BTreeMap<String, u64>>,
    faults: Mutex<Vec<String>>,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Reads a counter.
pub(crate) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Book {
    /// Something is wrong.
    pub(crate) fn fault(&self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("FAULT: {what}");
        held(&self.faults).push(what);
    }

    /// How many things are wrong.
    pub(crate) fn faults(&self) -> usize {
        held(&self.faults).len()
    }

    /// A write was answered: the resource now has this revision, or is gone.
    pub(crate) fn wrote(&self, definition: &str, name: &str, revision: Option<i64>) {
        count(&self.counts.writes);
        held(&self.resources).insert((definition.to_owned(), name.to_owned()), revision);
    }

    /// A run was seen to its end, with its whole log.
    pub(crate) fn ended(&self, run: &Run, lines: &[Line]) {
        count(&self.counts.runs);
        let attempts = run.steps.iter().map(|it| it.attempts.len() as u64).sum();
        self.counts.attempts.fetch_add(attempts, Ordering::Relaxed);
        self.counts
            .lines
            .fetch_add(lines.len() as u64, Ordering::Relaxed);
        let how = run.state().as_str_name().trim_start_matches("RUN_STATE_");
        *held(&self.ends).entry(how.to_owned()).or_default() += 1;
        let ended = Ended {
            run: Print::from(run),
            lines: lines.len(),
            log: log_print(lines),
            seen: Instant::now(),
        };
        if held(&self.runs).insert(run.id.clone(), ended).is_some() {
            self.fault(format!("run {} was given to two writes", run.id));
        }
    }

    /// All runs.
    pub(crate) fn runs(&self) -> MutexGuard<'_, HashMap<String, Ended>> {
        held(&self.runs)
    }

    /// All resources.
    pub(crate) fn resources(&self) -> MutexGuard<'_, BTreeMap<(String, String), Option<i64>>> {
        held(&self.resources)
    }

    /// How many runs ended in which way.
    pub(crate) fn ends(&self) -> String {
        let ends = held(&self.ends);
        let words = ends
            .iter()
            .map(|(how, number)| format!("{number} {}", how.to_lowercase()));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// One who panicked with the lock has written all or nothing.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
