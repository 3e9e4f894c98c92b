//! `conveyor man`: the manual pages, one for each command, made of what `--help` says.

use std::path::PathBuf;

use clap::CommandFactory;

use super::{Cli, Failure, show};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Directory for the pages; made if it is not there
    directory: PathBuf,
}

const EXAMPLES: &str = "\
Example:
  conveyor man /usr/local/share/man/man1";

/// Writes the pages.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    std::fs::create_dir_all(&args.directory)?;
    clap_mangen::generate_to(Cli::command(), &args.directory)?;
    show::line(format_args!(
        "manual pages written to {}",
        args.directory.display()
    ))
}
