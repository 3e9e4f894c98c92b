//! Commits, the disk, RocksDB.

use super::page::{Name, Page, bytes, number, plain, seconds};
use crate::store::Store;
use crate::store::figures::{FamilyFigures, Tickers};

pub(super) fn write(store: &Store, free: u64, page: &mut Page<'_>) -> std::fmt::Result {
    commits(store, page)?;
    page.gauge(
        bytes(
            "conveyor_disk_free",
            "Bytes free for the data directory when last looked at.",
        ),
        free,
    )?;
    database(store, page)?;
    families(&store.families(), page)?;
    tickers(&store.tickers(), page)
}

fn commits(store: &Store, page: &mut Page<'_>) -> std::fmt::Result {
    let figures = store.figures();
    page.counter(
        plain("conveyor_commits", "Batches handed to the committer."),
        figures.batches.get(),
    )?;
    page.counter(
        bytes("conveyor_commit", "Bytes of the batches that were written."),
        figures.bytes.get(),
    )?;
    page.counter(
        plain(
            "conveyor_writes_refused",
            "Writes refused with RESOURCE_EXHAUSTED, since the disk had fallen behind.",
        ),
        figures.refused.get(),
    )?;
    page.gauge(
        plain(
            "conveyor_commit_queue_batches",
            "Batches that wait to be written.",
        ),
        number(store.committer().queued()),
    )?;
    page.histogram(
        plain(
            "conveyor_commit_group_batches",
            "Batches written with one fsync.",
        ),
        figures.group_batches.read(),
    )?;
    page.histogram(
        plain(
            "conveyor_commit_group_writes",
            "Keys written or deleted with one fsync.",
        ),
        figures.group_writes.read(),
    )?;
    page.histogram(
        seconds(
            "conveyor_commit_queue",
            "Time the oldest batch of a group waited to be written.",
        ),
        figures.waits.read(),
    )?;
    page.histogram(
        seconds(
            "conveyor_commit_fsync",
            "Time a group took to be written and synced.",
        ),
        figures.syncs.read(),
    )
}

fn database(store: &Store, page: &mut Page<'_>) -> std::fmt::Result {
    let says = store.database();
    let gauges = [
        (
            plain(
                "conveyor_rocksdb_compactions_running",
                "Merges of files that run.",
            ),
            says.compactions_running,
        ),
        (
            plain(
                "conveyor_rocksdb_flushes_running",
                "Tables in memory being written to files.",
            ),
            says.flushes_running,
        ),
        (
            plain(
                "conveyor_rocksdb_writes_stopped",
                "1 while writes are stopped until merging has caught up.",
            ),
            says.writes_stopped.into(),
        ),
        (
            bytes(
                "conveyor_rocksdb_delayed_write_rate",
                "Bytes a second that writes are held down to; 0 while they are not.",
            ),
            says.delayed_write_rate,
        ),
        (
            plain(
                "conveyor_rocksdb_background_errors",
                "Errors of merges and flushes since the start.",
            ),
            says.background_errors,
        ),
        (
            bytes("conveyor_rocksdb_block_cache", "Bytes in the block cache."),
            says.cache_bytes,
        ),
        (
            bytes(
                "conveyor_rocksdb_block_cache_capacity",
                "Bytes that the block cache may hold.",
            ),
            says.cache_capacity,
        ),
        (
            bytes("conveyor_rocksdb_wal", "Bytes of the log of writes."),
            says.wal_bytes,
        ),
    ];
    gauges
        .into_iter()
        .try_for_each(|(name, value)| page.gauge(name, value))
}

fn families(families: &[FamilyFigures], page: &mut Page<'_>) -> std::fmt::Result {
    let mut each = |name: Name, figure: fn(&FamilyFigures) -> u64| {
        page.gauges(
            name,
            families
                .iter()
                .map(|it| ([("family", it.name)], figure(it))),
        )
    };
    each(
        bytes("conveyor_rocksdb_files", "Bytes of a family's files."),
        |it| it.file_bytes,
    )?;
    each(
        bytes(
            "conveyor_rocksdb_live_data",
            "Bytes of what is in them and not yet replaced, about.",
        ),
        |it| it.live_bytes,
    )?;
    each(
        plain("conveyor_rocksdb_keys", "Keys of a family, about."),
        |it| it.keys,
    )?;
    each(
        bytes(
            "conveyor_rocksdb_memtables",
            "Bytes of a family's tables in memory.",
        ),
        |it| it.memory_bytes,
    )?;
    each(
        plain(
            "conveyor_rocksdb_memtables_waiting",
            "Tables in memory that wait to become files.",
        ),
        |it| it.memtables_waiting,
    )?;
    each(
        plain(
            "conveyor_rocksdb_level0_files",
            "Files of a family that were not merged yet.",
        ),
        |it| it.level0_files,
    )?;
    each(
        bytes(
            "conveyor_rocksdb_compaction_pending",
            "Bytes that merging has to go through, about.",
        ),
        |it| it.compaction_pending_bytes,
    )
}

fn tickers(says: &Tickers, page: &mut Page<'_>) -> std::fmt::Result {
    calls(says, page)?;
    merges(says, page)
}

/// What the store asks of it.
fn calls(says: &Tickers, page: &mut Page<'_>) -> std::fmt::Result {
    let counters = [
        (
            plain(
                "conveyor_rocksdb_cache_hits",
                "Blocks that were found in the cache.",
            ),
            says.cache_hits,
        ),
        (
            plain(
                "conveyor_rocksdb_cache_misses",
                "Blocks that had to be read.",
            ),
            says.cache_misses,
        ),
        (
            plain(
                "conveyor_rocksdb_filtered_reads",
                "Files that a filter kept from being read.",
            ),
            says.filtered,
        ),
        (
            bytes(
                "conveyor_rocksdb_written",
                "Bytes of keys and values written.",
            ),
            says.written,
        ),
        (
            bytes(
                "conveyor_rocksdb_read",
                "Bytes of values read by their key.",
            ),
            says.read,
        ),
    ];
    counters
        .into_iter()
        .try_for_each(|(name, value)| page.counter(name, value))
}

/// What it does behind that.
fn merges(says: &Tickers, page: &mut Page<'_>) -> std::fmt::Result {
    let counters = [
        (
            bytes(
                "conveyor_rocksdb_compaction_read",
                "Bytes that merges read.",
            ),
            says.merge_read,
        ),
        (
            bytes(
                "conveyor_rocksdb_compaction_written",
                "Bytes that merges wrote.",
            ),
            says.merge_written,
        ),
        (
            bytes(
                "conveyor_rocksdb_flushed",
                "Bytes of tables in memory written to files.",
            ),
            says.flushed,
        ),
    ];
    counters
        .into_iter()
        .try_for_each(|(name, value)| page.counter(name, value))?;
    page.counter(
        seconds(
            "conveyor_rocksdb_stall",
            "Time that writes were held up for merges.",
        ),
        says.stalled.as_secs_f64(),
    )
}
