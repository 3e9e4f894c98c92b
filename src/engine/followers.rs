//! How far those who follow logs have come, for whoever watches the server.
//!
//! A follower notes where it is with one atomic store. How far it is behind is found out when somebody asks, for a
//! bounded number of followers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Engine;

/// Most followers that are looked at to find the slowest.
const SAMPLE: usize = 256;

/// Where one follower is.
pub(super) struct Reading {
    run: Arc<str>,
    after: AtomicU64,
}

impl Reading {
    /// The follower has been shown everything up to this line.
    pub(super) fn is_at(&self, line: u64) {
        self.after.store(line, Ordering::Relaxed);
    }
}

/// All followers.
#[derive(Default)]
pub(super) struct Followers(Mutex<Vec<Weak<Reading>>>);

impl Followers {
    /// Adds one, for as long as the answer lives.
    pub(super) fn add(&self, run: &Arc<str>, after: u64) -> Arc<Reading> {
        let reading = Arc::new(Reading {
            run: Arc::clone(run),
            after: AtomicU64::new(after),
        });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == all.capacity() {
            // Room is made before it is taken, so that those who have gone cost what those who are there do.
            all.retain(|it| it.strong_count() > 0);
        }
        all.push(Arc::downgrade(&reading));
        reading
    }

    /// Whether somebody who follows this run has seen less.
    #[cfg(test)]
    pub(super) fn is_behind(&self, run: &Arc<str>, after: u64) -> bool {
        let behind = |it: &Arc<Reading>| it.run == *run && it.after.load(Ordering::Relaxed) < after;
        self.all().iter().any(behind)
    }

    fn all(&self) -> Vec<Arc<Reading>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(Weak::upgrade).collect()
    }
}

/// How far followers are behind.
#[derive(Clone, Copy, Debug, Default)]
pub struct TailLag {
    /// How many follow a log.
    pub followers: usize,
    /// Lines that are stored and that the slowest has not been shown.
    pub slowest: u64,
}

impl Engine {
    /// How far followers are behind; of many, some are looked at. Reads the store once for each log that they follow.
    pub fn tail_lag(&self) -> TailLag {
        let followers = self.0.followers.all();
        let every = followers.len().div_ceil(SAMPLE).max(1);
        let mut ends = HashMap::new();
        let behind = followers.iter().step_by(every).map(|it| {
            let end = *ends.entry(Arc::clone(&it.run)).or_insert_with(|| {
                // A log that cannot be read shows nobody behind; reading it fails elsewhere, and is told there.
                self.0.store.next_seq(&it.run).map_or(0, |next| next - 1)
            });
            end.saturating_sub(it.after.load(Ordering::Relaxed))
        });
        TailLag {
            slowest: behind.max().unwrap_or_default(),
            followers: followers.len(),
        }
    }
}
