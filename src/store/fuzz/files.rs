//! The files of a store as they may not be, looked at as before a start: the first byte picks one, the others are its bytes.

use std::fs;
use std::sync::{LazyLock, Mutex, PoisonError};

use tempfile::TempDir;

use crate::store::{Store, files, witness};

/// The files that can be picked.
const NAMES: [&str; 4] = ["CURRENT", "MANIFEST-000001", "000009.log", "ANSWERED"];

/// A folder with files in it.
static PLACE: LazyLock<Mutex<TempDir>> =
    LazyLock::new(|| Mutex::new(tempfile::tempdir().expect("there is a place for files")));

/// Looks at a file of these bytes among others that are as they should be.
pub(crate) fn file(input: &[u8]) {
    let Some((pick, bytes)) = input.split_first() else {
        return;
    };
    let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    let picked = NAMES[usize::from(*pick) % NAMES.len()];
    for name in NAMES {
        let bytes = match name {
            _ if name == picked => bytes,
            "CURRENT" => b"MANIFEST-000001\n",
            _ => b"",
        };
        fs::write(place.path().join(name), bytes).expect("there is room for files");
    }
    drop(files::look(place.path()).expect("the folder is there"));
    witness::hear(place.path());
}

/// The files of a store.
pub(crate) fn stored() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("there is a place for a store");
    let store = Store::open(folder.path(), 64).expect("a new store opens");
    drop(store);
    let mut seeds = vec![[&[3], &b"7 fa1e8a06\n"[..]].concat()];
    for entry in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pick = match name.as_str() {
            "CURRENT" => 0,
            name if name.starts_with("MANIFEST") => 1,
            name if name.ends_with(".log") => 2,
            _ => continue,
        };
        let bytes = fs::read(entry.path()).unwrap_or_default();
        seeds.push([vec![pick], bytes].concat());
    }
    seeds.sort();
    seeds
}
