//! The server's end of one stream, as a case plays it.
//!
//! Heartbeats are read and answered beside the case, so that one that waits elsewhere does not look
//! like a dead server. All else waits for the case in its order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::{
    Ack, Cancel, CancelReason, DriverStreamRequest, DriverStreamResponse, Heartbeat, HeartbeatAck,
    Hello, Log, LogAck, LogAckStatus, Result as TaskResult, ResultAck, ResultOutcome, TaskToken,
};
use prost::Message as _;
use tokio::sync::{mpsc, watch};
use tonic::Status;

use crate::fault::{Fault, Played, ensure, equal, fail, within};
use crate::offer::{Task, span};
use crate::record::{Record, brief, brief_answer};
use crate::rules;
use crate::sabotage::{Sabotage, Saboteur};
use crate::server::Accepted;

/// How many messages may wait for the case. What is behind them waits in the connection.
const QUEUE: usize = 1024;

/// What the streams of a case share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) record: Arc<Record>,
    pub(crate) tasks: Arc<Mutex<rules::Tasks>>,
    pub(crate) saboteur: Arc<Saboteur>,
    /// How long the case waits for anything.
    pub(crate) deadline: Duration,
}

/// The server's end of one stream.
pub(crate) struct Link {
    messages: mpsc::Receiver<FromDriver>,
    beats: watch::Receiver<Vec<TaskToken>>,
    side: Arc<Side>,
    ended: watch::Receiver<Option<End>>,
}

/// How the driver ended a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// It closed its half.
    Closed,
    /// The connection broke, or the call was cancelled.
    Broken(String),
}

/// What the reader of a stream and its case share.
struct Side {
    out: Mutex<Option<mpsc::Sender<Result<Bytes, Status>>>>,
    stream: Mutex<rules::Stream>,
    answers: AtomicBool,
    shared: Shared,
}

impl Link {
    /// Takes over a stream.
    pub(crate) fn new(accepted: Accepted, shared: Shared) -> Self {
        let Accepted { mut inbound, out } = accepted;
        let side = Arc::new(Side {
            out: Mutex::new(Some(out)),
            stream: Mutex::default(),
            answers: AtomicBool::new(true),
            shared,
        });
        let (sender, messages) = mpsc::channel(QUEUE);
        let (beat, beats) = watch::channel(Vec::new());
        let (end, ended) = watch::channel(None);
        let reader = Arc::clone(&side);
        tokio::spawn(async move {
            let how = loop {
                match inbound.message().await {
                    Ok(None) => break End::Closed,
                    Err(status) => break End::Broken(status.message().to_owned()),
                    Ok(Some(DriverStreamRequest { kind: None })) => {}
                    Ok(Some(DriverStreamRequest { kind: Some(kind) })) => {
                        for kind in reader.shared.saboteur.says(kind) {
                            reader.hears(&kind);
                            match kind {
                                FromDriver::Heartbeat(said) => reader.beaten(said, &beat).await,
                                // A case that has let go of the stream hears no more of it.
                                other => drop(sender.send(other).await),
                            }
                        }
                    }
                }
            };
            reader.shared.record.note("driver", &format!("{how:?}"));
            let _ = end.send(Some(how));
        });
        Self {
            messages,
            beats,
            side,
            ended,
        }
    }

    /// Sends one message.
    pub(crate) async fn send(&self, kind: FromServer) {
        self.side.send(kind).await;
    }

    /// Sends bytes that are no message of today.
    pub(crate) async fn send_bytes(&self, bytes: Vec<u8>) {
        let note = format!("{} bytes of a newer version", bytes.len());
        self.side.shared.record.note("server", &note);
        let dies = self.side.shared.saboteur.plays(Sabotage::DiesOfUnknown);
        let status = Status::internal("sabotaged");
        let bytes = if dies { Err(status) } else { Ok(bytes.into()) };
        self.side.put(bytes).await;
    }

    /// Ends the stream with `status`.
    pub(crate) async fn end(self, status: Status) {
        let note = format!("ends the stream: {status:?}");
        self.side.shared.record.note("server", &note);
        let status = self.side.shared.saboteur.ends(status);
        self.side.put(Err(status)).await;
        self.side.hang_up();
    }

    /// From now on heartbeats are not answered.
    pub(crate) fn fall_silent(&self) {
        self.side.answers.store(false, Ordering::Relaxed);
    }

    /// Offers `task`, whose work is `ops`.
    pub(crate) async fn offer(&self, task: &Task, ops: &[serde_json::Value]) {
        self.send(FromServer::Reconcile(task.offer(ops))).await;
    }

