//! Picks the command and sets the exit code, whose table is in `cli/exit.rs`.

use std::process::ExitCode;

use clap::Parser;
use conveyor::cli::{Cli, Exit};

#[tokio::main]
async fn main() -> ExitCode {
    Cli::complete();
    let exit = match Cli::parse().run().await {
        Ok(()) => Exit::Done,
        Err(failure) => {
            failure.tell();
            failure.exit()
        }
    };
    exit.into()
}
