//! What happens: one method per use case. Knows model and store, no transport.
//!
//! | task | cadence | on error |
//! |---|---|---|
//! | `sweep` | a tenth of the shortest wait, at most 250 ms | ends; the store has failed, and the server stops |
//! | `watch_disk` | every 2 s | a look that fails is logged and tried again |
//! | `forget_requests` | every minute | logged, tried again |
//! | `retire` | every `retention.period` | logged, tried again |
//!
//! Each is begun anew after a panic (`background.rs`).

mod background;
pub mod backup;
mod board;
mod change;
mod definitions;
mod dispatch;
pub mod drivers;
pub mod figures;
mod followers;
mod hub;
mod instances;
mod journal;
mod leases;
mod log_book;
pub mod logs;
pub mod outbox;
mod pipelines;
mod queue;
pub mod reports;
mod requests;
pub mod resources;
mod retention;
pub mod runs;
pub mod sessions;
mod shown;
mod space;
mod spans;
mod start;
mod sweep;
pub mod tail;
mod task_logs;
pub mod watch;
pub mod world;

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{RwLock, Semaphore, watch as channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::board::Board;
pub use self::board::Session;
use self::figures::Figures;
use self::followers::Followers;
pub use self::followers::TailLag;
use self::hub::Hub;
use self::leases::LeaseClock;
use self::log_book::LogBook;
use self::retention::Retention;
pub use self::retention::RetentionOptions;
use self::space::Space;
use self::tail::{LogNews, Pages};
use self::world::World;
use crate::error::{Error, Result};
use crate::model::name::{Name, RunId};
use crate::model::schema::Schema;
use crate::store::{Position, Slot, Store};
use crate::trace::Tracer;

/// A commit that takes longer than this means that the disk stalls.
const STALL: Duration = Duration::from_secs(1);
/// Locks that resources share by their hash.
const LOCKS: usize = 1024;
/// Compiled schemas that are kept.
const SCHEMAS: u64 = 256;

/// Waits and limits of the engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a driver may be silent before its tasks are given to another.
    pub lease_time: Duration,
    /// How often a driver sends Heartbeat.
    pub heartbeat_period: Duration,
    /// How long an offer may stay without an ack.
    pub ack_time: Duration,
    /// How long a stopped task may take to end.
    pub cancel_grace: Duration,
    /// How long an instance is passed over for a step that it refused.
    pub refusal_pause: Duration,
    /// Bytes that must be free on the disk for new work.
    pub min_free_bytes: u64,
    /// How long things are kept.
    pub retention: RetentionOptions,
}

/// The engine: a cheap clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Store,
    world: Arc<dyn World>,
    tracer: Tracer,
    options: Options,
    board: Mutex<Board>,
    leases: LeaseClock,
    space: Space,
    figures: Figures,
    followers: Followers,
    /// Wakes those who watch a run.
    run_news: Hub<RunId, ()>,
    /// Wakes those who follow a log.
    log_news: Hub<Arc<str>, LogNews>,
    log_pages: Pages,
    log_book: LogBook,
    retention: Retention,
    /// Compiled schemas by the definition's name and where it was last written.
    schemas: moka::sync::Cache<(Name, Position), Arc<Schema>>,
    /// Held by a write of a resource from its read to its commit, so that its preconditions hold.
    resources: Vec<tokio::sync::Mutex<()>>,
    /// Held likewise by a create that carries a request id.
    requests: Vec<tokio::sync::Mutex<()>>,
    /// Held by the one backup under way.
    backup_turn: Arc<Semaphore>,
    /// Shared by writes of resources; exclusive for a write of a definition or a pipeline.
    catalog: RwLock<()>,
    /// Wakes those who watch resources.
    changes: Hub<(), ()>,
    stop: CancellationToken,
}

impl Engine {
    /// Brings back every run from where it stood, and starts the background tasks.
    pub async fn start(
        store: Store,
        world: Arc<dyn World>,
        tracer: Tracer,
        options: Options,
        stop: CancellationToken,
        tracker: &TaskTracker,
    ) -> Result<Self> {
        let inner = Inner {
            board: Mutex::default(),
            leases: LeaseClock::default(),
            space: Space::new(options.min_free_bytes),
            figures: Figures::default(),
            followers: Followers::default(),
            run_news: Hub::default(),
            log_news: Hub::default(),
            log_pages: Pages::default(),
            log_book: LogBook::default(),
            retention: Retention::new(options.retention.clone(), store.trimmed_changes()?),
            schemas: moka::sync::Cache::new(SCHEMAS),
            resources: (0..LOCKS).map(|_| tokio::sync::Mutex::default()).collect(),
            requests: (0..LOCKS).map(|_| tokio::sync::Mutex::default()).collect(),
            backup_turn: Arc::new(Semaphore::new(1)),
            catalog: RwLock::default(),
            changes: Hub::default(),
            store,
            world,
            tracer,
            options,
            stop,
        };
        let engine = Self(Arc::new(inner));
        engine.look_at_disk();
        engine.recover().await?;
        tracker.spawn(engine.clone().keep("sweep", Self::sweep));
        tracker.spawn(engine.clone().keep("watch_disk", Self::watch_disk));
        tracker.spawn(
            engine
                .clone()
                .keep("forget_requests", Self::forget_requests),
        );
        tracker.spawn(engine.clone().keep("retire", Self::retire));
        Ok(engine)
    }

