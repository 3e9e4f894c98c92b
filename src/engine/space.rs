//! Whether the disk has room: below a limit new work is refused, and what drivers report waits.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::error::{Error, Result};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// The last look at the disk.
pub(super) struct Space {
    free: AtomicU64,
    needed: u64,
    /// Wakes those who wait for another look, in the order in which they came.
    look: Notify,
}

impl Space {
    pub(super) fn new(needed: u64) -> Self {
        Self {
            free: AtomicU64::new(u64::MAX),
            needed,
            look: Notify::new(),
        }
    }

    /// Takes note of a look at the disk.
    pub(super) fn seen(&self, free: u64) {
        self.free.store(free, Ordering::SeqCst);
        self.look.notify_waiters();
    }

    pub(super) fn free(&self) -> u64 {
        self.free.load(Ordering::SeqCst)
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
        let free = self.until(|free| free < self.needed).await;
        Error::DiskLow {
            free,
            needed: self.needed,
        }
    }

    /// Waits until there is room.
    pub(super) async fn wait(&self) {
        self.until(|free| free >= self.needed).await;
    }

    /// Waits until so many bytes are free.
    async fn until(&self, holds: impl Fn(u64) -> bool) -> u64 {
        loop {
            // From here on it is woken, so that it misses no look at the disk.
            let look = self.look.notified();
            let free = self.free();
            if holds(free) {
                return free;
            }
            look.await;
        }
    }
}
