//! What the disk allows: fdatasync of an append, and RocksDB by itself with synced writes.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rocksdb::{DB, WriteOptions};

use super::Result;
use super::spans::{Crowd, Spans};

/// Bytes of one row: about those of a small record.
const ROW_BYTES: usize = 128;
/// Bytes of one chunk of log lines.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks of one MiB.
pub(crate) const CHUNKS_OF_A_MIB: f64 = ((1 << 20) / CHUNK_BYTES) as f64;

/// A store and a file of its own.
pub(crate) struct StoreFloor {
    db: DB,
    file: File,
    next: AtomicU64,
}

impl StoreFloor {
    /// Opens an empty store.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        Ok(Self {
            db: DB::open_default(path.join("db"))?,
            file: File::create(path.join("appended"))?,
            next: AtomicU64::new(0),
        })
    }

    /// Appends of 4 KiB, each synced.
    pub(crate) fn appends(&self, time: Duration) -> Result<Spans> {
        let bytes = [7; 4096];
        let mut file = &self.file;
        repeat(time, || {
            file.write_all(&bytes)?;
            Ok(file.sync_data()?)
        })
    }

    /// Synced puts of one writer.
    pub(crate) fn puts(&self, time: Duration) -> Result<Spans> {
        repeat(time, || self.put(&[7; ROW_BYTES]))
    }

    /// How long one synced put takes.
    pub(crate) fn timed_put(&self) -> Result<Duration> {
        let start = Instant::now();
        self.put(&[7; ROW_BYTES])?;
        Ok(start.elapsed())
    }

    /// Synced puts of so many writers, which RocksDB groups by itself.
    pub(crate) fn group_commit(&self, writers: usize, time: Duration) -> Result<Crowd> {
        let start = Instant::now();
        let members = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..writers)
                .map(|_| scope.spawn(|| self.puts(time)))
                .collect();
            writers
                .into_iter()
                .map(|writer| writer.join().map_err(|_| "a writer panicked")?)
                .collect::<Result<Vec<_>>>()
        })?;
        Ok(Crowd::since(start, members))
    }

    /// Synced puts of 64-KiB chunks, one after another.
    pub(crate) fn chunks(&self, time: Duration) -> Result<Crowd> {
        let chunk = vec![7; CHUNK_BYTES];
        let start = Instant::now();
        let spans = repeat(time, || self.put(&chunk))?;
        Ok(Crowd::since(start, [spans]))
    }

    fn put(&self, value: &[u8]) -> Result<()> {
        let key = self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        Ok(self.db.put_opt(key, value, &synced)?)
    }
}

fn repeat(time: Duration, mut write: impl FnMut() -> Result<()>) -> Result<Spans> {
    let mut spans = Spans::default();
    let end = Instant::now() + time;
    while Instant::now() < end {
        let start = Instant::now();
        write()?;
        spans.add(start.elapsed());
    }
    Ok(spans)
}
