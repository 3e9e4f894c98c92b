//! Damage done on purpose, each found and named.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use prost::Message;
use rocksdb::DB;
use tempfile::TempDir;
use uuid::Uuid;

use super::{CannotLook, Fault, Report, examine, show};
use crate::model::json::Json;
use crate::model::log::{Chunk, Line};
use crate::model::name::{Name, ObjectId, RunId, TaskId};
use crate::model::pipeline::Pipeline;
use crate::model::resource::{Definition, Resource};
use crate::model::run::Run;
use crate::store::keys::{Key, LogState};
use crate::store::logs::EncodedChunk;
use crate::store::runs::Request;
use crate::store::{Batch, Progress, Store, open, read, records};

const TIME: i64 = 1_700_000_000_000_000_000;

fn name(text: &str) -> Name {
    Name::parse(text, "name").unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn definition() -> Definition {
    definition_of("image", "{}")
}

/// A definition with this name and schema.
pub(in crate::store) fn definition_of(name: &str, schema: &str) -> Definition {
    let record = records::Definition {
        id: id(1).into(),
        name: name.to_owned(),
        schema: schema.to_owned(),
        dialect: crate::model::schema::Dialect::Draft202012.to_string(),
        revision: 1,
        created: TIME,
        updated: TIME,
        ..Default::default()
    };
    record.try_into().unwrap()
}

fn pipeline() -> Pipeline {
    let record = records::Pipeline {
        id: id(2).into(),
        name: "build".to_owned(),
        kind: "image".to_owned(),
        steps: vec![records::Step {
            id: "compile".to_owned(),
            driver: "builder".to_owned(),
            ..Default::default()
        }],
        revision: 1,
        created: TIME,
        updated: TIME,
        ..Default::default()
    };
    record.try_into().unwrap()
}

fn resource(revision: i64) -> Resource {
    let record = records::Resource {
        id: id(3).into(),
        kind: "image".to_owned(),
        name: "web".to_owned(),
        pipeline: "build".to_owned(),
        spec: "{}".to_owned(),
        revision,
        created: TIME,
        updated: TIME + revision,
        ..Default::default()
    };
    record.try_into().unwrap()
}

/// The first run has ended, the second waits.
fn run(order: u64) -> Run {
    let ended = order == 1;
    let attempt = records::Attempt {
        offer: Some(records::Offer {
            task: id(20).into(),
            token: 7,
            instance: id(21).into(),
        }),
        state: records::AttemptState::Succeeded.into(),
        reported: true,
        started: TIME,
        ended: TIME,
        ..Default::default()
    };
    let (state, step) = if ended {
        (records::RunState::Succeeded, records::StepState::Succeeded)
    } else {
        (records::RunState::Pending, records::StepState::Pending)
    };
    let record = records::Run {
        id: id(10 + u128::from(order)).into(),
        order,
        cause: "create".to_owned(),
        resource_id: id(3).into(),
        kind: "image".to_owned(),
        name: "web".to_owned(),
        revision: i64::try_from(order).unwrap(),
        pipeline_id: id(2).into(),
        pipeline: "build".to_owned(),
        pipeline_revision: 1,
        state: state.into(),
        steps: vec![records::StepRun {
            id: "compile".to_owned(),
            driver: "builder".to_owned(),
            state: step.into(),
            token: 7,
            data_bytes: if ended { 2 } else { 0 },
            attempts: if ended { vec![attempt] } else { Vec::new() },
            ..Default::default()
        }],
        created: TIME,
        started: if ended { TIME } else { 0 },
        ended: if ended { TIME } else { 0 },
        ..Default::default()
    };
    record.try_into().unwrap()
}

fn lines(count: usize) -> EncodedChunk {
    let line = Line {
        time: Timestamp::UNIX_EPOCH,
        stream: "stdout".to_owned(),
        labels: Default::default(),
        message: "made".to_owned(),
    };
    EncodedChunk::new(Chunk {
        step: "compile".to_owned(),
        attempt: 1,
        driver: "builder".to_owned(),
        pipeline: "build".to_owned(),
        lines: vec![line; count],
    })
}

/// A store with something of everything.
async fn store() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(place.path(), 64).unwrap();
    fill(&store).await;
    store.close().await;
    place
}

