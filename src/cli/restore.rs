//! `conveyor restore`: makes a data directory from a backup.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::progress::{self, Progress};
use super::{Failure, show};
use crate::offline::archive::Manifest;
use crate::offline::restore::{Error, abandon, restore};

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
Every file is checked against the manifest of the backup before it counts. Ctrl-C leaves nothing behind; a restore that
was killed leaves nothing that a server would start on.

Examples:
  conveyor restore conveyor.tar.zst --data /var/lib/conveyor
  ssh vault 'cat conveyor.tar.zst' | conveyor restore - --data ./conveyor-data";

/// How long a restore that was stopped may take to notice: longer, and it waits for its input.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes the directory.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (input, bytes) = open(&args.file)?;
    let line = Progress::of_bytes("restoring", bytes);
    let restored = until_stopped(line.reading(input), &args.data).await;
    drop(line);
    let manifest = restored?;
    show::line(format_args!(
        "restored {} files, {}, up to position {}, saved {}; start with conveyor up --data {}",
        manifest.files.len(),
        progress::bytes(manifest.bytes()),
        manifest.position,
        manifest.time,
        args.data.display()
    ))
}

/// Restores, unless Ctrl-C stops it. It has a thread of its own, for which the end of the process does not wait: it may
/// be waiting for input.
async fn until_stopped(
    input: impl Read + Send + 'static,
    directory: &Path,
) -> Result<Manifest, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = Arc::new(AtomicBool::new(false));
    let input = Stoppable {
        input,
        stop: Arc::clone(&stop),
    };
    let (done, mut restored) = oneshot::channel::<Result<Manifest, Error>>();
    let target = directory.to_owned();
    // Where nobody waits for the answer any more, the command has ended.
    std::thread::spawn(move || done.send(restore(input, &target)).ok());
    let ended = tokio::select! {
        ended = &mut restored => Some(ended),
        _ = interrupt.recv() => {
            stop.store(true, Ordering::Relaxed);
            tokio::time::timeout(PATIENCE, &mut restored).await.ok()
        }
    };
    let stopped = || Failure::Ended("stopped: nothing was restored".to_owned());
    match ended {
        Some(Ok(Ok(manifest))) => Ok(manifest),
        Some(Ok(Err(_))) if stop.load(Ordering::Relaxed) => Err(stopped()),
        Some(Ok(Err(error))) => Err(Failure::Ended(error.to_string())),
        Some(Err(_)) => Err(Failure::Ended("the restore broke off".to_owned())),
        None => {
            abandon(directory).map_err(|error| {
                let place = directory.display();
                Failure::Ended(format!(
                    "stopped, but what is in {place} stays: {error}; remove it"
                ))
            })?;
            Err(stopped())
        }
    }
}

/// Input that ends with an error once it is stopped.
struct Stoppable<R> {
    input: R,
    stop: Arc<AtomicBool>,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was stopped"));
        }
        self.input.read(bytes)
    }
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
