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
use crate::error::{Error, Result, cut};
use crate::model::log::{BATCH_BYTES, BATCH_LINES, Chunk, LINE_BYTES, Line, weight};
use crate::model::name::TaskId;
use crate::store::{EncodedChunk, Progress};

impl Engine {
    pub(super) async fn log(
        &self,
        session: &Arc<Session>,
        id: TaskId,
        token: u64,
        first: u64,
        mut lines: Vec<Line>,
    ) -> Result<()> {
        check_batch(&lines)?;
        // Only this stream moves the task's line number, and it reads one report at a time.
        let next = {
            let mut board = self.0.board();
            own(&mut board, session, id, token).map(|task| task.next_line)
        };
        let known = next.map_or(0, |next| {
            usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX)
        });
        lines.drain(..known.min(lines.len()));
        let fits = next.is_some_and(|next| first <= next) && !lines.is_empty();
        let added = lines.len() as u64;
        let chunk = if fits {
            self.task_chunk(id, lines)
        } else {
            None
        };
        let bytes = chunk.as_ref().map_or(0, |(_, chunk)| chunk.bytes());
        let slot = self.0.store.committer().reserve(bytes).await?;
        let mut change = Change::begin(&self.0);
        let lease_until = change.tick + change.options().lease_time;
        let Some(task) = own(&mut change.board, session, id, token) else {
            change.send(
                session,
                Outgoing::LogAck {
                    task: id,
                    token,
                    next: None,
                },
            );
            change.commit(slot, drop);
            return Ok(());
        };
        task.lease_until = lease_until;
        let (run, step) = (task.run, task.step);
        let Some((topic, chunk)) = chunk else {
            let next = Some(task.next_line);
            change.send(
                session,
                Outgoing::LogAck {
                    task: id,
                    token,
                    next,
                },
            );
            change.commit(slot, drop);
            return Ok(());
        };
        task.next_line += added;
        let next_line = task.next_line;
        change.accept(id);
        change
            .batch
            .put_progress(run, index(step), Progress { token, next_line });
        change.send(
            session,
            Outgoing::LogAck {
                task: id,
                token,
                next: Some(next_line),
            },
        );
        let inner = Arc::clone(&self.0);
        let written = topic.clone();
        self.0
            .log_book
            .number(&self.0.store, &topic, added, |seq| {
                change.batch.put_chunk(&written, seq, chunk);
                change.commit(slot, move |_| {
                    inner.log_book.written(&written);
                    inner.hub.wake(&written);
                });
            })?;
        Ok(())
    }

    /// The lines of a task as they are stored, and the run they belong to.
    fn task_chunk(&self, id: TaskId, lines: Vec<Line>) -> Option<(String, EncodedChunk)> {
        let board = self.0.board();
        let task = board.tasks.get(&id)?;
        let run = &board.runs.get(&task.run)?.run;
        let step = &run.steps[task.step];
        let attempt = step.attempts.len() + usize::from(!task.accepted);
        let chunk = Chunk {
            step: step.id.to_string(),
            attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
            driver: task.driver.to_string(),
            pipeline: run
                .pipeline
                .as_ref()
                .map(|it| it.name.to_string())
                .unwrap_or_default(),
            lines,
        };
        let topic = run.id.to_string();
        drop(board);
        Some((topic, EncodedChunk::new(&chunk)))
    }
}

/// Checks a batch of a driver against the limits that Welcome named.
fn check_batch(lines: &[Line]) -> Result<()> {
    if let Some(line) = lines.iter().find(|line| line.message.len() > LINE_BYTES) {
        let text = cut(&line.message, 40);
        return Err(Error::Protocol(format!(
            "log.lines: a line is at most {LINE_BYTES} bytes long: {text:?}"
        )));
    }
    if lines.len() > BATCH_LINES || lines.iter().map(weight).sum::<usize>() > BATCH_BYTES {
        return Err(Error::Protocol(format!(
            "log.lines: at most {BATCH_LINES} lines and {BATCH_BYTES} bytes a batch"
        )));
    }
    Ok(())
}
