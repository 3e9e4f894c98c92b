//! Opening a store to look at it: read only, and only where no server holds it.
//!
//! The lock that a server takes is asked for, shared, and held for as long as the doctor looks. RocksDB writes its own
//! log where it opens a database, so that goes elsewhere.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use rocksdb::DB;
use tempfile::TempDir;

use super::{CannotLook, Fault, Finding, Report};
use crate::store::files::lock::{self, Lock};
use crate::store::{RESTORING, files, open};

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
    let unreadable = |source| CannotLook::Unreadable {
        path: path.display().to_string(),
        source,
    };
    let lock = hold(path)?;
    let look = files::look(path).map_err(unreadable)?;
    tell(&look, report);
    if !look.damaged.is_empty() {
        return Ok(None);
    }
    let own_log = tempfile::tempdir().map_err(unreadable)?;
    let mut options = open::options(OPEN_FILES);
    // RocksDB would write its own log beside the store.
    options.set_db_log_dir(own_log.path());
    if look.ends_in_parts() {
        open::end_at_the_last_whole_write(&mut options);
    }
    match open::read_only(path, &options) {
        Ok(db) => Ok(Some(Opened {
            db,
            _lock: lock,
            _own_log: own_log,
        })),
        Err(error) => {
            report.add(of_file(Fault::File, path, error.to_string()));
            Ok(None)
        }
    }
}

/// Holds the store, so that no server begins while it is looked at.
fn hold(path: &Path) -> Result<Option<File>, CannotLook> {
    let shown = path.display().to_string();
    if path.join(RESTORING).exists() {
        return Err(CannotLook::Restoring(shown));
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(CannotLook::NoStore(shown));
        }
        Err(source) => {
            return Err(CannotLook::Unreadable {
                path: shown,
                source,
            });
        }
    };
    let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    if !names.any(|name| files::is_stored(&name)) {
        return Err(CannotLook::NoStore(shown));
    }
    match lock::ask(path) {
        Ok(Lock::Free(lock)) => Ok(lock),
        Ok(_) => Err(CannotLook::Held(shown)),
        Err(source) => Err(CannotLook::Unreadable {
            path: path.join(lock::LOCK).display().to_string(),
            source,
        }),
    }
}

/// Tells what was found of the files.
fn tell(look: &files::Look, report: &mut Report) {
    for it in &look.torn {
        let what = format!(
            "it ends in the middle of the write that begins at byte {}",
            it.at
        );
        report.add(of_file(Fault::TornTail, &it.file, what));
    }
    for it in &look.damaged {
        report.add(of_file(Fault::File, &it.file, it.what.clone()));
    }
}

fn of_file(fault: Fault, file: &Path, what: String) -> Finding {
    let place = file.display().to_string();
    Finding { fault, place, what }
}
