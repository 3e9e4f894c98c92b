//! Log lines, in chunks: the lines that came together stand under the sequence number of the first.
//!
//! Invariant: the chunks of a run follow each other without a gap or an overlap.

use std::ops::ControlFlow;

use super::batch::{Batch, Value};
use super::keys::{Key, Prefix, last_number};
use super::read::{Order, damaged, walk};
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
        let family = Prefix::Log(run).encode().0;
        self.each(&Prefix::Log(run), None, Order::Down, |key, chunk: Chunk| {
            next = last_number(key).map_or(1, |first| first + chunk.lines.len() as u64);
            ControlFlow::Break(())
        })
        .map_err(|error| match error {
            super::Error::Damaged { what, .. } => damaged(family, run.as_bytes(), &what),
            other => other,
        })?;
        Ok(next)
    }

    /// Chunks of a run that hold lines after `seq`, each with the number of its first line; about `bytes` of them.
    pub async fn chunks(&self, run: String, seq: u64, bytes: usize) -> Result<Vec<(u64, Chunk)>> {
        self.blocking(move |store| {
            let start = store.chunk_start(&run, seq.saturating_add(1))?;
            let mut from = Prefix::Log(&run).encode().1;
            from.extend(start.saturating_sub(1).to_be_bytes());
            let (mut chunks, mut read) = (Vec::new(), 0);
            let family = Prefix::Log(&run).encode().0;
            walk(
                &store.db,
                &Prefix::Log(&run),
                Some(&from),
                Order::Up,
                |key, stored| {
                    let first =
                        last_number(key).ok_or_else(|| damaged(family, key, "no number"))?;
                    let record: records::LogChunk = stored.record_at(family, key)?;
                    let chunk =
                        Chunk::try_from(record).map_err(|what| damaged(family, key, &what))?;
                    read += stored.bytes().len();
                    if first + chunk.lines.len() as u64 > seq.saturating_add(1) {
                        chunks.push((first, chunk));
                    }
                    Ok(if read >= bytes {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    })
                },
            )?;
            Ok(chunks)
        })
        .await
    }

    /// The first line of the chunk that a sequence number would be in.
    fn chunk_start(&self, run: &str, seq: u64) -> Result<u64> {
        let mut start = seq;
        let mut from = Prefix::Log(run).encode().1;
        from.extend(seq.saturating_add(1).to_be_bytes());
        walk(
            &self.db,
            &Prefix::Log(run),
            Some(&from),
            Order::Down,
            |key, _| {
                start = last_number(key).unwrap_or(seq);
                Ok(ControlFlow::Break(()))
            },
        )?;
        Ok(start)
    }
}
