//! A server that does what a test says: it hands each stream to the test, which plays the other side.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::result::Result;
use std::task::{Context, Poll};
use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::*;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::body::Body;
use tonic::codegen::http;
use tonic::codegen::{BoxFuture, Service};
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

/// No wait of a test is longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for what must come.
pub(crate) async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(DEADLINE, wait).await;
    waited.unwrap_or_else(|_| panic!("{what} did not come within {DEADLINE:?}"))
}

/// The scripted server.
pub(crate) struct Script {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    links: mpsc::Receiver<Link>,
}

impl Script {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, links) = mpsc::channel(8);
        let server = tonic::transport::Server::builder().add_service(Door { sender });
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { address, links }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next stream of a driver, before its hello.
    pub(crate) async fn link(&mut self) -> Link {
        soon("a stream", self.links.recv())
            .await
            .expect("the server lives")
    }

    /// The next stream of a driver, with its hello, after a welcome that names `fates`.
    pub(crate) async fn welcome(&mut self, fates: Vec<TaskFate>) -> (Link, Hello) {
        self.welcome_with(Welcome {
            tasks: fates,
            ..welcome()
        })
        .await
    }

    /// The next stream of a driver, with its hello, after `welcome`.
    pub(crate) async fn welcome_with(&mut self, welcome: Welcome) -> (Link, Hello) {
        let mut link = self.link().await;
        let hello = link.hello().await;
        link.send(FromServer::Welcome(welcome)).await;
        (link, hello)
    }
}

/// A welcome with short periods, though not so short that a busy machine is taken for a silent one.
pub(crate) fn welcome() -> Welcome {
    Welcome {
        lease_time: Some(duration(3000)),
        heartbeat_period: Some(duration(1000)),
        limits: None,
        tasks: Vec::new(),
        server_version: "scripted".to_owned(),
    }
}

pub(crate) fn duration(millis: u64) -> prost_types::Duration {
    Duration::from_millis(millis).try_into().unwrap()
}

/// An offer of `step` in one run.
pub(crate) fn offer(task: &str, token: u64, step: &str) -> Reconcile {
    Reconcile {
        task_id: task.to_owned(),
        token,
        run_id: "run".to_owned(),
        event: "create".to_owned(),
        cause: "create".to_owned(),
        resource: Some(Resource {
            name: "thing".to_owned(),
            resource: "kind".to_owned(),
            spec_json: r#"{"b": 1, "a": 2.50}"#.to_owned(),
            ..Resource::default()
        }),
        step: Some(Step {
            id: step.to_owned(),
            ..Step::default()
        }),
        attempt: 1,
        ..Reconcile::default()
    }
}

/// A verdict on a task.
pub(crate) fn fate(task: &str, token: u64, verdict: TaskVerdict, next_line: u64) -> TaskFate {
    let mut fate = TaskFate {
        task_id: task.to_owned(),
        token,
        next_line,
        ..TaskFate::default()
    };
    fate.set_verdict(verdict);
    fate
}

/// The server's end of one stream.
pub(crate) struct Link {
    inbound: Streaming<DriverStreamRequest>,
    out: mpsc::Sender<Result<DriverStreamResponse, Status>>,
}

impl Link {
    /// Sends one message.
    pub(crate) async fn send(&self, kind: FromServer) {
        // A driver that has left already is for the test to find out.
        let _ = self
            .out
            .send(Ok(DriverStreamResponse { kind: Some(kind) }))
            .await;
    }

    /// Sends a message of an arm that nobody knows.
    pub(crate) async fn send_unknown(&self) {
        self.out
            .send(Ok(DriverStreamResponse { kind: None }))
            .await
            .unwrap();
    }

    /// Ends the stream with `status`.
    pub(crate) async fn end(self, status: Status) {
        self.out.send(Err(status)).await.unwrap();
    }

    pub(crate) async fn offer(&self, offer: Reconcile) {
        self.send(FromServer::Reconcile(offer)).await;
    }

    pub(crate) async fn cancel(&self, task: &str, token: u64, reason: CancelReason, grace: u64) {
        let mut cancel = Cancel {
            task_id: task.to_owned(),
            token,
            ..Cancel::default()
        };
        cancel.set_reason(reason);
        cancel.grace = Some(duration(grace));
        self.send(FromServer::Cancel(cancel)).await;
    }