    /// Offers `task` and waits until it is accepted.
    pub(crate) async fn give(&mut self, task: &Task, ops: &[serde_json::Value]) -> Played {
        self.offer(task, ops).await;
        self.accepted(task).await
    }

    /// Gives `task` to a driver whose slot is about to be free: after a refusal the step is offered anew, as the server
    /// would. What it was accepted as.
    pub(crate) async fn give_once_free(
        &mut self,
        mut task: Task,
        ops: &[serde_json::Value],
    ) -> Played<Task> {
        let end = Instant::now() + self.side.shared.deadline;
        loop {
            self.offer(&task, ops).await;
            let ack = self.ack().await?;
            equal("the task of an ack", &ack.task_id, &task.id)?;
            if !ack.refused {
                return Ok(task);
            }
            ensure!(
                Instant::now() < end,
                "{} is refused: {}",
                task.step,
                ack.reason
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
            task = Task::new(task.token + 1, &task.step);
        }
    }

    /// Asks for the stop of `task`.
    pub(crate) async fn cancel(&self, task: &Task, reason: CancelReason, grace: Duration) {
        let mut cancel = Cancel {
            task_id: task.id.clone(),
            token: task.token,
            grace: Some(span(grace)),
            ..Cancel::default()
        };
        cancel.set_reason(reason);
        self.send(FromServer::Cancel(cancel)).await;
    }

    /// Says that the lines of `task` before `next` are on disk.
    pub(crate) async fn stored(&self, task: &Task, next: u64) {
        self.log_ack(task, next, LogAckStatus::Stored).await;
    }

    /// Says how the lines of `task` were taken.
    pub(crate) async fn log_ack(&self, task: &Task, next: u64, status: LogAckStatus) {
        let mut ack = LogAck {
            task_id: task.id.clone(),
            token: task.token,
            next,
            ..LogAck::default()
        };
        ack.set_status(status);
        self.send(FromServer::LogAck(ack)).await;
    }

    /// Says that the result of `task` is on disk.
    pub(crate) async fn applied(&self, task: &Task) {
        self.result_ack(task, ResultOutcome::Applied, 0).await;
    }

    /// Says how the result of `task` was taken.
    pub(crate) async fn result_ack(&self, task: &Task, outcome: ResultOutcome, next: u64) {
        let mut ack = ResultAck {
            task_id: task.id.clone(),
            token: task.token,
            next,
            ..ResultAck::default()
        };
        ack.set_outcome(outcome);
        self.send(FromServer::ResultAck(ack)).await;
    }

    /// The next message that is no heartbeat. None: the stream has ended.
    pub(crate) async fn next(&mut self) -> Played<Option<FromDriver>> {
        let deadline = self.side.shared.deadline;
        within(deadline, "a message", self.messages.recv()).await
    }

    /// The Hello, which is due.
    pub(crate) async fn hello(&mut self) -> Played<Hello> {
        match self.next().await? {
            Some(FromDriver::Hello(hello)) => Ok(hello),
            other => Err(unexpected("a Hello", other.as_ref())),
        }
    }

    /// An ack of anything, which is due.
    pub(crate) async fn ack(&mut self) -> Played<Ack> {
        match self.next().await? {
            Some(FromDriver::Ack(ack)) => Ok(ack),
            other => Err(unexpected("an Ack", other.as_ref())),
        }
    }

    /// The ack of `task`, which is due and accepts it.
    pub(crate) async fn accepted(&mut self, task: &Task) -> Played {
        let ack = self.ack().await?;
        equal("the task of an ack", &ack.task_id, &task.id)?;
        ensure!(!ack.refused, "{} is refused: {}", task.step, ack.reason);
        Ok(())
    }

    /// The ack of `task`, which is due and refuses it with a reason in words.
    pub(crate) async fn refused(&mut self, task: &Task) -> Played {
        let ack = self.ack().await?;
        equal("the task of an ack", &ack.task_id, &task.id)?;
        ensure!(
            ack.refused,
            "{} is accepted, and is to be refused",
            task.step
        );
        ensure!(
            !ack.reason.is_empty(),
            "{} is refused without a reason",
            task.step
        );
        Ok(())
    }

    /// A batch of lines of `task`, which is due.
    pub(crate) async fn log(&mut self, task: &Task) -> Played<Log> {
        match self.next().await? {
            Some(FromDriver::Log(log)) if log.task_id == task.id => Ok(log),
            other => Err(unexpected("a Log", other.as_ref())),
        }
    }

    /// The result of `task`, which is due.
    pub(crate) async fn result(&mut self, task: &Task) -> Played<TaskResult> {
        match self.next().await? {
            Some(FromDriver::Result(result)) if result.task_id == task.id => Ok(result),
            other => Err(unexpected("a Result", other.as_ref())),
        }
    }

    /// A Drain, which is due.
    pub(crate) async fn drain(&mut self) -> Played {
        match self.next().await? {
            Some(FromDriver::Drain(_)) => Ok(()),
            other => Err(unexpected("a Drain", other.as_ref())),
        }
    }

    /// Waits for a heartbeat, whatever it names.
    pub(crate) async fn beat(&mut self) -> Played {
        self.beats.mark_unchanged();
        let beat = within(
            self.side.shared.deadline,
            "a heartbeat",
            self.beats.changed(),
        );
        let ended = |_| Fault("the stream ended before a heartbeat".to_owned());
        beat.await?.map_err(ended)
    }

    /// Waits for a heartbeat that names these tasks and no others.
    pub(crate) async fn heartbeat(&mut self, tasks: &[&Task]) -> Played {
        let mut wanted: Vec<_> = tasks.iter().map(|it| (it.id.clone(), it.token)).collect();
        wanted.sort();
        self.beats.mark_unchanged();
        let what = format!("a heartbeat that names {wanted:?}");
        let named = async {
            loop {
                if self.beats.changed().await.is_err() {
                    fail!("the stream ended before {what}");
                }
                let beat = self.beats.borrow_and_update();
                let mut names: Vec<_> = beat
                    .iter()
                    .map(|it| (it.task_id.clone(), it.token))
                    .collect();
                names.sort();
                if names == wanted {
                    return Ok(());
                }
            }
        };
        within(self.side.shared.deadline, &what, named).await?
    }

    /// Fails when the driver says anything but heartbeats for `time`.
    pub(crate) async fn quiet(&mut self, time: Duration) -> Played {
        match tokio::time::timeout(time, self.messages.recv()).await {
            Ok(said) => Err(unexpected("silence", said.as_ref())),
            Err(_) => Ok(()),
        }
    }

    /// Waits until the driver has closed its half in order, with nothing more to say.
    pub(crate) async fn closed(mut self) -> Played {
        if let Some(said) = self.next().await? {
            return Err(unexpected("the end of the stream", Some(&said)));
        }
        match self.over().await? {
            End::Closed => Ok(()),
            End::Broken(why) => fail!("the stream is to be closed in order, and broke: {why}"),
        }
    }

    async fn over(&mut self) -> Played<End> {
        let wait = self.ended.wait_for(Option::is_some);
        let how = within(self.side.shared.deadline, "the end of the stream", wait).await?;
        let how = how.ok().and_then(|how| how.clone());
        how.ok_or_else(|| Fault("nobody knows how the stream ended".to_owned()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.side.hang_up();
    }
}

impl Side {
    async fn send(&self, kind: FromServer) {
        {
            let mut tasks = lock(&self.shared.tasks);
            lock(&self.stream).sends(&kind, &mut tasks);
        }
        if !matches!(kind, FromServer::HeartbeatAck(_)) {
            self.shared.record.note("server", &brief_answer(&kind));
        }
        if let Some(kind) = self.shared.saboteur.hears(kind) {
            let message = DriverStreamResponse { kind: Some(kind) };
            self.put(Ok(message.encode_to_vec().into())).await;
        }
    }

    async fn put(&self, item: Result<Bytes, Status>) {
        let out = lock(&self.out).clone();
        if let Some(out) = out {
            // A driver that has left already is for the case to find out.
            let _ = out.send(item).await;
        }
    }

    fn hang_up(&self) {
        lock(&self.out).take();
    }

    fn hears(&self, kind: &FromDriver) {
        self.shared.record.note("driver", &brief(kind));
        let broken = {
            let mut tasks = lock(&self.shared.tasks);
            lock(&self.stream).hears(kind, &mut tasks)
        };
        if let Some(rule) = broken {
            self.shared.record.broken(rule);
        }
    }

    async fn beaten(&self, said: Heartbeat, beat: &watch::Sender<Vec<TaskToken>>) {
        let never_silent = self.shared.saboteur.plays(Sabotage::NeverNotices);
        if self.answers.load(Ordering::Relaxed) || never_silent {
            self.send(FromServer::HeartbeatAck(HeartbeatAck {})).await;
        }
        beat.send_replace(said.tasks);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unexpected(due: &str, said: Option<&FromDriver>) -> Fault {
    let said = said.map_or_else(|| "the stream ended".to_owned(), brief);
    Fault(format!("{due} is due, and not: {said}"))
}
