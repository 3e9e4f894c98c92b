//! How long to wait before a new try: jittered, from 100 ms to 10 s.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The shortest and the longest wait. Jitter doubles a wait at most, so the longest has half of the
/// ten seconds.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The waits before new tries, one after the other.
#[derive(Debug)]
pub(crate) struct Backoff(ExponentialBackoff);

impl Backoff {
    /// Begins with the shortest wait.
    pub(crate) fn new() -> Self {
        let builder = ExponentialBuilder::default().without_max_times();
        let builder = builder.with_min_delay(WAITS.0).with_max_delay(WAITS.1);
        Self(builder.with_jitter().build())
    }

    /// The wait before the next try.
    pub(crate) fn next_wait(&mut self) -> Duration {
        self.0.next().unwrap_or(WAITS.1)
    }
}
