//! What the store counts of itself, and what RocksDB says of its own.

use std::fs;
use std::time::Duration;

use rocksdb::statistics::Ticker;

use super::keys::Family;
use super::{Store, read};
use crate::meter::{Counter, Histogram};

/// What the committer counts.
#[derive(Debug)]
pub struct Figures {
    /// Batches that were handed over.
    pub batches: Counter,
    /// Writes that were refused, since the disk had fallen behind.
    pub refused: Counter,
    /// Batches in each group that was written with one fsync.
    pub group_batches: Histogram,
    /// Keys written or deleted in each such group.
    pub group_writes: Histogram,
    /// Bytes of the batches that were written.
    pub bytes: Counter,
    /// How long the oldest batch of each group had waited for the thread.
    pub waits: Histogram,
    /// How long each write with its fsync took.
    pub syncs: Histogram,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            batches: Counter::default(),
            refused: Counter::default(),
            group_batches: Histogram::of_numbers(),
            group_writes: Histogram::of_numbers(),
            bytes: Counter::default(),
            waits: Histogram::of_times(),
            syncs: Histogram::of_times(),
        }
    }
}

/// What RocksDB says of one family. Zero where it says nothing.
#[derive(Clone, Copy, Debug)]
pub struct FamilyFigures {
    /// The family.
    pub name: &'static str,
    /// Bytes of its files.
    pub file_bytes: u64,
    /// Bytes of what is in them and not yet replaced, about.
    pub live_bytes: u64,
    /// Keys, about.
    pub keys: u64,
    /// Bytes of its tables in memory.
    pub memory_bytes: u64,
    /// Tables in memory that wait to become files.
    pub memtables_waiting: u64,
    /// Files that were not merged yet.
    pub level0_files: u64,
    /// Bytes that merging has to go through, about.
    pub compaction_pending_bytes: u64,
}

/// What RocksDB says of the database as a whole.
#[derive(Clone, Copy, Debug)]
pub struct DatabaseFigures {
    /// Merges that run.
    pub compactions_running: u64,
    /// Tables in memory that are being written to files.
    pub flushes_running: u64,
    /// Whether writes are stopped until merging has caught up.
    pub writes_stopped: bool,
    /// Bytes a second that writes are held down to; 0 where they are not.
    pub delayed_write_rate: u64,
    /// Errors of merges and flushes.
    pub background_errors: u64,
    /// Bytes in the block cache.
    pub cache_bytes: u64,
    /// Bytes that it may hold.
    pub cache_capacity: u64,
    /// Bytes of the log of writes.
    pub wal_bytes: u64,
}

/// What RocksDB has counted since the start.
#[derive(Clone, Copy, Debug)]
pub struct Tickers {
    /// Blocks that were found in the cache.
    pub cache_hits: u64,
    /// Blocks that had to be read.
    pub cache_misses: u64,
    /// Files that a filter kept from being read.
    pub filtered: u64,
    /// Bytes of keys and values written.
    pub written: u64,
    /// Bytes of values read by their key.
    pub read: u64,
    /// Bytes that merges read.
    pub merge_read: u64,
    /// Bytes that merges wrote.
    pub merge_written: u64,
    /// Bytes of tables in memory written to files.
    pub flushed: u64,
    /// How long writes were held up for merges.
    pub stalled: Duration,
}

impl Store {
    /// What the committer counts.
    pub fn figures(&self) -> &Figures {
        self.committer.figures()
    }

    /// What RocksDB has counted.
    pub fn tickers(&self) -> Tickers {
        let count = |ticker| self.options.get_ticker_count(ticker);
        Tickers {
            cache_hits: count(Ticker::BlockCacheHit),
            cache_misses: count(Ticker::BlockCacheMiss),
            filtered: count(Ticker::BloomFilterUseful),
            written: count(Ticker::BytesWritten),
            read: count(Ticker::BytesRead),
            merge_read: count(Ticker::CompactReadBytes),
            merge_written: count(Ticker::CompactWriteBytes),
            flushed: count(Ticker::FlushWriteBytes),
            stalled: Duration::from_micros(count(Ticker::StallMicros)),
        }
    }

    /// What RocksDB says of each family.
    pub fn families(&self) -> [FamilyFigures; Family::ALL.len()] {
        Family::ALL.map(|family| {
            let handle = read::handle(&self.db, family);
            let says = |property| {
                let value = self.db.property_int_value_cf(&handle, property);
                value.ok().flatten().unwrap_or_default()
            };
            FamilyFigures {
                name: family.name(),
                file_bytes: says("rocksdb.total-sst-files-size"),
                live_bytes: says("rocksdb.estimate-live-data-size"),
                keys: says("rocksdb.estimate-num-keys"),
                memory_bytes: says("rocksdb.cur-size-all-mem-tables"),
                memtables_waiting: says("rocksdb.num-immutable-mem-table"),
                level0_files: self.level0_files(family),
                compaction_pending_bytes: says("rocksdb.estimate-pending-compaction-bytes"),
            }
        })
    }

    fn level0_files(&self, family: Family) -> u64 {
        let handle = read::handle(&self.db, family);
        let text = self
            .db
            .property_value_cf(&handle, "rocksdb.num-files-at-level0");
        let count = text.ok().flatten().and_then(|text| text.parse().ok());
        count.unwrap_or_default()
    }

    /// What RocksDB says of the database. Looks at the directory.
    pub fn database(&self) -> DatabaseFigures {
        let handle = read::handle(&self.db, Family::Meta);
        let says = |property| {
            let value = self.db.property_int_value_cf(&handle, property);
            value.ok().flatten().unwrap_or_default()
        };
        DatabaseFigures {
            compactions_running: says("rocksdb.num-running-compactions"),
            flushes_running: says("rocksdb.num-running-flushes"),
            writes_stopped: says("rocksdb.is-write-stopped") > 0,
            delayed_write_rate: says("rocksdb.actual-delayed-write-rate"),
            background_errors: says("rocksdb.background-errors"),
            cache_bytes: says("rocksdb.block-cache-usage"),
            cache_capacity: says("rocksdb.block-cache-capacity"),
            wal_bytes: self.wal_bytes(),
        }
    }

    /// RocksDB has no property for it. A file that goes away meanwhile counts nothing.
    fn wal_bytes(&self) -> u64 {
        let files = fs::read_dir(&*self.path).into_iter().flatten().flatten();
        let logs = files.filter(|file| file.path().extension().is_some_and(|it| it == "log"));
        logs.filter_map(|file| Some(file.metadata().ok()?.len()))
            .sum()
    }
}
