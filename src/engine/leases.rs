//! The lease clock: time in which the server was there to hear its drivers.
//!
//! Leases, acks, graces and timeouts run on it. It stands still while the disk stalls or is full, and counts no more
//! than a moment for a machine that was suspended, so that nobody is declared lost for the server's own absence.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Most time that passes between two looks at the clock.
const LONGEST_STEP: Duration = Duration::from_secs(1);

/// The clock. It never goes back.
#[derive(Default)]
pub(super) struct LeaseClock(Mutex<Reading>);

#[derive(Default)]
struct Reading {
    /// What the clock shows.
    shown: Duration,
    /// What the world's clock showed when this one was last looked at.
    world: Duration,
}

impl LeaseClock {
    /// What the clock shows, given what the world's clock shows now and whether time counts.
    pub(super) fn now(&self, world: Duration, counts: bool) -> Duration {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = world.saturating_sub(reading.world).min(LONGEST_STEP);
        reading.world = reading.world.max(world);
        if counts {
            reading.shown += passed;
        }
        reading.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspended_machine_counts_for_a_moment_and_a_stalled_disk_for_nothing() {
        let clock = LeaseClock::default();
        let seconds = Duration::from_secs;
        assert_eq!(
            clock.now(Duration::from_millis(300), true),
            Duration::from_millis(300)
        );
        assert_eq!(clock.now(seconds(100), true), Duration::from_millis(1300));
        assert_eq!(
            clock.now(Duration::from_millis(100_400), false),
            Duration::from_millis(1300)
        );
        assert_eq!(
            clock.now(Duration::from_millis(100_900), true),
            Duration::from_millis(1800)
        );
    }
}
