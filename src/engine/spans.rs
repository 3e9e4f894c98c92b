//! What is recorded of runs and of their tasks, where they belong to a trace.
//!
//! A run's span lasts from its write to its end, below the request that caused it; a task's from its offer to its end,
//! below the run. Their ids are the last half of the run's and of the task's own id: so a driver can be told the span of
//! its task, and the span is recorded at its end, though the server was started anew in between.

use std::time::SystemTime;

use uuid::Uuid;

use super::Inner;
use super::change::Change;
use crate::model::name::{RunId, TaskId};
use crate::model::run::{AttemptState, Effect, Offer, Run, RunState, StepState};
use crate::trace::{Fact, Role, Span, TraceContext};

impl Change<'_> {
    /// Notes the tasks that an event closed. The way to the disk of a change that no request asked for belongs to the
    /// first task that it is about.
    pub(super) fn trace_run(&mut self, id: RunId, effects: &[Effect]) {
        let inner = self.inner;
        let Some(run) = self.board.runs.get(&id).map(|open| &open.run) else {
            return;
        };
        for effect in effects {
            let Effect::Closed { offer, .. } = effect else {
                continue;
            };
            let Some(place) = inner.task_place(run, offer.task) else {
                return;
            };
            self.batch.trace(inner.tracer.below(&place));
            if let Some(task) = self.board.tasks.get(&offer.task) {
                let began = task.offered.into();
                self.spans
                    .push(task_span(run, task.step, *offer, place, began));
            }
        }
    }

    /// Notes that a driver has taken an offer.
    pub(super) fn trace_offer(&mut self, id: TaskId) {
        let inner = self.inner;
        let Some(task) = self.board.tasks.get(&id) else {
            return;
        };
        let run = self.board.runs.get(&task.run).map(|open| &open.run);
        let Some(place) = run.and_then(|run| inner.task_place(run, id)) else {
            return;
        };
        self.batch.trace(inner.tracer.below(&place));
        let began = task.offered.into();
        self.spans
            .extend(inner.tracer.span_below(&place, "offer", began));
    }

    /// Notes that a driver's result is about to be written.
    pub(super) fn trace_result(&mut self, id: TaskId) {
        let inner = self.inner;
        let run = self
            .board
            .tasks
            .get(&id)
            .and_then(|task| self.board.runs.get(&task.run));
        if let Some(place) = run.and_then(|open| inner.task_place(&open.run, id)) {
            let began = self.now.into();
            self.spans
                .extend(inner.tracer.span_below(&place, "result", began));
        }
    }
}

impl Inner {
    /// The place of a task in its run's trace, where that is recorded.
    fn task_place(&self, run: &Run, task: TaskId) -> Option<TraceContext> {
        let above = run.trace.as_ref().filter(|it| self.tracer.records(it))?;
        Some(above.with_span(span_id(task.0)))
    }

    /// What a driver is told of a task's place: the task's own where it is recorded, else what the caller gave.
    pub(super) fn place_for_driver(&self, run: &Run, task: TaskId) -> Option<TraceContext> {
        self.task_place(run, task).or_else(|| run.trace.clone())
    }

    /// The span of a run that has ended.
    pub(super) fn run_span(&self, run: &Run) -> Option<Span> {
        let above = run.trace.as_ref().filter(|it| self.tracer.records(it))?;
        let failed = run.state == RunState::Failed;
        Some(Span {
            name: "run".to_owned(),
            role: Role::Internal,
            place: above.with_span(span_id(run.id.0)),
            parent: (above.span, false),
            began: run.created.into(),
            ended: SystemTime::now(),
            facts: vec![
                ("conveyor.run.id", run.id.to_string().into()),
                ("conveyor.run.cause", run.cause.as_str().into()),
                ("conveyor.run.outcome", word(run.state).into()),
                (
                    "conveyor.resource.definition",
                    run.resource.kind.as_str().into(),
                ),
                ("conveyor.resource.name", run.resource.name.as_str().into()),
            ],
            failure: failed.then(|| run.reason.clone()),
        })
    }

    /// Records what is over now.
    pub(super) fn record(&self, spans: Vec<Span>) {
        for mut span in spans {
            span.ended = SystemTime::now();
            self.tracer.record(span);
        }
    }
}

fn task_span(run: &Run, at: usize, offer: Offer, place: TraceContext, began: SystemTime) -> Span {
    let step = &run.steps[at];
    let attempt = step
        .attempts
        .iter()
        .position(|it| it.offer.task == offer.task);
    let (outcome, failure) = match attempt.map(|at| &step.attempts[at]) {
        Some(attempt) => match attempt.state {
            AttemptState::Running => ("running", None),
            AttemptState::Succeeded => ("succeeded", None),
            AttemptState::Failed => ("failed", Some(step.message.clone())),
            AttemptState::Lost => ("lost", Some(attempt.reason.clone())),
            AttemptState::Cancelled => ("cancelled", None),
        },
        None if step.state == StepState::Failed => ("failed", Some(step.reason.clone())),
        None => ("not taken", None),
    };
    let mut facts: Vec<(&'static str, Fact)> = vec![
        ("conveyor.run.id", run.id.to_string().into()),
        ("conveyor.task.id", offer.task.to_string().into()),
        ("conveyor.step.id", step.id.as_str().into()),
        ("conveyor.driver", step.driver.as_str().into()),
        ("conveyor.task.outcome", outcome.into()),
    ];
    if let Some(attempt) = attempt {
        let number = i64::try_from(attempt + 1).unwrap_or(i64::MAX);
        facts.push(("conveyor.attempt", number.into()));
    }
    Span {
        name: "task".to_owned(),
        role: Role::Producer,
        place,
        parent: (span_id(run.id.0), false),
        began,
        ended: began,
        facts,
        failure,
    }
}

fn word(state: RunState) -> &'static str {
    match state {
        RunState::Pending => "pending",
        RunState::Running => "running",
        RunState::Cancelling => "cancelling",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Cancelled => "cancelled",
    }
}

/// The last half of an id: of a UUID of version 7 that is where its random bits are, and it is never 0.
fn span_id(id: Uuid) -> u64 {
    id.as_u64_pair().1
}
