//! Whether the disk has room: below a limit new work is refused, and what drivers report waits.

use tokio::sync::{Notify, watch};

use crate::error::{Error, Result};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// The last look at the disk.
pub(super) struct Space {
    free: watch::Sender<u64>,
    needed: u64,
    /// Wakes those who wait for room, in the order in which they came.
    room: Notify,
}

impl Space {
    pub(super) fn new(needed: u64) -> Self {
        Self {
            free: watch::Sender::new(u64::MAX),
            needed,
            room: Notify::new(),
        }
    }

    /// Takes note of a look at the disk.
    pub(super) fn seen(&self, free: u64) {
        self.free.send_replace(free);
        if self.is_enough() {
            self.room.notify_waiters();
        }
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
        #[cfg(test)]
        if planted(Sabotage::TakesWorkOnAFullDisk) {
            return Ok(());
        }
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
        loop {
            // From here on it is woken, so that it misses no look at the disk.
            let room = self.room.notified();
            if self.is_enough() {
                return;
            }
            room.await;
        }
    }
}
