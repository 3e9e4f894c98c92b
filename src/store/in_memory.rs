//! A disk in memory for simulated servers: RocksDB as it is, over an environment that keeps its files in memory.
//!
//! It outlives the servers that are opened on it, and has what their committers wrote: nothing else writes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rocksdb::{DB, Env, Options};

use super::commit::hand::Hand;
use super::{Result, Store, open};

/// A disk.
pub(crate) struct Disk {
    db: Arc<DB>,
    options: Arc<Options>,
    /// Bytes that are free.
    free: Arc<AtomicU64>,
}

impl Disk {
    /// An empty disk.
    pub(crate) fn new() -> Result<Self> {
        let mut options = open::options(-1);
        options.set_env(&Env::mem_env()?);
        let db = Arc::new(open::families(Path::new("/store"), &options)?);
        Ok(Self {
            db,
            options: Arc::new(options),
            free: Arc::new(AtomicU64::new(u64::MAX)),
        })
    }

    /// Has so many bytes free from now on.
    pub(crate) fn has_free(&self, bytes: u64) {
        self.free.store(bytes, Ordering::Relaxed);
    }

    /// Opens the store on it, whose batches wait for the hand.
    pub(crate) fn open(&self) -> Result<(Store, Hand)> {
        let (committer, hand) = Hand::new(Arc::clone(&self.db), open::position(&self.db)?);
        let store = Store {
            db: Arc::clone(&self.db),
            options: Arc::clone(&self.options),
            committer,
            has_witness: false,
            failures_seen: Arc::default(),
            path: Path::new("/store").into(),
            free: Some(Arc::clone(&self.free)),
        };
        Ok((store, hand))
    }
}

impl Store {
    /// Writes what is queued, as [`Store::close`] does, and leaves the disk open for the next server.
    pub(crate) async fn stop_writing(&self) {
        self.committer.stop().await;
    }
}
