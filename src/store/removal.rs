//! What goes together when something is no longer kept: a run with all its rows, a log, a revision.
//!
//! Invariants: a run that has not ended is never removed. What belongs to a thing goes in the batch that removes it,
//! so that nothing dangles between two batches.

mod revisions;

use std::collections::HashSet;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::batch::Batch;
use super::keys::{Family, Key, LogState, Prefix, last_number};
use super::read::{Order, damaged, walk};
use super::retention::{EndedRun, OutsideLog};
use super::{Result, Store, codec, records};
use crate::model::name::{Name, ObjectId, RunId};
use crate::model::run::Run;
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// A log of more chunks than this is removed by one row that covers them all.
const CHUNKS_MOST: usize = 256;

/// How much was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Finished runs.
    pub runs: u64,
    /// Lines of logs.
    pub lines: u64,
    /// Revisions of resources and pipelines.
    pub revisions: u64,
    /// Changes of resources.
    pub changes: u64,
}

/// A batch that removes what is due.
pub struct Removal {
    store: Store,
    /// What is to be committed.
    pub batch: Batch,
    /// How much it removes.
    pub removed: Removed,
    /// The logs that lose lines, each with the first sequence number left.
    pub trimmed: Vec<(String, u64)>,
    /// The orders of the runs that it removes.
    orders: HashSet<u64>,
    /// The orders of the runs of which it removes the log.
    cut: HashSet<u64>,
    /// The revisions that it removes.
    gone: HashSet<(ObjectId, i64)>,
}

impl Removal {
    /// Begins with nothing.
    pub fn of(store: &Store) -> Self {
        Self {
            store: store.clone(),
            batch: Batch::new(),
            removed: Removed::default(),
            trimmed: Vec::new(),
            orders: HashSet::new(),
            cut: HashSet::new(),
            gone: HashSet::new(),
        }
    }

    /// Removes a run that has ended, with its log. False where there is no such run.
    pub fn run(&mut self, id: RunId) -> Result<bool> {
        let Some((run, at)) = self.store.read_run(id)? else {
            return Ok(false);
        };
        let Some(ended) = ended(&run) else {
            return Ok(false);
        };
        if !self.orders.insert(run.order) {
            return Ok(true);
        }
        self.batch.expect_at(&Key::Run(id), at);
        self.batch.delete(&Key::Run(id));
        self.steps_of(&run, true);
        let (kind, name) = (&run.resource.kind, &run.resource.name);
        let time = codec::nanos(ended);
        for key in [
            Key::ResourceRun(kind, name, run.order),
            Key::DefinitionRun(kind, run.order),
            Key::EndedRun(LogState::Kept, kind, time, run.order),
            Key::EndedRun(LogState::Gone, kind, time, run.order),
        ] {
            #[cfg(test)]
            if planted(Sabotage::LeavesARow) && matches!(key, Key::ResourceRun(..)) {
                continue;
            }
            self.batch.delete(&key);
        }
        for (id, revision) in run.shows() {
            self.batch.delete(&Key::ShownBy(id, revision, run.order));
        }
        let text = id.to_string();
        self.lines(&text)?;
        self.batch.delete(&Key::LogTrim(&text));
        if let Some((_, queued, _)) = self.store.outside_log(&text)? {
            self.outside_rows(&text, queued);
        }
        self.removed.runs += 1;
        self.shown_by(&run)?;
        Ok(true)
    }

    /// Removes the log of a run that has ended, and the run stays. False where that was done before.
    pub fn log(&mut self, id: RunId) -> Result<bool> {
        let Some((run, at)) = self.store.read_run(id)? else {
            return Ok(false);
        };
        let Some(ended) = ended(&run) else {
            return Ok(false);
        };
        let (kind, time) = (&run.resource.kind, codec::nanos(ended));
        let queued = Key::EndedRun(LogState::Kept, kind, time, run.order);
        if self.store.position_of(&queued)?.is_none() || !self.cut.insert(run.order) {
            return Ok(false);
        }
        self.batch.expect_at(&Key::Run(id), at);
        self.batch.delete(&queued);
        self.batch.put_bytes(
            &Key::EndedRun(LogState::Gone, kind, time, run.order),
            id.0.into_bytes().to_vec(),
        );
        self.steps_of(&run, false);
        self.trim(&id.to_string())?;
        Ok(true)
    }

    /// Forgets an entry of a queue whose run is not there.
    pub fn stray(&mut self, log: LogState, kind: &Name, entry: &EndedRun) {
        let time = codec::nanos(entry.ended);
        self.batch
            .delete(&Key::EndedRun(log, kind, time, entry.order));
    }

