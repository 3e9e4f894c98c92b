//! How runs begin: with the write that causes them, in one batch.

use jiff::Timestamp;

use super::Engine;
use super::change::Change;
use crate::error::{Error, Result, Violation};
use crate::model::name::{Name, RunId};
use crate::model::pipeline::{MAX_STEPS, Pipeline};
use crate::model::resource::Resource;
use crate::model::run::{
    Cause, Event, PipelineRef, ResourceRef, Run, RunState, StepRun, StepState, fan_out,
};
use crate::store::Slot;
use crate::trace;

impl Engine {
    /// Commits a change that starts a run, with what `write` adds to it.
    pub(super) async fn with_run(
        &self,
        slot: Slot,
        resource: &Resource,
        pipeline: Option<&Pipeline>,
        cause: Cause,
        write: impl FnOnce(&mut Change<'_>),
    ) -> Result<RunId> {
        self.with_run_id(slot, resource, pipeline, cause, |change, _| write(change))
            .await
    }

    /// Commits a change that starts a run, with what `write` adds to it knowing the run's id.
    pub(super) async fn with_run_id(
        &self,
        slot: Slot,
        resource: &Resource,
        pipeline: Option<&Pipeline>,
        cause: Cause,
        write: impl FnOnce(&mut Change<'_>, RunId),
    ) -> Result<RunId> {
        let (id, answer) = {
            let mut change = Change::begin(&self.0);
            let steps = first_steps(&change, resource, pipeline, cause)?;
            let id = change.new_run_id();
            write(&mut change, id);
            let run = new_run(id, cause, resource, pipeline, steps, change.now);
            change.add_run(run);
            (id, change.commit_answered(slot))
        };
        answer.on_disk().await?;
        Ok(id)
    }
}

impl Change<'_> {
    /// An id for a new run. It sorts after those of all runs before it, also where the clock was set back.
    fn new_run_id(&mut self) -> RunId {
        let world = &self.inner.world;
        let id = RunId(world.ordered_id());
        let last = self.board.last_run;
        self.board.last_run = if id > last {
            id
        } else {
            last.next(world.random_id())
        };
        self.board.last_run
    }
}

/// A run as it is first written, before it has its place.
fn new_run(
    id: RunId,
    cause: Cause,
    resource: &Resource,
    pipeline: Option<&Pipeline>,
    steps: Vec<StepRun>,
    now: Timestamp,
) -> Run {
    Run {
        id,
        order: 0,
        cause,
        resource: reference(resource),
        pipeline: pipeline.map(pipeline_ref),
        state: RunState::Pending,
        reason: String::new(),
        waits_for: None,
        cut_short: false,
        steps,
        created: now,
        started: None,
        ended: None,
        trace: trace::place(),
    }
}

fn reference(resource: &Resource) -> ResourceRef {
    ResourceRef {
        id: resource.id,
        kind: resource.kind.clone(),
        name: resource.name.clone(),
        revision: resource.revision,
    }
}

fn pipeline_ref(pipeline: &Pipeline) -> PipelineRef {
    PipelineRef {
        id: pipeline.id,
        name: pipeline.name.clone(),
        revision: pipeline.revision,
    }
}

/// The steps of a new run: the pipeline's, or one for each driver that listens.
fn first_steps(
    change: &Change<'_>,
    resource: &Resource,
    pipeline: Option<&Pipeline>,
    cause: Cause,
) -> Result<Vec<StepRun>> {
    let drivers = &change.board.drivers;
    if let Some(pipeline) = pipeline {
        let steps = pipeline.steps.iter().map(|step| {
            let mut run = StepRun::new(step.id.clone(), step.name.clone(), step.driver.clone());
            run.timeout = step.timeout;
            run.labels = step.labels.clone();
            let known = || drivers.get(&step.driver)?.known.as_ref();
            if cause == Cause::Delete && !known().is_some_and(|driver| driver.takes(cause)) {
                run.state = StepState::Skipped;
                run.reason = format!("driver {} does not listen to delete", step.driver);
            }
            run
        });
        return Ok(steps.collect());
    }
    let listeners = drivers
        .values()
        .filter_map(|entry| entry.known.as_ref())
        .filter(|driver| driver.listens_to(&resource.kind, cause));
    let steps = fan_out(listeners.map(|driver| driver.name.clone()));
    if steps.len() > MAX_STEPS {
        let text = format!("{} drivers listen to it: {MAX_STEPS} at most", steps.len());
        return Err(Error::Invalid(vec![Violation::new("resource", text)]));
    }
    Ok(steps)
}

/// Cancels the runs of a resource that no driver has taken.
pub(super) fn cancel_untaken(change: &mut Change<'_>, kind: &Name, name: &Name) {
    let line = change.board.lines.get(&(kind.clone(), name.clone()));
    let runs: Vec<RunId> = line
        .into_iter()
        .flat_map(|line| line.values().rev().copied())
        .collect();
    for run in runs {
        if change.run(run).is_some_and(|run| run.untouched()) {
            let reason = "the resource was deleted".to_owned();
            change.apply(run, Event::Cancel { reason });
        }
    }
}
