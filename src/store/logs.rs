//! Log lines, in chunks: the lines that came together stand under the sequence number of the first.
//!
//! Invariant: the chunks of a run follow each other without a gap or an overlap.

use std::ops::ControlFlow;

use bytes::Bytes;
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

/// Who wrote lines.
#[derive(Debug, PartialEq, Eq)]
pub struct Writer {
    /// The step; empty for lines appended from outside.
    pub step: String,
    /// The attempt, from 1; 0 for lines appended from outside.
    pub attempt: u32,
    /// The driver.
    pub driver: String,
    /// The pipeline of the run.
    pub pipeline: String,
}

/// A line as it stands in the store.
#[derive(Debug)]
pub struct StoredLine {
    /// Its place in the log.
    pub seq: u64,
    /// Who wrote it: an index of [`LogPage::writers`].
    pub writer: usize,
    /// An encoded record `LogLine`: fields of the API's `LogEntry`, as they go to readers.
    pub encoded: Bytes,
}

/// Lines of a log that were read together, in order.
#[derive(Debug, Default)]
pub struct LogPage {
    /// Who wrote them. Neighbours differ.
    pub writers: Vec<Writer>,
    /// The lines.
    pub lines: Vec<StoredLine>,
    /// Bytes of the lines.
    pub bytes: usize,
}

impl LogPage {
    /// Adds the lines of a chunk that come after `after`.
    fn add(&mut self, first: u64, chunk: records::LogChunkView, after: u64) {
        let writer = Writer {
            step: chunk.step,
            attempt: chunk.attempt,
            driver: chunk.driver,
            pipeline: chunk.pipeline,
        };
        if self.writers.last() != Some(&writer) {
            self.writers.push(writer);
        }
        let writer = self.writers.len() - 1;
        for (seq, encoded) in (first..).zip(chunk.lines) {
            if seq > after {
                self.bytes += encoded.len();
                self.lines.push(StoredLine {
                    seq,
                    writer,
                    encoded,
                });
            }
        }
    }
}

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
        walk(
            &self.db,
            &Prefix::Log(run),
            None,
            Order::Down,
            |key, stored| {
                let (first, chunk) = read_chunk(key, stored)?;
                next = first + chunk.lines.len() as u64;
                Ok(ControlFlow::Break(()))
            },
        )?;
        Ok(next)
    }

    /// Lines of a run after a sequence number: whole chunks, until there are `bytes` of them. No lines: there are
    /// none yet.
    pub fn log_page(&self, run: &str, after: u64, bytes: usize) -> Result<LogPage> {
        let mut page = LogPage::default();
        let next = after.saturating_add(1);
        let mut from = Prefix::Log(run).encode().1;
        from.extend(next.to_be_bytes());
        walk_around(&self.db, &Prefix::Log(run), &from, |key, stored| {
            let (first, chunk) = read_chunk(key, stored)?;
            page.add(first, chunk, after);
            Ok(if page.bytes >= bytes {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(page)
    }

    /// As [`Self::log_page`], where reading may take long.
    pub async fn long_log_page(&self, run: &str, after: u64, bytes: usize) -> Result<LogPage> {
        let run = run.to_owned();
        self.blocking(move |store| store.log_page(&run, after, bytes))
            .await
    }
}

/// A chunk and the number of its first line. Its lines are slices of the value.
fn read_chunk(key: &[u8], stored: Stored) -> Result<(u64, records::LogChunkView)> {
    let wrong = |what: &str| damaged(Family::Logs, key, what);
    let first = last_number(key).ok_or_else(|| wrong("no number"))?;
    let chunk = records::LogChunkView::decode(Bytes::from(stored.into_bytes()));
    Ok((first, chunk.map_err(|error| wrong(&error.to_string()))?))
}
