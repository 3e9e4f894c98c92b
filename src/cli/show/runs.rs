//! Runs and their steps, printed.

use comfy_table::Cell;
use conveyor_client::proto::{Attempt, Run, RunState, StepRun, StepState};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::pipelines::PipelineDocument;
use super::resources::ResourceDocument;
use super::{Rows, Shown, json, on_terminal, rfc3339, table, time};

/// A run with everything that is known of it.
#[derive(Serialize)]
struct RunDocument<'a> {
    kind: &'static str,
    id: &'a str,
    resource: &'a str,
    name: &'a str,
    revision: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    pipeline: &'a str,
    event: &'a str,
    state: &'static str,
    reason: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    waits_for: &'a str,
    steps: Vec<StepDocument<'a>>,
    create_time: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_snapshot: Option<ResourceDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_snapshot: Option<PipelineDocument<'a>>,
}

#[derive(Serialize)]
struct StepDocument<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    driver: &'a str,
    state: &'static str,
    reason: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    attempts: Vec<AttemptDocument<'a>>,
}

#[derive(Serialize)]
struct AttemptDocument<'a> {
    number: i32,
    task_id: &'a str,
    instance_id: &'a str,
    state: &'static str,
    reason: &'a str,
    start_time: Option<String>,
    end_time: Option<String>,
}

impl Shown for Run {
    const COLUMNS: &'static [&'static str] = &[
        "RUN", "RESOURCE", "EVENT", "STATE", "AGE", "DURATION", "REASON",
    ];
    const WIDE: &'static [&'static str] = &["REVISION", "PIPELINE", "STEPS", "CREATED"];

    fn row(&self, now: Timestamp) -> Vec<Cell> {
        vec![
            Cell::new(&self.id),
            Cell::new(format!("{}/{}", self.resource, self.name)),
            Cell::new(&self.event),
            table::state(state_word(self.state())),
            Cell::new(time::age(self.create_time.as_ref(), now)),
            Cell::new(time::span(
                self.start_time.as_ref(),
                self.end_time.as_ref(),
                now,
            )),
            table::text(&self.reason),
        ]
    }

    fn wide(&self) -> Vec<Cell> {
        let done = self.steps.iter().filter(|step| is_over(step.state()));
        vec![
            Cell::new(self.revision),
            Cell::new(&self.pipeline),
            Cell::new(format!("{}/{}", done.count(), self.steps.len())),
            Cell::new(rfc3339(self.create_time.as_ref()).unwrap_or_default()),
        ]
    }

    fn name(&self) -> String {
        self.id.clone()
    }

    fn document(&self) -> impl Serialize + '_ {
        RunDocument {
            kind: "Run",
            id: &self.id,
            resource: &self.resource,
            name: &self.name,
            revision: self.revision,
            pipeline: &self.pipeline,
            event: &self.event,
            state: self.state().as_str_name(),
            reason: &self.reason,
            waits_for: &self.waits_for,
            steps: self.steps.iter().map(StepDocument::from).collect(),
            create_time: rfc3339(self.create_time.as_ref()),
            start_time: rfc3339(self.start_time.as_ref()),
            end_time: rfc3339(self.end_time.as_ref()),
            resource_snapshot: self.resource_snapshot.as_ref().map(ResourceDocument::from),
            pipeline_snapshot: self.pipeline_snapshot.as_ref().map(PipelineDocument::from),
        }
    }
}

impl<'a> From<&'a StepRun> for StepDocument<'a> {
    fn from(step: &'a StepRun) -> Self {
        StepDocument {
            id: &step.id,
            name: &step.name,
            driver: &step.driver,
            state: step.state().as_str_name(),
            reason: &step.reason,
            message: &step.message,
            data: json::raw(&step.data_json),
            attempts: step.attempts.iter().map(AttemptDocument::from).collect(),
        }
    }
}

impl<'a> From<&'a Attempt> for AttemptDocument<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        AttemptDocument {
            number: attempt.number,
            task_id: &attempt.task_id,
            instance_id: &attempt.instance_id,
            state: attempt.state().as_str_name(),
            reason: &attempt.reason,
            start_time: rfc3339(attempt.start_time.as_ref()),
            end_time: rfc3339(attempt.end_time.as_ref()),
        }
    }
}

/// The columns of the table of steps.
pub(super) const STEP_COLUMNS: &[&str] =
    &["STEP", "DRIVER", "STATE", "ATTEMPTS", "DURATION", "MESSAGE"];

/// The row of a step in the table of steps.
pub(super) fn step_row(step: &StepRun, now: Timestamp) -> Vec<Cell> {
    let last = step.attempts.last();
    let span = last.map(|last| time::span(last.start_time.as_ref(), last.end_time.as_ref(), now));
    vec![
        table::text(&step_title(step)),
        Cell::new(&step.driver),
        table::state(step_word(step.state())),
        Cell::new(step.attempts.len()),
        Cell::new(span.unwrap_or_default()),
        table::text(step_words(step)),
    ]
}

/// How people name a step: its id and what it is called.
pub(in crate::cli) fn step_title(step: &StepRun) -> String {
    match step.name.as_str() {
        "" => step.id.clone(),
        name => format!("{} {name}", step.id),
    }
}

/// Why a step stands where it does. What the driver said tells more than why the server says that it ended.
pub(in crate::cli) fn step_words(step: &StepRun) -> &str {
    if step.message.is_empty() {
        &step.reason
    } else {
        &step.message
    }
}

/// The attempts at the steps of a run, as a table.
pub(in crate::cli) fn attempts(run: &Run) -> String {
    let now = Timestamp::now();
    let row = |(step, it): (&StepRun, &Attempt)| {
        let word = it
            .state()
            .as_str_name()
            .trim_start_matches("ATTEMPT_STATE_");
        vec![
            Cell::new(format!("{} {}", step.id, it.number)),
            table::state(word),
            Cell::new(time::span(
                it.start_time.as_ref(),
                it.end_time.as_ref(),
                now,
            )),
            Cell::new(&it.instance_id),
            table::text(&it.reason),
        ]
    };
    let all = run
        .steps
        .iter()
        .flat_map(|step| step.attempts.iter().map(move |it| (step, it)));
    let rows: Vec<_> = all.map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    Rows::new(vec!["ATTEMPT", "STATE", "DURATION", "INSTANCE", "REASON"])
        .render(rows, on_terminal())
}

/// Whether a run has ended.
pub(in crate::cli) fn has_ended(run: &Run) -> bool {
    match run.state() {
        RunState::Succeeded | RunState::Failed | RunState::Cancelled => true,
        RunState::Unspecified | RunState::Pending | RunState::Running | RunState::Cancelling => {
            false
        }
    }
}

fn is_over(state: StepState) -> bool {
    match state {
        StepState::Succeeded | StepState::Failed | StepState::Skipped | StepState::Cancelled => {
            true
        }
        StepState::Unspecified | StepState::Pending | StepState::Offered | StepState::Running => {
            false
        }
    }
}

/// The short word of a step's state, for people.
pub(in crate::cli) fn step_word(state: StepState) -> &'static str {
    state.as_str_name().trim_start_matches("STEP_STATE_")
}

/// The short word of a state, for people.
pub(in crate::cli) fn state_word(state: RunState) -> &'static str {
    state.as_str_name().trim_start_matches("RUN_STATE_")
}
