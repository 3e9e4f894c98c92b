//! Opening a store to look at it: read only, and only where no server holds it.
//!
//! The lock that a server takes is asked for, shared, and held for as long as the doctor looks. RocksDB writes its own
//! log where it opens a database, so that goes elsewhere.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use rocksdb::{ColumnFamilyDescriptor, DB, Options};
use tempfile::TempDir;

use super::{CannotLook, Fault, Finding, Report};
use crate::store::RESTORING;
use crate::store::files;
use crate::store::files::lock::{self, Lock};
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
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(CannotLook::NoStore(shown));
        }
        Err(error) => return Err(unreadable(error)),
    };
    let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    if !names.any(|name| files::is_stored(&name)) {
        return Err(CannotLook::NoStore(shown));
    }
    let held = |source| CannotLook::Unreadable {
        path: path.join(lock::LOCK).display().to_string(),
        source,
    };
    let Lock::Free(lock) = lock::ask(path).map_err(held)? else {
        return Err(CannotLook::Held(shown));
    };
    let mut finding = |fault, file: &Path, what: String| {
        let place = file.display().to_string();
        report.add(Finding { fault, place, what });
    };
    let look = files::look(path).map_err(unreadable)?;
    for it in &look.torn {
        let what = format!(
            "it ends in the middle of the write that begins at byte {}",
            it.at
        );
        finding(Fault::TornTail, &it.file, what);
    }
    for it in &look.damaged {
        finding(Fault::File, &it.file, it.what.clone());
    }
    if !look.damaged.is_empty() {
        return Ok(None);
    }
    let own_log = tempfile::tempdir().map_err(unreadable)?;
    match read_only(path, own_log.path()) {
        Ok(db) => Ok(Some(Opened {
            db,
            _lock: lock,
            _own_log: own_log,
        })),
        Err(error) => {
            finding(Fault::File, path, error.to_string());
            Ok(None)
        }
    }
}

fn read_only(path: &Path, own_log: &Path) -> Result<DB, rocksdb::Error> {
    let mut options: Options = crate::store::open::options(OPEN_FILES);
    options.create_if_missing(false);
    options.create_missing_column_families(false);
    options.set_db_log_dir(own_log);
    let cache = rocksdb::Cache::new_lru_cache(32 << 20);
    let families = Family::ALL.map(|family| {
        let options = crate::store::open::family_options(family, &cache);
        ColumnFamilyDescriptor::new(family.name(), options)
    });
    DB::open_cf_descriptors_read_only(&options, path, families, false)
}
