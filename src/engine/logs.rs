//! Log lines from outside: appended in order beside those of the tasks.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Engine;
use super::log_book::Place;
use crate::error::{Error, Result, Violation};
use crate::model::log::{BATCH_BYTES, BATCH_LINES, Chunk, Line, check_line, log_id, weight};
use crate::store::{Batch, EncodedChunk, Position, Slot};

/// About what a chunk takes beside its lines: keys and names.
const CHUNK_BYTES: usize = 512;

/// A line from outside, with where it belongs.
#[derive(Clone, Debug)]
pub struct OutsideLine {
    /// The run, known or not.
    pub run: String,
    /// Who wrote it.
    pub driver: String,
    /// The pipeline it names.
    pub pipeline: String,
    /// The line.
    pub line: Line,
}

impl Engine {
    /// Appends lines from outside, all or none. The answer comes when they are on disk.
    pub async fn append_lines(&self, mut lines: Vec<OutsideLine>) -> Result<u64> {
        let _part = self.0.tracer.enter("append_lines");
        check_outside(&mut lines)?;
        let count = lines.len() as u64;
        let bytes: usize = lines.iter().map(|line| weight(&line.line)).sum();
        let chunks = chunks(lines);
        let slot = self.admit(bytes + chunks.len() * CHUNK_BYTES)?;
        let answer = self.hand_over(slot, chunks)?;
        answer.await.map_err(|_| Error::Stopping)??;
        Ok(count)
    }

    /// Numbers the lines and hands them over, in one batch.
    fn hand_over(
        &self,
        slot: Slot,
        chunks: Vec<(String, Chunk)>,
    ) -> Result<oneshot::Receiver<crate::store::Result<Position>>> {
        let (done, answer) = oneshot::channel();
        let inner = Arc::clone(&self.0);
        let now = self.0.world.now();
        let encoded = chunks.into_iter().map(|(run, chunk)| {
            let lines = chunk.lines.len() as u64;
            ((run, lines), EncodedChunk::new(chunk))
        });
        let (counts, encoded): (Vec<_>, Vec<_>) = encoded.unzip();
        let hand_over = |places: Vec<Place>| {
            let mut batch = Batch::new();
            batch.trace(self.0.tracer.here());
            let mut written = Vec::with_capacity(places.len());
            let placed = counts.iter().zip(places);
            for (((run, lines), Place { first, queued }), chunk) in placed.zip(encoded) {
                self.0.figures.outside_lines.add(*lines);
                self.0.figures.outside_line_bytes.add(chunk.bytes() as u64);
                batch.put_chunk(run, first, chunk);
                batch.note_outside_line(run, now, queued);
                written.push((run.clone(), first + lines - 1));
            }
            slot.commit(batch, move |outcome| {
                for (run, last) in &written {
                    inner.lines_written(run, *last);
                }
                // Where nobody waits any more, nobody needs the answer.
                let _ = done.send(outcome);
            });
        };
        let book = &self.0.log_book;
        book.number_outside(&self.0.store, &counts, now, hand_over)?;
        Ok(answer)
    }
}

/// The lines of each run in their order, as many together as share a driver and a pipeline.
fn chunks(lines: Vec<OutsideLine>) -> Vec<(String, Chunk)> {
    let mut chunks: Vec<(String, Chunk)> = Vec::new();
    let mut last: HashMap<String, usize> = HashMap::new();
    for line in lines {
        let open = last.get(&line.run).map(|at| &mut chunks[*at].1);
        match open.filter(|open| open.driver == line.driver && open.pipeline == line.pipeline) {
            Some(open) => open.lines.push(line.line),
            None => {
                last.insert(line.run.clone(), chunks.len());
                let chunk = Chunk {
                    step: String::new(),
                    attempt: 0,
                    driver: line.driver,
                    pipeline: line.pipeline,
                    lines: vec![line.line],
                };
                chunks.push((line.run, chunk));
            }
        }
    }
    chunks
}

/// Checks the lines, and brings their run ids into the form that their logs are kept under.
fn check_outside(lines: &mut [OutsideLine]) -> Result<()> {
    let mut violations = Vec::new();
    for (at, line) in lines.iter_mut().enumerate() {
        let mut wrong = |field: &str, what: &str| {
            violations.push(Violation::new(format!("entries[{at}].{field}"), what))
        };
        match log_id(&line.run) {
            Ok(id) => line.run = id,
            Err(what) => wrong("run_id", what),
        }
        if line.driver.len() > 128 || line.pipeline.len() > 128 {
            wrong(
                "driver",
                "the names of driver and pipeline are at most 128 bytes long",
            );
        }
        if let Err(what) = check_line(&line.line) {
            wrong("message", what);
        }
    }
    let bytes: usize = lines.iter().map(|line| weight(&line.line)).sum();
    if lines.len() > BATCH_LINES || bytes > BATCH_BYTES {
        let text = format!("at most {BATCH_LINES} lines and {BATCH_BYTES} bytes at a time");
        violations.push(Violation::new("entries", text));
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(violations))
    }
}