    pub(crate) async fn stored(&self, log: &Log, next: u64) {
        self.log_ack(&log.task_id, log.token, next, LogAckStatus::Stored)
            .await;
    }

    pub(crate) async fn log_ack(&self, task: &str, token: u64, next: u64, status: LogAckStatus) {
        let mut ack = LogAck {
            task_id: task.to_owned(),
            token,
            next,
            ..LogAck::default()
        };
        ack.set_status(status);
        self.send(FromServer::LogAck(ack)).await;
    }

    pub(crate) async fn result_ack(
        &self,
        task: &str,
        token: u64,
        outcome: ResultOutcome,
        next: u64,
    ) {
        let mut ack = ResultAck {
            task_id: task.to_owned(),
            token,
            next,
            ..ResultAck::default()
        };
        ack.set_outcome(outcome);
        self.send(FromServer::ResultAck(ack)).await;
    }

    /// The next message. None: the driver has closed the stream, or it broke.
    pub(crate) async fn next(&mut self) -> Option<FromDriver> {
        let message = soon("a message", self.inbound.message()).await;
        message
            .ok()
            .flatten()
            .map(|message| message.kind.expect("a known arm"))
    }

    /// The next message that is no heartbeat; heartbeats are answered.
    pub(crate) async fn heed(&mut self) -> Option<FromDriver> {
        loop {
            match self.next().await {
                Some(FromDriver::Heartbeat(_)) => {
                    self.send(FromServer::HeartbeatAck(HeartbeatAck {})).await;
                }
                other => return other,
            }
        }
    }

    pub(crate) async fn hello(&mut self) -> Hello {
        match self.next().await {
            Some(FromDriver::Hello(hello)) => hello,
            other => panic!("a hello comes first, not {other:?}"),
        }
    }

    pub(crate) async fn ack(&mut self) -> Ack {
        match self.heed().await {
            Some(FromDriver::Ack(ack)) => ack,
            other => panic!("an ack is due, not {other:?}"),
        }
    }

    pub(crate) async fn log(&mut self) -> Log {
        match self.heed().await {
            Some(FromDriver::Log(log)) => log,
            other => panic!("lines are due, not {other:?}"),
        }
    }

    pub(crate) async fn result(&mut self) -> conveyor_client::proto::Result {
        match self.heed().await {
            Some(FromDriver::Result(result)) => result,
            other => panic!("a result is due, not {other:?}"),
        }
    }

    /// Waits for the next heartbeat, answers it, and says which tasks it names. Other messages are
    /// passed over.
    pub(crate) async fn heartbeat(&mut self) -> Vec<String> {
        loop {
            match self.next().await.expect("the stream lives") {
                FromDriver::Heartbeat(beat) => {
                    self.send(FromServer::HeartbeatAck(HeartbeatAck {})).await;
                    return beat.tasks.into_iter().map(|task| task.task_id).collect();
                }
                _ => continue,
            }
        }
    }

    /// Waits until the driver has closed the stream, and says what came before that.
    pub(crate) async fn closed(&mut self) -> Vec<FromDriver> {
        let mut rest = Vec::new();
        while let Some(message) = self.heed().await {
            rest.push(message);
        }
        rest
    }
}

/// The one method that the scripted server has.
#[derive(Clone)]
struct Door {
    sender: mpsc::Sender<Link>,
}

impl NamedService for Door {
    const NAME: &'static str = "conveyor.v1.DriverService";
}

impl Service<http::Request<Body>> for Door {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = DriverStream {
            sender: self.sender.clone(),
        };
        Box::pin(async move {
            Ok(Grpc::new(ProstCodec::default())
                .streaming(method, request)
                .await)
        })
    }
}

struct DriverStream {
    sender: mpsc::Sender<Link>,
}

type Answers = ReceiverStream<Result<DriverStreamResponse, Status>>;

impl Service<Request<Streaming<DriverStreamRequest>>> for DriverStream {
    type Response = Response<Answers>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answers>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Streaming<DriverStreamRequest>>) -> Self::Future {
        let (out, answers) = mpsc::channel(64);
        let link = Link {
            inbound: request.into_inner(),
            out,
        };
        let sent = self
            .sender
            .try_send(link)
            .map_err(|_| Status::unavailable("no test listens"));
        Box::pin(ready(
            sent.map(|()| Response::new(ReceiverStream::new(answers))),
        ))
    }
}
