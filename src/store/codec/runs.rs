//! Runs, their steps and attempts.

use super::{Decoded, name, nanos, some_name, some_time, some_timeout, time, timeout_nanos, uuid};
use crate::model::name::{InstanceId, ObjectId, RunId, TaskId};
use crate::model::run::{
    Attempt, AttemptState, Cause, Offer, PipelineRef, ResourceRef, Run, RunState, StepRun,
    StepState, Stop,
};
use crate::store::records;
use crate::trace::TraceContext;

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
            traceparent: it
                .trace
                .as_ref()
                .map(TraceContext::traceparent)
                .unwrap_or_default(),
            tracestate: it
                .trace
                .as_ref()
                .map(|trace| trace.tracestate().to_owned())
                .unwrap_or_default(),
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
            trace: TraceContext::parse(&it.traceparent, &it.tracestate),
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
