//! What the server keeps of one task's log: takes what follows, drops what begins past its end.

use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::{Log, LogLine, Result as TaskResult};

use crate::fault::{Played, ensure, equal, fail};
use crate::link::Link;
use crate::offer::Task;

/// The lines of one task.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) lines: Vec<LogLine>,
    /// How many batches came, and how many lines in them, those included that it had already.
    pub(crate) batches: usize,
    pub(crate) received: usize,
}

impl Store {
    /// Takes a batch, and says which line is due next.
    pub(crate) fn take(&mut self, log: Log) -> u64 {
        self.batches += 1;
        self.received += log.lines.len();
        let next = self.next();
        if log.first_line <= next {
            let known = usize::try_from(next - log.first_line).unwrap_or(usize::MAX);
            self.lines.extend(log.lines.into_iter().skip(known));
        }
        self.next()
    }

    /// The line that is due next.
    pub(crate) fn next(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Takes and acks lines of `task` until its result comes.
    pub(crate) async fn serve(&mut self, link: &mut Link, task: &Task) -> Played<TaskResult> {
        self.serve_slowly(link, task, Duration::ZERO).await
    }

    /// As [`Store::serve`], with a pause before each ack.
    pub(crate) async fn serve_slowly(
        &mut self,
        link: &mut Link,
        task: &Task,
        pause: Duration,
    ) -> Played<TaskResult> {
        loop {
            match link.next().await? {
                Some(FromDriver::Log(log)) if log.task_id == task.id => {
                    let next = self.take(log);
                    tokio::time::sleep(pause).await;
                    link.stored(task, next).await;
                }
                Some(FromDriver::Result(result)) if result.task_id == task.id => {
                    equal("the lines of the result", result.lines, self.next())?;
                    return Ok(result);
                }
                other => fail!(
                    "lines or a result of {} are due, and not: {other:?}",
                    task.step
                ),
            }
        }
    }

    /// As [`Store::serve`], when lines that it has may not be acked yet.
    pub(crate) async fn serve_from(&mut self, link: &mut Link, task: &Task) -> Played<TaskResult> {
        link.stored(task, self.next()).await;
        self.serve(link, task).await
    }

    /// Takes and acks lines of `task` until there are `count`.
    pub(crate) async fn take_lines(&mut self, link: &mut Link, task: &Task, count: u64) -> Played {
        while self.next() < count {
            let log = link.log(task).await?;
            let next = self.take(log);
            link.stored(task, next).await;
        }
        Ok(())
    }

    /// The texts of its lines.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.lines
            .iter()
            .map(|line| line.message.as_str())
            .collect()
    }

    /// Fails unless its lines are those of `count_up(count)` or of `long_lines(count, ..)`, each once and in order.
    pub(crate) fn counts_up(&self, count: u64) -> Played {
        equal("the lines stored", self.next(), count)?;
        for (number, line) in self.lines.iter().enumerate() {
            let text = line.message.trim_end_matches('x').trim_end();
            ensure!(
                text == format!("line {number}"),
                "line {number} is `{text}`"
            );
        }
        Ok(())
    }
}
