//! How long the server surely keeps this instance's tasks for it.
//!
//! The server renews the lease when it reads a heartbeat, which is after the heartbeat was sent. So
//! the lease that is reckoned from the sending of the last answered one never ends too late.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a server that does not say means.
const DEFAULT_LEASE: Duration = Duration::from_secs(30);
/// More unanswered heartbeats than a stream lives to see.
const MAX_UNANSWERED: usize = 8;

/// The lease as this side can know it.
pub(crate) struct Lease {
    time: Duration,
    renewed_at: Option<Instant>,
    unanswered: VecDeque<Instant>,
}

impl Lease {
    /// No lease before the first Welcome.
    pub(crate) fn new() -> Self {
        Self {
            time: DEFAULT_LEASE,
            renewed_at: None,
            unanswered: VecDeque::new(),
        }
    }

    /// A Welcome answered the Hello that was sent at `hello_at`.
    pub(crate) fn welcomed(&mut self, time: Option<Duration>, hello_at: Instant) {
        self.time = time.filter(|time| !time.is_zero()).unwrap_or(DEFAULT_LEASE);
        self.renewed_at = Some(hello_at);
        self.unanswered.clear();
    }

    /// A heartbeat goes out.
    pub(crate) fn beat(&mut self, now: Instant) {
        if self.unanswered.len() < MAX_UNANSWERED {
            self.unanswered.push_back(now);
        }
    }

    /// The oldest unanswered heartbeat was answered.
    pub(crate) fn answered(&mut self) {
        if let Some(sent_at) = self.unanswered.pop_front() {
            self.renewed_at = Some(sent_at);
        }
    }

    /// Whether the server may have given the tasks to others.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.renewed_at
            .is_some_and(|at| now.saturating_duration_since(at) >= self.time)
    }
}
