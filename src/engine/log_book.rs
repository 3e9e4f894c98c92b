//! Which sequence number the next line of each run gets.
//!
//! Invariant: numbers are given out in the order in which their chunks reach the committer, and an entry is dropped
//! only when all its chunks are on disk, so that it can be read back from there.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::store::{Result, Store};

/// The runs that lines are being appended to.
#[derive(Default)]
pub(super) struct LogBook(Mutex<HashMap<String, Entry>>);

struct Entry {
    next: u64,
    in_flight: usize,
    /// Where lines from outside that are in flight put the log in the queue of those.
    queued: Option<Timestamp>,
}

impl Entry {
    fn give(&mut self, lines: u64) -> u64 {
        let first = self.next;
        self.next += lines;
        self.in_flight += 1;
        first
    }
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
        hand_over(entry(&mut book, store, run)?.give(lines));
        Ok(())
    }

    /// The same for lines from outside. They hear too at which time their log stands in the queue of such logs: the
    /// first lines of all put it there, now, though they are not on disk yet when the next ones come.
    pub(super) fn number_outside(
        &self,
        store: &Store,
        run: &str,
        lines: u64,
        now: Timestamp,
        hand_over: impl FnOnce(u64, Timestamp),
    ) -> Result<()> {
        let mut book = self.lock();
        let queued = match book.get(run).and_then(|entry| entry.queued) {
            Some(queued) => queued,
            None => store.outside_log(run)?.map_or(now, |(_, queued, _)| queued),
        };
        let entry = entry(&mut book, store, run)?;
        entry.queued = Some(queued);
        hand_over(entry.give(lines), queued);
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

fn entry<'a>(
    book: &'a mut HashMap<String, Entry>,
    store: &Store,
    run: &str,
) -> Result<&'a mut Entry> {
    if !book.contains_key(run) {
        let entry = Entry {
            next: store.next_seq(run)?,
            in_flight: 0,
            queued: None,
        };
        book.insert(run.to_owned(), entry);
    }
    Ok(book.get_mut(run).expect("it is there now"))
}
