//! Log lines from outside: appended in order beside those of the tasks.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Engine;
use crate::error::{Error, Result, Violation};
use crate::model::log::{BATCH_BYTES, BATCH_LINES, Chunk, Line, check_line, weight};
use crate::store::{Batch, EncodedChunk};

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
    /// Appends lines from outside. The answer comes when all are on disk.
    pub async fn append_lines(&self, lines: Vec<OutsideLine>) -> Result<u64> {
        let _part = self.0.tracer.enter("append_lines");
        let bytes = lines.iter().map(|line| weight(&line.line)).sum();
        // Each chunk takes room of its own, and may wait for it: this is for all that wait.
        let _room = self.admit(bytes)?;
        check_outside(&lines)?;
        let count = lines.len() as u64;
        let mut written = Vec::new();
        for (run, chunk) in chunks(lines) {
            written.push(self.append_chunk(run, EncodedChunk::new(chunk)).await?);
        }
        for answer in written {
            answer.await.map_err(|_| Error::Stopping)??;
        }
        Ok(count)
    }

    async fn append_chunk(
        &self,
        run: String,
        chunk: EncodedChunk,
    ) -> Result<oneshot::Receiver<crate::store::Result<crate::store::Position>>> {
        let slot = self.0.store.committer().reserve(chunk.bytes()).await?;
        let (done, answer) = oneshot::channel();
        let inner = Arc::clone(&self.0);
        let topic = run.clone();
        let lines = chunk.lines();
        self.0.figures.outside_lines.add(lines);
        self.0.figures.outside_line_bytes.add(chunk.bytes() as u64);
        let now = self.0.world.now();
        let hand_over = |first, queued| {
            let mut batch = Batch::new();
            batch.trace(self.0.tracer.here());
            batch.put_chunk(&topic, first, chunk);
            batch.note_outside_line(&topic, now, queued);
            slot.commit(batch, move |outcome| {
                inner.lines_written(&topic, first + lines - 1);
                // Where nobody waits any more, nobody needs the answer.
                let _ = done.send(outcome);
            });
        };
        let book = &self.0.log_book;
        book.number_outside(&self.0.store, &run, lines, now, hand_over)?;
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

fn check_outside(lines: &[OutsideLine]) -> Result<()> {
    let mut violations = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let mut wrong = |field: &str, what: &str| {
            violations.push(Violation::new(format!("entries[{at}].{field}"), what))
        };
        if line.run.is_empty() || line.run.len() > 128 {
            wrong("run_id", "a run id is 1 to 128 bytes long");
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
