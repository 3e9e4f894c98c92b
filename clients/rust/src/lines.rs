//! The log lines of one task, kept until they are on the server's disk.
//!
//! The task writes on the user's runtime, the session reads on its own thread. A line's number is
//! its place in the task, from 0, and never changes. At most [`KEPT_BYTES`] are kept: who writes
//! more waits until the server has stored some.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;
use tokio::sync::{Notify, Semaphore};

use crate::limits::Limits;
use crate::proto::LogLine;

/// How many bytes of lines are kept for one task.
const KEPT_BYTES: usize = 8 << 20;
/// What a kept line costs besides its content.
const LINE_OVERHEAD: usize = 128;

/// The kept lines of one task.
pub(crate) struct Lines {
    kept: Mutex<Kept>,
    room: Semaphore,
    changed: Arc<Notify>,
    line_bytes: usize,
}

#[derive(Default)]
struct Kept {
    /// The number of the first kept line: all before it are on disk.
    first: u64,
    lines: VecDeque<LogLine>,
    /// No more lines are taken.
    sealed: bool,
}

impl Lines {
    /// No lines yet, of at most `line_bytes` each; `changed` is told of every new one.
    pub(crate) fn new(line_bytes: usize, changed: Arc<Notify>) -> Self {
        Self {
            kept: Mutex::default(),
            room: Semaphore::new(KEPT_BYTES),
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
        // An error means that the log was sealed meanwhile.
        let Ok(room) = self.room.acquire_many(cost(&line)).await else {
            return;
        };
        room.forget();
        self.push_now(line);
    }

    /// Adds a line without waiting for room: for the runtime's own last words.
    pub(crate) fn push_now(&self, line: LogLine) {
        let mut kept = self.kept();
        if !kept.sealed {
            kept.lines.push_back(line);
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
        let mut kept = self.kept();
        let count = next.min(kept.next()).saturating_sub(kept.first);
        let count = usize::try_from(count).expect("no more than the lines in memory");
        let freed = kept
            .lines
            .drain(..count)
            .map(|line| cost(&line) as usize)
            .sum();
        kept.first += count as u64;
        drop(kept);
        self.room.add_permits(freed);
    }

    /// Takes no more lines, and says how many there were.
    pub(crate) fn seal(&self) -> u64 {
        self.room.close();
        let mut kept = self.kept();
        kept.sealed = true;
        kept.next()
    }

    /// Takes no more lines and forgets those it has: nobody wants them.
    pub(crate) fn discard(&self) {
        self.seal();
        self.kept().lines.clear();
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

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn next(&self) -> u64 {
        self.first + self.lines.len() as u64
    }
}

/// The bytes of a line in a message, with its tag and length.
fn framed(line: &LogLine) -> usize {
    line.encoded_len() + 6
}

/// What a line takes of the room for kept lines.
fn cost(line: &LogLine) -> u32 {
    let bytes = (line.encoded_len() + LINE_OVERHEAD).min(KEPT_BYTES);
    u32::try_from(bytes).expect("8 MiB at most")
}
