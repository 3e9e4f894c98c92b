//! What drivers report: acks, log lines, results, heartbeats.
//!
//! Invariant: a report counts only with the task's token, from the instance that has the task, over its newest
//! stream. Its answer goes out when what it changed is on disk.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::board::{Board, Session};
use super::change::{Change, cancel};
use super::outbox::{CancelReason, Outgoing, ResultAck};
use super::runs::index;
use super::task_logs::LogBatch;
use crate::error::{Error, Result, Violation};
use crate::model::json::Json;
use crate::model::log::Line;
use crate::model::name::TaskId;
use crate::model::resource::DriverResult;
use crate::model::run::{Cause, Event, Offer, Outcome};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// Most bytes of the data of one result.
pub const RESULT_DATA_BYTES: usize = 256 << 10;
/// Most bytes of the message of one result; more is cut.
pub const RESULT_MESSAGE_BYTES: usize = 16 << 10;
/// Most bytes of result data of all steps of a run.
const RUN_DATA_BYTES: u64 = 4 << 20;

/// One message from a driver, after its hello.
#[derive(Clone, Debug)]
pub enum Report {
    /// Accepts or refuses an offer.
    Ack {
        /// The task.
        task: TaskId,
        /// Its token.
        token: u64,
        /// Whether it is refused.
        refused: bool,
    },
    /// Log lines of a task.
    Log {
        /// The task.
        task: TaskId,
        /// Its token.
        token: u64,
        /// The number of the first line.
        first: u64,
        /// The lines.
        lines: Vec<Line>,
    },
    /// Ends a task.
    Result(TaskResult),
    /// Names the tasks in hand.
    Heartbeat(Vec<(TaskId, u64)>),
    /// No more offers.
    Drain,
}

/// How a task ended, as its driver says.
#[derive(Clone, Debug)]
pub struct TaskResult {
    /// The task.
    pub task: TaskId,
    /// Its token.
    pub token: u64,
    /// Whether the work succeeded.
    pub success: bool,
    /// What to tell people.
    pub message: String,
    /// Result data, or what is wrong with it.
    pub data: std::result::Result<Option<Json>, Violation>,
    /// How many lines the task wrote.
    pub lines: u64,
}

impl TaskResult {
    /// About how many bytes of it are written.
    fn bytes(&self) -> usize {
        let data = self.data.as_ref().ok().and_then(Option::as_ref);
        self.message.len() + data.map_or(0, |data| data.as_str().len())
    }
}

impl Engine {
    /// Takes a report. An error ends the stream.
    pub async fn report(&self, session: &Arc<Session>, report: Report) -> Result<()> {
        self.heard(session)?;
        match report {
            Report::Heartbeat(tasks) => self.heartbeat(session, &tasks).await,
            Report::Drain => {
                if let Some(mut instance) = self.0.board().instance_of(session) {
                    instance.draining = true;
                }
                Ok(())
            }
            Report::Ack {
                task,
                token,
                refused,
            } => {
                self.wait_for_space(session).await?;
                self.ack(session, task, token, refused).await
            }
            Report::Log {
                task,
                token,
                first,
                lines,
            } => {
                self.wait_for_space(session).await?;
                let batch = LogBatch {
                    task,
                    token,
                    first,
                    lines,
                };
                self.log(session, batch).await
            }
            Report::Result(result) => {
                self.wait_for_space(session).await?;
                self.result(session, result).await
            }
        }
    }

    /// Notes that the instance lives. Fails on a stream that another has replaced.
    fn heard(&self, session: &Arc<Session>) -> Result<()> {
        let tick = self.0.tick();
        let mut board = self.0.board();
        board.instance_of(session).ok_or(Error::Replaced)?.heard = tick;
        Ok(())
    }

    /// While the disk is short, reports wait and the driver is told that it is heard: its stream stays, and its
    /// leases stand still.
    async fn wait_for_space(&self, session: &Arc<Session>) -> Result<()> {
        loop {
            tokio::select! {
                biased;
                () = self.0.space.wait() => return Ok(()),
                () = self.0.stop.cancelled() => return Err(Error::Stopping),
                () = tokio::time::sleep(self.0.options.heartbeat_period) => {
                    self.heard(session)?;
                    session.outbox.push(Outgoing::HeartbeatAck);
                }
            }
        }
    }

    /// Renews leases. What a Cancel says may rest on a batch in flight, so that it waits for that.
    async fn heartbeat(&self, session: &Arc<Session>, tasks: &[(TaskId, u64)]) -> Result<()> {
        let cancels = self.renew(session, tasks);
        if !cancels.is_empty() {
            self.barrier().await?;
        }
        for message in cancels {
            session.outbox.push(message);
        }
        session.outbox.push(Outgoing::HeartbeatAck);
        Ok(())
    }

    /// Renews the leases of the tasks that are the instance's own, and answers which ones it must stop.
    fn renew(&self, session: &Arc<Session>, tasks: &[(TaskId, u64)]) -> Vec<Outgoing> {
        let tick = self.0.tick();
        let lease_until = tick + self.0.options.lease_time;
        let mut board = self.0.board();
        let mut cancels = Vec::new();
        for (id, token) in tasks {
            let offer = Offer {
                task: *id,
                token: *token,
                instance: session.instance,
            };
            match own(&mut board, session, *id, *token) {
                Some(task) => {
                    task.lease_until = lease_until;
                    if let Some((stop, until)) = task.stop {
                        let left = until.saturating_sub(tick);
                        cancels.push(cancel(offer, CancelReason::from(stop), left));
                    }
                }
                None => {
                    self.0.figures.fenced.one();
                    cancels.push(cancel(offer, CancelReason::Fenced, Duration::ZERO));
                }
            }
        }
        cancels
    }

