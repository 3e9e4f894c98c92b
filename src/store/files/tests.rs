//! Damage done to the files of a store: named, or harmless. Never is anything missing without a word.

mod flips;
mod gone;
mod partly;
mod torn;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::store::doctor::tests::{definition_of, fill};
use crate::store::doctor::{Fault, Report, examine};
use crate::store::keys::Family;
use crate::store::read::handle;
use crate::store::{Batch, Error, Store, open};

/// The files of a store, by name.
type Files = BTreeMap<String, Vec<u8>>;
/// All that is stored: family, key and value.
type Rows = Vec<(Family, Vec<u8>, Vec<u8>)>;

/// What became of a store whose files were damaged.
#[derive(Debug)]
enum Outcome {
    /// All rows are there as they were.
    Harmless(Rows),
    /// It was told, in these words.
    Named(String),
}

/// A store whose server was killed: tables of two flushes, a `MANIFEST` with changes, and a log of writes with one write
/// that is longer than a block.
async fn killed() -> Files {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(place.path(), 64).unwrap();
    fill(&store).await;
    store.flush().unwrap();
    for n in 0..10 {
        define(&store, &format!("early{n}"), 300).await;
    }
    store.flush().unwrap();
    for n in 0..12 {
        if n == 11 {
            store.bear_witness().await.unwrap();
        }
        define(
            &store,
            &format!("late{n}"),
            if n == 5 { 40_000 } else { 50 },
        )
        .await;
    }
    let files = files_in(place.path());
    store.close().await;
    files
}

/// Writes a definition with a schema of about so many bytes, which no packing makes smaller.
async fn define(store: &Store, name: &str, bytes: usize) {
    let mut dice = fastrand::Rng::with_seed(bytes as u64);
    let text: String = (0..bytes).map(|_| dice.alphanumeric()).collect();
    let mut batch = Batch::new();
    batch.put_definition(&definition_of(name, &format!("{{\"title\":\"{text}\"}}")));
    store.committer().commit(batch).await.unwrap();
}

fn files_in(place: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(place).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name != "LOCK" && !name.starts_with("LOG") {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

fn put(files: &Files) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(place.path().join(name), bytes).unwrap();
    }
    place
}

/// All rows, each found by a scan and by its key.
fn rows(db: &rocksdb::DB) -> Result<Rows, Error> {
    let mut rows = Rows::new();
    for family in Family::ALL {
        let handle = handle(db, family);
        let mut options = rocksdb::ReadOptions::default();
        options.set_total_order_seek(true);
        for item in db.iterator_cf_opt(&handle, options, rocksdb::IteratorMode::Start) {
            let (key, value) = item?;
            let found = db.get_cf(&handle, &key)?;
            assert_eq!(found.as_deref(), Some(&*value), "a key leads to its value");
            rows.push((family, key.into(), value.into()));
        }
    }
    Ok(rows)
}

/// Looks with the doctor, then starts and reads. What one names the other must name.
fn outcome(files: &Files) -> (Outcome, Option<Report>) {
    let place = put(files);
    let looked = examine(place.path(), |_| ()).ok();
    let before = files_in(place.path());
    assert!(before == *files, "the doctor changes nothing");
    let path = place.path().display().to_string();
    let named = |error: Error| {
        let text = error.to_string();
        assert!(text.contains(&path), "it says where: {text}");
        assert!(!text.contains('\n'), "one line: {text}");
        text
    };
    let read = match open::database(place.path(), &open::options(64)) {
        Ok(db) => rows(&db),
        Err(error) => {
            // What is seen when the store is open does not say so.
            let same = files_in(place.path()) == before;
            let says_so = error.to_string().contains("Nothing was changed");
            assert!(same || !says_so, "something was changed: {error}");
            Err(error)
        }
    };
    let outcome = match read {
        Ok(rows) => Outcome::Harmless(rows),
        Err(error) => Outcome::Named(named(error)),
    };
    (outcome, looked)
}

/// Damages the store in many ways, on all cores. A failure says which case it was.
fn each_case<T: Sync>(cases: &[T], check: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(case);
                }
            });
        }
    });
}

/// The rows of a store that is whole.
fn all_rows(files: &Files) -> Rows {
    match outcome(files) {
        (Outcome::Harmless(rows), Some(report)) if report.found == 0 => rows,
        other => panic!("a store that was killed is whole: {other:?}"),
    }
}

/// Holds what became of a damaged store against what it had.
fn judge(files: &Files, whole: &Rows, what: &str) -> Outcome {
    let (outcome, looked) = outcome(files);
    match &outcome {
        Outcome::Harmless(rows) => {
            assert!(rows == whole, "{what}: something is missing or changed")
        }
        Outcome::Named(text) => {
            let told = looked.as_ref().is_none_or(|report| {
                report.found > 0 && report.findings.iter().any(|it| it.fault != Fault::TornTail)
            });
            assert!(
                told,
                "{what}: the doctor says nothing, and the server: {text}"
            );
        }
    }
    outcome
}
