//! `conveyor driver`: runs the drivers that ship with Conveyor.

use clap::Subcommand;
use conveyor_client::CancellationToken;

use super::Failure;
use crate::config::LogFormat;
use crate::drivers::command_runner::{self, CommandRunnerArgs};
use crate::observe::logs::to_stderr;

/// The drivers.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    // What help says of it stands with its arguments.
    CommandRunner(CommandRunnerArgs),
}

/// Runs the driver until Ctrl-C or SIGTERM.
pub(super) async fn run(command: Command) -> Result<(), Failure> {
    let filter = std::env::var("CONVEYOR_LOG").unwrap_or_else(|_| "info".to_owned());
    to_stderr(&filter, LogFormat::Text);
    let abort = CancellationToken::new();
    match command {
        Command::CommandRunner(args) => command_runner::run(args, abort.clone()).await,
    }
    .map_err(|error| Failure::Ended(error.to_string()))?;
    if abort.is_cancelled() {
        return Err(Failure::Ended("stopped before its tasks had ended".into()));
    }
    Ok(())
}
