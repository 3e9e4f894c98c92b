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

/// Where a chunk from outside goes.
pub(super) struct Place {
    /// The number of its first line.
    pub(super) first: u64,
    /// At which time its log stands in the queue of such logs.
    pub(super) queued: Timestamp,
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

    /// The same for chunks of lines from outside, so many of each run, which reach the committer together. They hear too at
    /// which time their logs stand in the queue of such logs: the first lines of all put a log there, now, though they are
    /// not on disk yet when the next ones come.
    pub(super) fn number_outside(
        &self,
        store: &Store,
        chunks: &[(String, u64)],
        now: Timestamp,
        hand_over: impl FnOnce(Vec<Place>),
    ) -> Result<()> {
        let mut book = self.lock();
        // No number is given out before all is read that may not be readable.
        let opened = chunks
            .iter()
            .try_for_each(|(run, _)| open_outside(&mut book, store, run, now));
        if opened.is_err() {
            book.retain(|_, entry| entry.in_flight > 0);
            return opened;
        }
        let places = chunks.iter().map(|(run, lines)| {
            let entry = book.get_mut(run).expect("it was opened");
            Place {
                first: entry.give(*lines),
                queued: entry.queued.unwrap_or(now),
            }
        });
        hand_over(places.collect());
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

/// Opens the entry of a log that gets lines from outside, and notes where the log stands in the queue of such logs.
fn open_outside(
    book: &mut HashMap<String, Entry>,
    store: &Store,
    run: &str,
    now: Timestamp,
) -> Result<()> {
    let queued = match book.get(run).and_then(|entry| entry.queued) {
        Some(queued) => queued,
        None => store.outside_log(run)?.map_or(now, |(_, queued, _)| queued),
    };
    entry(book, store, run)?.queued = Some(queued);
    Ok(())
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
