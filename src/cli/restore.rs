//! `conveyor restore`: makes a data directory from a backup.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::progress::{self, Progress};
use super::{Failure, show};
use crate::offline::restore::restore;

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The backup to read; - is stdin
    file: PathBuf,
    /// The data directory to make: one that is empty or not there yet
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

const EXAMPLES: &str = "\
Every file is checked against the manifest of the backup before it counts. A restore that is cut short leaves nothing
that a server would start on.

Examples:
  conveyor restore conveyor.tar.zst --data /var/lib/conveyor
  ssh vault 'cat conveyor.tar.zst' | conveyor restore - --data ./conveyor-data";

/// Makes the directory.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (input, bytes) = open(&args.file)?;
    let directory = args.data.clone();
    let line = Progress::of_bytes("restoring", bytes);
    let input = line.reading(input);
    let work = tokio::task::spawn_blocking(move || restore(input, &directory));
    let restored = work
        .await
        .map_err(|error| Failure::Ended(format!("restore failed: {error}")))?;
    drop(line);
    let manifest = restored.map_err(|error| Failure::Ended(error.to_string()))?;
    show::line(format_args!(
        "restored {} files, {}, up to position {}, saved {}; start with conveyor up --data {}",
        manifest.files.len(),
        progress::bytes(manifest.bytes()),
        manifest.position,
        manifest.time,
        args.data.display()
    ))
}

/// The archive, and its size where it is known.
fn open(path: &Path) -> Result<(Box<dyn Read + Send>, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (bytes, file) = opened
        .map_err(|error| Failure::Ended(format!("cannot read {}: {error}", path.display())))?;
    Ok((Box::new(file), Some(bytes)))
}
