//! The files of a store, looked at before RocksDB opens them.
//!
//! RocksDB notices most damage by itself: a changed block of a table, a table that is missing or short, a log of writes
//! that is shorter than it was. Some it does not. Without `CURRENT` it would begin an empty store among the files of the
//! old one and then remove those; a changed length or type in the log of writes or in `MANIFEST` it takes for their end
//! ([`journal`]). What a look finds is damage; what a power cut may leave is not, and is told apart.

mod journal;
pub(super) mod lock;
mod partly;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use self::journal::End;

/// The file that says which `MANIFEST` is in force.
const CURRENT: &str = "CURRENT";
/// How the names of the lists of tables begin.
const MANIFEST: &str = "MANIFEST-";
/// The list with which a store begins; there may be nothing else yet when the machine stops.
const FIRST_MANIFEST: &str = "MANIFEST-000001";

/// A file that is damaged or missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    /// The file.
    pub(super) file: PathBuf,
    /// What is wrong with it.
    pub(super) what: String,
}

/// A log of writes that ends in the middle of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Torn {
    /// The file.
    pub(super) file: PathBuf,
    /// Where that write begins.
    pub(super) at: u64,
    /// Whether it is as long as it was to be, and not all of it is there: RocksDB alone takes that for damage.
    pub(super) in_parts: bool,
}

/// What a look found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Files that are damaged or missing.
    pub(super) damaged: Vec<Damage>,
    /// Logs of writes that end in the middle of a write.
    pub(super) torn: Vec<Torn>,
}

/// Looks at the files in the data directory. The error is of the directory itself.
pub(super) fn look(path: &Path) -> io::Result<Look> {
    let names = std::fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<OsString>>>()?;
    let mut names: Vec<_> = names
        .iter()
        .filter_map(|name| name.to_str())
        .filter(|name| is_stored(name))
        .collect();
    names.sort_unstable();
    let mut look = Look::default();
    if names.is_empty() || names == [FIRST_MANIFEST] {
        return Ok(look);
    }
    match manifest(path) {
        Ok(file) => look.read(file, false),
        Err(what) => look.add(path.join(CURRENT), what),
    }
    let logs: Vec<_> = names.iter().filter(|name| name.ends_with(".log")).collect();
    for name in &logs {
        look.read(path.join(name), Some(name) == logs.last());
    }
    if logs.is_empty() {
        look.add(path.to_owned(), "its log of writes (a file *.log) is gone");
    }
    Ok(look)
}

/// Whether a file of this name holds what was stored.
pub(super) fn is_stored(name: &str) -> bool {
    name == CURRENT
        || name.starts_with(MANIFEST)
        || name.ends_with(".sst")
        // RocksDB's own report of what it does is called LOG.
        || name.ends_with(".log")
}

/// The `MANIFEST` that is in force.
fn manifest(path: &Path) -> Result<PathBuf, String> {
    let text = match std::fs::read(path.join(CURRENT)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err("it is gone, and other files of the store are there".to_owned());
        }
        Err(error) => return Err(error.to_string()),
    };
    let named = text.strip_suffix('\n').filter(|name| {
        let number = name.strip_prefix(MANIFEST);
        number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let file = path.join(named.ok_or("it names no MANIFEST")?);
    if !file.exists() {
        return Err(format!("it names {}, which is not there", text.trim_end()));
    }
    Ok(file)
}

fn is_there_in_parts(file: &Path, begins: u64, at: u64) -> bool {
    // One that cannot be read a second time is damaged all the more.
    let Ok(log) = std::fs::read(file) else {
        return false;
    };
    let place = |at| usize::try_from(at).expect("it is in memory");
    partly::is_there_in_parts(&log, place(begins), place(at))
}

impl Look {
    /// Whether RocksDB has to be told to end at the last whole write.
    pub(super) fn ends_in_parts(&self) -> bool {
        self.torn.iter().any(|it| it.in_parts)
    }

    /// Reads a journal. In the log of writes that is in force the last write may be there in parts.
    fn read(&mut self, file: PathBuf, in_force: bool) {
        let read = File::open(&file)
            .map_err(journal::Error::from)
            .and_then(journal::read);
        let (at, in_parts) = match read {
            Ok(End::Whole) => return,
            Ok(End::Torn { at }) => (at, false),
            Err(journal::Error::Damaged { at, begins, .. })
                if in_force && is_there_in_parts(&file, begins, at) =>
            {
                (begins, true)
            }
            Err(error) => return self.add(file, error.to_string()),
        };
        self.torn.push(Torn { file, at, in_parts });
    }

    fn add(&mut self, file: PathBuf, what: impl Into<String>) {
        let what = what.into();
        self.damaged.push(Damage { file, what });
    }
}
