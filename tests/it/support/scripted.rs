//! A driver that does exactly what a test says, message by message.

use std::time::Duration;

use conveyor_client::proto::driver_service_client::DriverServiceClient;
use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{
    Ack, Cancel, CancelReason, Drain, DriverStreamRequest, Heartbeat, HeldTask, Hello, Log, LogAck,
    LogLine, Reconcile, Result as Outcome, ResultAck, ResultOutcome, TaskToken, Welcome,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};
use uuid::Uuid;

use super::{Server, soon};

/// One stream of a driver instance.
pub(crate) struct Scripted {
    /// What it said of itself last.
    pub(crate) hello: Hello,
    /// The server's answer to it.
    pub(crate) welcome: Welcome,
    to: Option<mpsc::Sender<DriverStreamRequest>>,
    from: mpsc::Receiver<Result<Hear, Status>>,
}

/// A hello of a new instance that listens to all events, with one slot.
pub(crate) fn hello(driver: &str, definition: &str) -> Hello {
    Hello {
        driver: driver.to_owned(),
        instance_id: Uuid::new_v4().to_string(),
        stream_number: 1,
        definitions: vec![definition.to_owned()],
        slots: 1,
        ..Hello::default()
    }
}

/// A task as the next hello names it.
pub(crate) fn held(task: &Reconcile, next_line: u64, result_waits: bool) -> HeldTask {
    HeldTask {
        task_id: task.task_id.clone(),
        token: task.token,
        next_line,
        result_waits,
    }
}

impl Scripted {
    /// Opens a stream and says nothing.
    pub(crate) fn silent(server: &Server) -> Self {
        Self::over(server.new_channel())
    }

    /// Opens a stream over a connection and says nothing.
    pub(crate) fn over(channel: Channel) -> Self {
        let (to, requests) = mpsc::channel(1024);
        let (heard, from) = mpsc::channel(1);
        let mut client = DriverServiceClient::new(channel).max_decoding_message_size(16 << 20);
        tokio::spawn(async move {
            let mut stream = match client.driver_stream(ReceiverStream::new(requests)).await {
                Ok(response) => response.into_inner(),
                Err(status) => return drop(heard.send(Err(status)).await),
            };
            loop {
                let message = tokio::select! {
                    message = stream.message() => message,
                    () = heard.closed() => return,
                };
                let item = match message {
                    Ok(Some(message)) => Ok(message.kind.expect("the server speaks known arms")),
                    Ok(None) => return,
                    Err(status) => Err(status),
                };
                if heard.send(item).await.is_err() {
                    return;
                }
            }
        });
        Self {
            hello: Hello::default(),
            welcome: Welcome::default(),
            to: Some(to),
            from,
        }
    }

    /// Opens a stream, says hello and awaits the welcome.
    pub(crate) async fn join(server: &Server, hello: Hello) -> Self {
        let mut stream = Self::silent(server);
        stream.say(Say::Hello(hello.clone())).await;
        stream.hello = hello;
        stream.welcome = match stream.hear().await {
            Hear::Welcome(welcome) => welcome,
            other => panic!("expected Welcome, heard {other:?}"),
        };
        stream
    }

    /// Joins as a new driver with one slot that listens to all events of a definition but delete.
    pub(crate) async fn new(server: &Server, driver: &str, definition: &str) -> Self {
        Self::join(server, hello(driver, definition)).await
    }

    /// Opens this instance's next stream, naming the tasks it still holds.
    pub(crate) async fn next_stream(&mut self, server: &Server, tasks: Vec<HeldTask>) -> Self {
        self.hello.stream_number += 1;
        Self::join(
            server,
            Hello {
                tasks,
                ..self.hello.clone()
            },
        )
        .await
    }

    /// Sends one message.
    pub(crate) async fn say(&mut self, kind: Say) {
        self.try_say(kind).await.expect("the stream takes messages");
    }

    /// Sends one message where the stream may have ended.
    pub(crate) async fn try_say(&mut self, kind: Say) -> Result<(), Say> {
        let to = self.to.as_ref().expect("the stream was not closed");
        let message = DriverStreamRequest { kind: Some(kind) };
        to.send(message)
            .await
            .map_err(|error| error.0.kind.expect("it was set"))
    }

    /// The next thing the server says, answers to heartbeats left out.
    pub(crate) async fn hear(&mut self) -> Hear {
        loop {
            match self.hear_any().await {
                Ok(Hear::HeartbeatAck(_)) => {}
                Ok(kind) => return kind,
                Err(status) => panic!("the stream of {} ended: {status:?}", self.hello.driver),
            }
        }
    }

    async fn hear_any(&mut self) -> Result<Hear, Status> {
        let heard = soon("a word of the server on the stream", self.from.recv()).await;
        heard.unwrap_or_else(|| Err(Status::new(Code::Ok, "the stream ended without an error")))
    }

    /// What the server says within this time, if anything; at the end of the stream its status.
    pub(crate) async fn heard_within(&mut self, time: Duration) -> Option<Result<Hear, Status>> {
        let ended = || Err(Status::ok("the stream ended"));
        let heard = tokio::time::timeout(time, self.from.recv()).await.ok()?;
        Some(heard.unwrap_or_else(ended))
    }

    /// Asserts that the server has nothing to say: a heartbeat is answered before anything else comes.
    pub(crate) async fn hears_nothing(&mut self, tasks: &[&Reconcile]) {
        self.heartbeat(tasks).await;
        let heard = self.hear_any().await;
        assert!(
            matches!(heard, Ok(Hear::HeartbeatAck(_))),
            "expected nothing, heard {heard:?}"
        );
    }