/// Writes something of everything.
pub(in crate::store) async fn fill(store: &Store) {
    let (first, second) = (run(1), run(2));
    let mut batch = Batch::new();
    batch.put_definition(&definition());
    batch.put_pipeline(&pipeline(), None);
    batch.put_resource(&resource(1), None);
    batch.index_run(&first);
    batch.put_run(&first);
    batch.index_task(TaskId(id(20)), first.id);
    batch.put_step_data(first.id, 0, &Json::from_stored("{}".to_owned()));
    for seq in [1, 4, 6] {
        batch.put_chunk(
            &first.id.to_string(),
            seq,
            lines(if seq == 1 { 3 } else { 2 }),
        );
    }
    let progress = Progress {
        token: 7,
        next_line: 7,
    };
    batch.put_progress(first.id, 0, progress);
    let request = Request {
        digest: vec![1; 32],
        time: Timestamp::UNIX_EPOCH,
        object: ObjectId(id(3)),
        run: Some(first.id),
    };
    batch.put_request("once", &request);
    batch.note_outside_line("nightly", Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    store.committer().commit(batch).await.unwrap();
    let mut batch = Batch::new();
    batch.put_resource(&resource(2), Some(&resource(1)));
    batch.index_run(&second);
    batch.put_run(&second);
    store.committer().commit(batch).await.unwrap();
}

/// Opens the database as it is, once the store is closed.
fn raw(path: &Path) -> DB {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match open::families(path, &open::options(64)) {
            Ok(db) => return db,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn look(path: &Path) -> Report {
    let before = contents(path);
    let report = examine(path, |_| ()).unwrap();
    assert_eq!(contents(path), before, "the doctor changes nothing");
    report
}

fn contents(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(path).unwrap().map(|file| file.unwrap().path());
    files
        .map(|file| (file.clone(), fs::read(&file).unwrap()))
        .collect()
}

fn all(report: &Report) -> String {
    let lines = report.findings.iter();
    lines
        .map(|it| format!("{} {}: {}\n", it.fault.name(), it.place, it.what))
        .collect()
}

#[tokio::test]
async fn a_whole_store_has_no_findings() {
    let place = store().await;
    drop(raw(place.path()));
    let report = look(place.path());
    assert_eq!(all(&report), "");
    assert_eq!(report.position, 2);
    let keys: u64 = report.families.iter().map(|counts| counts.keys).sum();
    assert!(keys > 25, "{keys}");
}

#[tokio::test]
async fn a_row_that_is_gone_is_missed_by_name() {
    let place = store().await;
    let (kind, web, build) = (name("image"), name("web"), name("build"));
    let (object, first, second) = (ObjectId(id(3)), RunId(id(11)), RunId(id(12)));
    let log = first.to_string();
    let rows = [
        Key::Definition(&kind),
        Key::Pipeline(&build),
        Key::ResourceHead(&kind, &web),
        Key::ResourceRevision(object, 1),
        Key::ResourceRevision(object, 2),
        Key::PipelineRevision(ObjectId(id(2)), 1),
        Key::Run(first),
        Key::Run(second),
        Key::StepData(first, 0),
        Key::OpenRun(2),
        Key::ResourceRun(&kind, &web, 1),
        Key::DefinitionRun(&kind, 2),
        Key::Task(TaskId(id(20))),
        Key::DefinitionPipeline(&kind, &build),
        Key::PipelineResource(&build, &kind, &web),
        Key::Request("once"),
        Key::RequestTime(0, "once"),
        Key::ShownBy(object, 1, 1),
        Key::OutsideLog("nightly"),
        Key::OutsideLogTime(0, "nightly"),
    ];
    for key in rows {
        let report = without(place.path(), &key);
        let missed = format!("{} is not there", show(&key));
        assert!(all(&report).contains(&missed), "{key:?}: {}", all(&report));
    }
    let report = without(place.path(), &Key::EndedRun(LogState::Kept, &kind, TIME, 1));
    assert!(
        all(&report).contains("stands in 0 queues of ended runs"),
        "{}",
        all(&report)
    );
    let report = without(place.path(), &Key::LogChunk(&log, 4));
    let wanted = format!(
        "LOG logs/{log}: lines 4 to 5 are missing\n\
         LOG logs/{log}: step compile, attempt 1: 5 lines are there, and 7 were acked\n"
    );
    assert_eq!(all(&report), wanted);
    let report = without(place.path(), &Key::LogChunk(&log, 1));
    assert!(
        all(&report).contains("lines 1 to 3 are missing"),
        "{}",
        all(&report)
    );
    let report = without(place.path(), &Key::Position);
    assert!(all(&report).contains("POSITION"), "{}", all(&report));
}

/// Lines from outside that were on their way while their run was removed have the numbers that the run's log gave them.
#[tokio::test]
async fn a_log_whose_run_is_gone_begins_anywhere_and_has_no_hole() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(place.path(), 64).unwrap();
    let log = id(90).to_string();
    let mut batch = Batch::new();
    for seq in [13, 15, 19] {
        batch.put_chunk(&log, seq, lines(2));
    }
    batch.note_outside_line(&log, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    store.committer().commit(batch).await.unwrap();
    store.close().await;
    drop(store);
    drop(raw(place.path()));
    let wanted = format!("LOG logs/{log}: lines 17 to 18 are missing\n");
    assert_eq!(all(&look(place.path())), wanted);
}

/// What the doctor says where a row is gone. The row is put back.
fn without(path: &Path, key: &Key<'_>) -> Report {
    let (family, bytes) = key.encode();
    let db = raw(path);
    let handle = read::handle(&db, family);
    let value = db.get_cf(&handle, &bytes).unwrap().expect("it is there");
    db.delete_cf(&handle, &bytes).unwrap();
    drop(handle);
    drop(db);
    let report = look(path);
    put(path, key, &value);
    report
}

fn put(path: &Path, key: &Key<'_>, value: &[u8]) {
    let (family, bytes) = key.encode();
    let db = raw(path);
    db.put_cf(&read::handle(&db, family), bytes, value).unwrap();
}

#[tokio::test]
async fn what_is_there_and_wrong_is_found() {
    let place = store().await;
    let (kind, web) = (name("image"), name("web"));
    let (first, second) = (RunId(id(11)), RunId(id(12)));
    let at = |position: u64, record: &[u8]| [&position.to_be_bytes(), record].concat();
    let head = records::ResourceHead {
        id: id(3).into(),
        revision: 1,
        resource: None,
    };
    let progress = records::LogProgress {
        token: 7,
        next_line: 9,
    };
    let deleted = records::Change {
        id: id(99).into(),
        revision: 1,
        deleted: true,
        time: TIME,
    };
    let other = first.0.into_bytes();
    let cases = [
        (Key::Run(second), at(1, b"\xff\xff"), "VALUE runs/Run("),
        (
            Key::Run(second),
            vec![1, 2],
            "it is shorter than a position",
        ),
        (
            Key::Run(second),
            at(1, &records::Run::from(&run(1)).encode_to_vec()),
            "it has another id",
        ),
        (Key::OpenRun(2), at(1, &other), "it has another order"),
        (
            Key::OpenRun(1),
            at(1, &other),
            "it has ended, and is in the list of open runs",
        ),
        (
            Key::OpenRun(1),
            at(1, &other),
            "OpenRun(1) is there, and should not be",
        ),
        (Key::OpenRun(9), at(1, &[7; 16]), "is not there"),
        (
            Key::DefinitionRun(&kind, 2),
            at(1, &other),
            "it leads to another run",
        ),
        (
            Key::ResourceHead(&kind, &web),
            at(2, &head.encode_to_vec()),
            "is there, and should not be",
        ),
        (
            Key::LogProgress(first, 0),
            at(1, &progress.encode_to_vec()),
            "7 lines are there, and 9 were acked",
        ),
        (
            Key::LogProgress(first, 5),
            at(1, &progress.encode_to_vec()),
            "it has no such step",
        ),
        (
            Key::ShownBy(ObjectId(id(3)), 2, 1),
            at(1, &other),
            "it does not show this revision",
        ),
        (
            Key::ShownBy(ObjectId(id(3)), 1, 9),
            at(1, &[7; 16]),
            "is not there",
        ),
        (
            Key::EndedRun(LogState::Gone, &kind, 5, 1),
            at(1, &other),
            "it has not ended then",
        ),
        (
            Key::Change(1),
            at(1, &deleted.encode_to_vec()),
            "is not there",
        ),
        (
            Key::OutsideLogTime(5, "nightly"),
            at(1, b"nightly"),
            "it stands in the queue at another time",
        ),
        (
            Key::OutsideLogTime(0, "nightly"),
            at(1, b"daily"),
            "it is of another run",
        ),
        (Key::Driver(&web), at(99, b""), "after the newest position"),
        (Key::Change(77), at(1, b""), "VALUE indexes/Change(77)"),
    ];
    for (key, value, wanted) in cases {
        let (family, bytes) = key.encode();
        let db = raw(place.path());
        let before = db.get_cf(&read::handle(&db, family), &bytes).unwrap();
        drop(db);
        put(place.path(), &key, &value);
        let report = look(place.path());
        assert!(all(&report).contains(wanted), "{key:?}: {}", all(&report));
        match before {
            Some(before) => put(place.path(), &key, &before),
            None => {
                let db = raw(place.path());
                db.delete_cf(&read::handle(&db, family), bytes).unwrap();
            }
        }
    }
    let db = raw(place.path());
    let handle = read::handle(&db, crate::store::keys::Family::Indexes);
    db.put_cf(&handle, b"\xeewhat", b"12345678").unwrap();
    drop(handle);
    drop(db);
    let report = look(place.path());
    assert_eq!(
        all(&report),
        "KEY indexes/0xee77686174: nothing in indexes has tag 238\n"
    );
}

fn files(path: &Path, begin: &str, end: &str) -> Vec<PathBuf> {
    let named = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_str().unwrap();
        name.starts_with(begin) && name.ends_with(end) && fs::metadata(file).unwrap().len() > 0
    };
    contents(path).into_keys().filter(named).collect()
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x40;
    fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn damaged_files_are_found_and_named() {
    let place = store().await;
    drop(raw(place.path()));
    for table in files(place.path(), "", ".sst") {
        let whole = fs::read(&table).unwrap();
        let table_name = table.file_name().unwrap().to_str().unwrap();
        for at in [5, whole.len() - 10] {
            flip(&table, at);
            let report = look(place.path());
            assert!(
                all(&report).contains("FILE"),
                "{table_name} at {at}: {}",
                all(&report)
            );
            assert!(
                all(&report).contains(table_name),
                "{table_name} at {at}: {}",
                all(&report)
            );
            fs::write(&table, &whole).unwrap();
        }
        fs::remove_file(&table).unwrap();
        assert!(all(&look(place.path())).contains(table_name));
        fs::write(&table, &whole).unwrap();
    }
    assert_eq!(all(&look(place.path())), "");
    let manifest = files(place.path(), "MANIFEST-", "").pop().unwrap();
    let whole = fs::read(&manifest).unwrap();
    flip(&manifest, whole.len() / 2);
    assert!(all(&look(place.path())).contains("FILE"));
    fs::write(&manifest, &whole).unwrap();
    fs::write(place.path().join("CURRENT"), "MANIFEST-999999\n").unwrap();
    assert!(all(&look(place.path())).contains("MANIFEST-999999"));
}

#[tokio::test]
async fn a_torn_tail_of_the_log_of_writes_is_told_as_such_and_other_damage_in_it_is_not() {
    let place = store().await;
    let db = raw(place.path());
    for _ in 0..20 {
        let value = [&1_u64.to_be_bytes()[..], &run(2).id.0.into_bytes()].concat();
        let (family, key) = Key::OpenRun(2).encode();
        db.put_cf(&read::handle(&db, family), key, value).unwrap();
    }
    drop(db);
    assert_eq!(all(&look(place.path())), "");
    let log = files(place.path(), "", ".log").pop().unwrap();
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..whole.len() - 7]).unwrap();
    let report = look(place.path());
    assert_eq!(
        (report.found, report.findings[0].fault),
        (1, Fault::TornTail),
        "{}",
        all(&report)
    );
    fs::write(&log, &whole).unwrap();
    flip(&log, whole.len() / 2);
    let report = look(place.path());
    assert_eq!(report.findings[0].fault, Fault::File, "{}", all(&report));
}

#[tokio::test]
async fn it_looks_at_no_store_that_is_held_or_half_restored_or_not_there() {
    let place = store().await;
    fs::create_dir(place.path().join(crate::store::RESTORING)).unwrap();
    assert!(matches!(
        examine(place.path(), |_| ()),
        Err(CannotLook::Restoring(_))
    ));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        examine(empty.path(), |_| ()),
        Err(CannotLook::NoStore(_))
    ));
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
    let gone = empty.path().join("gone");
    assert!(matches!(
        examine(&gone, |_| ()),
        Err(CannotLook::NoStore(_))
    ));
}
