//! Records on disk to things of the model, and back.
//!
//! Invariant: reading never panics; a record that breaks a rule of the model is an error in words.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::read::Kept;
use super::records;
use crate::model::driver::{Driver, EventFilter};
use crate::model::json::Json;
use crate::model::log::{Chunk, Line};
use crate::model::name::{InstanceId, Name, ObjectId, RunId, TaskId};
use crate::model::pipeline::{Pipeline, Step};
use crate::model::resource::{Definition, DriverResult, Resource};
use crate::model::run::{
    Attempt, AttemptState, Cause, Offer, PipelineRef, ResourceRef, Run, RunState, StepRun,
    StepState, Stop,
};

/// What is wrong with a record, in words.
pub(super) type Decoded<T> = Result<T, String>;

pub(super) fn nanos(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

pub(super) fn time(nanos: i64) -> Decoded<Timestamp> {
    Timestamp::from_nanosecond(i128::from(nanos)).map_err(|error| error.to_string())
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

impl From<&DriverResult> for records::DriverResult {
    fn from(it: &DriverResult) -> Self {
        Self {
            driver: it.driver.to_string(),
            success: it.success,
            message: it.message.clone(),
            data: json_text(it.data.as_ref()),
            time: nanos(it.time),
        }
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

impl From<&Chunk> for records::LogChunk {
    fn from(it: &Chunk) -> Self {
        let line = |line: &Line| records::LogLine {
            time: nanos(line.time),
            stream: line.stream.clone(),
            labels: line.labels.clone().into_iter().collect(),
            message: line.message.clone(),
        };
        Self {
            step: it.step.clone(),
            attempt: it.attempt,
            driver: it.driver.clone(),
            pipeline: it.pipeline.clone(),
            lines: it.lines.iter().map(line).collect(),
        }
    }
}

impl TryFrom<records::LogChunk> for Chunk {
    type Error = String;

    fn try_from(it: records::LogChunk) -> Decoded<Self> {
        let line = |line: records::LogLine| {
            Ok(Line {
                time: time(line.time)?,
                stream: line.stream,
                labels: line.labels.into_iter().collect(),
                message: line.message,
            })
        };
        Ok(Self {
            step: it.step,
            attempt: it.attempt,
            driver: it.driver,
            pipeline: it.pipeline,
            lines: it.lines.into_iter().map(line).collect::<Decoded<_>>()?,
        })
    }
}

impl From<&Run> for records::Run {
    fn from(it: &Run) -> Self {
        Self {
            id: it.id.0.into(),
            order: it.order,
            cause: it.cause.as_str().to_owned(),
            resource_id: it.resource.id.0.into(),
            kind: it.resource.kind.to_string(),
            name: it.resource.name.to_string(),
            revision: it.resource.revision,
            pipeline_id: it
                .pipeline
                .as_ref()
                .map(|pipeline| pipeline.id.0.into())
                .unwrap_or_default(),
            pipeline: it
                .pipeline
                .as_ref()
                .map(|pipeline| pipeline.name.to_string())
                .unwrap_or_default(),
            pipeline_revision: it
                .pipeline
                .as_ref()
                .map(|pipeline| pipeline.revision)
                .unwrap_or_default(),
            state: records::RunState::from(it.state).into(),
            reason: it.reason.clone(),
            waits_for: it.waits_for.map(|run| run.0.into()).unwrap_or_default(),
            cut_short: it.cut_short,
            steps: it.steps.iter().map(records::StepRun::from).collect(),
            created: nanos(it.created),
            started: it.started.map_or(0, nanos),
            ended: it.ended.map_or(0, nanos),
        }
    }
}

impl TryFrom<records::Run> for Run {
    type Error = String;

    fn try_from(it: records::Run) -> Decoded<Self> {
        let state = it.state().try_into()?;
        let pipeline = match some_name(&it.pipeline)? {
            Some(name) => Some(PipelineRef {
                id: ObjectId(uuid(&it.pipeline_id)?),
                name,
                revision: it.pipeline_revision,
            }),
            None => None,
        };
        Ok(Self {
            id: RunId(uuid(&it.id)?),
            order: it.order,
            cause: Cause::parse(&it.cause).ok_or_else(|| format!("unknown cause {}", it.cause))?,
            resource: ResourceRef {
                id: ObjectId(uuid(&it.resource_id)?),
                kind: name(&it.kind)?,
                name: name(&it.name)?,
                revision: it.revision,
            },
            pipeline,
            state,
            reason: it.reason,
            waits_for: if it.waits_for.is_empty() {
                None
            } else {
                Some(RunId(uuid(&it.waits_for)?))
            },
            cut_short: it.cut_short,
            steps: it
                .steps
                .into_iter()
                .map(StepRun::try_from)
                .collect::<Decoded<_>>()?,
            created: time(it.created)?,
            started: some_time(it.started)?,
            ended: some_time(it.ended)?,
        })
    }
}

impl From<&StepRun> for records::StepRun {
    fn from(it: &StepRun) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            driver: it.driver.to_string(),
            timeout: timeout_nanos(it.timeout),
            labels: it.labels.clone().into_iter().collect(),
            state: records::StepState::from(it.state).into(),
            reason: it.reason.clone(),
            message: it.message.clone(),
            data_bytes: it.data_bytes,
            token: it.token,
            lapses: it.lapses,
            offer: it.offer.as_ref().map(records::Offer::from),
            attempts: it.attempts.iter().map(records::Attempt::from).collect(),
        }
    }
}

impl TryFrom<records::StepRun> for StepRun {
    type Error = String;

    fn try_from(it: records::StepRun) -> Decoded<Self> {
        let state = it.state().try_into()?;
        Ok(Self {
            id: name(&it.id)?,
            name: it.name,
            driver: name(&it.driver)?,
            timeout: some_timeout(it.timeout),
            labels: it.labels.into_iter().collect(),
            state,
            reason: it.reason,
            message: it.message,
            data_bytes: it.data_bytes,
            token: it.token,
            lapses: it.lapses,
            offer: it.offer.map(Offer::try_from).transpose()?,
            attempts: it
                .attempts
                .into_iter()
                .map(Attempt::try_from)
                .collect::<Decoded<_>>()?,
        })
    }
}

impl From<&Offer> for records::Offer {
    fn from(it: &Offer) -> Self {
        Self {
            task: it.task.0.into(),
            token: it.token,
            instance: it.instance.0.into(),
        }
    }
}

impl TryFrom<records::Offer> for Offer {
    type Error = String;

    fn try_from(it: records::Offer) -> Decoded<Self> {
        Ok(Self {
            task: TaskId(uuid(&it.task)?),
            token: it.token,
            instance: InstanceId(uuid(&it.instance)?),
        })
    }
}

impl From<&Attempt> for records::Attempt {
    fn from(it: &Attempt) -> Self {
        Self {
            offer: Some(records::Offer::from(&it.offer)),
            state: records::AttemptState::from(it.state).into(),
            reason: it.reason.clone(),
            stop: match it.stop {
                None => records::Stop::Unspecified,
                Some(Stop::Cancelled) => records::Stop::Cancelled,
                Some(Stop::Deadline) => records::Stop::Deadline,
            }
            .into(),
            reported: it.reported,
            started: nanos(it.started),
            ended: it.ended.map_or(0, nanos),
        }
    }
}

impl TryFrom<records::Attempt> for Attempt {
    type Error = String;

    fn try_from(it: records::Attempt) -> Decoded<Self> {
        Ok(Self {
            state: it.state().try_into()?,
            stop: match it.stop() {
                records::Stop::Unspecified => None,
                records::Stop::Cancelled => Some(Stop::Cancelled),
                records::Stop::Deadline => Some(Stop::Deadline),
            },
            offer: it.offer.ok_or("an attempt without its task")?.try_into()?,
            reason: it.reason,
            reported: it.reported,
            started: time(it.started)?,
            ended: some_time(it.ended)?,
        })
    }
}

/// Maps the states of the model to those on disk, and back, one to one.
macro_rules! states {
    ($name:ident: $($state:ident),+) => {
        impl From<$name> for records::$name {
            fn from(state: $name) -> Self {
                match state {
                    $($name::$state => Self::$state,)+
                }
            }
        }

        impl TryFrom<records::$name> for $name {
            type Error = String;

            fn try_from(state: records::$name) -> Decoded<Self> {
                match state {
                    records::$name::Unspecified => Err("a state is missing".to_owned()),
                    $(records::$name::$state => Ok(Self::$state),)+
                }
            }
        }
    };
}

states!(RunState: Pending, Running, Cancelling, Succeeded, Failed, Cancelled);
states!(StepState: Pending, Offered, Running, Succeeded, Failed, Skipped, Cancelled);
states!(AttemptState: Running, Succeeded, Failed, Lost, Cancelled);

/// Names the record of each thing that is kept by itself.
macro_rules! kept {
    ($($thing:ident: $record:ident),+) => {
        $(impl Kept for $thing {
            type Record = records::$record;
        })+
    };
}

kept!(Definition: Definition, Resource: Resource, Pipeline: Pipeline, Driver: Driver, Run: Run);
kept!(DriverResult: DriverResult, Chunk: LogChunk);
