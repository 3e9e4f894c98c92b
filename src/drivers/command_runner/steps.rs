//! Runs the commands of a task in their order and ends at the first that fails.

use conveyor_client::{Outcome, Task};
use serde_json::{Value, json};

use super::process::Ended;
use super::site::{Site, SiteError};
use super::variables::Variables;
use super::work::Step;

/// Why a task ended before its last command did.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("step {0:?} failed with exit code {1}")]
    Failed(String, i32),
    #[error("step {0:?} was ended by signal {1}")]
    Signalled(String, i32),
    #[error("cancelled in step {0:?}")]
    Cancelled(String),
    #[error(transparent)]
    Site(#[from] SiteError),
}

/// Runs all commands, or those up to the first failure. The outcome's data names those that ended,
/// each with its exit code: `{"steps": [{"name", "exit_code"}]}`.
pub(super) async fn run(
    steps: &[Step],
    site: &Site,
    variables: &Variables,
    task: &Task,
) -> Outcome {
    let mut done = Vec::new();
    let outcome = match run_all(steps, site, variables, task, &mut done).await {
        Ok(()) if done.len() == 1 => Outcome::success("1 step succeeded"),
        Ok(()) => Outcome::success(format!("{} steps succeeded", done.len())),
        Err(stop) => Outcome::failure(stop.to_string()),
    };
    outcome.data(json!({"steps": done}))
}

async fn run_all(
    steps: &[Step],
    site: &Site,
    variables: &Variables,
    task: &Task,
    done: &mut Vec<Value>,
) -> Result<(), Stop> {
    for (number, step) in (1..).zip(steps) {
        let name = step.name.clone();
        let log = task.log.with_labels([("step", &name)]);
        log.info(announcement(number, steps.len(), step)).await;
        let ended = site
            .run(number, step, variables, &log, &task.cancel)
            .await?;
        let (code, stop) = match ended {
            Ended::Exited(0) => (Some(0), None),
            Ended::Exited(code) => (Some(code), Some(Stop::Failed(name, code))),
            Ended::Signalled(signal) => (None, Some(Stop::Signalled(name, signal))),
            Ended::Cancelled => (None, Some(Stop::Cancelled(name))),
        };
        done.push(json!({"name": step.name, "exit_code": code}));
        if let Some(stop) = stop {
            return Err(stop);
        }
    }
    Ok(())
}

/// One line says where the task is. A command of several lines is known by its name alone.
fn announcement(number: usize, count: usize, step: &Step) -> String {
    let command = step.command.trim();
    let begun = format!("step {number} of {count}, {}", step.name);
    match command.contains('\n') {
        true => begun,
        false => format!("{begun}: {command}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_announced_in_one_line() {
        let step = |command: &str| Step {
            name: "build".into(),
            command: command.into(),
            env: Default::default(),
        };
        assert_eq!(
            announcement(1, 2, &step("make")),
            "step 1 of 2, build: make"
        );
        assert_eq!(
            announcement(2, 2, &step("make\n")),
            "step 2 of 2, build: make"
        );
        assert_eq!(
            announcement(2, 2, &step("set -e\nmake")),
            "step 2 of 2, build"
        );
    }
}
