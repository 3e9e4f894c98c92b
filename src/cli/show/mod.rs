//! How things are printed: as a table for people, as JSON or YAML for programs.

mod drivers;
mod format;
mod json;
mod listing;
mod pipelines;
mod resources;
mod retention;
mod runs;
mod sheet;
mod table;
mod template;
mod time;
mod yaml;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Write;

use comfy_table::Cell;
use conveyor_client::proto::Run;
use jiff::Timestamp;
use serde::Serialize;

use super::Failure;
pub(super) use drivers::{instances, pairs};
pub(super) use format::{Format, FormatArg};
pub(super) use json::{compact, raw};
pub(super) use listing::Listing;
pub(super) use pipelines::pipeline_steps;
pub(super) use resources::{is_servers, revisions};
pub(super) use retention::kept;
use runs::STEP_COLUMNS;
pub(super) use runs::{attempts, has_ended, state_word, step_title, step_word, step_words};
pub(super) use sheet::Sheet;
pub(super) use table::{Rows, aside, on_terminal, text};
#[cfg(any(test, feature = "fuzz"))]
pub(super) use template::Template;
pub(super) use time::{ago, rfc3339, span};

/// A thing that can be printed.
pub(super) trait Shown {
    /// The columns of its table.
    const COLUMNS: &'static [&'static str];

    /// The columns that come after those in a wide table.
    const WIDE: &'static [&'static str] = &[];

    /// Its row in the table.
    fn row(&self, now: Timestamp) -> Vec<Cell>;

    /// The rest of its row in a wide table.
    fn wide(&self) -> Vec<Cell> {
        Vec::new()
    }

    /// Its name, as other commands take it.
    fn name(&self) -> String;

    /// The whole of it, in the form that `apply` takes where it can be applied.
    fn document(&self) -> impl Serialize + '_;
}

/// Prints a list that is in memory.
pub(super) fn list<T: Shown>(items: &[T], format: &Format) -> Result<(), Failure> {
    let mut listing = Listing::new(format);
    listing.add(items)?;
    listing.end()
}

/// Prints one thing.
pub(super) fn one<T: Shown>(item: &T, format: &Format) -> Result<(), Failure> {
    match format {
        Format::Json => line(json::pretty(&item.document(), 0)),
        Format::JsonPath(template) => write(&template.fill(&item.document())),
        Format::Table | Format::Wide | Format::Yaml | Format::Name => {
            list(std::slice::from_ref(item), format)
        }
    }
}

/// Things as a table under its columns.
pub(super) fn table<T: Shown>(items: &[T]) -> String {
    let now = Timestamp::now();
    let rows = items.iter().map(|item| item.row(now)).collect();
    Rows::new(T::COLUMNS.to_vec()).render(rows, on_terminal())
}

/// A thing in each form at once.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn all_forms<T: Shown>(item: &T, template: &Template) -> String {
    let now = Timestamp::now();
    let wide = [item.row(now), item.wide()].concat();
    let columns = [T::COLUMNS, T::WIDE].concat();
    let document = item.document();
    [
        Rows::new(columns).render(vec![wide], false),
        json::pretty(&document, 1),
        yaml(&document),
        item.name(),
        template.fill(&document),
    ]
    .concat()
}

/// The steps of a run as a table.
pub(super) fn steps(run: &Run) -> String {
    let now = Timestamp::now();
    let rows = run.steps.iter().map(|step| runs::step_row(step, now));
    Rows::new(STEP_COLUMNS.to_vec()).render(rows.collect(), on_terminal())
}

/// A thing as one YAML document.
pub(super) fn yaml(value: &impl Serialize) -> String {
    yaml::document(value)
}

/// Prints one line.
pub(super) fn line(text: impl fmt::Display) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(Failure::Output)
}

/// Prints text as it is.
pub(super) fn write(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush().map_err(Failure::Output)
}

