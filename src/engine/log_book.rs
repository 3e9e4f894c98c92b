//! Which sequence number the next line of each run gets.
//!
//! Invariant: numbers are given out in the order in which their chunks reach the committer, and an entry is dropped
//! only when all its chunks are on disk, so that it can be read back from there.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::{Result, Store};

/// The runs that lines are being appended to.
#[derive(Default)]
pub(super) struct LogBook(Mutex<HashMap<String, Entry>>);

struct Entry {
    next: u64,
    in_flight: usize,
}

impl LogBook {
    /// Gives out `lines` numbers for a run and answers the first. The caller hands the chunk to the committer
    /// inside `hand_over`, so that the order of numbers is the order on disk.
    pub(super) fn number(
        &self,
        store: &Store,
        run: &str,
        lines: u64,
        hand_over: impl FnOnce(u64),
    ) -> Result<()> {
        let mut book = self.lock();
        let entry = match book.get_mut(run) {
            Some(entry) => entry,
            None => book.entry(run.to_owned()).or_insert(Entry {
                next: store.next_seq(run)?,
                in_flight: 0,
            }),
        };
        let first = entry.next;
        entry.next += lines;
        entry.in_flight += 1;
        hand_over(first);
        Ok(())
    }

    /// A chunk of the run is on disk.
    pub(super) fn written(&self, run: &str) {
        let mut book = self.lock();
        if let Some(entry) = book.get_mut(run) {
            entry.in_flight -= 1;
            if entry.in_flight == 0 {
                book.remove(run);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
