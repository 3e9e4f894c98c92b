//! The command runner: a driver that runs the commands of a resource in containers or on its host,
//! and streams what they print.
//!
//! | file | what it owns |
//! |---|---|
//! | `args` | what it can be told on the command line |
//! | `work` | what a task asks for, and where that is written |
//! | `variables` | what commands are told about their task |
//! | `runtime`, `engine` | where commands run: the choice, and the engine that is asked |
//! | `site`, `workdir`, `container` | a place made ready for one task, and cleaned up after it |
//! | `steps` | the commands in their order |
//! | `process`, `group`, `output` | one command: its process group and its pipes |

mod args;
mod container;
mod engine;
mod group;
mod output;
mod process;
mod runtime;
mod site;
mod steps;
mod variables;
mod work;
mod workdir;

use std::path::PathBuf;
use std::sync::Arc;

use conveyor_client::{CancellationToken, Driver, Manager, Outcome, Task};

pub use args::CommandRunnerArgs;
pub use runtime::Runtime;

use runtime::{NowhereError, Places};
use site::{Site, SiteError};
use work::{Work, WorkError};

/// Why a driver did not start, or was sent away.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file with its commands cannot be used.
    #[error("the commands of --steps: {0}")]
    Steps(String),
    /// The server will not have it.
    #[error(transparent)]
    Server(#[from] conveyor_client::Error),
}

/// Runs the driver until a signal comes and the tasks in hand have ended. A second one fires `abort`: then it
/// ends those within seconds, and the server gives them to others. It goes in order even then, since work that
/// is just left would run on without its driver.
pub async fn run(args: CommandRunnerArgs, abort: CancellationToken) -> Result<(), Error> {
    let fixed = match &args.steps {
        Some(file) => Some(Work::from_file(file).map_err(|why| Error::Steps(why.to_string()))?),
        None => None,
    };
    let runner = Arc::new(Runner {
        fixed,
        places: Places::new(args.runtime),
        workspace: args.workspace,
    });
    let reconcile = move |task: Task| {
        let runner = Arc::clone(&runner);
        async move { runner.reconcile(&task).await }
    };
    let mut driver = Driver::new(args.name, reconcile)
        .definitions(args.definitions)
        .events(args.events)
        .slots(args.slots.into());
    for (key, value) in args.labels {
        driver = driver.label(key, value);
    }
    let manager = Manager::new(args.server).driver(driver).abort_on(abort);
    manager.run_until_signal().await?;
    Ok(())
}

/// What all tasks of one driver have in common.
struct Runner {
    /// The commands of every task. None: each task says its own.
    fixed: Option<Work>,
    places: Places,
    workspace: Option<PathBuf>,
}

/// Why no command of a task was run.
#[derive(Debug, thiserror::Error)]
enum NotBegun {
    #[error(transparent)]
    Work(#[from] WorkError),
    #[error(transparent)]
    Nowhere(#[from] NowhereError),
    #[error(transparent)]
    Site(#[from] SiteError),
}

impl Runner {
    /// Carries out one task. What went wrong stands in the log too, where people look first.
    async fn reconcile(&self, task: &Task) -> Outcome {
        let outcome = match self.carry_out(task).await {
            Ok(outcome) => outcome,
            Err(why) => Outcome::failure(why.to_string()),
        };
        if !outcome.success {
            task.log.error(&outcome.message).await;
        }
        outcome
    }

    async fn carry_out(&self, task: &Task) -> Result<Outcome, NotBegun> {
        let work = match &self.fixed {
            Some(work) => work.clone(),
            None => Work::of_task(&task.resource.spec, &task.step.params)?,
        };
        let place = self.places.choose(work.image.as_deref()).await?;
        let site = Site::open(place, self.workspace.as_deref(), task).await?;
        let variables = variables::of_task(task);
        let outcome = steps::run(&work.steps, &site, &variables, task).await;
        site.close().await;
        Ok(outcome)
    }
}
