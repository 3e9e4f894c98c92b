//! The committer: atomic batches with preconditions, and one fsync for many.
//!
//! One thread writes. It takes what waits, checks each batch's preconditions against the store and the batches
//! before it, writes all that hold as one RocksDB batch with one fsync, and then calls back in the order in which
//! they came. A batch without writes is a barrier: its call comes when everything before it is on disk.
//!
//! Invariants: a callback that hears `Ok` is called after the fsync; batches take effect in the order in which they
//! were handed in; after one failed write nothing is ever answered `Ok` again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rocksdb::{DB, WriteBatch, WriteOptions};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::batch::{Batch, Expect, Position, Value, Write};
use super::figures::Figures;
use super::keys::{Family, Key};
use super::read;
use super::{Error, Result};

/// Bytes that one permit of the queue stands for.
const UNIT: usize = 16 << 10;
/// Permits of the queue: 64 MiB or 4,096 batches, whichever comes first.
const UNITS: usize = 4096;
/// Most bytes that one group writes before it is synced.
const GROUP_BYTES: usize = 8 << 20;

type Done = Box<dyn FnOnce(Result<Position>) + Send>;

struct Job {
    batch: Batch,
    done: Done,
    /// When it was handed over, since the committer's start.
    queued: Duration,
    _room: OwnedSemaphorePermit,
}

enum Order {
    Commit(Job),
    Stop(oneshot::Sender<()>),
}

/// Hands batches to the writing thread: a cheap clone.
#[derive(Clone)]
pub struct Committer {
    jobs: mpsc::Sender<Order>,
    room: Arc<Semaphore>,
    shared: Arc<Shared>,
}

struct Shared {
    start: Instant,
    /// Microseconds since `start` at which the oldest unwritten job was queued; `u64::MAX` where none waits.
    oldest: AtomicU64,
    figures: Figures,
    position: watch::Sender<Position>,
    failed: watch::Sender<Option<String>>,
}

/// Room in the queue for one batch.
pub struct Slot {
    jobs: mpsc::Sender<Order>,
    room: OwnedSemaphorePermit,
    shared: Arc<Shared>,
}

impl Slot {
    /// Hands the batch over, in order, without waiting. `done` runs on the writing thread and must be quick.
    pub fn commit(self, batch: Batch, done: impl FnOnce(Result<Position>) + Send + 'static) {
        self.shared.figures.batches.one();
        let queued = self.shared.start.elapsed();
        let job = Job {
            batch,
            done: Box::new(done),
            queued,
            _room: self.room,
        };
        // There is room for every slot, so this fails only when the thread has stopped: then nobody is called back.
        let _ = self.jobs.try_send(Order::Commit(job));
    }
}

