//! What reading allows: RocksDB by itself goes through a log, beside the server and on the same files.

use std::path::Path;
use std::time::{Duration, Instant};

use rocksdb::{BlockBasedOptions, Cache, DB, Options};

use super::Result;
use super::spans::Spans;

/// The family of log lines, and the one that every database has.
const FAMILIES: [&str; 2] = ["default", "logs"];
/// Bytes of the block cache: as many as the server has. How blocks are packed stands in the files.
const CACHE_BYTES: usize = 64 << 20;

/// One way through all log lines of a store.
#[derive(Default)]
pub(crate) struct Scan {
    /// Bytes of the values.
    pub(crate) bytes: u64,
    /// How long it took.
    pub(crate) time: Duration,
    /// How long each value took.
    pub(crate) values: Spans,
}

impl Scan {
    /// Goes through all log lines of a store twice, and measures the second: a server that has read a log before is
    /// as warm.
    pub(crate) fn warm(store: &Path) -> Result<Self> {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(&Cache::new_lru_cache(CACHE_BYTES));
        table.set_cache_index_and_filter_blocks(true);
        let mut options = Options::default();
        options.set_block_based_table_factory(&table);
        let families = FAMILIES.map(|name| (name, options.clone()));
        let db = DB::open_cf_with_opts_for_read_only(&options, store, families, false)?;
        Self::run(&db)?;
        Self::run(&db)
    }

    fn run(db: &DB) -> Result<Self> {
        let logs = db.cf_handle(FAMILIES[1]).ok_or("a family for logs")?;
        let mut scan = Self::default();
        let start = Instant::now();
        let mut values = db.raw_iterator_cf(&logs);
        values.seek_to_first();
        let mut before = start;
        while let Some(value) = values.value() {
            scan.bytes += value.len() as u64;
            let now = Instant::now();
            scan.values.add(now - before);
            before = now;
            values.next();
        }
        values.status()?;
        scan.time = start.elapsed();
        Ok(scan)
    }

    /// Bytes of values per second that come of so much time, in MiB.
    pub(crate) fn mib_per_second(&self, time: Duration) -> f64 {
        self.bytes as f64 / f64::from(1 << 20) / time.as_secs_f64()
    }
}
