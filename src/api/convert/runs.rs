//! Runs, their steps and attempts, outward.

use super::json::json_text;
use super::time;
use crate::engine::runs::WholeRun;
use crate::error::{Error, Result, cut};
use crate::model::run::{Attempt, AttemptState, Run, RunState, StepRun, StepState};
use crate::proto;

impl From<Run> for proto::Run {
    fn from(it: Run) -> Self {
        Self {
            id: it.id.to_string(),
            event: it.cause.as_str().to_owned(),
            resource: it.resource.kind.to_string(),
            name: it.resource.name.to_string(),
            revision: it.resource.revision,
            pipeline: it
                .pipeline
                .map(|pipeline| pipeline.name.to_string())
                .unwrap_or_default(),
            state: proto::RunState::from(it.state).into(),
            reason: it.reason,
            waits_for: it.waits_for.map(|run| run.to_string()).unwrap_or_default(),
            steps: it.steps.into_iter().map(proto::StepRun::from).collect(),
            create_time: Some(time(it.created)),
            start_time: it.started.map(time),
            end_time: it.ended.map(time),
            resource_snapshot: None,
            pipeline_snapshot: None,
        }
    }
}

impl From<WholeRun> for proto::Run {
    fn from(it: WholeRun) -> Self {
        let mut run = Self::from(it.run);
        for (step, data) in run.steps.iter_mut().zip(it.data) {
            step.data_json = json_text(data.as_ref());
        }
        run.resource_snapshot = it.resource.map(proto::Resource::from);
        run.pipeline_snapshot = it.pipeline.map(proto::Pipeline::from);
        run
    }
}

impl From<StepRun> for proto::StepRun {
    fn from(it: StepRun) -> Self {
        let attempts = it
            .attempts
            .into_iter()
            .zip(1..)
            .map(|(it, number)| attempt(it, number));
        Self {
            id: it.id.to_string(),
            name: it.name,
            driver: it.driver.to_string(),
            state: proto::StepState::from(it.state).into(),
            reason: it.reason,
            attempts: attempts.collect(),
            message: it.message,
            data: None,
            data_json: String::new(),
        }
    }
}

fn attempt(it: Attempt, number: i32) -> proto::Attempt {
    proto::Attempt {
        number,
        task_id: it.offer.task.to_string(),
        instance_id: it.offer.instance.to_string(),
        state: proto::AttemptState::from(it.state).into(),
        reason: it.reason,
        start_time: Some(time(it.started)),
        end_time: it.ended.map(time),
    }
}

/// Maps the states of the model to those of the wire, one to one.
macro_rules! states {
    ($name:ident: $($state:ident),+) => {
        impl From<$name> for proto::$name {
            fn from(state: $name) -> Self {
                match state {
                    $($name::$state => Self::$state,)+
                }
            }
        }
    };
}

states!(RunState: Pending, Running, Cancelling, Succeeded, Failed, Cancelled);
states!(StepState: Pending, Offered, Running, Succeeded, Failed, Skipped, Cancelled);
states!(AttemptState: Running, Succeeded, Failed, Lost, Cancelled);

/// The state that a list filters by.
pub(in crate::api) fn run_state(number: i32) -> Result<RunState> {
    match proto::RunState::try_from(number) {
        Ok(proto::RunState::Pending) => Ok(RunState::Pending),
        Ok(proto::RunState::Running) => Ok(RunState::Running),
        Ok(proto::RunState::Cancelling) => Ok(RunState::Cancelling),
        Ok(proto::RunState::Succeeded) => Ok(RunState::Succeeded),
        Ok(proto::RunState::Failed) => Ok(RunState::Failed),
        Ok(proto::RunState::Cancelled) => Ok(RunState::Cancelled),
        Ok(proto::RunState::Unspecified) | Err(_) => Err(Error::invalid(
            "states",
            format!("{} is no state of a run", cut(&number.to_string(), 40)),
        )),
    }
}