impl Committer {
    pub(super) fn start(db: Arc<DB>, position: Position) -> Self {
        // The semaphore lets no more jobs in than this channel holds, so that a slot never waits.
        let (jobs, inbox) = mpsc::channel(UNITS + 16);
        let shared = Arc::new(Shared {
            start: Instant::now(),
            oldest: AtomicU64::new(u64::MAX),
            figures: Figures::default(),
            position: watch::Sender::new(position),
            failed: watch::Sender::new(None),
        });
        let writer = Writer {
            db,
            position,
            shared: Arc::clone(&shared),
        };
        std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || writer.run(inbox))
            .expect("a process that starts can make a thread");
        Self {
            jobs,
            room: Arc::new(Semaphore::new(UNITS)),
            shared,
        }
    }

    /// Waits for room in the queue for a batch of about this many bytes.
    pub async fn reserve(&self, bytes: usize) -> Result<Slot> {
        let units = u32::try_from((bytes / UNIT + 1).min(UNITS)).expect("no more than UNITS");
        let room = Arc::clone(&self.room)
            .acquire_many_owned(units)
            .await
            .map_err(|_| Error::Closed)?;
        if self.shared.failed.borrow().is_some() {
            return Err(Error::Closed);
        }
        Ok(Slot {
            jobs: self.jobs.clone(),
            room,
            shared: Arc::clone(&self.shared),
        })
    }

    /// Commits a batch and waits until it is on disk.
    pub async fn commit(&self, batch: Batch) -> Result<Position> {
        let slot = self.reserve(batch.bytes()).await?;
        let (done, answer) = oneshot::channel();
        slot.commit(batch, move |outcome| {
            // Where nobody waits any more, nobody needs the answer.
            let _ = done.send(outcome);
        });
        answer.await.map_err(|_| Error::Closed)?
    }

    /// How long the oldest batch has been waiting for the disk.
    pub fn lag(&self) -> Duration {
        match self.shared.oldest.load(Ordering::Relaxed) {
            u64::MAX => Duration::ZERO,
            queued => {
                let queued = Duration::from_micros(queued);
                self.shared.start.elapsed().saturating_sub(queued)
            }
        }
    }

    /// What it counts.
    pub(super) fn figures(&self) -> &Figures {
        &self.shared.figures
    }

    /// How many batches wait to be written.
    pub fn queued(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// The position of the newest batch on disk.
    pub fn position(&self) -> watch::Receiver<Position> {
        self.shared.position.subscribe()
    }

    /// Becomes `Some` with the reason when a write has failed.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.shared.failed.subscribe()
    }

    /// Stops all writing: nothing more is answered OK. The first reason stands.
    pub fn fail(&self, reason: &str) {
        self.shared.fail(reason);
    }

    pub(super) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.jobs.send(Order::Stop(done)).await.is_ok() {
            // The thread drops the sender where it has already stopped.
            let _ = stopped.await;
        }
    }
}

impl Shared {
    fn fail(&self, reason: &str) {
        self.failed.send_if_modified(|failed| {
            let first = failed.is_none();
            failed.get_or_insert_with(|| reason.to_owned());
            first
        });
    }

    /// A group begins with the job that was handed over at this time.
    fn begin(&self, queued: Duration) {
        let micros = u64::try_from(queued.as_micros()).unwrap_or(u64::MAX - 1);
        self.oldest.store(micros, Ordering::Relaxed);
        self.figures
            .waits
            .took(self.start.elapsed().saturating_sub(queued));
    }
}

struct Writer {
    db: Arc<DB>,
    position: Position,
    shared: Arc<Shared>,
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
    fn run(mut self, mut inbox: mpsc::Receiver<Order>) {
        while let Some(first) = inbox.blocking_recv() {
            let (group, stop) = gather(first, &mut inbox);
            if let Some(job) = group.first() {
                self.shared.begin(job.queued);
            }
            self.write(group);
            self.shared.oldest.store(u64::MAX, Ordering::Relaxed);
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

    fn write(&mut self, group: Vec<Job>) {
        if self.shared.failed.borrow().is_some() {
            group
                .into_iter()
                .for_each(|job| (job.done)(Err(Error::Closed)));
            return;
        }
        let mut rows = WriteBatch::default();
        let mut overlay = Overlay::of(&group);
        let before = self.position;
        let mut answers = Vec::with_capacity(group.len());
        let figures = Arc::clone(&self.shared);
        let figures = &figures.figures;
        for job in group {
            figures.bytes.add(job.batch.bytes as u64);
            let outcome = self.add(job.batch, &mut rows, &mut overlay);
            answers.push((job.done, outcome));
        }
        let written = if rows.is_empty() {
            Ok(())
        } else {
            figures.group_batches.saw(answers.len() as u64);
            figures.group_writes.saw(rows.len() as u64);
            let began = Instant::now();
            let synced = self.sync(rows);
            figures.syncs.took(began.elapsed());
            synced
        };
        match written {
            Ok(()) => {
                answers
                    .into_iter()
                    .for_each(|(done, outcome)| done(outcome));
                if self.position > before {
                    self.shared.position.send_replace(self.position);
                }
            }
            Err(error) => {
                self.shared.fail(&error.to_string());
                answers
                    .into_iter()
                    .for_each(|(done, _)| done(Err(Error::Database(error.to_string()))));
            }
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
