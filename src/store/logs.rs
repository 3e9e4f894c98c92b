//! Log lines, in chunks: the lines that came together stand under the sequence number of the first.
//!
//! Invariant: the chunks of a run follow each other without a gap or an overlap. Where retention removed lines, they
//! were the first ones, and [`Store::log_start`] says where the rest begins.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use prost::Message;

use super::batch::{Batch, Value};
use super::keys::{Family, Key, Prefix, last_number};
use super::read::{Order, Stored, damaged, walk, walk_around};
use super::{Result, Store, records};
use crate::model::log::Chunk;
use crate::model::name::RunId;

/// How many lines of a task are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The task's token.
    pub token: u64,
    /// The next line expected.
    pub next_line: u64,
}

/// A chunk as bytes, so that it can be encoded before its place is known.
pub struct EncodedChunk {
    value: Value,
    lines: u64,
}

impl EncodedChunk {
    /// Encodes a chunk.
    pub fn new(chunk: Chunk) -> Self {
        let lines = chunk.lines.len() as u64;
        Self {
            value: Value::of(&records::LogChunk::from(chunk)),
            lines,
        }
    }

    /// How many lines it has.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Its size on disk.
    pub fn bytes(&self) -> usize {
        self.value.len()
    }
}

impl Batch {
    /// Appends a chunk to the log of a run, from sequence number `seq` on.
    pub fn put_chunk(&mut self, run: &str, seq: u64, chunk: EncodedChunk) {
        self.put_value(&Key::LogChunk(run, seq), chunk.value);
    }

    /// Writes how many lines of a task are stored.
    pub fn put_progress(&mut self, run: RunId, step: u32, progress: Progress) {
        let record = records::LogProgress {
            token: progress.token,
            next_line: progress.next_line,
        };
        self.put(&Key::LogProgress(run, step), &record);
    }
}

/// Lines as they stand in the store: each with its length in front.
#[derive(Clone, Debug, Default)]
pub struct PackedLines(Bytes);

impl PackedLines {
    /// The lines, each an encoded record `LogLine`: fields of the API's `LogEntry`, as they go to readers.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            // That the lines are whole was seen when they were read.
            let length = prost::decode_length_delimiter(&mut rest).ok()?;
            let (line, after) = rest.split_at_checked(length)?;
            rest = after;
            Some(line)
        })
    }

    /// When each line was written. Nothing else of them is read.
    pub fn times(&self) -> impl Iterator<Item = Timestamp> {
        self.iter().map(|line| {
            let stamp = LineTime::decode(line).ok().and_then(|line| line.time);
            let stamp = stamp.unwrap_or_default();
            Timestamp::new(stamp.seconds, stamp.nanos).unwrap_or_default()
        })
    }

    /// Bytes of the lines.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Takes lines off the front: as many as begin within so many bytes, but no more than `most`. Answers how many.
    pub fn take(&mut self, bytes: usize, most: u64) -> (Self, u64) {
        let (mut length, mut count) = (0, 0);
        for line in self.iter() {
            if length >= bytes || count >= most {
                break;
            }
            length += prost::length_delimiter_len(line.len()) + line.len();
            count += 1;
        }
        (Self(self.0.split_to(length)), count)
    }
}

/// The one field of a record `LogLine` that says when it was written; the rest is skipped.
#[derive(Clone, PartialEq, Message)]
struct LineTime {
    #[prost(message, optional, tag = "7")]
    time: Option<prost_types::Timestamp>,
}

/// Lines that were written together.
#[derive(Debug)]
pub struct StoredChunk {
    /// Place of the first line in the log.
    pub first: u64,
    /// The step; empty for lines appended from outside.
    pub step: String,
    /// The attempt, from 1; 0 for lines appended from outside.
    pub attempt: u32,
    /// The driver.
    pub driver: String,
    /// The pipeline of the run.
    pub pipeline: String,
    /// How many lines.
    pub count: u64,
    /// The lines.
    pub lines: PackedLines,
}

impl StoredChunk {
    /// Reads a chunk. Its lines are a slice of the value.
    pub(super) fn read(key: &[u8], stored: Stored) -> Result<Self> {
        let wrong = |what: &str| damaged(Family::Logs, key, what);
        let first = last_number(key).ok_or_else(|| wrong("no number"))?;
        let record = records::LogChunk::decode(Bytes::from(stored.into_bytes()))
            .map_err(|error| wrong(&error.to_string()))?;
        let mut lines = PackedLines(record.lines);
        let (all, count) = lines.take(usize::MAX, u64::from(record.count));
        if count != u64::from(record.count) || lines.bytes() > 0 {
            return Err(wrong("its lines are not whole"));
        }
        if first.checked_add(count).is_none() {
            return Err(wrong("its lines have no numbers"));
        }
        Ok(Self {
            first,
            step: record.step,
            attempt: record.attempt,
            driver: record.driver,
            pipeline: record.pipeline,
            count,
            lines: all,
        })
    }
}

