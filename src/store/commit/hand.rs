//! The committer by hand: whoever holds it decides when a group is taken, written and answered.
//!
//! It stands in the place of the committer's thread, so that a simulation can lose a server between any two of these.

use std::sync::Arc;

use rocksdb::DB;
use tokio::sync::{mpsc, oneshot};

use super::writer::{Writer, Written};
use super::{Committer, Job, Order};
use crate::store::batch::{Position, Write};
use crate::store::keys::Family;

/// Writes for a committer that has no thread.
pub(crate) struct Hand {
    writer: Writer,
    inbox: mpsc::Receiver<Order>,
    /// Whoever stops the committer, once that was asked for.
    stop: Option<oneshot::Sender<()>>,
}

/// Batches that were taken to be written together.
pub(crate) struct Group(Vec<Job>);

/// Batches that are on disk, and nobody knows.
pub(crate) struct OnDisk(Written);

impl Group {
    /// The keys that it deletes, in order.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = (Family, &[u8])> {
        let writes = self.0.iter().flat_map(|job| &job.batch.writes);
        writes.filter_map(|write| match write {
            Write::Delete(family, key) => Some((*family, key.as_slice())),
            Write::DeleteRange(..) => panic!("no log of a simulation is long enough for a range"),
            Write::Put(..) | Write::Append(..) => None,
        })
    }
}

impl Hand {
    pub(in crate::store) fn new(db: Arc<DB>, position: Position) -> (Committer, Self) {
        let (committer, writer, inbox) = Committer::new(db, position);
        let hand = Self {
            writer,
            inbox,
            stop: None,
        };
        (committer, hand)
    }

    /// Waits for batches and takes those that are there. `None` when no more can come, or none may: what came before a
    /// stop has been taken then.
    pub(crate) async fn take(&mut self) -> Option<Group> {
        if let Some(stop) = self.stop.take() {
            // Whoever stops may have gone.
            let _ = stop.send(());
            return None;
        }
        let first = self.inbox.recv().await?;
        let (group, stop) = self.writer.take(first, &mut self.inbox);
        self.stop = stop;
        Some(Group(group))
    }

    /// The position of the newest batch on disk.
    pub(crate) fn position(&self) -> Position {
        self.writer.position
    }

    /// Puts a group on disk.
    pub(crate) fn write(&mut self, group: Group) -> OnDisk {
        OnDisk(self.writer.write(group.0))
    }

    /// Tells those who wait for it.
    pub(crate) fn answer(&self, group: OnDisk) {
        self.writer.answer(group.0);
    }
}
