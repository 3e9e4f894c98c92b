//! Picks the command and sets the exit code, whose table is in `cli/exit.rs`.

use std::process::ExitCode;

use clap::Parser;
use conveyor::cli::{Cli, Exit};
use tikv_jemallocator::Jemalloc;

/// Takes the place of malloc as well, so that RocksDB allocates from it: what is freed goes back to the system.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

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
