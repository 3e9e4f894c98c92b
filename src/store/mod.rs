//! Where things are kept: the only importer of RocksDB.
//!
//! A value is the position of the batch that wrote it (8 bytes, big-endian) and then a message of
//! `conveyor.store.v1`. All writes go through the committer ([`commit`]); reads see what is committed.
//!
//! | family | key | value | written by |
//! |---|---|---|---|
//! | meta | Format | Format | opening |
//! | meta | Position | nothing: its own position counts | the committer, with each batch |
//! | meta | TrimmedChanges | TrimmedChanges | engine/retention |
//! | objects | Definition | Definition | engine/definitions |
//! | objects | Pipeline | Pipeline | engine/pipelines |
//! | objects | Driver | Driver | engine/sessions |
//! | objects | ResourceHead | ResourceHead | engine/resources |
//! | revisions | ResourceRevision | Resource | engine/resources; stays for the runs that show it |
//! | revisions | PipelineRevision | Pipeline | engine/pipelines; stays likewise |
//! | objects | DriverResult | DriverResult | engine/reports, with the result of a step |
//! | runs | Run | Run | engine/change, at every change of the run |
//! | runs | StepData | StepData | engine/reports, with a result that has data |
//! | runs | LogProgress | LogProgress | engine/task_logs, with each chunk |
//! | runs | LogTrim | LogTrim | engine/retention, in place of the lines of a log |
//! | logs | LogChunk | LogChunk | engine/task_logs; engine/logs for lines from outside |
//! | indexes | OpenRun | id of the run | engine/change, while the run has not ended |
//! | indexes | ResourceRun, DefinitionRun | id of the run | engine/change, with the run |
//! | indexes | Task | TaskRef | engine/change, when an offer is accepted |
//! | indexes | DefinitionPipeline | nothing | engine/pipelines |
//! | indexes | PipelineResource | nothing | engine/resources |
//! | indexes | Request, RequestTime | Request, nothing | every create that carries a request id |
//! | indexes | Change | Change | engine/resources |
//! | indexes | ShownBy | id of the run | engine/change, with the run, for the revisions that it shows |
//! | indexes | EndedRun | id of the run | engine/change, with the end of the run; engine/retention, when its log goes |
//! | indexes | OldRevision | nothing | engine/resources, with the write that replaces a revision |
//! | indexes | OldPipeline | nothing | engine/pipelines, with the write or the delete that ends a revision |
//! | indexes | Deletion | Deletion | engine/resources, while the log of changes tells of a delete |
//! | indexes | OutsideLog, OutsideLogTime | OutsideLog, id of the run | engine/logs |
//!
//! engine/retention removes what is due (`retention` finds it, `removal` says what goes together).

mod batch;
mod changes;
mod checkpoint;
mod codec;
pub mod commit;
pub mod doctor;
pub mod figures;
mod files;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
#[cfg(test)]
pub(crate) mod gone;
#[cfg(test)]
pub(crate) mod in_memory;
pub mod keys;
mod logs;
mod migrate;
mod open;
mod pipelines;
mod read;
mod removal;
mod resources;
mod retention;
mod runs;
#[cfg(test)]
mod tests;
mod witness;

/// The records of `proto/conveyor/store/v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
mod records {
    include!(concat!(env!("OUT_DIR"), "/conveyor.store.v1.rs"));
}

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use self::batch::{Batch, Position};
pub use self::changes::Change;
pub use self::checkpoint::{Checkpoint, CheckpointReader, Piece};
pub use self::commit::Slot;
pub use self::logs::{EncodedChunk, LogPage, PackedLines, Progress, StoredChunk};
pub use self::read::Page;
pub use self::removal::{Removal, Removed};
pub use self::retention::{EndedRun, OutsideLog};
pub use self::runs::{Request, RunFilter};

/// The version of the format that this program writes. 2 came with retention, which finds what is due by indexes that
/// 1 did not have: `migrate` adds them.
pub const FORMAT: u32 = 2;

/// The folder that stands in a data directory while a backup is restored into it.
pub const RESTORING: &str = ".restoring";

