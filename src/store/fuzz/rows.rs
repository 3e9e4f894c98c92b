//! A store whose rows say anything at all, as one that was restored from the archive of somebody else may: the doctor says
//! what is wrong with it.
//!
//! An input is rows one after the other: the family, the length of the key and the key, the length of the value in two
//! bytes and the value.

use std::sync::{Mutex, PoisonError};

use prost::Message;
use rocksdb::{DB, WriteBatch, WriteOptions};
use tempfile::TempDir;

use crate::store::doctor::{Report, look_through};
use crate::store::keys::{Family, Key};
use crate::store::{FORMAT, open, read, records};

/// Most rows of an input.
const ROWS: usize = 64;

/// Inputs that one database sees: what was removed from it costs each later look a little.
const INPUTS: u32 = 128;

/// A database that is empty between two inputs.
struct Place {
    db: DB,
    _folder: TempDir,
    left: u32,
}

static PLACE: Mutex<Option<Place>> = Mutex::new(None);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is a place for files");
        let db = open::families(folder.path(), &open::options(64));
        Self {
            db: db.expect("a new database opens"),
            _folder: folder,
            left: INPUTS,
        }
    }
}

type Row = (Family, Vec<u8>, Vec<u8>);

/// Looks through a store of such rows.
pub(crate) fn rows(input: &[u8]) {
    let mut place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    drop(place.take_if(|it| it.left == 0));
    let place = place.get_or_insert_with(Place::new);
    place.left -= 1;
    let db = &place.db;
    let rows = read(input);
    let mut batch = WriteBatch::default();
    for (family, key, value) in &rows {
        batch.put_cf(&read::handle(db, *family), key, value);
    }
    write(db, batch);
    // Whatever it finds: it looks, and ends.
    drop(look_through(db, Report::default(), &mut |_| {}));
    let mut batch = WriteBatch::default();
    for (family, key, _) in &rows {
        batch.delete_cf(&read::handle(db, *family), key);
    }
    write(db, batch);
}

fn write(db: &DB, batch: WriteBatch) {
    let mut options = WriteOptions::default();
    options.disable_wal(true);
    db.write_opt(batch, &options).expect("memory takes rows");
}

fn read(mut input: &[u8]) -> Vec<Row> {
    let mut rows = Vec::new();
    while let [family, length, rest @ ..] = input {
        let (key, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        let Some((length, rest)) = rest.split_first_chunk() else {
            break;
        };
        let length = usize::from(u16::from_le_bytes(*length));
        let (value, rest) = rest.split_at(rest.len().min(length));
        let family = Family::ALL[usize::from(*family) % Family::ALL.len()];
        rows.push((family, key.to_vec(), value.to_vec()));
        input = rest;
        if rows.len() == ROWS {
            break;
        }
    }
    rows
}

/// Rows that belong together, and rows of which each counts where there is nothing left to count.
pub(crate) fn stores() -> Vec<Vec<u8>> {
    let run = crate::model::name::RunId(uuid::Uuid::nil());
    let id = crate::model::name::ObjectId(uuid::Uuid::nil());
    let name = crate::model::name::Name::parse("app", "name").expect("it is a name");
    let nil = vec![0; 16];
    let format = row(&Key::Format, &records::Format { version: FORMAT });
    let resource = records::Resource {
        id: nil.clone(),
        kind: "app".into(),
        name: "app".into(),
        spec: "{}".into(),
        revision: i64::MAX,
        ..Default::default()
    };
    let head = records::ResourceHead {
        id: nil.clone(),
        revision: i64::MAX,
        resource: Some(resource.clone()),
    };
    let pipeline = records::Pipeline {
        id: nil.clone(),
        name: "app".into(),
        kind: "app".into(),
        revision: i64::MAX,
        ..Default::default()
    };
    let kept = records::Run {
        id: nil.clone(),
        kind: "app".into(),
        name: "app".into(),
        order: u64::MAX,
        ..Default::default()
    };
    // One line of no bytes.
    let chunk = records::LogChunk {
        count: 1,
        lines: vec![0].into(),
        ..Default::default()
    };
    let log = uuid::Uuid::nil().to_string();
    let trim = records::LogTrim { first: u64::MAX };
    vec![
        [
            format.clone(),
            row(&Key::ResourceHead(&name, &name), &head),
            row(&Key::ResourceRevision(id, i64::MAX), &resource),
            row(&Key::Pipeline(&name), &pipeline),
        ]
        .concat(),
        [
            format.clone(),
            row(&Key::Run(run), &kept),
            row(&Key::OpenRun(u64::MAX), &records::TaskRef { run: nil }),
            row(
                &Key::LogProgress(run, u32::MAX),
                &records::LogProgress::default(),
            ),
        ]
        .concat(),
        [
            format.clone(),
            row(&Key::LogChunk(&log, u64::MAX), &chunk),
            row(&Key::LogChunk(&log, 0), &chunk),
            row(&Key::LogTrim(&log), &trim),
        ]
        .concat(),
        [
            format,
            row(&Key::Change(u64::MAX), &records::Change::default()),
            row(
                &Key::RequestTime(i64::MIN, "r"),
                &records::Request::default(),
            ),
            row(&Key::OldRevision(&name, i64::MIN, id, i64::MIN), &chunk),
        ]
        .concat(),
    ]
}

fn row(key: &Key<'_>, record: &impl Message) -> Vec<u8> {
    let (family, key) = key.encode();
    let place = Family::ALL.iter().position(|it| *it == family);
    let value = [vec![0; 8], record.encode_to_vec()].concat();
    let mut row = vec![
        u8::try_from(place.unwrap_or_default()).unwrap_or_default(),
        u8::try_from(key.len()).unwrap_or(u8::MAX),
    ];
    row.extend(key);
    row.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    row.extend(value);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by fuzzing: the doctor counted on from the last number that there is.
    #[test]
    fn the_doctor_looks_at_rows_whose_numbers_are_the_last() {
        for store in stores() {
            rows(&store);
        }
    }
}
