//! Records on disk to things of the model, and back.
//!
//! Invariant: reading never panics; a record that breaks a rule of the model is an error in words.

mod retention;
mod runs;

use std::time::Duration;

use jiff::Timestamp;
use prost::Message;
use uuid::Uuid;

use super::read::Kept;
use super::records;
use crate::model::driver::{Driver, EventFilter};
use crate::model::json::Json;
use crate::model::log::{Chunk, Line, weight};
use crate::model::name::{Name, ObjectId};
use crate::model::pipeline::{Pipeline, Step};
use crate::model::resource::{Definition, DriverResult, Resource};
use crate::model::retention::Retention;
use crate::model::run::Run;

/// What is wrong with a record, in words.
pub(super) type Decoded<T> = Result<T, String>;

pub(super) fn nanos(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

pub(super) fn time(nanos: i64) -> Decoded<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanos)).map_err(|error| error.to_string())
}

/// A time as readers of a log take it.
fn wire_time(time: Timestamp) -> prost_types::Timestamp {
    const SECOND: i128 = 1_000_000_000;
    let nanos = time.as_nanosecond();
    prost_types::Timestamp {
        seconds: i64::try_from(nanos.div_euclid(SECOND)).expect("no time is so far away"),
        nanos: i32::try_from(nanos.rem_euclid(SECOND)).expect("less than a second"),
    }
}

fn some_time(nanos: i64) -> Decoded<Option<Timestamp>> {
    if nanos == 0 {
        Ok(None)
    } else {
        time(nanos).map(Some)
    }
}

fn name(text: &str) -> Decoded<Name> {
    Name::parse(text, "name").map_err(|error| error.to_string())
}

fn some_name(text: &str) -> Decoded<Option<Name>> {
    if text.is_empty() {
        Ok(None)
    } else {
        name(text).map(Some)
    }
}

pub(super) fn uuid(bytes: &[u8]) -> Decoded<Uuid> {
    Uuid::from_slice(bytes).map_err(|error| error.to_string())
}

fn some_json(text: String) -> Option<Json> {
    (!text.is_empty()).then(|| Json::from_stored(text))
}

fn json_text(json: Option<&Json>) -> String {
    json.map(|json| json.as_str().to_owned())
        .unwrap_or_default()
}

fn timeout_nanos(timeout: Option<Duration>) -> u64 {
    timeout.map_or(0, |timeout| {
        u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX)
    })
}

fn some_timeout(nanos: u64) -> Option<Duration> {
    (nanos != 0).then(|| Duration::from_nanos(nanos))
}

impl From<&Definition> for records::Definition {
    fn from(it: &Definition) -> Self {
        Self {
            id: it.id.0.into(),
            name: it.name.to_string(),
            description: it.description.clone(),
            version: it.version.clone(),
            schema: it.schema.as_str().to_owned(),
            dialect: it.dialect.to_string(),
            revision: it.revision,
            created: nanos(it.created),
            updated: nanos(it.updated),
            retention: (!it.retention.is_empty()).then(|| (&it.retention).into()),
        }
    }
}

impl TryFrom<records::Definition> for Definition {
    type Error = String;

    fn try_from(it: records::Definition) -> Decoded<Self> {
        Ok(Self {
            id: ObjectId(uuid(&it.id)?),
            name: name(&it.name)?,
            description: it.description,
            version: it.version,
            schema: Json::from_stored(it.schema),
            dialect: it
                .dialect
                .parse()
                .map_err(|()| format!("unknown dialect {}", it.dialect))?,
            retention: it
                .retention
                .map(Retention::try_from)
                .transpose()?
                .unwrap_or_default(),
            revision: it.revision,
            created: time(it.created)?,
            updated: time(it.updated)?,
        })
    }
}

impl From<&Resource> for records::Resource {
    fn from(it: &Resource) -> Self {
        Self {
            id: it.id.0.into(),
            kind: it.kind.to_string(),
            name: it.name.to_string(),
            pipeline: it
                .pipeline
                .as_ref()
                .map(Name::to_string)
                .unwrap_or_default(),
            metadata: it.metadata.clone().into_iter().collect(),
            spec: it.spec.as_str().to_owned(),
            revision: it.revision,
            created: nanos(it.created),
            updated: nanos(it.updated),
        }
    }
}

impl TryFrom<records::Resource> for Resource {
    type Error = String;

    fn try_from(it: records::Resource) -> Decoded<Self> {
        Ok(Self {
            id: ObjectId(uuid(&it.id)?),
            kind: name(&it.kind)?,
            name: name(&it.name)?,
            pipeline: some_name(&it.pipeline)?,
            metadata: it.metadata.into_iter().collect(),
            spec: Json::from_stored(it.spec),
            revision: it.revision,
            created: time(it.created)?,
            updated: time(it.updated)?,
        })
    }
}

