//! A container engine, spoken to through its command line: the one thing that docker, podman, remote
//! and rootless engines have in common. Owns the questions asked of it; containers are in `container`.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// An engine that is well answers within a second. One that hangs must not hang the driver.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// A container engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Engine {
    /// Docker, or what answers to its name.
    Docker,
    /// Podman.
    Podman,
}

impl Engine {
    /// The name of its program.
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// Its command, ready for arguments.
    pub(super) fn command(self) -> Command {
        Command::new(self.program())
    }

    /// How it removes a container, whether that runs or not, at once.
    pub(super) fn remove(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &["rm", "--force"],
            Self::Podman => &["rm", "--force", "--ignore", "--time", "0"],
        }
    }

    /// Whether the engine itself answers; its client alone can run nothing.
    pub(super) async fn answers(self) -> Result<(), EngineError> {
        let question = match self {
            Self::Docker => ["version", "--format", "{{.Server.Version}}"],
            Self::Podman => ["info", "--format", "{{.Version.Version}}"],
        };
        self.ask(&question).await.map(|_| ())
    }

    /// Runs one short command of the engine and returns what it printed.
    pub(super) async fn ask(self, arguments: &[&str]) -> Result<String, EngineError> {
        let mut command = self.command();
        command
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = match timeout(ANSWER_TIME, command.output()).await {
            Err(_) => return Err(EngineError::Silent(self.program())),
            Ok(Err(error)) => return Err(EngineError::NotFound(self.program(), error)),
            Ok(Ok(output)) => output,
        };
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().rfind(|line| !line.trim().is_empty());
            return Err(EngineError::Refused(
                self.program(),
                last.unwrap_or("").to_owned(),
            ));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Why an engine did not do as asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum EngineError {
    /// Its program cannot be started.
    #[error("{0}: not installed ({1})")]
    NotFound(&'static str, #[source] std::io::Error),
    /// It did not answer in time.
    #[error("{0}: no answer within {seconds} s", seconds = ANSWER_TIME.as_secs())]
    Silent(&'static str),
    /// It said no, or its engine could not be reached.
    #[error("{0}: {1}")]
    Refused(&'static str, String),
}
