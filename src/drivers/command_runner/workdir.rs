//! The folder of the host that commands work in: a fresh one per task, removed after it, or one per
//! run under a folder of the user's, which stays theirs.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tracing::warn;

/// A folder to work in.
pub(super) enum Workdir {
    /// Removed at the end of its task.
    Fresh(TempDir),
    /// Shared by the steps of one run, removed by nobody but its owner.
    Shared(PathBuf),
}

impl Workdir {
    /// A fresh folder.
    pub(super) fn fresh() -> io::Result<Self> {
        tempfile::Builder::new()
            .prefix("conveyor-")
            .tempdir()
            .map(Self::Fresh)
    }

    /// The folder of a run under `workspace`, made if it is not there.
    pub(super) fn shared(workspace: &Path, run: &str) -> io::Result<Self> {
        let folder = std::path::absolute(workspace)?.join(run);
        std::fs::create_dir_all(&folder)?;
        Ok(Self::Shared(folder))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Fresh(folder) => folder.path(),
            Self::Shared(folder) => folder,
        }
    }

    /// Removes it if it was fresh.
    pub(super) fn close(self) {
        match self {
            Self::Fresh(folder) => {
                let path = folder.path().to_owned();
                if let Err(error) = folder.close() {
                    warn!(%error, folder = %path.display(), "a working directory is left");
                }
            }
            Self::Shared(_) => {}
        }
    }
}
