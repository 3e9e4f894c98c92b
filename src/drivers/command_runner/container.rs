//! Containers for the commands of one task: one per command, all with the same volume as their
//! working directory. Owns their names and labels, and that nothing of them is left.
//!
//! A driver that died may have left a container that still works. Whoever takes the step next on the
//! same engine finds it by its label and removes it first.

use conveyor_client::{CancelSignal, Logger};
use tokio::process::Command;
use tracing::warn;

use super::engine::{Engine, EngineError};
use super::process::{self, Ended};
use super::variables::Variables;
use super::work::Step;
use super::workdir::Workdir;

/// Where the commands find their working directory.
const WORKDIR: &str = "/workspace";
/// What runs as the container's first process. The kernel keeps SIGTERM from a first process that
/// does not handle it, so that a command in that place could not be asked to end.
const FIRST_PROCESS: &str = r#"
trap 'kill -TERM $!' TERM
sh -c "$1" &
wait $!; code=$?
while kill -0 $! 2>/dev/null; do wait $!; code=$?; done
exit $code
"#;

/// The containers of one task.
pub(super) struct Containers {
    /// What runs them.
    pub(super) engine: Engine,
    /// What they are made from.
    pub(super) image: String,
    /// Names this task on the engine: no other has it.
    pub(super) task: String,
    /// Names the step through all its attempts.
    pub(super) step: String,
    /// A folder of the host to work in. None: a volume of their own.
    pub(super) folder: Option<Workdir>,
}

impl Containers {
    /// Removes what an earlier attempt left and fetches the image where it is missing.
    pub(super) async fn prepare(
        &self,
        log: &Logger,
        cancel: &CancelSignal,
    ) -> Result<(), ContainerError> {
        self.remove_left().await?;
        if self.folder.is_none() {
            let volume = ["volume", "create", "--label", &self.label(), &self.volume()];
            self.engine.ask(&volume).await?;
        }
        let image = ["image", "inspect", "--format", "{{.Id}}", &self.image];
        match self.engine.ask(&image).await {
            Ok(_) => Ok(()),
            Err(_) => self.pull(log, cancel).await,
        }
    }

    async fn pull(&self, log: &Logger, cancel: &CancelSignal) -> Result<(), ContainerError> {
        log.info(format!("pulling {}", self.image)).await;
        let mut pull = self.engine.command();
        pull.args(["pull", &self.image]);
        match process::run(pull, log, cancel).await? {
            Ended::Exited(0) => Ok(()),
            Ended::Cancelled => Err(ContainerError::PullCancelled(self.image.clone())),
            Ended::Exited(_) | Ended::Signalled(_) => Err(ContainerError::Pull(self.image.clone())),
        }
    }

    /// Runs one command in a container of its own.
    pub(super) async fn run(
        &self,
        number: usize,
        step: &Step,
        variables: &Variables,
        log: &Logger,
        cancel: &CancelSignal,
    ) -> Result<Ended, ContainerError> {
        let name = format!("conveyor-{}-{number}", self.task);
        let ended = process::run(self.command(&name, step, variables), log, cancel).await;
        // After a cancel it may still work: the engine's client was stopped, not the container.
        self.discard(&name).await;
        Ok(ended?)
    }

    /// Removes the volume. A folder of the host is its owner's.
    pub(super) async fn close(&self) {
        if self.folder.is_none() {
            let volume = self.volume();
            log_failure(self.engine.ask(&["volume", "rm", "--force", &volume]).await);
        }
    }

    fn command(&self, name: &str, step: &Step, variables: &Variables) -> Command {
        // Not with --rm: Docker's client then learns the exit code from the removal, where engines that
        // only speak Docker's language (podman 4.3) tell it 0.
        let mut command = self.engine.command();
        let source = match &self.folder {
            Some(folder) => folder.path().display().to_string(),
            None => self.volume(),
        };
        command
            .args(["run", "--name", name])
            .args(["--label", &self.label()])
            .args(["--volume", &format!("{source}:{WORKDIR}")])
            .args(["--workdir", WORKDIR]);
        for (name, value) in variables {
            // Without its value on the command line: the client takes it from its own environment.
            command.args(["--env", name]).env(name, value);
        }
        for (name, value) in &step.env {
            // With its value: the user's choice of names must not reach the client's environment.
            command.args(["--env", &format!("{name}={value}")]);
        }
        command.args(["--entrypoint", "sh", &self.image]).args([
            "-c",
            FIRST_PROCESS,
            "sh",
            &step.command,
        ]);
        command
    }

    async fn remove_left(&self) -> Result<(), EngineError> {
        let filter = format!("label={}", self.label());
        let question = ["ps", "--all", "--quiet", "--filter", &filter];
        for id in self.engine.ask(&question).await?.split_whitespace() {
            self.discard(id).await;
        }
        let question = ["volume", "ls", "--quiet", "--filter", &filter];
        for name in self.engine.ask(&question).await?.split_whitespace() {
            log_failure(self.engine.ask(&["volume", "rm", "--force", name]).await);
        }
        Ok(())
    }

    async fn discard(&self, container: &str) {
        log_failure(
            self.engine
                .ask(&[self.engine.remove(), &[container]].concat())
                .await,
        );
    }

    fn label(&self) -> String {
        format!("conveyor.step={}", self.step)
    }

    fn volume(&self) -> String {
        format!("conveyor-{}", self.task)
    }
}

/// Why a container did not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum ContainerError {
    /// The image is neither there nor to be had.
    #[error("the image {0} is not on this host and could not be pulled")]
    Pull(String),
    /// The task was cancelled before it began.
    #[error("cancelled while the image {0} was pulled")]
    PullCancelled(String),
    /// The engine did not do as asked.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The engine's client could not be started.
    #[error("the container engine's client: {0}")]
    Client(#[from] std::io::Error),
}

fn log_failure(asked: Result<String, EngineError>) {
    if let Err(error) = asked {
        warn!(%error, "something of a task may be left on the container engine");
    }
}