    /// Reads to the end of the stream and gives its status; code OK for an end without an error.
    pub(crate) async fn ended(&mut self) -> Status {
        loop {
            if let Err(status) = self.hear_any().await {
                return status;
            }
        }
    }

    /// Ends this side of the stream, and reads to the end of the other.
    pub(crate) async fn close(&mut self) -> Status {
        self.to = None;
        self.ended().await
    }

    /// The next message, which must be an offer.
    pub(crate) async fn offer(&mut self) -> Reconcile {
        match self.hear().await {
            Hear::Reconcile(offer) => offer,
            other => panic!("expected Reconcile, heard {other:?}"),
        }
    }

    /// Awaits an offer and accepts it.
    pub(crate) async fn take(&mut self) -> Reconcile {
        let offer = self.offer().await;
        self.accept(&offer).await;
        offer
    }

    /// Accepts an offer.
    pub(crate) async fn accept(&mut self, task: &Reconcile) {
        self.say(Say::Ack(ack(task, false))).await;
    }

    /// Refuses an offer.
    pub(crate) async fn refuse(&mut self, task: &Reconcile) {
        self.say(Say::Ack(ack(task, true))).await;
    }

    /// Sends lines, the first of which has this number.
    pub(crate) async fn log(&mut self, task: &Reconcile, first_line: u64, lines: &[&str]) {
        let lines = lines
            .iter()
            .map(|message| LogLine {
                stream: "stdout".into(),
                message: message.to_string(),
                ..LogLine::default()
            })
            .collect();
        let log = Log {
            task_id: task.task_id.clone(),
            token: task.token,
            first_line,
            lines,
        };
        self.say(Say::Log(log)).await;
    }

    /// The next message, which must be a log ack.
    pub(crate) async fn log_ack(&mut self) -> LogAck {
        match self.hear().await {
            Hear::LogAck(ack) => ack,
            other => panic!("expected LogAck, heard {other:?}"),
        }
    }

    /// Reads log acks until all lines before `next` are on disk.
    pub(crate) async fn logged(&mut self, next: u64) {
        while self.log_ack().await.next < next {}
    }

    /// A result that reports success.
    pub(crate) fn success(task: &Reconcile, lines: u64) -> Outcome {
        Outcome {
            task_id: task.task_id.clone(),
            token: task.token,
            success: true,
            lines,
            ..Outcome::default()
        }
    }

    /// A result that reports failure.
    pub(crate) fn failure(task: &Reconcile, message: &str) -> Outcome {
        Outcome {
            success: false,
            message: message.to_owned(),
            ..Self::success(task, 0)
        }
    }

    /// Sends a result and gives the answer to it; log acks before it are passed over.
    pub(crate) async fn report(&mut self, result: Outcome) -> ResultAck {
        self.say(Say::Result(result)).await;
        self.result_ack().await
    }

    /// The answer to a result. Log acks before it are passed over, and so is the word that a token is dead.
    pub(crate) async fn result_ack(&mut self) -> ResultAck {
        loop {
            match self.hear().await {
                Hear::LogAck(_) => {}
                Hear::Cancel(cancel) if cancel.reason() == CancelReason::Fenced => {}
                Hear::ResultAck(ack) => return ack,
                other => panic!("expected ResultAck, heard {other:?}"),
            }
        }
    }

    /// Reports success and asserts that it was applied.
    pub(crate) async fn succeed(&mut self, task: &Reconcile) {
        let ack = self.report(Self::success(task, 0)).await;
        assert_eq!(ack.outcome(), ResultOutcome::Applied, "{ack:?}");
    }

    /// Reports failure and asserts that it was applied.
    pub(crate) async fn fail(&mut self, task: &Reconcile, message: &str) {
        let ack = self.report(Self::failure(task, message)).await;
        assert_eq!(ack.outcome(), ResultOutcome::Applied, "{ack:?}");
    }

    /// Takes every task and reports its success, to the end of the stream.
    pub(crate) async fn work(mut self) {
        while let Some(Ok(heard)) = self.from.recv().await {
            if let Hear::Reconcile(task) = heard {
                let said = [
                    Say::Ack(ack(&task, false)),
                    Say::Result(Self::success(&task, 0)),
                ];
                for kind in said {
                    if self.try_say(kind).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Says that it lives and works on these tasks.
    pub(crate) async fn heartbeat(&mut self, tasks: &[&Reconcile]) {
        let tasks = tasks
            .iter()
            .map(|task| TaskToken {
                task_id: task.task_id.clone(),
                token: task.token,
            })
            .collect();
        self.say(Say::Heartbeat(Heartbeat { tasks })).await;
    }

    /// The next message, which must be a cancel.
    pub(crate) async fn cancel(&mut self) -> Cancel {
        match self.hear().await {
            Hear::Cancel(cancel) => cancel,
            other => panic!("expected Cancel, heard {other:?}"),
        }
    }

    /// Asks for no new offers.
    pub(crate) async fn drain(&mut self) {
        self.say(Say::Drain(Drain {})).await;
    }
}

fn ack(task: &Reconcile, refused: bool) -> Ack {
    let reason = if refused { "not now" } else { "" };
    Ack {
        task_id: task.task_id.clone(),
        token: task.token,
        refused,
        reason: reason.to_owned(),
    }
}
