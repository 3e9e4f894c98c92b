//! Backups: a copy of the store, streamed while everything else goes on.
//!
//! One at a time, since each keeps files from being freed. It ends by itself when its reader stands still, when the disk
//! runs full, and with the server. At most `PIECES` pieces are in memory.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::Engine;
use crate::aside::aside;
use crate::error::{Error, Result};
pub use crate::store::Piece;
use crate::store::{CheckpointReader, FORMAT};

/// Pieces that wait for the reader.
const PIECES: usize = 4;
/// How long a reader may take for one piece.
const PATIENCE: Duration = Duration::from_secs(60);

/// A backup under way.
#[derive(Debug)]
pub struct Backup {
    /// Format of the store.
    pub format: u32,
    /// Every write up to this position is in it.
    pub position: u64,
    /// When it was taken.
    pub time: Timestamp,
    /// How many files it has.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// The files, piece by piece: nothing comes after an error, and only a whole backup ends with `None`.
    pub pieces: mpsc::Receiver<Result<Option<Piece>>>,
}

impl Engine {
    /// Begins a backup. What was answered OK before the call is in it.
    pub async fn backup(&self, tracker: &TaskTracker) -> Result<Backup> {
        let turn = Arc::clone(&self.0.backup_turn).try_acquire_owned();
        let turn = turn.map_err(|_| Error::BackupRunning)?;
        self.0.space.check()?;
        let checkpoint = self.0.store.checkpoint().await?;
        let (sender, pieces) = mpsc::channel(PIECES);
        let backup = Backup {
            format: FORMAT,
            position: checkpoint.position.0,
            time: self.now(),
            files: checkpoint.files.len(),
            bytes: checkpoint.bytes(),
            pieces,
        };
        tracker.spawn(self.clone().send(checkpoint.reader(), sender, turn));
        Ok(backup)
    }

    async fn send(
        self,
        reader: CheckpointReader,
        pieces: mpsc::Sender<Result<Option<Piece>>>,
        _turn: OwnedSemaphorePermit,
    ) {
        let ended = tokio::select! {
            biased;
            () = self.0.stop.cancelled() => Err(Error::Stopping),
            low = self.0.space.short() => Err(low),
            ended = pour(reader, &pieces) => ended,
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "a backup was cut short");
            // Where there is no room for it, the reader sees a stream that ends too soon.
            let _ = pieces.try_send(Err(error));
        }
    }
}

/// Reads on other threads, one piece after another, and hands each over.
async fn pour(
    mut reader: CheckpointReader,
    pieces: &mpsc::Sender<Result<Option<Piece>>>,
) -> Result<()> {
    loop {
        let read = aside(move || (reader.read_next(), reader)).await;
        let piece;
        // A thread that panicked has logged it; the server goes on.
        (piece, reader) = read.map_err(|_| Error::Stopping)?;
        let piece = piece?;
        let whole = piece.is_none();
        match timeout(PATIENCE, pieces.send(Ok(piece))).await {
            Ok(Ok(())) if whole => return Ok(()),
            Ok(Ok(())) => {}
            Ok(Err(_)) => {
                return Err(Error::Silent(
                    "the reader of the backup went away".to_owned(),
                ));
            }
            Err(_) => {
                let text = format!("the backup was not read for {PATIENCE:?}");
                return Err(Error::TooSlow(text));
            }
        }
    }
}
