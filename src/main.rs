//! Picks the command and sets the exit code: 0 when it did its work, 1 when it failed, 2 when it was called wrongly.

use std::process::ExitCode;

use clap::Parser;
use conveyor::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
