//! What the wire allows: a process that answers and does nothing else, over bare TCP, tonic and axum.

use std::net::SocketAddr;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use conveyor::proto::driver_service_server::{DriverService, DriverServiceServer};
use conveyor::proto::driver_stream_request::Kind as Say;
use conveyor::proto::{self as served, driver_stream_response::Kind as Answer};
use conveyor_client::proto::driver_service_client::DriverServiceClient;
use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{
    DriverStreamRequest, GetDriverRequest, Heartbeat, Hello, Log, driver_stream_request,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

use super::server::{first_line, stop};
use super::spans::{Crowd, Spans, since, stamp};
use super::{Result, http};

/// The argument that makes this binary the floor.
pub(crate) const ARGUMENT: &str = "answer-and-do-nothing-else";
/// Bytes of the answer to a bare GET.
const BODY_BYTES: usize = 500;
/// Messages of a stream that is sent as fast as it is taken, and bytes of each.
const STREAMED: u64 = 2048;
const STREAMED_BYTES: usize = 64 << 10;

/// The process, and how to reach it.
pub(crate) struct WireFloor {
    child: Child,
    echo: SocketAddr,
    http: SocketAddr,
    channel: Channel,
}

impl WireFloor {
    /// Starts the process.
    pub(crate) async fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let line = first_line(&mut child).await?;
        let (echo, http) = line.split_once(' ').ok_or("two addresses")?;
        let channel = Channel::from_shared(format!("http://{http}"))?
            .connect()
            .await?;
        Ok(Self {
            child,
            echo: echo.parse()?,
            http: http.parse()?,
            channel,
        })
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where tonic and axum listen.
    pub(crate) fn address(&self) -> SocketAddr {
        self.http
    }

    /// 64 bytes over TCP and back.
    pub(crate) async fn round_trips(&self, time: Duration) -> Result<Spans> {
        let mut stream = TcpStream::connect(self.echo).await?;
        stream.set_nodelay(true)?;
        let mut bytes = [7; 64];
        Spans::of(time, async || {
            stream.write_all(&bytes).await?;
            stream.read_exact(&mut bytes).await?;
            Ok(())
        })
        .await
    }

    /// Unary calls of tonic.
    pub(crate) async fn unary(&self, time: Duration) -> Result<Spans> {
        let mut client = DriverServiceClient::new(self.channel.clone());
        Spans::of(time, async || {
            client.get_driver(GetDriverRequest::default()).await?;
            Ok(())
        })
        .await
    }

    /// Messages to and fro on one stream of tonic.
    pub(crate) async fn ping_pong(&self, time: Duration) -> Result<Spans> {
        let (to, mut from) = self.stream().await?;
        Spans::of(time, async || {
            to.send(say(driver_stream_request::Kind::Heartbeat(
                Heartbeat::default(),
            )))
            .await?;
            from.message().await?.ok_or("the stream goes on")?;
            Ok(())
        })
        .await
    }

    /// Somebody who calls once at a time.
    pub(crate) async fn caller(&self) -> Result<Caller> {
        let (to, from) = self.stream().await?;
        let client = DriverServiceClient::new(self.channel.clone());
        Ok(Caller { client, to, from })
    }

    /// Messages pushed down a stream of tonic.
    pub(crate) async fn pushes(&self, time: Duration) -> Result<Spans> {
        let mut caller = self.caller().await?;
        let mut spans = Spans::default();
        let end = Instant::now() + time;
        while Instant::now() < end {
            spans.add(caller.push().await?);
        }
        Ok(spans)
    }

    /// MiB per second of messages of 64 KiB, as fast as a stream of tonic takes them.
    pub(crate) async fn streamed(&self) -> Result<f64> {
        let (to, mut from) = self.stream().await?;
        let start = Instant::now();
        to.send(say(driver_stream_request::Kind::Log(Log {
            first_line: STREAMED,
            ..Log::default()
        })))
        .await?;
        for _ in 0..STREAMED {
            from.message().await?.ok_or("the stream goes on")?;
        }
        let mib = STREAMED as f64 * STREAMED_BYTES as f64 / f64::from(1 << 20);
        Ok(mib / start.elapsed().as_secs_f64())
    }

    /// Bare GETs of 500 bytes.
    pub(crate) async fn gets(&self, connections: usize, time: Duration) -> Result<Crowd> {
        http::crowd(self.http, connections, &http::get("/"), time).await
    }

    async fn stream(&self) -> Result<Conversation> {
        let (to, requests) = mpsc::channel(16);
        let mut client = DriverServiceClient::new(self.channel.clone());
        let response = client.driver_stream(ReceiverStream::new(requests)).await?;
        Ok((to, response.into_inner()))
    }
}

/// A client, and a stream that pushes when it is asked to.
pub(crate) struct Caller {
    client: DriverServiceClient<Channel>,
    to: mpsc::Sender<DriverStreamRequest>,
    from: Streaming<conveyor_client::proto::DriverStreamResponse>,
}

impl Caller {
    /// How long a unary call takes.
    pub(crate) async fn unary(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.client.get_driver(GetDriverRequest::default()).await?;
        Ok(start.elapsed())
    }

    /// How long a message takes one way. It leaves 1 ms after it was asked for, from a server at rest.
    pub(crate) async fn push(&mut self) -> Result<Duration> {
        self.to
            .send(say(driver_stream_request::Kind::Hello(Hello::default())))
            .await?;
        let pushed = self.from.message().await?.ok_or("the stream goes on")?;
        match pushed.kind {
            Some(Hear::Message(message)) => since(&message.payload),
            other => Err(format!("expected a message, heard {other:?}").into()),
        }
    }
}

type Conversation = (
    mpsc::Sender<DriverStreamRequest>,
    Streaming<conveyor_client::proto::DriverStreamResponse>,
);

fn say(kind: driver_stream_request::Kind) -> DriverStreamRequest {
    DriverStreamRequest { kind: Some(kind) }
}

impl Drop for WireFloor {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// The process itself: says its two addresses and serves until it is killed.
pub(crate) async fn serve() -> Result<()> {
    let echo = TcpListener::bind("127.0.0.1:0").await?;
    let http = TcpListener::bind("127.0.0.1:0").await?;
    println!("{} {}", echo.local_addr()?, http.local_addr()?);
    tokio::spawn(echo_all(echo));
    let body = "7".repeat(BODY_BYTES);
    let bare = Router::new().route("/", get(move || std::future::ready(body.clone())));
    let grpc = tonic::service::Routes::new(DriverServiceServer::new(Nothing)).into_axum_router();
    let http = http.tap_io(|stream| {
        // Without it the small answers of a floor would wait; a refusal shows as a slow floor.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(http, grpc.merge(bare)).await?)
}

async fn echo_all(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await
        });
    }
}

fn pushed(payload: String) -> Answer {
    Answer::Message(served::Message {
        payload,
        ..served::Message::default()
    })
}

/// Answers and does nothing.
struct Nothing;

type Answered<T> = std::result::Result<Response<T>, Status>;

#[tonic::async_trait]
impl DriverService for Nothing {
    type DriverStreamStream = Pin<
        Box<dyn Stream<Item = std::result::Result<served::DriverStreamResponse, Status>> + Send>,
    >;

    async fn driver_stream(
        &self,
        request: Request<Streaming<served::DriverStreamRequest>>,
    ) -> Answered<Self::DriverStreamStream> {
        let mut requests = request.into_inner();
        let (to, answers) = mpsc::channel(16);
        tokio::spawn(async move {
            while let Ok(Some(request)) = requests.message().await {
                let (answer, times) = match request.kind {
                    Some(Say::Hello(_)) => {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        (pushed(stamp()), 1)
                    }
                    Some(Say::Log(log)) => (pushed("7".repeat(STREAMED_BYTES)), log.first_line),
                    _ => (Answer::HeartbeatAck(served::HeartbeatAck {}), 1),
                };
                let answer = served::DriverStreamResponse { kind: Some(answer) };
                for _ in 0..times {
                    if to.send(Ok(answer.clone())).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }

    async fn get_driver(&self, _: Request<served::GetDriverRequest>) -> Answered<served::Driver> {
        Ok(Response::new(served::Driver::default()))
    }

    async fn list_drivers(
        &self,
        _: Request<served::ListDriversRequest>,
    ) -> Answered<served::ListDriversResponse> {
        Err(Status::unimplemented("no floor"))
    }

    async fn delete_driver(&self, _: Request<served::DeleteDriverRequest>) -> Answered<()> {
        Err(Status::unimplemented("no floor"))
    }

    async fn broadcast_message(
        &self,
        _: Request<served::BroadcastMessageRequest>,
    ) -> Answered<served::BroadcastMessageResponse> {
        Err(Status::unimplemented("no floor"))
    }
}