/// Chunks of a log that were read together, in order.
pub type LogPage = Vec<Arc<StoredChunk>>;

impl Store {
    /// How many lines of a step's task are stored.
    pub fn progress(&self, run: RunId, step: u32) -> Result<Option<Progress>> {
        let record = self.record::<records::LogProgress>(&Key::LogProgress(run, step))?;
        Ok(record.map(|(it, _)| Progress {
            token: it.token,
            next_line: it.next_line,
        }))
    }

    /// The sequence number that the next line of a run gets.
    pub fn next_seq(&self, run: &str) -> Result<u64> {
        let mut next = 1;
        let log = Prefix::Log(run);
        walk(&self.db, &log, None, Order::Down, |key, stored| {
            let chunk = StoredChunk::read(key, stored)?;
            next = chunk.first + chunk.count;
            Ok(ControlFlow::Break(()))
        })?;
        if next == 1 {
            self.log_start(run)
        } else {
            Ok(next)
        }
    }

    /// The first sequence number of a run that retention left; 1 where it removed nothing.
    pub fn log_start(&self, run: &str) -> Result<u64> {
        let trim = self.record::<records::LogTrim>(&Key::LogTrim(run))?;
        Ok(trim.map_or(1, |(trim, _)| trim.first))
    }

    /// The number of the line after which a run's log has `last` more lines that are wanted; 0 where it has no more
    /// than that. `wanted` gives the places of such lines in a chunk.
    pub async fn before_last_lines(
        &self,
        run: String,
        last: u64,
        wanted: impl Fn(&StoredChunk) -> Vec<u64> + Send + 'static,
    ) -> Result<u64> {
        self.blocking(move |store| {
            let (mut left, mut before) = (last, None);
            let log = Prefix::Log(&run);
            walk(&store.db, &log, None, Order::Down, |key, stored| {
                let chunk = StoredChunk::read(key, stored)?;
                before.get_or_insert(chunk.first + chunk.count - 1);
                for place in wanted(&chunk).into_iter().rev() {
                    if left == 0 {
                        break;
                    }
                    (left, before) = (left - 1, Some(chunk.first + place - 1));
                }
                Ok(if left == 0 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            })?;
            Ok(if left == 0 { before.unwrap_or(0) } else { 0 })
        })
        .await
    }

    /// The chunks of a run with lines after a sequence number, until there are `bytes` of them. None: there are no
    /// such lines yet. The first chunk may begin before.
    pub fn log_page(&self, run: &str, after: u64, bytes: usize) -> Result<LogPage> {
        let (mut page, mut read) = (LogPage::new(), 0);
        let log = Prefix::Log(run);
        let mut from = log.encode().1;
        from.extend(after.saturating_add(1).to_be_bytes());
        walk_around(&self.db, &log, &from, |key, stored| {
            let chunk = StoredChunk::read(key, stored)?;
            if chunk.first + chunk.count > after.saturating_add(1) {
                read += chunk.lines.bytes();
                page.push(Arc::new(chunk));
            }
            Ok(if read >= bytes {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::model::log::Line;

    fn line(message: String) -> Line {
        Line {
            time: Timestamp::UNIX_EPOCH,
            stream: "stdout".to_owned(),
            labels: [("k".to_owned(), "v".to_owned())].into(),
            message,
        }
    }

    fn chunk(messages: &[String]) -> records::LogChunk {
        records::LogChunk::from(Chunk {
            step: "1".to_owned(),
            attempt: 1,
            driver: "builder".to_owned(),
            pipeline: String::new(),
            lines: messages.iter().cloned().map(line).collect(),
        })
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_they_are_taken(
            messages in prop::collection::vec(".{0,40}", 1..40),
            pieces in prop::collection::vec((1_usize..200, 1_u64..9), 1..80),
        ) {
            let mut rest = PackedLines(chunk(&messages).lines);
            let mut seen = Vec::new();
            for (bytes, most) in pieces.into_iter().chain([(usize::MAX, u64::MAX)]) {
                let (some, count) = rest.take(bytes, most);
                prop_assert!(count <= most && some.iter().count() as u64 == count);
                for line in some.iter() {
                    seen.push(records::LogLine::decode(line).expect("a line").message);
                }
            }
            prop_assert_eq!(seen, messages);
        }

        #[test]
        fn a_chunk_that_is_cut_short_is_damaged(cut in 1_usize..100) {
            let mut record = chunk(&["one".to_owned(), "two".to_owned(), "three".to_owned()]);
            record.lines.truncate(record.lines.len().saturating_sub(cut));
            let value = Value::of(&record).at(super::super::Position(1));
            let key = Key::LogChunk("run", 1).encode().1;
            let stored = Stored::new(Family::Logs, &key, &value).expect("a position");
            prop_assert!(StoredChunk::read(&key, stored).is_err());
        }
    }
}
