//! The committer: atomic batches with preconditions, and one fsync for many.
//!
//! One thread writes. It takes what waits, checks each batch's preconditions against the store and the batches
//! before it, writes all that hold as one RocksDB batch with one fsync, and then calls back in the order in which
//! they came. A batch without writes is a barrier: its call comes when everything before it is on disk.
//!
//! Invariants: a callback that hears `Ok` is called after the fsync; batches take effect in the order in which they
//! were handed in; after one failed write nothing is ever answered `Ok` again.

#[cfg(test)]
pub(crate) mod hand;
#[cfg(test)]
mod tests;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rocksdb::DB;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;

use self::writer::Writer;
use super::batch::{Batch, Position};
use super::figures::Figures;
use super::{Error, Result};
use crate::trace::Below;

/// Bytes that one permit of the queue stands for.
const UNIT: usize = 16 << 10;
/// Permits of the queue: 64 MiB or 4,096 batches, whichever comes first. What is being written counts too.
const UNITS: usize = 4096;

/// Permits that new work leaves to what drivers report and to what ends or removes work.
const KEPT: usize = UNITS / 4;

/// How many of those who end or remove work may wait for room at once.
const LINE: usize = 1024;

/// Bytes that one permit of log lines stands for.
const LOG_UNIT: usize = 8 << 10;
/// Permits of log lines: 8 MiB or 1,024 batches of lines wait in the queue, and more wait outside it. They are many and
/// large, and a write stands behind all that came before it. With 1 MiB the disk waited for lines between two groups:
/// eight drivers had half of what they could.
const LOG_UNITS: usize = 1024;

type Done = Box<dyn FnOnce(Result<Position>) + Send>;

struct Job {
    batch: Batch,
    done: Done,
    /// When it was handed over, since the committer's start.
    queued: Duration,
    room: Room,
}

/// Room in the queue, and of what log lines may have of it.
struct Room {
    #[expect(dead_code, reason = "held, not read")]
    whole: OwnedSemaphorePermit,
    #[expect(dead_code, reason = "held, not read")]
    lines: Option<OwnedSemaphorePermit>,
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
    /// Places in the line of those who end or remove work.
    line: Arc<Semaphore>,
    /// What log lines may have of the room.
    log_lines: Arc<Semaphore>,
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
    room: Room,
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
            room: self.room,
        };
        // There is room for every slot, so this fails only when the thread has stopped: then nobody is called back.
        let _ = self.jobs.try_send(Order::Commit(job));
    }

    /// Hands the batch over and waits until it is on disk.
    pub async fn write(self, batch: Batch) -> Result<Position> {
        let (done, answer) = oneshot::channel();
        self.commit(batch, move |outcome| {
            // Where nobody waits any more, nobody needs the answer.
            let _ = done.send(outcome);
        });
        answer.await.map_err(|_| Error::Closed)?
    }
}

/// The permits for a batch of about this many bytes, of so many bytes each, or all there are.
fn units(bytes: usize, each: usize, most: usize) -> u32 {
    u32::try_from((bytes / each + 1).min(most)).expect("there are not that many")
}

impl Committer {
    /// A committer with a thread that writes.
    pub(super) fn start(db: Arc<DB>, position: Position) -> Self {
        let (committer, writer, inbox) = Self::new(db, position);
        std::thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || {
                let shared = Arc::clone(&writer.shared);
                // Where nobody writes any more, nothing more is answered OK.
                if catch_unwind(AssertUnwindSafe(|| writer.run(inbox))).is_err() {
                    shared.fail("the thread that writes panicked");
                }
            })
            .expect("a process that starts can make a thread");
        committer
    }

    /// A committer, who writes for it, and what he is handed.
    fn new(db: Arc<DB>, position: Position) -> (Self, Writer, mpsc::Receiver<Order>) {
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
        let committer = Self {
            jobs,
            room: Arc::new(Semaphore::new(UNITS)),
            line: Arc::new(Semaphore::new(LINE)),
            log_lines: Arc::new(Semaphore::new(LOG_UNITS)),
            shared,
        };
        (committer, writer, inbox)
    }

    /// Room for new work of about this many bytes, or its refusal where what goes on needs the rest of the queue. The
    /// room is taken before anything is waited for: so what waits for a lock is bounded by it too.
    pub fn admit(&self, bytes: usize) -> Result<Slot> {
        let units = units(bytes, UNIT, UNITS);
        let taken = Arc::clone(&self.room).try_acquire_many_owned(units);
        // It is taken first and looked at then, so that no two take the same.
        let taken = taken.ok().filter(|_| self.room.available_permits() >= KEPT);
        let Some(room) = taken else {
            self.shared.figures.refused.one();
            return Err(Error::Busy);
        };
        self.slot(room, None)
    }

    /// Waits for room for what a caller ends or removes, which is small, or refuses it where many wait already: whoever
    /// calls can come in any number, other than drivers.
    pub async fn wait_in_line(&self) -> Result<Slot> {
        let Ok(_place) = self.line.try_acquire() else {
            self.shared.figures.refused.one();
            return Err(Error::Busy);
        };
        self.reserve(0).await
    }

    /// Waits for room in the queue for a batch of about this many bytes.
    pub async fn reserve(&self, bytes: usize) -> Result<Slot> {
        let room = taken(&self.room, units(bytes, UNIT, UNITS)).await?;
        self.slot(room, None)
    }

    /// Waits for room in the queue for log lines of about this many bytes. Those that wait stand in nobody's way.
    pub async fn reserve_lines(&self, bytes: usize) -> Result<Slot> {
        let lines = taken(&self.log_lines, units(bytes, LOG_UNIT, LOG_UNITS)).await?;
        let room = taken(&self.room, units(bytes, UNIT, UNITS)).await?;
        self.slot(room, Some(lines))
    }

    fn slot(
        &self,
        whole: OwnedSemaphorePermit,
        lines: Option<OwnedSemaphorePermit>,
    ) -> Result<Slot> {
        if self.shared.failed.borrow().is_some() {
            return Err(Error::Closed);
        }
        Ok(Slot {
            jobs: self.jobs.clone(),
            room: Room { whole, lines },
            shared: Arc::clone(&self.shared),
        })
    }

    /// Commits a batch and waits until it is on disk.
    pub async fn commit(&self, batch: Batch) -> Result<Position> {
        self.reserve(batch.bytes()).await?.write(batch).await
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

    /// Becomes `Some` with the reason, a clause, when nothing is answered OK any more.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.shared.failed.subscribe()
    }

    /// Stops all writing: nothing more is answered OK. The first reason stands, a clause.
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

async fn taken(of: &Arc<Semaphore>, units: u32) -> Result<OwnedSemaphorePermit> {
    let taken = Arc::clone(of).acquire_many_owned(units);
    taken.await.map_err(|_| Error::Closed)
}

impl Shared {
    fn fail(&self, reason: &str) {
        self.failed.send_if_modified(|failed| {
            let first = failed.is_none();
            failed.get_or_insert_with(|| reason.to_owned());
            first
        });
    }

    /// Records how long batches waited, and how long their group's write took, which began then and is over.
    fn record(&self, traced: Vec<(Below, Duration)>, began: Instant) {
        if traced.is_empty() {
            return;
        }
        let ended = SystemTime::now();
        let taken = ended - began.elapsed();
        for (below, queued) in traced {
            let waited = began.duration_since(self.start).saturating_sub(queued);
            below.record("commit.queue", taken - waited, taken);
            below.record("commit.fsync", taken, ended);
        }
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
