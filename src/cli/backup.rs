//! `conveyor backup`: one file with the whole store, taken while the server goes on.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use conveyor_client::proto::backup_response::Part;
use conveyor_client::proto::{BackupRequest, BackupResponse, BackupStart};
use jiff::Timestamp;
use tempfile::NamedTempFile;
use tokio::signal::unix::{SignalKind, signal};
use tonic::Streaming;

use super::progress::{self, Progress};
use super::{Failure, ServerArg, show};
use crate::offline::archive::{Manifest, Writer};

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The file to write, such as conveyor.tar.zst; - is stdout
    file: PathBuf,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
The backup holds everything that was answered OK before the command was called. The file appears when it is whole and
on disk; one of that name is replaced then. `conveyor restore` reads it.

Examples:
  conveyor backup conveyor.tar.zst
  conveyor backup /backups/$(date +%F).tar.zst --server http://ci.internal:8080
  conveyor backup - | ssh vault 'cat > conveyor.tar.zst'";

/// Writes the file.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let to_stdout = args.file == Path::new("-");
    if to_stdout && io::stdout().is_terminal() {
        let text = "a backup is no text for a terminal: name a file, or send it into a pipe";
        return Err(Failure::Ended(text.to_owned()));
    }
    // Heard from here on: the half of a file goes with the future that holds it, and with nothing else.
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        saved = save(&args, to_stdout) => saved,
        _ = interrupt.recv() => Err(Failure::Ended("stopped: there is no backup".to_owned())),
    }
}

async fn save(args: &Args, to_stdout: bool) -> Result<(), Failure> {
    // What cannot be written is found before the server is asked to work.
    let file = if to_stdout {
        None
    } else {
        Some(create(&args.file)?)
    };
    let client = args.server.connect().await?;
    let parts = client.server().backup(BackupRequest {}).await?.into_inner();
    match file {
        None => {
            let (_, manifest) = receive(parts, io::stdout().lock()).await?;
            eprintln!("{}", summary(&manifest, "stdout"));
            Ok(())
        }
        Some(file) => {
            let (file, manifest) = receive(parts, file).await?;
            persist(file, &args.file).map_err(|error| unwritable(&args.file, &error))?;
            show::line(format_args!(
                "{}",
                summary(&manifest, &args.file.display().to_string())
            ))
        }
    }
}

/// A file beside the one that it will be, since only a whole backup gets the name.
fn create(path: &Path) -> Result<NamedTempFile, Failure> {
    let file = tempfile::Builder::new()
        .prefix(".conveyor-backup-")
        .tempfile_in(folder_of(path));
    file.map_err(|error| unwritable(path, &error))
}

fn persist(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::Ended(format!("cannot write {}: {error}", path.display()))
}

/// Writes what comes into an archive.
async fn receive<W: Write>(
    mut parts: Streaming<BackupResponse>,
    out: W,
) -> Result<(W, Manifest), Failure> {
    let start = match next(&mut parts).await? {
        Some(Part::Start(start)) => start,
        _ => return Err(cut_short()),
    };
    let line = Progress::of_bytes("saving", Some(start.bytes));
    let mut archive = Writer::new(out, manifest(start))?;
    while let Some(part) = next(&mut parts).await? {
        if take(part, &mut archive, &line)? {
            return Ok(archive.finish()?);
        }
    }
    Err(cut_short())
}

/// Takes one part; whether it was the last.
fn take<W: Write>(part: Part, archive: &mut Writer<W>, line: &Progress) -> io::Result<bool> {
    match part {
        Part::Start(_) => {}
        Part::Begin(file) => archive.begin(&file.name, file.bytes)?,
        Part::Data(bytes) => {
            archive.data(&bytes)?;
            line.add(bytes.len() as u64);
        }
        Part::End(end) => archive.end(&end.sha256)?,
        Part::Done(_) => return Ok(true),
    }
    Ok(false)
}

async fn next(parts: &mut Streaming<BackupResponse>) -> Result<Option<Part>, Failure> {
    Ok(parts.message().await?.and_then(|response| response.part))
}

fn cut_short() -> Failure {
    Failure::Ended("the server ended the backup before it was whole: take it again".to_owned())
}

fn manifest(start: BackupStart) -> Manifest {
    let time = start.time.unwrap_or_default();
    let time = Timestamp::new(time.seconds, time.nanos).unwrap_or_default();
    Manifest::new(
        start.format,
        start.position,
        time.to_string(),
        start.server_version,
    )
}

fn summary(manifest: &Manifest, place: &str) -> String {
    let (files, bytes) = (manifest.files.len(), progress::bytes(manifest.bytes()));
    format!(
        "saved {files} files, {bytes}, up to position {} to {place}",
        manifest.position
    )
}