/// What to do about damage.
const ADVICE: &str = "Look at the disk, and restore the newest backup (conveyor restore)";

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory cannot be made or written.
    #[error("cannot write the data directory {path}: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The directory cannot be read.
    #[error("cannot read the data directory {path}: {source}")]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the database is damaged or missing.
    #[error("{file} is damaged: {what}. Nothing was changed. {ADVICE}")]
    DamagedFile {
        /// The file, or the directory where RocksDB names it.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// RocksDB cannot open it.
    #[error("cannot open the data directory {path}: {what}")]
    NotOpened {
        /// The directory.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// It ends before what was on disk once.
    #[error(
        "the store in {path} ends at position {position}, and all up to {answered} was on disk: the disk lost writes that \
         it had confirmed. {ADVICE}, or remove {witness} to go on without them"
    )]
    Lost {
        /// The directory.
        path: PathBuf,
        /// Its newest position.
        position: u64,
        /// What was on disk.
        answered: u64,
        /// The file that says so.
        witness: PathBuf,
    },
    /// Another process has it open.
    #[error(
        "the data directory {0} is in use by another process: stop that one first, or name another directory"
    )]
    InUse(PathBuf),
    /// A restore into it was cut short, or is under way.
    #[error(
        "a restore into the data directory {0} has not come to its end: where none is running any more, remove what is \
         in the directory and restore again"
    )]
    Restoring(PathBuf),
    /// A newer program wrote it.
    #[error(
        "the data directory {path} has format {found}, this program reads up to {FORMAT}: use a newer conveyor"
    )]
    NewerFormat {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A stored value cannot be read.
    #[error("damaged value at key {key}: {what}")]
    Damaged {
        /// The key, in hex with its family.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// RocksDB failed.
    #[error("{0}")]
    Database(String),
    /// A precondition of a batch did not hold.
    #[error("a precondition did not hold: {0}")]
    Conflict(String),
    /// A page was to begin where its list has nothing.
    #[error("the page token is of another list")]
    Elsewhere,
    /// The queue to the disk has no room for new work.
    #[error("the disk has fallen behind")]
    Busy,
    /// The store is closing, or an earlier write failed.
    #[error("the store takes no more writes")]
    Closed,
}

impl From<rocksdb::Error> for Error {
    fn from(error: rocksdb::Error) -> Self {
        if error.kind() == rocksdb::ErrorKind::Corruption {
            return Self::Database(format!("{}. {ADVICE}", error.as_ref()));
        }
        Self::Database(error.into_string())
    }
}

/// The result of a call to the store.
pub type Result<T> = std::result::Result<T, Error>;

/// The store, open: a cheap clone.
#[derive(Clone)]
pub struct Store {
    db: Arc<rocksdb::DB>,
    /// What it was opened with; it keeps RocksDB's statistics.
    options: Arc<rocksdb::Options>,
    committer: commit::Committer,
    path: Arc<Path>,
    /// Whether how far it is on disk is written down beside it.
    has_witness: bool,
    /// How often RocksDB had failed behind the writes when that was last looked at.
    failures_seen: Arc<AtomicU64>,
    /// Bytes free on a disk in memory.
    #[cfg(test)]
    free: Option<Arc<AtomicU64>>,
}

impl Store {
    /// Opens the store in a directory, or makes it.
    pub fn open(path: &Path, max_open_files: i32) -> Result<Self> {
        let options = open::options(max_open_files);
        let db = Arc::new(open::database(path, &options)?);
        let committer = commit::Committer::start(Arc::clone(&db), open::position(&db)?);
        Ok(Self {
            db,
            options: Arc::new(options),
            committer,
            path: path.into(),
            has_witness: true,
            failures_seen: Arc::default(),
            #[cfg(test)]
            free: None,
        })
    }

    /// The committer: all writes go through it.
    pub fn committer(&self) -> &commit::Committer {
        &self.committer
    }

    /// Bytes free for the data directory.
    pub fn free_bytes(&self) -> std::io::Result<u64> {
        #[cfg(test)]
        if let Some(free) = &self.free {
            return Ok(free.load(Ordering::Relaxed));
        }
        let stat = rustix::fs::statvfs(&*self.path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Looks whether RocksDB failed behind the writes, where it moves them from memory to tables and puts tables together.
    /// It tells only who writes next, so then something is written: where it refuses, nothing is ever answered OK again.
    pub async fn look_behind(&self) -> Result<()> {
        let failures = self.db.property_int_value("rocksdb.background-errors")?;
        let failures = failures.unwrap_or_default();
        if self.failures_seen.swap(failures, Ordering::Relaxed) >= failures {
            return Ok(());
        }
        self.committer.commit(Batch::probe()).await?;
        tracing::warn!("the database failed while it wrote its tables, and has recovered");
        Ok(())
    }

    /// Moves what is in memory to files, so that the next start has no writes to bring back.
    fn flush(&self) -> Result<()> {
        let families = keys::Family::ALL.map(|family| read::handle(&self.db, family));
        let families = families.iter().collect::<Vec<_>>();
        Ok(self
            .db
            .flush_cfs_opt(&families, &rocksdb::FlushOptions::default())?)
    }

    /// Writes what is queued and stops the committer. Later commits fail.
    pub async fn close(&self) {
        self.committer.stop().await;
        let may_write = self.committer.failed().borrow().is_none();
        if may_write && let Err(error) = self.blocking(Self::flush).await {
            tracing::warn!(%error, "the next start has to bring back the last writes");
        }
        if may_write && let Err(error) = self.bear_witness().await {
            tracing::warn!(%error, "the next start cannot tell whether the last writes are there");
        }
        // Threads of RocksDB that outlive the process's destructors would abort it.
        self.db.cancel_all_background_work(true);
    }
}
