//! Opening the database: options of each family, format version, and errors in words.
//!
//! Invariant: a torn tail of the log of writes is cut; any other damage refuses to open, and nothing is changed then.

use std::path::Path;

use prost::Message;
use rocksdb::statistics::StatsLevel;
use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBRecoveryMode, LogLevel, Options, SliceTransform,
};

use super::batch::Position;
use super::files::{self, lock};
use super::keys::{Family, Key};
use super::{Error, FORMAT, Result, records, witness};

/// Bytes of the block cache that all families share.
const CACHE_BYTES: usize = 64 << 20;
/// Bytes of the log of writes: a start after a crash reads all of it.
const WAL_BYTES: u64 = 64 << 20;
/// A file in which every second of so many rows in a row is a deletion is compacted soon.
const DELETED_ROWS: usize = 1024;
/// The same of chunks of lines, which are large.
const DELETED_CHUNKS: usize = 64;
/// Bytes that every key of an object begins with, in the family of revisions: a tag and an id.
const OBJECT_PREFIX: usize = 17;

/// Opens the database in `path`, or makes it.
pub(super) fn database(path: &Path, options: &Options) -> Result<DB> {
    writable(path)?;
    if path.join(super::RESTORING).exists() {
        return Err(Error::Restoring(path.to_owned()));
    }
    let look = sound(path)?;
    let db = if look.ends_in_parts() {
        families(path, &until_the_last_whole_write(path, options)?)?
    } else {
        families(path, options)?
    };
    witness::hold_against(path, position(&db)?)?;
    let refused = |source| Error::Directory {
        path: path.to_owned(),
        source,
    };
    super::checkpoint::remove_leftovers(path).map_err(refused)?;
    Ok(db)
}

/// Options to open a store whose last write is there in parts. Before anything is changed it is seen that the witness
/// does not know that write.
fn until_the_last_whole_write(path: &Path, options: &Options) -> Result<Options> {
    let mut options = options.clone();
    end_at_the_last_whole_write(&mut options);
    let db = read_only(path, &options).map_err(|error| not_opened(path, &error))?;
    witness::hold_against(path, position(&db)?)?;
    Ok(options)
}

/// Looks at the files before RocksDB does, while nobody writes them.
fn sound(path: &Path) -> Result<files::Look> {
    let refused = |source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    let lock::Lock::Free(_lock) = lock::ask(path).map_err(refused)? else {
        return Err(Error::InUse(path.to_owned()));
    };
    let look = files::look(path).map_err(refused)?;
    if let Some(files::Damage { file, what }) = look.damaged.first().cloned() {
        return Err(Error::DamagedFile { file, what });
    }
    for files::Torn { file, at, .. } in &look.torn {
        tracing::warn!(
            file = %file.display(), at,
            "a write was under way when the machine stopped, and nobody had an answer to it: it is cut off"
        );
    }
    Ok(look)
}

/// Opens what RocksDB has in `path`, or makes it, and looks at its format.
pub(super) fn families(path: &Path, options: &Options) -> Result<DB> {
    let db = DB::open_cf_descriptors(options, path, descriptors(CACHE_BYTES))
        .map_err(|error| not_opened(path, &error))?;
    check_format(&db, path)?;
    Ok(db)
}

/// Opens what RocksDB has in `path` to read it alone.
pub(super) fn read_only(path: &Path, options: &Options) -> std::result::Result<DB, rocksdb::Error> {
    let mut options = options.clone();
    options.create_if_missing(false);
    options.create_missing_column_families(false);
    let families = descriptors(CACHE_BYTES / 2);
    DB::open_cf_descriptors_read_only(&options, path, families, false)
}

fn descriptors(cache_bytes: usize) -> [ColumnFamilyDescriptor; Family::ALL.len()] {
    let cache = Cache::new_lru_cache(cache_bytes);
    Family::ALL
        .map(|family| ColumnFamilyDescriptor::new(family.name(), family_options(family, &cache)))
}

fn not_opened(path: &Path, error: &rocksdb::Error) -> Error {
    let text = error.as_ref().trim_end_matches('.').to_owned();
    if text.contains("lock") && (text.contains("LOCK") || text.contains("No locks")) {
        return Error::InUse(path.to_owned());
    }
    // RocksDB blames MANIFEST for what is wrong with a table; it was found whole before.
    let text = match text.split_once("  The file ") {
        Some((what, _)) if what.contains(".sst") => what.to_owned(),
        Some((what, _)) => format!("{what} (in one of its tables, *.sst)"),
        None => text,
    };
    let path = path.to_owned();
    // A table that is missing is told as an error of reading.
    if error.kind() == rocksdb::ErrorKind::Corruption || text.contains("No such file") {
        Error::DamagedFile {
            file: path,
            what: text,
        }
    } else {
        Error::NotOpened { path, what: text }
    }
}

