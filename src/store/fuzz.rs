//! What fuzzing calls in this room: the bytes of keys, of values and of files, and whole rows, as a damaged disk or the
//! archive of somebody else might have them.

mod files;
mod rows;

use prost::Message;

pub(crate) use self::files::{file, stored};
pub(crate) use self::rows::{rows, stores};

use super::keys::decode::{Parts, decode};
use super::keys::{Family, Key};
use super::logs::StoredChunk;
use super::read::{Kept, Stored};
use super::records;
use crate::model::driver::Driver;
use crate::model::name::{Name, RunId};
use crate::model::pipeline::Pipeline;
use crate::model::resource::{Definition, DriverResult, Resource};
use crate::model::run::Run;

/// Reads a key of the family that the first byte picks. One that can be read encodes to the same bytes.
pub(crate) fn key(input: &[u8]) {
    let Some((pick, bytes)) = input.split_first() else {
        return;
    };
    let family = Family::ALL[usize::from(*pick) % Family::ALL.len()];
    let mut parts = Parts::default();
    if let Ok(key) = decode(family, bytes, &mut parts) {
        assert_eq!(key.encode(), (family, bytes.to_vec()));
    }
}

/// Keys of each family.
pub(crate) fn keys() -> Vec<Vec<u8>> {
    let name = Name::parse("pipeline", "name").expect("it is a name");
    let run = RunId(uuid::Uuid::nil());
    let keys = [
        Key::Format,
        Key::ResourceHead(&name, &name),
        Key::DriverResult(&name, &name, &name),
        Key::StepData(run, 7),
        Key::LogChunk("a\0log", 1),
        Key::OutsideLogTime(1, "run"),
        Key::ResourceRun(&name, &name, 3),
    ];
    let seed = |key: Key<'_>| {
        let (family, bytes) = key.encode();
        let at = Family::ALL.iter().position(|it| *it == family);
        let mut seed = vec![u8::try_from(at.unwrap_or_default()).unwrap_or_default()];
        seed.extend(bytes);
        seed
    };
    keys.into_iter().map(seed).collect()
}

/// Reads a value of the kind that the first byte picks.
pub(crate) fn value(input: &[u8]) {
    let Some((pick, bytes)) = input.split_first() else {
        return;
    };
    match pick % 7 {
        0 => thing::<Definition>(bytes),
        1 => thing::<Resource>(bytes),
        2 => thing::<Pipeline>(bytes),
        3 => thing::<Driver>(bytes),
        4 => thing::<Run>(bytes),
        5 => chunk(bytes),
        _ => {
            let read = records::DriverResult::decode(bytes).map(DriverResult::try_from);
            drop(read);
        }
    }
}

/// Lines with their position in front, each of which is read.
fn chunk(bytes: &[u8]) {
    let (family, key) = Key::LogChunk("log", 1).encode();
    let stored = Stored::new(family, &key, bytes);
    if let Ok(chunk) = stored.and_then(|it| StoredChunk::read(&key, it)) {
        let mut lines = chunk.lines;
        assert_eq!(lines.iter().count() as u64, chunk.count);
        assert_eq!(lines.times().count() as u64, chunk.count);
        while lines.take(1, 1).1 > 0 {}
    }
}

fn thing<T: Kept>(bytes: &[u8]) {
    drop(T::Record::decode(bytes).map(T::try_from));
}

/// A value of each kind.
pub(crate) fn values() -> Vec<Vec<u8>> {
    let picked = encoded().into_iter().zip(0_u8..);
    picked
        .map(|(bytes, pick)| [vec![pick], bytes].concat())
        .collect()
}

/// In the order in which they are picked.
fn encoded() -> [Vec<u8>; 7] {
    let id = vec![7; 16];
    let definition = records::Definition {
        id: id.clone(),
        name: "app".into(),
        schema: "{}".into(),
        dialect: "draft7".into(),
        revision: 1,
        ..Default::default()
    };
    let resource = records::Resource {
        id: id.clone(),
        kind: "app".into(),
        name: "a".into(),
        spec: "{}".into(),
        revision: 1,
        ..Default::default()
    };
    let pipeline = records::Pipeline {
        id: id.clone(),
        name: "p".into(),
        kind: "app".into(),
        steps: vec![step()],
        revision: 1,
        ..Default::default()
    };
    let driver = records::Driver {
        name: "builder".into(),
        definitions: vec!["app".into()],
        events: vec!["*".into()],
        created: 1,
    };
    let result = records::DriverResult {
        resource: id.clone(),
        driver: "builder".into(),
        success: true,
        ..Default::default()
    };
    let run = records::Run {
        id,
        ..Default::default()
    };
    let line = records::LogLine {
        message: "line".into(),
        ..Default::default()
    };
    let chunk = records::LogChunk {
        count: 1,
        lines: line.encode_length_delimited_to_vec().into(),
        ..Default::default()
    };
    [
        definition.encode_to_vec(),
        resource.encode_to_vec(),
        pipeline.encode_to_vec(),
        driver.encode_to_vec(),
        run.encode_to_vec(),
        [vec![0; 8], chunk.encode_to_vec()].concat(),
        result.encode_to_vec(),
    ]
}

fn step() -> records::Step {
    records::Step {
        id: "build".into(),
        name: "Build".into(),
        driver: "builder".into(),
        params: "{\"n\":1}".into(),
        timeout: 5,
        labels: [("os".to_owned(), "linux".to_owned())].into(),
    }
}
