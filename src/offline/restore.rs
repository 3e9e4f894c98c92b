//! Restoring a backup into an empty data directory.
//!
//! The files are unpacked into a folder inside the directory, checked, and only then moved up, `CURRENT` last: without
//! it there is no store. The folder goes at the very end, and a server does not start where it is still there. So a
//! restore that was cut short is never taken for a store. A directory that is a mount point works too.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::archive::{self, Manifest, sync_folder, unpack};
use crate::store::{FORMAT, RESTORING};

/// The file that makes a folder of files a store.
const CURRENT: &str = "CURRENT";

/// Why a backup was not restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory is in use.
    #[error(
        "{0} is not empty: name a directory that is empty or not there yet, or move what is in it away"
    )]
    NotEmpty(PathBuf),
    /// An earlier restore was cut short.
    #[error(
        "an earlier restore into {0} was cut short: remove what is in that directory, then restore again"
    )]
    Unfinished(PathBuf),
    /// A newer program wrote the store.
    #[error(
        "the backup has format {0}, and this program reads up to {FORMAT}: use a newer conveyor"
    )]
    NewerFormat(u32),
    /// The archive is not whole.
    #[error("nothing was restored: {0}")]
    Archive(#[from] archive::Error),
    /// The directory cannot be written.
    #[error("cannot write {path}: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Restores what `input` holds into `directory`. It is there whole and on disk afterwards, or not at all.
pub fn restore(input: impl Read, directory: &Path) -> Result<Manifest, Error> {
    let refused = |source| Error::Directory {
        path: directory.to_owned(),
        source,
    };
    fs::create_dir_all(directory).map_err(refused)?;
    check_empty(directory)?;
    let folder = directory.join(RESTORING);
    fs::create_dir(&folder).map_err(refused)?;
    let manifest = match unpack_checked(input, &folder) {
        Ok(manifest) => manifest,
        Err(error) => {
            // Nothing has left the folder yet.
            fs::remove_dir_all(&folder).map_err(refused)?;
            return Err(error);
        }
    };
    move_up(&manifest, &folder, directory).map_err(refused)?;
    Ok(manifest)
}

/// Removes what a restore has unpacked so far, where it waits for input and so cannot do it itself.
pub fn abandon(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory.join(RESTORING)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A fresh file system has a folder for what it finds again.
fn check_empty(directory: &Path) -> Result<(), Error> {
    let refused = |source| Error::Directory {
        path: directory.to_owned(),
        source,
    };
    for entry in fs::read_dir(directory).map_err(refused)? {
        let name = entry.map_err(refused)?.file_name();
        if name == RESTORING {
            return Err(Error::Unfinished(directory.to_owned()));
        } else if name != "lost+found" {
            return Err(Error::NotEmpty(directory.to_owned()));
        }
    }
    Ok(())
}

fn unpack_checked(input: impl Read, folder: &Path) -> Result<Manifest, Error> {
    let manifest = unpack(input, folder)?;
    if manifest.format > FORMAT {
        return Err(Error::NewerFormat(manifest.format));
    }
    if !manifest.files.iter().any(|file| file.name == CURRENT) {
        let what = format!("it has no file {CURRENT}");
        return Err(archive::Error::Damaged(what).into());
    }
    Ok(manifest)
}

fn move_up(manifest: &Manifest, folder: &Path, directory: &Path) -> io::Result<()> {
    let names = manifest.files.iter().map(|file| file.name.as_str());
    for name in names.filter(|name| *name != CURRENT) {
        fs::rename(folder.join(name), directory.join(name))?;
    }
    sync_folder(directory)?;
    fs::rename(folder.join(CURRENT), directory.join(CURRENT))?;
    sync_folder(directory)?;
    fs::remove_dir(folder)?;
    sync_folder(directory)
}
