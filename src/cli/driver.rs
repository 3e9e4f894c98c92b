//! `conveyor driver`: runs the drivers that ship with Conveyor.

use clap::Subcommand;
use conveyor_client::CancellationToken;
use tokio::signal::unix::{SignalKind, signal};

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
    let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
    tokio::spawn(cancel_on_signal(stop.clone(), abort.clone()));
    match command {
        Command::CommandRunner(args) => command_runner::run(args, stop, abort.clone()).await,
    }
    .map_err(|error| Failure::Ended(error.to_string()))?;
    if abort.is_cancelled() {
        return Err(Failure::Ended("stopped before its tasks had ended".into()));
    }
    Ok(())
}

/// The first signal asks the driver to take no more work and to end what it has; the second, to drop
/// that too. It goes in order even then, since work that is just left would run on without its driver.
async fn cancel_on_signal(stop: CancellationToken, abort: CancellationToken) {
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
    stop.cancel();
    next().await;
    abort.cancel();
}
