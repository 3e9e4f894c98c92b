//! `conveyor driver`: runs the drivers that ship with Conveyor.

use clap::Subcommand;
use conveyor_client::CancellationToken;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::drivers::command_runner::{self, CommandRunnerArgs};

/// The drivers.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the commands of a resource's steps
    CommandRunner(CommandRunnerArgs),
}

/// Runs the driver until Ctrl-C or SIGTERM.
pub(super) async fn run(command: Command) -> Result<(), Failure> {
    super::log_to_stderr(&std::env::var("CONVEYOR_LOG").unwrap_or_else(|_| "info".to_owned()));
    let shutdown = CancellationToken::new();
    tokio::spawn(cancel_on_signal(shutdown.clone()));
    match command {
        Command::CommandRunner(args) => command_runner::run(args, shutdown).await,
    }
    .map_err(|error| Failure::Ended(error.to_string()))
}

/// The first signal asks the driver to stop in order; the second ends the process at once.
async fn cancel_on_signal(shutdown: CancellationToken) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return; // Without handlers a signal ends the process, as ever.
    };
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    next().await;
    shutdown.cancel();
    next().await;
    std::process::exit(1);
}