impl From<&Pipeline> for records::Pipeline {
    fn from(it: &Pipeline) -> Self {
        Self {
            id: it.id.0.into(),
            name: it.name.to_string(),
            description: it.description.clone(),
            version: it.version.clone(),
            kind: it.kind.to_string(),
            steps: it.steps.iter().map(records::Step::from).collect(),
            metadata: it.metadata.clone().into_iter().collect(),
            revision: it.revision,
            created: nanos(it.created),
            updated: nanos(it.updated),
        }
    }
}

impl TryFrom<records::Pipeline> for Pipeline {
    type Error = String;

    fn try_from(it: records::Pipeline) -> Decoded<Self> {
        Ok(Self {
            id: ObjectId(uuid(&it.id)?),
            name: name(&it.name)?,
            description: it.description,
            version: it.version,
            kind: name(&it.kind)?,
            steps: it
                .steps
                .into_iter()
                .map(Step::try_from)
                .collect::<Decoded<_>>()?,
            metadata: it.metadata.into_iter().collect(),
            revision: it.revision,
            created: time(it.created)?,
            updated: time(it.updated)?,
        })
    }
}

impl From<&Step> for records::Step {
    fn from(it: &Step) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            driver: it.driver.to_string(),
            params: json_text(it.params.as_ref()),
            timeout: timeout_nanos(it.timeout),
            labels: it.labels.clone().into_iter().collect(),
        }
    }
}

impl TryFrom<records::Step> for Step {
    type Error = String;

    fn try_from(it: records::Step) -> Decoded<Self> {
        Ok(Self {
            id: name(&it.id)?,
            name: it.name,
            driver: name(&it.driver)?,
            params: some_json(it.params),
            timeout: some_timeout(it.timeout),
            labels: it.labels.into_iter().collect(),
        })
    }
}

impl From<&Driver> for records::Driver {
    fn from(it: &Driver) -> Self {
        Self {
            name: it.name.to_string(),
            definitions: it.definitions.iter().map(Name::to_string).collect(),
            events: it
                .events
                .iter()
                .map(|event| event.as_str().to_owned())
                .collect(),
            created: nanos(it.created),
        }
    }
}

impl TryFrom<records::Driver> for Driver {
    type Error = String;

    fn try_from(it: records::Driver) -> Decoded<Self> {
        let event =
            |word: &String| EventFilter::parse(word).ok_or_else(|| format!("unknown event {word}"));
        Ok(Self {
            name: name(&it.name)?,
            definitions: it
                .definitions
                .iter()
                .map(|text| name(text))
                .collect::<Decoded<_>>()?,
            events: it.events.iter().map(event).collect::<Decoded<_>>()?,
            created: time(it.created)?,
        })
    }
}

pub(super) fn driver_result(resource: ObjectId, it: &DriverResult) -> records::DriverResult {
    records::DriverResult {
        resource: resource.0.into(),
        driver: it.driver.to_string(),
        success: it.success,
        message: it.message.clone(),
        data: json_text(it.data.as_ref()),
        time: nanos(it.time),
    }
}

impl TryFrom<records::DriverResult> for DriverResult {
    type Error = String;

    fn try_from(it: records::DriverResult) -> Decoded<Self> {
        Ok(Self {
            driver: name(&it.driver)?,
            success: it.success,
            message: it.message,
            data: some_json(it.data),
            time: time(it.time)?,
        })
    }
}

impl From<Chunk> for records::LogChunk {
    fn from(it: Chunk) -> Self {
        let count = u32::try_from(it.lines.len()).expect("a batch has at most 4,096 lines");
        // Beside its text, a line takes its time, the tags and the lengths.
        let bytes = it.lines.iter().map(|line| weight(line) + 32).sum();
        let mut packed = Vec::with_capacity(bytes);
        for line in it.lines {
            records::LogLine::from(line)
                .encode_length_delimited(&mut packed)
                .expect("a vector takes any number of bytes");
        }
        Self {
            step: it.step,
            attempt: it.attempt,
            driver: it.driver,
            pipeline: it.pipeline,
            count,
            lines: packed.into(),
        }
    }
}

impl From<Line> for records::LogLine {
    fn from(it: Line) -> Self {
        Self {
            time: Some(wire_time(it.time)),
            stream: it.stream,
            labels: it.labels,
            message: it.message,
        }
    }
}

/// Names the record of each thing that is kept by itself.
macro_rules! kept {
    ($($thing:ident: $record:ident),+) => {
        $(impl Kept for $thing {
            type Record = records::$record;
        })+
    };
}

kept!(Definition: Definition, Resource: Resource, Pipeline: Pipeline, Driver: Driver, Run: Run);
