//! The log lines of one task, kept until they are on the server's disk.
//!
//! The task writes on the user's runtime, the session reads on its own thread. A line's number is
//! its place in the task, from 0, and never changes. The oldest lines are in memory, from where they
//! are sent; what memory has no room for is in a file. Who writes more than both hold waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;
use tokio::sync::Notify;

use crate::limits::Limits;
use crate::proto::LogLine;
use crate::spill::Spill;

/// What a kept line costs besides its content.
const LINE_OVERHEAD: usize = 128;

/// How many bytes of lines are kept for one task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) memory: usize,
    pub(crate) spill: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            memory: 8 << 20,
            spill: 256 << 20,
        }
    }
}

/// The kept lines of one task.
pub(crate) struct Lines {
    kept: Mutex<Kept>,
    /// Told whenever there may be room again.
    freed: Notify,
    changed: Arc<Notify>,
    line_bytes: usize,
}

struct Kept {
    /// The number of the first kept line: all before it are on disk.
    first: u64,
    lines: VecDeque<LogLine>,
    /// What the lines in memory cost, and how much they may.
    bytes: usize,
    memory: usize,
    /// The lines after those in memory.
    spill: Spill,
    /// No more lines are taken.
    sealed: bool,
}

impl Lines {
    /// No lines yet, of at most `line_bytes` each; `changed` is told of every new one.
    pub(crate) fn new(line_bytes: usize, room: Room, changed: Arc<Notify>) -> Self {
        let kept = Kept {
            first: 0,
            lines: VecDeque::new(),
            bytes: 0,
            memory: room.memory,
            spill: Spill::new(room.spill),
            sealed: false,
        };
        Self {
            kept: Mutex::new(kept),
            freed: Notify::new(),
            changed,
            line_bytes,
        }
    }

    /// The most bytes of one line.
    pub(crate) fn line_bytes(&self) -> usize {
        self.line_bytes
    }

    /// Adds a line when there is room for it. A sealed log drops it.
    pub(crate) async fn push(&self, line: LogLine) {
        let Err(mut line) = self.try_push(line) else {
            return;
        };
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // What is freed from here on is not missed.
            freed.as_mut().enable();
            match self.try_push(line) {
                Ok(()) => return,
                Err(back) => line = back,
            }
            freed.await;
        }
    }

    /// Adds a line without waiting for room: for the runtime's own last words.
    pub(crate) fn push_now(&self, line: LogLine) {
        let mut kept = self.kept();
        if !kept.sealed {
            if kept.spill.len() == 0 {
                kept.remember(line);
            } else {
                // A trace longer than the reserve for it loses its end.
                kept.spill.push_last(&line);
            }
            drop(kept);
            self.changed.notify_one();
        }
    }

    /// The number that the next new line gets.
    pub(crate) fn next(&self) -> u64 {
        self.kept().next()
    }

    /// The number of the first line that is not known to be on disk.
    pub(crate) fn first(&self) -> u64 {
        self.kept().first
    }

    /// Forgets the lines before `next`: they are on disk.
    pub(crate) fn free(&self, next: u64) {
        let freed = self.kept().free(next);
        if freed {
            self.freed.notify_waiters();
        }
    }

    /// Takes no more lines, and says how many there were.
    pub(crate) fn seal(&self) -> u64 {
        let next = {
            let mut kept = self.kept();
            kept.sealed = true;
            kept.next()
        };
        self.freed.notify_waiters();
        next
    }

    /// Takes no more lines and forgets those it has: nobody wants them.
    pub(crate) fn discard(&self) {
        self.seal();
        let mut kept = self.kept();
        kept.lines.clear();
        kept.spill.clear();
    }

    /// The lines from `from` on, as many as fit into one batch; at least one if there is one.
    pub(crate) fn batch(&self, from: u64, limits: &Limits) -> Vec<LogLine> {
        let kept = self.kept();
        let skip = usize::try_from(from.saturating_sub(kept.first)).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fits = |line: &&LogLine| {
            let first = bytes == 0;
            bytes += framed(line);
            first || bytes <= limits.batch_bytes
        };
        let lines = kept.lines.iter().skip(skip).take(limits.batch_lines);
        lines.take_while(fits).cloned().collect()
    }

    /// Adds a line, or gives it back where there is no room.
    fn try_push(&self, line: LogLine) -> Result<(), LogLine> {
        let mut kept = self.kept();
        if kept.sealed {
            return Ok(());
        }
        if kept.spill.len() == 0 && kept.fits(&line) {
            kept.remember(line);
        } else if !kept.spill.push(&line) {
            return Err(line);
        }
        drop(kept);
        self.changed.notify_one();
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn next(&self) -> u64 {
        self.first + self.lines.len() as u64 + self.spill.len()
    }

    /// Whether memory has room for a line. One line always has.
    fn fits(&self, line: &LogLine) -> bool {
        self.lines.is_empty() || self.bytes + cost(line) <= self.memory
    }

    fn remember(&mut self, line: LogLine) {
        self.bytes += cost(&line);
        self.lines.push_back(line);
    }

    /// Forgets the lines before `next`, and fills memory up from the file. Whether there were any.
    fn free(&mut self, next: u64) -> bool {
        let before = self.first;
        while self.first < next
            && let Some(line) = self.lines.pop_front()
        {
            self.bytes -= cost(&line);
            self.first += 1;
            self.fill_up();
        }
        self.first > before
    }

    fn fill_up(&mut self) {
        while self.bytes < self.memory
            && let Some(line) = self.spill.pop()
        {
            self.remember(line);
        }
    }
}

/// The bytes of a line in a message, with its tag and length.
fn framed(line: &LogLine) -> usize {
    line.encoded_len() + 6
}

/// What a line takes of the room for kept lines.
fn cost(line: &LogLine) -> usize {
    line.encoded_len() + LINE_OVERHEAD
}