    /// Becomes `Some` with the reason, a clause, when a write has failed, or something that is as bad; nothing is answered
    /// OK from then on.
    pub fn failed(&self) -> channel::Receiver<Option<String>> {
        self.0.store.committer().failed()
    }

    /// The waits and limits in force.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The time of day.
    pub fn now(&self) -> jiff::Timestamp {
        self.0.world.now()
    }

    /// Waits until what arrived so far is on disk and its answers stand in the queues.
    pub async fn settle(&self) {
        // Where the store has failed, nothing more is answered.
        let _ = self.barrier().await;
    }

    /// Waits until everything handed to the store so far is on disk.
    pub(super) async fn barrier(&self) -> Result<()> {
        self.0
            .store
            .committer()
            .commit(crate::store::Batch::new())
            .await?;
        Ok(())
    }

    /// Room for new work of about this many bytes, or its refusal where the disk is nearly full, or has fallen behind.
    fn admit(&self, bytes: usize) -> Result<Slot> {
        self.0.space.check()?;
        Ok(self.0.store.committer().admit(bytes)?)
    }

    /// Room for a few records of what a caller ends or removes: that waits, and is refused only where many wait.
    async fn room_in_line(&self) -> Result<Slot> {
        Ok(self.0.store.committer().wait_in_line().await?)
    }

    /// Room for a few records of what goes on: that waits, and is not refused.
    async fn room(&self) -> Result<Slot> {
        Ok(self.0.store.committer().reserve(0).await?)
    }

    /// The compiled schema of a definition.
    async fn schema(&self, name: &Name) -> Result<Option<Arc<Schema>>> {
        // Of a definition that was compiled before only its position is read: a schema may be long.
        if let Some(position) = self.0.store.definition_position(name)?
            && let Some(schema) = self.0.schemas.get(&(name.clone(), position))
        {
            return Ok(Some(schema));
        }
        let Some((definition, position)) = self.0.store.definition(name).await? else {
            return Ok(None);
        };
        let key = (name.clone(), position);
        let schema = Arc::new(definition.schema()?);
        self.0.schemas.insert(key, Arc::clone(&schema));
        Ok(Some(schema))
    }
}

impl Inner {
    fn board(&self) -> MutexGuard<'_, Board> {
        // One who only reads leaves it as it was when he panics; a change ends all writing.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time of the lease clock.
    fn tick(&self) -> Duration {
        let counts = self.space.is_enough() && self.store.committer().lag() < STALL;
        self.leases.now(self.world.elapsed(), counts)
    }

    /// The lock of a resource, or of a request id.
    fn lock_of<'a>(
        locks: &'a [tokio::sync::Mutex<()>],
        key: &impl Hash,
    ) -> &'a tokio::sync::Mutex<()> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let at = usize::try_from(hasher.finish() % locks.len() as u64)
            .expect("less than the number of locks");
        &locks[at]
    }
}

/// Where a page begins, from the token that the last one ended with.
fn page_start(token: &str) -> Result<Option<Vec<u8>>> {
    if token.is_empty() {
        return Ok(None);
    }
    let bytes = (0..token.len()).step_by(2).map(|at| {
        token
            .get(at..at + 2)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes
        .map(Some)
        .ok_or_else(|| Error::invalid("page_token", "it is not one that this server gave"))
}

/// The token that goes on after a key.
fn page_token(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many items a page has at most.
fn page_size(asked: i32) -> Result<usize> {
    match asked {
        0 => Ok(100),
        1..=1000 => Ok(usize::try_from(asked).expect("it is positive")),
        _ => Err(Error::invalid("page_size", "1 to 1000; 0 means 100")),
    }
}

/// What a list asks for.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// How many items at most: 1 to 1000; 0 means 100.
    pub size: i32,
    /// The token that the last page ended with.
    pub token: String,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The items in order.
    pub items: Vec<T>,
    /// The token that goes on after each item, for a page that has to be cut short.
    pub tokens: Vec<String>,
    /// The token for the next page; empty after the last.
    pub next: String,
}

impl<T> From<crate::store::Page<T>> for Listed<T> {
    fn from(page: crate::store::Page<T>) -> Self {
        Self {
            items: page.items,
            tokens: page.keys.iter().map(|key| page_token(key)).collect(),
            next: page.next.map(|key| page_token(&key)).unwrap_or_default(),
        }
    }
}