/// Pairs in the order of their keys: the same thing is printed the same way each time.
fn sorted(pairs: &HashMap<String, String>) -> BTreeMap<&str, &str> {
    pairs
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use conveyor_client::proto::{Attempt, AttemptState, Resource, RunState, StepRun, StepState};
    use prost_types::Timestamp as Stamp;

    fn stamp(seconds: i64) -> Option<Stamp> {
        Some(Stamp {
            seconds,
            nanos: 500_000_000,
        })
    }

    fn run() -> Run {
        let attempt = Attempt {
            number: 1,
            state: AttemptState::Failed.into(),
            start_time: stamp(10),
            end_time: stamp(75),
            ..Attempt::default()
        };
        let step = StepRun {
            id: "1".into(),
            name: "Build and Compile".into(),
            driver: "builder".into(),
            state: StepState::Failed.into(),
            message: "exit code 2\n\u{1b}[31mmore".into(),
            data_json: r#"{"code": 2.0}"#.into(),
            attempts: vec![attempt],
            ..StepRun::default()
        };
        Run {
            id: "019ab0c4".into(),
            resource: "pipeline".into(),
            name: "r".into(),
            event: "create".into(),
            state: RunState::Failed.into(),
            reason: "step 1 failed".into(),
            steps: vec![step],
            create_time: stamp(1),
            start_time: stamp(10),
            end_time: stamp(76),
            ..Run::default()
        }
    }

    #[test]
    fn a_table_has_one_line_for_each_thing() {
        let now = Timestamp::from_second(600).unwrap();
        let table = Rows::new(Run::COLUMNS.to_vec()).render(vec![run().row(now)], false);
        insta::assert_snapshot!(table, @r"
        RUN       RESOURCE    EVENT   STATE   AGE  DURATION  REASON
        019ab0c4  pipeline/r  create  FAILED  9m   1m06s     step 1 failed
        ");
        let steps = vec![runs::step_row(&run().steps[0], now)];
        insta::assert_snapshot!(Rows::new(STEP_COLUMNS.to_vec()).render(steps, false), @r"
        STEP                 DRIVER   STATE   ATTEMPTS  DURATION  MESSAGE
        1 Build and Compile  builder  FAILED  1         1m05s     exit code 2
        ");
    }

    #[test]
    fn json_has_full_words_and_the_users_tokens() {
        insta::assert_snapshot!(json::pretty(&run().document(), 0), @r#"
        {
          "kind": "Run",
          "id": "019ab0c4",
          "resource": "pipeline",
          "name": "r",
          "revision": 0,
          "event": "create",
          "state": "RUN_STATE_FAILED",
          "reason": "step 1 failed",
          "steps": [
            {
              "id": "1",
              "name": "Build and Compile",
              "driver": "builder",
              "state": "STEP_STATE_FAILED",
              "reason": "",
              "message": "exit code 2\n\u001b[31mmore",
              "data": {
                "code": 2.0
              },
              "attempts": [
                {
                  "number": 1,
                  "task_id": "",
                  "instance_id": "",
                  "state": "ATTEMPT_STATE_FAILED",
                  "reason": "",
                  "start_time": "1970-01-01T00:00:10.5Z",
                  "end_time": "1970-01-01T00:01:15.5Z"
                }
              ]
            }
          ],
          "create_time": "1970-01-01T00:00:01.5Z",
          "start_time": "1970-01-01T00:00:10.5Z",
          "end_time": "1970-01-01T00:01:16.5Z"
        }
        "#);
    }

    #[test]
    fn yaml_quotes_what_would_change_its_meaning() {
        let resource = Resource {
            name: "r".into(),
            resource: "any".into(),
            spec_json: r#"{"z":"yes","a":"1.0","n":1.5,"on":null,"d":"2024-01-01","l":[],"m":"two\nlines","t":true}"#.into(),
            ..Resource::default()
        };
        insta::assert_snapshot!(yaml::document(&resource.document()), @r#"
        ---
        kind: Resource
        resource: any
        name: r
        metadata: {}
        spec:
          z: "yes"
          a: "1.0"
          "n": 1.5
          "on": null
          d: "2024-01-01"
          l: []
          m: |-
            two
            lines
          t: true
        "#);
    }
}
