//! Checkpoints: the store as it stands at one moment, kept beside it for a backup.
//!
//! A checkpoint is a folder in the data directory: hard links to files that never change, copies of the others. It
//! keeps the linked files from being freed, so it goes with its owner; what a crash left goes at the next start.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::batch::Position;
use super::{Error, Result, Store};

/// How the folders of checkpoints begin.
const FOLDER: &str = ".checkpoint-";
/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 << 10;

/// The store at one moment.
#[derive(Debug)]
pub struct Checkpoint {
    /// Every batch up to here is in it.
    pub position: Position,
    /// Its files: name and size, in the order in which they are read.
    pub files: Vec<(String, u64)>,
    folder: PathBuf,
}

/// What comes next when a checkpoint is read.
#[derive(Debug)]
pub enum Piece {
    /// A file of this name and size begins.
    Begin(String, u64),
    /// Bytes of it.
    Data(Bytes),
    /// It is whole; the SHA-256 of its bytes.
    End([u8; 32]),
}

/// Reads the files of a checkpoint, one after another. The checkpoint goes with it.
#[derive(Debug)]
pub struct CheckpointReader {
    checkpoint: Checkpoint,
    next: usize,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    file: File,
    left: u64,
    hash: Sha256,
}

impl Store {
    /// Makes a checkpoint. All that is on disk at the call is in it.
    pub async fn checkpoint(&self) -> Result<Checkpoint> {
        let position = *self.committer.position().borrow();
        self.blocking(move |store| {
            let folder = store.path.join(format!("{FOLDER}{}", Uuid::new_v4()));
            // The folder goes with this, also where the rest fails.
            let mut checkpoint = Checkpoint {
                position,
                files: Vec::new(),
                folder,
            };
            rocksdb::checkpoint::Checkpoint::new(&store.db)?
                .create_checkpoint(&checkpoint.folder)?;
            checkpoint.files = files(&checkpoint.folder)?;
            Ok(checkpoint)
        })
        .await
    }
}

impl Checkpoint {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Reads it from the first file on.
    pub fn reader(self) -> CheckpointReader {
        CheckpointReader {
            checkpoint: self,
            next: 0,
            current: None,
        }
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %self.folder.display(), %error, "a checkpoint stays until the next start");
        }
    }
}

impl CheckpointReader {
    /// The next piece; nothing after the last. It waits for the disk.
    pub fn read_next(&mut self) -> Result<Option<Piece>> {
        let Some(current) = &mut self.current else {
            return self.begin();
        };
        if current.left == 0 {
            let hash = self.current.take().map(|current| current.hash.finalize());
            return Ok(hash.map(|hash| Piece::End(hash.into())));
        }
        let most = usize::try_from(current.left)
            .unwrap_or(usize::MAX)
            .min(PIECE_BYTES);
        let mut bytes = vec![0; most];
        let read = current.file.read(&mut bytes).map_err(unreadable)?;
        if read == 0 {
            return Err(unreadable(
                "a file of the checkpoint is shorter than it was",
            ));
        }
        bytes.truncate(read);
        current.left -= read as u64;
        current.hash.update(&bytes);
        Ok(Some(Piece::Data(bytes.into())))
    }

    fn begin(&mut self) -> Result<Option<Piece>> {
        let Some((name, bytes)) = self.checkpoint.files.get(self.next).cloned() else {
            return Ok(None);
        };
        self.next += 1;
        let file = File::open(self.checkpoint.folder.join(&name)).map_err(unreadable)?;
        self.current = Some(Current {
            file,
            left: bytes,
            hash: Sha256::new(),
        });
        Ok(Some(Piece::Begin(name, bytes)))
    }
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().into_string();
        let name = name.map_err(|_| unreadable("a file of the checkpoint has no plain name"))?;
        files.push((name, entry.metadata().map_err(unreadable)?.len()));
    }
    files.sort();
    Ok(files)
}

fn unreadable(why: impl std::fmt::Display) -> Error {
    Error::Database(format!("cannot read the checkpoint: {why}"))
}

/// Removes the checkpoints that a crash left in a data directory.
pub(super) fn remove_leftovers(path: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(FOLDER) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
