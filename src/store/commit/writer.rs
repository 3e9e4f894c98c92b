//! The committer's thread: takes what waits, writes it as one group with one fsync, and calls back in order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rocksdb::{DB, WriteBatch, WriteOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{Done, Job, Order, Room, Shared};
use crate::store::batch::{Batch, Expect, Position, Value, Write};
use crate::store::keys::{Family, Key};
use crate::store::{Error, Result, read};

/// Most bytes that one group writes before it is synced.
const GROUP_BYTES: usize = 8 << 20;

pub(super) struct Writer {
    pub(super) db: Arc<DB>,
    pub(super) position: Position,
    pub(super) shared: Arc<Shared>,
}

/// A group that was written, or was not, and whom to tell.
pub(super) struct Written {
    answers: Vec<Answer>,
    outcome: Result<()>,
    /// The position before it.
    before: Position,
}

/// What becomes of one batch of a group. It keeps its room in the queue until it is told.
struct Answer {
    done: Done,
    outcome: Result<Position>,
    _room: Room,
}

impl Job {
    fn answer(self, outcome: Result<Position>) -> Answer {
        Answer {
            done: self.done,
            outcome,
            _room: self.room,
        }
    }
}

/// Keys that the group has written so far: the position they are at, or `None` for deleted. Kept only of the families
/// that preconditions of the group look at.
struct Overlay {
    keys: HashMap<(Family, Vec<u8>), Option<Position>>,
    families: HashSet<Family>,
}

impl Overlay {
    fn of(group: &[Job]) -> Self {
        let expects = group.iter().flat_map(|job| &job.batch.expects);
        Self {
            keys: HashMap::new(),
            families: expects.map(Expect::family).collect(),
        }
    }

    fn note(&mut self, family: Family, key: Vec<u8>, at: Option<Position>) {
        if self.families.contains(&family) {
            self.keys.insert((family, key), at);
        }
    }
}

