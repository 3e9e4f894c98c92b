//! A place made ready for one task: a folder of the host, or containers. Owns what it made there,
//! from `open` to `close`.

use std::io;
use std::path::Path;

use conveyor_client::{CancelSignal, Logger, Task};
use tokio::process::Command;
use tokio::task::spawn_blocking;

use super::container::{ContainerError, Containers};
use super::process::{self, Ended};
use super::runtime::Place;
use super::variables::Variables;
use super::work::Step;
use super::workdir::Workdir;

/// Where the commands of one task run.
pub(super) enum Site {
    /// On the host, in this folder.
    Host(Workdir),
    /// In containers.
    Containers(Containers),
}

/// Why a site is not ready, or does not run a command.
#[derive(Debug, thiserror::Error)]
pub(super) enum SiteError {
    #[error("no working directory: {0}")]
    Workdir(io::Error),
    #[error("the shell does not run: {0}")]
    Shell(io::Error),
    #[error(transparent)]
    Container(#[from] ContainerError),
}

impl Site {
    /// Makes a place ready for a task. With a workspace the tasks of one run share a folder in it. An
    /// image that is missing is fetched.
    pub(super) async fn open(
        place: Place,
        workspace: Option<&Path>,
        task: &Task,
    ) -> Result<Self, SiteError> {
        let shared = workspace
            .map(|workspace| Workdir::shared(workspace, &task.run_id))
            .transpose()
            .map_err(SiteError::Workdir)?;
        match (place, shared) {
            (Place::Host, Some(folder)) => Ok(Self::Host(folder)),
            (Place::Host, None) => Workdir::fresh().map(Self::Host).map_err(SiteError::Workdir),
            (Place::Container { engine, image }, folder) => {
                let containers = Containers {
                    engine,
                    image,
                    task: task.task_id.clone(),
                    step: format!("{}/{}", task.run_id, task.step.id),
                    folder,
                };
                if let Err(error) = containers.prepare(&task.log, &task.cancel).await {
                    containers.close().await;
                    return Err(error.into());
                }
                Ok(Self::Containers(containers))
            }
        }
    }

    /// Runs one command to its end. `number` tells it from the others of its task.
    pub(super) async fn run(
        &self,
        number: usize,
        step: &Step,
        variables: &Variables,
        log: &Logger,
        cancel: &CancelSignal,
    ) -> Result<Ended, SiteError> {
        match self {
            Self::Host(folder) => {
                let mut command = Command::new("/bin/sh");
                command
                    .args(["-c", &step.command])
                    .current_dir(folder.path())
                    .envs(variables)
                    .envs(&step.env);
                process::run(command, log, cancel)
                    .await
                    .map_err(SiteError::Shell)
            }
            Self::Containers(containers) => {
                let ended = containers.run(number, step, variables, log, cancel);
                Ok(ended.await?)
            }
        }
    }

    /// Removes what the task alone needed.
    pub(super) async fn close(self) {
        match self {
            Self::Host(folder) => {
                // Many files take long to remove, which must not hold up other tasks.
                let _ = spawn_blocking(|| folder.close()).await;
            }
            Self::Containers(containers) => containers.close().await,
        }
    }
}