/// The position of the newest batch.
pub(super) fn position(db: &DB) -> Result<Position> {
    let (family, key) = Key::Position.encode();
    match super::read::get(db, family, &key)? {
        Some(stored) => Ok(stored.position),
        None => Ok(Position(0)),
    }
}

fn writable(path: &Path) -> Result<()> {
    let refused = |source| Error::Directory {
        path: path.to_owned(),
        source,
    };
    std::fs::create_dir_all(path).map_err(refused)?;
    let probe = path.join(".writable");
    std::fs::write(&probe, b"").map_err(refused)?;
    std::fs::remove_file(&probe).map_err(refused)
}

fn check_format(db: &DB, path: &Path) -> Result<()> {
    let (family, key) = Key::Format.encode();
    let Some(stored) = super::read::get(db, family, &key)? else {
        return write_format(db);
    };
    let format: records::Format = stored.record(&Key::Format)?;
    if format.version > FORMAT {
        return Err(Error::NewerFormat {
            path: path.to_owned(),
            found: format.version,
        });
    }
    if format.version < FORMAT {
        super::migrate::to_2(db)?;
        write_format(db)?;
    }
    Ok(())
}

fn write_format(db: &DB) -> Result<()> {
    let (family, key) = Key::Format.encode();
    let mut value = vec![0; 8];
    value.extend(records::Format { version: FORMAT }.encode_to_vec());
    let mut sync = rocksdb::WriteOptions::default();
    sync.set_sync(true);
    db.put_cf_opt(&super::read::handle(db, family), key, value, &sync)?;
    Ok(())
}

/// The log of writes ends where its last whole write does: for one whose files were looked at, and end in parts of a write.
pub(super) fn end_at_the_last_whole_write(options: &mut Options) {
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
}

/// The options of the database as a whole.
pub(super) fn options(max_open_files: i32) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_paranoid_checks(true);
    // A log of writes that is not the newest any more must still be there, as long as it was.
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_max_open_files(max_open_files);
    options.set_max_background_jobs(2);
    options.set_max_total_wal_size(WAL_BYTES);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(4 << 20);
    options.set_log_level(LogLevel::Warn);
    // Counters alone: a clock read at every call would be felt.
    options.enable_statistics();
    options.set_statistics_level(StatsLevel::ExceptHistogramOrTimers);
    options
}

/// The options of one family.
pub(super) fn family_options(family: Family, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    // In parts of a few KiB, so that one look-up brings a part of a large file's index and filter into the cache, not
    // all of it.
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_format_version(5);
    let mut options = Options::default();
    options.set_compression_type(DBCompressionType::Lz4);
    match family {
        Family::Logs => {
            // Lines are appended and read in order: large blocks compress well, and filters would be dead weight.
            table.set_block_size(64 << 10);
            options.set_write_buffer_size(64 << 20);
            options.set_bottommost_compression_type(DBCompressionType::Zstd);
        }
        Family::Revisions => {
            small_records(&mut options, &mut table);
            // What belongs to one object is in few of the files: with the object in the filters, a scan of it opens
            // those and not one of each level.
            options.set_prefix_extractor(SliceTransform::create_fixed_prefix(OBJECT_PREFIX));
            options.set_memtable_prefix_bloom_ratio(0.1);
        }
        Family::Objects => {
            small_records(&mut options, &mut table);
            // A page of a list is a few reads, not a dozen.
            table.set_block_size(16 << 10);
        }
        Family::Meta | Family::Runs | Family::Indexes => {
            small_records(&mut options, &mut table);
        }
    }
    // What retention removed is to leave the disk, also where nothing more is written over it.
    let window = match family {
        Family::Logs => DELETED_CHUNKS,
        Family::Meta | Family::Objects | Family::Revisions | Family::Runs | Family::Indexes => {
            DELETED_ROWS
        }
    };
    options.add_compact_on_deletion_collector_factory(window, window / 2, 0.5);
    options.set_block_based_table_factory(&table);
    options
}

fn small_records(options: &mut Options, table: &mut BlockBasedOptions) {
    table.set_bloom_filter(10.0, false);
    options.set_write_buffer_size(16 << 20);
}