impl Writer {
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Order>) {
        while let Some(first) = inbox.blocking_recv() {
            let (group, stop) = self.take(first, &mut inbox);
            let written = self.write(group);
            self.answer(written);
            if let Some(stop) = stop {
                inbox.close();
                while let Ok(order) = inbox.try_recv() {
                    if let Order::Commit(job) = order {
                        (job.done)(Err(Error::Closed));
                    }
                }
                // Whoever stops may have gone.
                let _ = stop.send(());
                return;
            }
        }
    }

    /// Takes what waits as one group.
    pub(super) fn take(
        &self,
        first: Order,
        inbox: &mut mpsc::Receiver<Order>,
    ) -> (Vec<Job>, Option<oneshot::Sender<()>>) {
        let (group, stop) = gather(first, inbox);
        if let Some(job) = group.first() {
            self.shared.begin(job.queued);
        }
        (group, stop)
    }

    /// Puts a group on disk. Nobody hears of it yet.
    pub(super) fn write(&mut self, group: Vec<Job>) -> Written {
        if self.shared.failed.borrow().is_some() {
            let closed = |job: Job| job.answer(Err(Error::Closed));
            return Written {
                answers: group.into_iter().map(closed).collect(),
                outcome: Ok(()),
                before: self.position,
            };
        }
        let mut rows = WriteBatch::default();
        let mut overlay = Overlay::of(&group);
        let before = self.position;
        let mut answers = Vec::with_capacity(group.len());
        let mut traced = Vec::new();
        let probes = group.iter().any(|job| job.batch.probes);
        let figures = Arc::clone(&self.shared);
        let figures = &figures.figures;
        for mut job in group {
            if let Some(below) = job.batch.trace.take() {
                traced.push((below, job.queued));
            }
            figures.bytes.add(job.batch.bytes as u64);
            #[cfg(test)]
            self.sabotage(&mut job.batch);
            let batch = std::mem::take(&mut job.batch);
            let outcome = self.add(batch, &mut rows, &mut overlay);
            answers.push(job.answer(outcome));
        }
        let outcome = if rows.is_empty() && !probes {
            Ok(())
        } else {
            figures.group_batches.saw(answers.len() as u64);
            figures.group_writes.saw(rows.len() as u64);
            let began = Instant::now();
            let synced = self.sync(rows);
            figures.syncs.took(began.elapsed());
            self.shared.record(traced, began);
            synced
        };
        Written {
            answers,
            outcome,
            before,
        }
    }

    /// Calls everybody back, in order.
    pub(super) fn answer(&self, written: Written) {
        match written.outcome {
            Ok(()) => {
                for answer in written.answers {
                    (answer.done)(answer.outcome);
                }
                if self.position > written.before {
                    self.shared.position.send_replace(self.position);
                }
            }
            Err(error) => {
                self.shared.fail(&format!("a write failed: {error}"));
                for answer in written.answers {
                    (answer.done)(Err(Error::Database(error.to_string())));
                }
            }
        }
        self.shared.oldest.store(u64::MAX, Ordering::Relaxed);
    }

    /// Loses a batch, or half of one, now and then.
    #[cfg(test)]
    fn sabotage(&self, batch: &mut Batch) {
        use crate::sabotage::{Sabotage, planted};
        let now_and_then = self.position.0 % 5 == 4;
        if now_and_then && planted(Sabotage::AnswersWhatIsLost) {
            batch.writes.clear();
        }
        let changes = batch.changes_resources();
        if now_and_then && changes && planted(Sabotage::TearsBatches) {
            let of_runs =
                |write: &Write| matches!(write, Write::Put(Family::Runs | Family::Indexes, ..));
            batch.writes.retain(|write| !of_runs(write));
        }
    }

    /// Adds one batch to the group, if its preconditions hold.
    fn add(
        &mut self,
        batch: Batch,
        rows: &mut WriteBatch,
        overlay: &mut Overlay,
    ) -> Result<Position> {
        for expect in &batch.expects {
            self.check(expect, overlay)?;
        }
        if batch.writes.is_empty() {
            return Ok(self.position);
        }
        self.position = Position(self.position.0 + 1);
        for write in batch.writes {
            match write {
                Write::Put(family, key, value) => self.put(family, key, value, rows, overlay),
                Write::Append(family, mut key, value) => {
                    key.extend(self.position.0.to_be_bytes());
                    self.put(family, key, value, rows, overlay);
                }
                Write::Delete(family, key) => {
                    rows.delete_cf(&read::handle(&self.db, family), &key);
                    overlay.note(family, key, None);
                }
                Write::DeleteRange(family, from, to) => {
                    rows.delete_range_cf(&read::handle(&self.db, family), &from, &to);
                }
            }
        }
        Ok(self.position)
    }

    fn put(
        &self,
        family: Family,
        key: Vec<u8>,
        value: Value,
        rows: &mut WriteBatch,
        overlay: &mut Overlay,
    ) {
        rows.put_cf(
            &read::handle(&self.db, family),
            &key,
            value.at(self.position),
        );
        overlay.note(family, key, Some(self.position));
    }

    fn check(&self, expect: &Expect, overlay: &Overlay) -> Result<()> {
        let holds = match expect {
            Expect::Absent(family, key) => self.stands(*family, key, overlay)?.is_none(),
            Expect::At(family, key, position) => {
                self.stands(*family, key, overlay)? == Some(*position)
            }
            Expect::Empty(family, prefix) => self.is_empty(*family, prefix, overlay)?,
        };
        if holds {
            Ok(())
        } else {
            Err(Error::Conflict(format!("{expect:?}")))
        }
    }

    /// The position at which a key was last written.
    fn stands(&self, family: Family, key: &[u8], overlay: &Overlay) -> Result<Option<Position>> {
        match overlay.keys.get(&(family, key.to_vec())) {
            Some(known) => Ok(*known),
            None => read::position_at(&self.db, family, key),
        }
    }

    fn is_empty(&self, family: Family, prefix: &[u8], overlay: &Overlay) -> Result<bool> {
        let written = |key: &Vec<u8>| key.starts_with(prefix);
        if overlay
            .keys
            .iter()
            .any(|((of, key), at)| *of == family && written(key) && at.is_some())
        {
            return Ok(false);
        }
        let mode = rocksdb::IteratorMode::From(prefix, rocksdb::Direction::Forward);
        for item in self.db.iterator_cf(&read::handle(&self.db, family), mode) {
            let (key, _) = item?;
            if !key.starts_with(prefix) {
                break;
            }
            if overlay.keys.get(&(family, key.to_vec())) != Some(&None) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn sync(&self, mut rows: WriteBatch) -> Result<()> {
        let (family, key) = Key::Position.encode();
        rows.put_cf(
            &read::handle(&self.db, family),
            key,
            self.position.0.to_be_bytes(),
        );
        let mut options = WriteOptions::default();
        options.set_sync(true);
        Ok(self.db.write_opt(rows, &options)?)
    }
}

/// Takes what waits, up to the size of a group.
fn gather(
    first: Order,
    inbox: &mut mpsc::Receiver<Order>,
) -> (Vec<Job>, Option<oneshot::Sender<()>>) {
    let mut group = Vec::new();
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(order) = next {
        match order {
            Order::Commit(job) => {
                bytes += job.batch.bytes;
                group.push(job);
            }
            Order::Stop(stop) => return (group, Some(stop)),
        }
        next = if bytes < GROUP_BYTES {
            inbox.try_recv().ok()
        } else {
            None
        };
    }
    (group, None)
}
