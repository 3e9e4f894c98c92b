//! `conveyor init`: a config file with every setting.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::config::config_file;

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Where to write it; - prints it
    #[arg(long, short, value_name = "FILE", default_value = "conveyor.yml")]
    output: PathBuf,
    /// Replace a file that is already there
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  conveyor init
  conveyor init --output /etc/conveyor/conveyor.yml
  conveyor init --output - | less

The file names every setting with its reason and its default. `conveyor up` reads ./conveyor.yml by itself, and any
other file with --config.";

/// Writes the file.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    if args.output == Path::new("-") {
        return Ok(io::stdout().write_all(config_file().as_bytes())?);
    }
    let written = write(&args.output, args.force);
    written.map_err(|error| Failure::Ended(reason(&args.output, &error)))?;
    super::show::line(format_args!("wrote {}", args.output.display()))
}

/// The file is there whole or not at all, and one that somebody else makes meanwhile is not replaced.
fn write(path: &Path, force: bool) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".conveyor-init-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(config_file().as_bytes())?;
    file.as_file().sync_all()?;
    let kept = if force {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    kept.map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

fn reason(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        ErrorKind::AlreadyExists => {
            format!("{path} is already there: --force replaces it, --output names another file")
        }
        ErrorKind::NotFound => {
            format!("cannot write {path}: its folder is not there; make it first")
        }
        _ => format!("cannot write {path}: {error}"),
    }
}