    async fn ack(
        &self,
        session: &Arc<Session>,
        id: TaskId,
        token: u64,
        refused: bool,
    ) -> Result<()> {
        let slot = self.room().await?;
        let mut change = Change::begin(&self.0);
        let tick = change.tick;
        let pause = tick + change.options().refusal_pause;
        {
            let mut instance = change.board.instance_of(session).ok_or(Error::Replaced)?;
            instance.last_ack = tick;
            instance.muted = false;
        }
        change.touch(&session.driver);
        let task = own(&mut change.board, session, id, token)
            .map(|task| (task.run, task.step, task.accepted));
        match task {
            Some((run, step, false)) if refused => {
                if let Some(mut instance) = change.board.instance_of(session) {
                    instance.refused.retain(|_, until| *until > tick);
                    instance.refused.insert((run, step), pause);
                    self.0.figures.refused.one();
                }
                change.apply(
                    run,
                    Event::Returned {
                        step,
                        lapsed: false,
                    },
                );
            }
            Some((.., accepted)) => {
                if !accepted {
                    change.accept(id);
                }
            }
            None => {
                self.0.figures.fenced.one();
                let offer = Offer {
                    task: id,
                    token,
                    instance: session.instance,
                };
                change.send(session, cancel(offer, CancelReason::Fenced, Duration::ZERO));
            }
        }
        change.commit(slot);
        Ok(())
    }

    async fn result(&self, session: &Arc<Session>, result: TaskResult) -> Result<()> {
        let (id, token) = (result.task, result.token);
        let slot = self.0.store.committer().reserve(result.bytes()).await?;
        let answered = {
            let mut change = Change::begin(&self.0);
            let lease_until = change.tick + change.options().lease_time;
            match own(&mut change.board, session, id, token) {
                Some(task) if result.lines > task.next_line => {
                    task.lease_until = lease_until;
                    let ack = ResultAck::LinesMissing(task.next_line);
                    change.send(
                        session,
                        Outgoing::ResultAck {
                            task: id,
                            token,
                            ack,
                        },
                    );
                    change.commit(slot);
                    true
                }
                Some(task) => {
                    let (run, step) = (task.run, task.step);
                    change.accept(id);
                    change.trace_result(id);
                    finish(&mut change, run, step, result);
                    change.send(
                        session,
                        Outgoing::ResultAck {
                            task: id,
                            token,
                            ack: ResultAck::Applied,
                        },
                    );
                    change.commit(slot);
                    true
                }
                None => false,
            }
        };
        if !answered {
            self.barrier().await?;
            let ack = if self.reported(id, token).await? {
                ResultAck::Applied
            } else {
                self.0.figures.fenced.one();
                ResultAck::Fenced
            };
            session.outbox.push(Outgoing::ResultAck {
                task: id,
                token,
                ack,
            });
        }
        Ok(())
    }
}

/// Writes a result: the run's next state, the data, and what the resource shows of it.
fn finish(change: &mut Change<'_>, id: crate::model::name::RunId, at: usize, result: TaskResult) {
    let Some(run) = change.run(id) else { return };
    let (resource, cause, used) = (run.resource.clone(), run.cause, run.data_bytes());
    let driver = run.steps[at].driver.clone();
    let (success, data, mut message) = match checked(result.data, used) {
        Ok(data) => (result.success, data, result.message),
        Err(reason) => (false, None, reason),
    };
    message.truncate(message.floor_char_boundary(RESULT_MESSAGE_BYTES));
    let data_bytes = data.as_ref().map_or(0, |data| data.as_str().len() as u64);
    change.apply(
        id,
        Event::Finished {
            step: at,
            outcome: Outcome {
                success,
                message: message.clone(),
                data_bytes,
            },
        },
    );
    if let Some(data) = &data {
        change.batch.put_step_data(id, index(at), data);
    }
    if cause != Cause::Delete && !change.board.is_deleted(&resource) {
        let result = DriverResult {
            driver,
            success,
            message,
            data,
            time: change.now,
        };
        change.batch.put_driver_result(&resource, &result);
    }
}

/// The data, where it keeps the limits.
fn checked(
    data: std::result::Result<Option<Json>, Violation>,
    used: u64,
) -> std::result::Result<Option<Json>, String> {
    let data = data.map_err(|violation| {
        format!(
            "its {} was refused: {}",
            violation.field, violation.description
        )
    })?;
    let bytes = data.as_ref().map_or(0, |data| data.as_str().len());
    if bytes > RESULT_DATA_BYTES {
        return Err(format!(
            "its result data of {bytes} bytes was refused: {RESULT_DATA_BYTES} at most"
        ));
    }
    if used + bytes as u64 > RUN_DATA_BYTES {
        return Err(format!(
            "its result data was refused: the steps of a run have {RUN_DATA_BYTES} bytes in all"
        ));
    }
    Ok(data)
}

/// The open task, where the report's token and sender are right.
pub(super) fn own<'a>(
    board: &'a mut Board,
    session: &Arc<Session>,
    id: TaskId,
    token: u64,
) -> Option<&'a mut super::board::Task> {
    board.instance_of(session)?;
    let task = board.tasks.get_mut(&id)?;
    #[cfg(test)]
    if planted(Sabotage::LooksAtNoToken) {
        return Some(task);
    }
    let right = task.driver == session.driver
        && task.offer.instance == session.instance
        && task.offer.token == token;
    right.then_some(task)
}
