//! Log lines of tasks: stored once each, in order, and acked when they are on disk.
//!
//! Invariant: [`Task::next_line`](super::board::Task) counts the lines handed to the committer; only the one stream
//! of the task's instance moves it.

use std::sync::Arc;

use super::Engine;
use super::board::Session;
use super::change::Change;
use super::outbox::Outgoing;
use super::reports::own;
use super::runs::index;
use crate::error::{Error, Result};
use crate::model::log::{BATCH_BYTES, BATCH_LINES, Chunk, Line, check_line, weight};
use crate::model::name::{RunId, TaskId};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};
use crate::store::{EncodedChunk, Progress, Slot};

/// A batch of lines as a driver sends it.
pub(super) struct LogBatch {
    pub(super) task: TaskId,
    pub(super) token: u64,
    /// The number of the first line, counted by the task.
    pub(super) first: u64,
    pub(super) lines: Vec<Line>,
}

/// Lines of a task that are not stored yet.
struct NewLines {
    run: RunId,
    step: usize,
    chunk: EncodedChunk,
}

impl Engine {
    /// Takes a batch. Lines that are stored already are dropped, and so is a batch that leaves some out.
    pub(super) async fn log(&self, session: &Arc<Session>, batch: LogBatch) -> Result<()> {
        check_batch(&batch.lines)?;
        let (id, token) = (batch.task, batch.token);
        let new = self.new_lines(session, batch);
        let bytes = new.as_ref().map_or(0, |new| new.chunk.bytes());
        let slot = self.0.store.committer().reserve_lines(bytes).await?;
        let mut change = Change::begin(&self.0);
        let lease_until = change.tick + change.options().lease_time;
        let next = own(&mut change.board, session, id, token).map(|task| {
            task.lease_until = lease_until;
            task.next_line += new.as_ref().map_or(0, |new| new.chunk.lines());
            #[cfg(test)]
            {
                task.next_line += u64::from(planted(Sabotage::LosesLines));
            }
            task.next_line
        });
        change.send(
            session,
            Outgoing::LogAck {
                task: id,
                token,
                next,
            },
        );
        if next.is_none() {
            self.0.figures.fenced.one();
        }
        match (next, new) {
            (Some(next_line), Some(new)) => {
                change.accept(id);
                let progress = Progress { token, next_line };
                change
                    .batch
                    .put_progress(new.run, index(new.step), progress);
                self.store_lines(change, slot, new)
            }
            _ => {
                change.commit(slot);
                Ok(())
            }
        }
    }

    /// The lines of a batch that follow those already taken. Only this stream moves the task's line number, and it
    /// takes one report at a time, so that they still follow when the chunk is stored.
    fn new_lines(&self, session: &Arc<Session>, mut batch: LogBatch) -> Option<NewLines> {
        let mut board = self.0.board();
        let task = own(&mut board, session, batch.task, batch.token)?;
        let known = usize::try_from(task.next_line.checked_sub(batch.first)?).unwrap_or(usize::MAX);
        #[cfg(test)]
        let known = sabotage(known, &mut batch);
        batch.lines.drain(..known.min(batch.lines.len()));
        if batch.lines.is_empty() {
            return None;
        }
        let (id, step, accepted, driver) =
            (task.run, task.step, task.accepted, task.driver.to_string());
        let run = &board.runs.get(&id)?.run;
        let attempt = run.steps[step].attempts.len() + usize::from(!accepted);
        let chunk = Chunk {
            step: run.steps[step].id.to_string(),
            attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
            driver,
            pipeline: run
                .pipeline
                .as_ref()
                .map(|it| it.name.to_string())
                .unwrap_or_default(),
            lines: batch.lines,
        };
        drop(board);
        Some(NewLines {
            run: id,
            step,
            chunk: EncodedChunk::new(chunk),
        })
    }

    /// Numbers the lines and hands them over with the rest of the change.
    fn store_lines(&self, mut change: Change<'_>, slot: Slot, new: NewLines) -> Result<()> {
        let inner = Arc::clone(&self.0);
        let topic = new.run.to_string();
        let (written, lines) = (topic.clone(), new.chunk.lines());
        self.0.figures.task_lines.add(lines);
        self.0.figures.task_line_bytes.add(new.chunk.bytes() as u64);
        self.0
            .log_book
            .number(&self.0.store, &topic, lines, |first| {
                change.batch.put_chunk(&written, first, new.chunk);
                change.commit_then(slot, move |_| {
                    inner.lines_written(&written, first + lines - 1);
                });
            })?;
        Ok(())
    }
}

/// Takes lines again, or in another order.
#[cfg(test)]
fn sabotage(known: usize, batch: &mut LogBatch) -> usize {
    if planted(Sabotage::TurnsLinesRound) {
        batch.lines.reverse();
    }
    if planted(Sabotage::StoresLinesTwice) {
        0
    } else {
        known
    }
}

/// Checks a batch of a driver against the limits that Welcome named.
fn check_batch(lines: &[Line]) -> Result<()> {
    if let Some(what) = lines.iter().find_map(|line| check_line(line).err()) {
        return Err(Error::Protocol(format!("log.lines: {what}")));
    }
    if lines.len() > BATCH_LINES || lines.iter().map(weight).sum::<usize>() > BATCH_BYTES {
        return Err(Error::Protocol(format!(
            "log.lines: at most {BATCH_LINES} lines and {BATCH_BYTES} bytes a batch"
        )));
    }
    Ok(())
}
