//! Logs: lines are appended in order and followed at any pace.
//!
//! Invariant: a follower reads from the store. It asks whether the run has ended before it reads, so that an end
//! never overtakes lines.

use std::collections::BTreeMap;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use tokio::sync::oneshot;

use super::Engine;
use super::watch::Follower;
use crate::error::{Error, Result, Violation};
use crate::model::log::{BATCH_BYTES, BATCH_LINES, Chunk, Line, check_line, weight};
use crate::model::name::{Noun, RunId};
use crate::store::{Batch, EncodedChunk};

/// About how many bytes a follower reads at a time.
const READ_BYTES: usize = 256 << 10;

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

/// What a follower asks for.
#[derive(Clone, Debug, Default)]
pub struct TailQuery {
    /// The run.
    pub run: String,
    /// Only lines of this driver; empty: of all.
    pub driver: String,
    /// Only lines of this step; empty: of all.
    pub step: String,
    /// Go on after this sequence number.
    pub after: u64,
    /// Whether to wait for more until the run has ended.
    pub follow: bool,
    /// Whether to wait for a run that is not known.
    pub wait_for_unknown: bool,
}

/// Lines that a follower gets together.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Sequence number of the first.
    pub first: u64,
    /// The lines and who wrote them.
    pub chunk: Chunk,
    /// Set on the first lines after some that are no longer kept.
    pub gap: bool,
}

struct Tail {
    engine: Engine,
    query: TailQuery,
    follower: Follower,
    ready: std::collections::VecDeque<Lines>,
    after: u64,
}

impl Engine {
    /// Appends lines from outside. The answer comes when all are on disk.
    pub async fn append_lines(&self, lines: Vec<OutsideLine>) -> Result<u64> {
        self.0.space.check()?;
        check_outside(&lines)?;
        let count = lines.len() as u64;
        let mut runs: BTreeMap<(String, String, String), Vec<Line>> = BTreeMap::new();
        for line in lines {
            runs.entry((line.run, line.driver, line.pipeline))
                .or_default()
                .push(line.line);
        }
        let mut written = Vec::new();
        for ((run, driver, pipeline), lines) in runs {
            let chunk = Chunk {
                step: String::new(),
                attempt: 0,
                driver,
                pipeline,
                lines,
            };
            written.push(self.append_chunk(run, EncodedChunk::new(chunk)).await?);
        }
        for answer in written {
            answer.await.map_err(|_| Error::Stopping)??;
        }
        Ok(count)
    }

    /// Sends the lines of a run: first what is stored, then what comes, until the run has ended.
    pub async fn tail(
        &self,
        query: TailQuery,
    ) -> Result<impl Stream<Item = Result<Lines>> + use<>> {
        let follower = self.0.hub.follow(&query.run);
        if !query.wait_for_unknown {
            let id = RunId::parse(&query.run, "run_id")?;
            let logged = self.0.store.next_seq(&query.run)? > 1;
            if !logged && self.0.store.run(id).await?.is_none() {
                return Err(Error::NotFound(Noun::Run, query.run));
            }
        }
        let after = query.after;
        let tail = Tail {
            engine: self.clone(),
            query,
            follower,
            ready: std::collections::VecDeque::new(),
            after,
        };
        Ok(try_unfold(tail, |mut tail| async move {
            Ok(tail.next().await?.map(|lines| (lines, tail)))
        }))
    }

    /// Whether a run is known and has ended, and the number of the last line of its log.
    pub async fn log_end(&self, run: &str) -> Result<(bool, u64)> {
        let ended = self.has_ended(run).await?;
        Ok((ended, self.0.store.next_seq(run)? - 1))
    }

    async fn has_ended(&self, run: &str) -> Result<bool> {
        let Ok(id) = RunId::parse(run, "run_id") else {
            return Ok(false);
        };
        Ok(self
            .0
            .store
            .run(id)
            .await?
            .is_some_and(|(run, _)| run.state.ended()))
    }

    async fn append_chunk(
        &self,
        run: String,
        chunk: EncodedChunk,
    ) -> Result<oneshot::Receiver<crate::store::Result<crate::store::Position>>> {
        let slot = self.0.store.committer().reserve(chunk.bytes()).await?;
        let (done, answer) = oneshot::channel();
        let inner = std::sync::Arc::clone(&self.0);
        let topic = run.clone();
        let lines = chunk.lines();
        self.0
            .log_book
            .number(&self.0.store, &run, lines, |first| {
                let mut batch = Batch::new();
                batch.put_chunk(&topic, first, chunk);
                slot.commit(batch, move |outcome| {
                    inner.log_book.written(&topic);
                    inner.hub.wake(&topic);
                    // Where nobody waits any more, nobody needs the answer.
                    let _ = done.send(outcome);
                });
            })?;
        Ok(answer)
    }
}

impl Tail {
    async fn next(&mut self) -> Result<Option<Lines>> {
        loop {
            if let Some(lines) = self.ready.pop_front() {
                return Ok(Some(lines));
            }
            let ended = self.engine.has_ended(&self.query.run).await?;
            if self.read().await? {
                continue;
            }
            if ended || !self.query.follow {
                return Ok(None);
            }
            let stop = self.engine.0.stop.clone();
            tokio::select! {
                () = self.follower.changed() => {}
                () = stop.cancelled() => return Err(Error::Stopping),
            }
        }
    }

    /// Reads on. False where there is nothing new.
    async fn read(&mut self) -> Result<bool> {
        let chunks = self
            .engine
            .0
            .store
            .chunks(self.query.run.clone(), self.after, READ_BYTES)
            .await?;
        if chunks.is_empty() {
            return Ok(false);
        }
        for (mut first, mut chunk) in chunks {
            let known = usize::try_from((self.after.saturating_add(1)).saturating_sub(first))
                .unwrap_or(usize::MAX);
            chunk.lines.drain(..known.min(chunk.lines.len()));
            first = first.max(self.after.saturating_add(1));
            let gap = first > self.after.saturating_add(1);
            self.after = first + chunk.lines.len() as u64 - 1;
            let wanted = (self.query.driver.is_empty() || self.query.driver == chunk.driver)
                && (self.query.step.is_empty() || self.query.step == chunk.step);
            if wanted && !chunk.lines.is_empty() {
                self.ready.push_back(Lines { first, chunk, gap });
            }
        }
        Ok(true)
    }
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