    /// Removes the lines of a log, and says what number is left. Numbers go on from there.
    pub fn trim(&mut self, run: &str) -> Result<()> {
        if let Some(first) = self.lines(run)? {
            let trim = records::LogTrim { first };
            self.batch.put(&Key::LogTrim(run), &trim);
        }
        Ok(())
    }

    /// Puts a log with lines from outside back into the queue, at another time.
    pub fn queue_again(&mut self, log: &OutsideLog, at: Timestamp) {
        self.expect_outside(log);
        let (old, new) = (codec::nanos(log.queued), codec::nanos(at));
        self.batch.delete(&Key::OutsideLogTime(old, &log.run));
        if let Some((last, _)) = log.last {
            self.batch.put_outside_log(&log.run, last, at);
            let run = log.run.as_bytes().to_vec();
            self.batch
                .put_bytes(&Key::OutsideLogTime(new, &log.run), run);
        }
    }

    /// Forgets that a log had lines from outside.
    pub fn forget_outside(&mut self, log: &OutsideLog) {
        self.expect_outside(log);
        self.outside_rows(&log.run, log.queued);
    }

    /// Forgets at which number a log goes on.
    pub fn forget_trim(&mut self, run: &str) {
        self.batch.delete(&Key::LogTrim(run));
    }

    /// The batch holds only where no line from outside came meanwhile.
    fn expect_outside(&mut self, log: &OutsideLog) {
        let key = Key::OutsideLog(&log.run);
        match log.last {
            Some((_, at)) => self.batch.expect_at(&key, at),
            None => self.batch.expect_absent(&key),
        }
    }

    fn outside_rows(&mut self, run: &str, queued: Timestamp) {
        self.batch.delete(&Key::OutsideLog(run));
        self.batch
            .delete(&Key::OutsideLogTime(codec::nanos(queued), run));
    }

    /// What only a run in progress or a kept run needs.
    fn steps_of(&mut self, run: &Run, all: bool) {
        for (step, at) in run.steps.iter().zip(0..) {
            self.batch.delete(&Key::LogProgress(run.id, at));
            if !all {
                continue;
            }
            if step.data_bytes > 0 {
                self.batch.delete(&Key::StepData(run.id, at));
            }
            for attempt in &step.attempts {
                self.batch.delete(&Key::Task(attempt.offer.task));
            }
        }
    }

    /// Removes every stored line of a run. Answers the number after the last one; `None` where there are none.
    fn lines(&mut self, run: &str) -> Result<Option<u64>> {
        let mut firsts = Vec::new();
        let log = Prefix::Log(run);
        walk(&self.store.db, &log, None, Order::Up, |key, _| {
            let no_number = || damaged(Family::Logs, key, "no sequence number");
            firsts.push(last_number(key).ok_or_else(no_number)?);
            Ok(if firsts.len() > CHUNKS_MOST {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        let Some(first) = firsts.first().copied() else {
            return Ok(None);
        };
        // Lines that come meanwhile have higher numbers, and stay.
        let next = self.store.next_seq(run)?;
        if firsts.len() > CHUNKS_MOST {
            let (from, to) = (Key::LogChunk(run, first), Key::LogChunk(run, next));
            self.batch.delete_range(&from, &to);
        } else {
            for seq in firsts.into_iter().filter(|seq| *seq < next) {
                self.batch.delete(&Key::LogChunk(run, seq));
            }
        }
        self.removed.lines += next - first;
        self.trimmed.push((run.to_owned(), next));
        Ok(Some(next))
    }
}

/// When a run ended; `None` where it has not.
fn ended(run: &Run) -> Option<Timestamp> {
    #[cfg(test)]
    if planted(Sabotage::RemovesTheUnfinished) {
        return run.ended.or(Some(run.created));
    }
    run.ended
}

impl Batch {
    /// Notes that a log has lines from outside, the last of them of this time.
    pub fn put_outside_log(&mut self, run: &str, last: Timestamp, queued: Timestamp) {
        let record = records::OutsideLog {
            last: codec::nanos(last),
            queued: codec::nanos(queued),
        };
        self.put(&Key::OutsideLog(run), &record);
    }

    /// Notes that a line from outside came to a log, which stands in the queue at the time `queued`.
    pub fn note_outside_line(&mut self, run: &str, now: Timestamp, queued: Timestamp) {
        self.put_outside_log(run, now, queued);
        // Once more where it stands in the queue already: retention may have taken it out since that was read.
        let queued = codec::nanos(queued);
        self.put_bytes(&Key::OutsideLogTime(queued, run), run.as_bytes().to_vec());
    }
}
