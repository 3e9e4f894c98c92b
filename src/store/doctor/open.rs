//! Opening a store to look at it: read only, and only where no server holds it.
//!
//! The lock that a server takes is asked for, shared, and held for as long as the doctor looks. RocksDB writes its own
//! log where it opens a database, so that goes elsewhere.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use rocksdb::{ColumnFamilyDescriptor, DB, DBRecoveryMode, Options};
use rustix::fs::FlockOperation;
use tempfile::TempDir;

use super::{CannotLook, Fault, Finding, Report};
use crate::store::RESTORING;
use crate::store::keys::Family;

/// Files of the database that are open at once.
const OPEN_FILES: i32 = 256;

/// A store to look at.
pub(super) struct Opened {
    pub(super) db: DB,
    _lock: Option<File>,
    _own_log: TempDir,
}

/// Opens the store. Where its files are damaged, the report says so, and there is nothing to look at.
pub(super) fn open(path: &Path, report: &mut Report) -> Result<Option<Opened>, CannotLook> {
    let shown = path.display().to_string();
    if path.join(RESTORING).exists() {
        return Err(CannotLook::Restoring(shown));
    }
    let unreadable = |source| CannotLook::Unreadable {
        path: shown.clone(),
        source,
    };
    let files = match std::fs::read_dir(path) {
        Ok(files) => files,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(CannotLook::NoStore(shown));
        }
        Err(error) => return Err(unreadable(error)),
    };
    let is_database =
        |name: &str| name == "CURRENT" || name.starts_with("MANIFEST-") || name.ends_with(".sst");
    let mut names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    if !names.any(|name| is_database(&name)) {
        return Err(CannotLook::NoStore(shown));
    }
    let lock = lock(path)?;
    let own_log = tempfile::tempdir().map_err(unreadable)?;
    let mut finding = |fault, what: String| {
        let place = shown.clone();
        report.add(Finding { fault, place, what });
    };
    let whole = read_only(path, own_log.path(), DBRecoveryMode::AbsoluteConsistency);
    let opened = match whole {
        Ok(db) => Ok(db),
        Err(strict) => {
            let cut = read_only(
                path,
                own_log.path(),
                DBRecoveryMode::TolerateCorruptedTailRecords,
            );
            cut.inspect(|_| finding(Fault::TornTail, strict.to_string()))
        }
    };
    match opened {
        Ok(db) => Ok(Some(Opened {
            db,
            _lock: lock,
            _own_log: own_log,
        })),
        Err(error) => {
            finding(Fault::File, error.to_string());
            Ok(None)
        }
    }
}

/// Takes the lock that a server would have. A restored store that was never started has none yet.
fn lock(path: &Path) -> Result<Option<File>, CannotLook> {
    let path_of_lock = path.join("LOCK");
    let unreadable = |source| CannotLook::Unreadable {
        path: path_of_lock.display().to_string(),
        source,
    };
    let file = match File::open(&path_of_lock) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
            Err(CannotLook::Held(path.display().to_string()))
        }
        Err(error) => Err(unreadable(error.into())),
    }
}

fn read_only(path: &Path, own_log: &Path, mode: DBRecoveryMode) -> Result<DB, rocksdb::Error> {
    let mut options: Options = crate::store::open::options(OPEN_FILES);
    options.create_if_missing(false);
    options.create_missing_column_families(false);
    options.set_wal_recovery_mode(mode);
    options.set_db_log_dir(own_log);
    let cache = rocksdb::Cache::new_lru_cache(32 << 20);
    let families = Family::ALL.map(|family| {
        let options = crate::store::open::family_options(family, &cache);
        ColumnFamilyDescriptor::new(family.name(), options)
    });
    DB::open_cf_descriptors_read_only(&options, path, families, false)
}
