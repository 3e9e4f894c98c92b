//! Whether the disk has room: below a limit new work is refused, and what drivers report waits.

use tokio::sync::watch;

use crate::error::{Error, Result};

/// The last look at the disk.
pub(super) struct Space {
    free: watch::Sender<u64>,
    needed: u64,
}

impl Space {
    pub(super) fn new(needed: u64) -> Self {
        Self {
            free: watch::Sender::new(u64::MAX),
            needed,
        }
    }

    /// Takes note of a look at the disk.
    pub(super) fn seen(&self, free: u64) {
        self.free.send_replace(free);
    }

    pub(super) fn free(&self) -> u64 {
        *self.free.borrow()
    }

    pub(super) fn is_enough(&self) -> bool {
        self.free() >= self.needed
    }

    /// Refuses new work while the disk is short.
    pub(super) fn check(&self) -> Result<()> {
        let free = self.free();
        if free >= self.needed {
            Ok(())
        } else {
            Err(Error::DiskLow {
                free,
                needed: self.needed,
            })
        }
    }

    /// Waits until there is no room, and answers the refusal.
    pub(super) async fn short(&self) -> Error {
        let needed = self.needed;
        // The sender lives as long as this does, so waiting cannot fail.
        let seen = self
            .free
            .subscribe()
            .wait_for(|free| *free < needed)
            .await
            .map(|free| *free);
        let free = seen.unwrap_or_default();
        Error::DiskLow { free, needed }
    }

    /// Waits until there is room.
    pub(super) async fn wait(&self) {
        let needed = self.needed;
        // The sender lives as long as this does, so waiting cannot fail.
        let _ = self.free.subscribe().wait_for(|free| *free >= needed).await;
    }
}
