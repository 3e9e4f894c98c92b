//! Takes connections, HTTP/1 and HTTP/2 alike, and bounds what a peer can cost: how many there are, how
//! long one may say nothing, how much is kept for it.
//!
//! Neither tonic's nor axum's own server drops a silent peer or sets HTTP/2 keepalive, hence this loop.

mod refused;
mod stalled;
mod turns;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::refused::Refused;
use self::stalled::{Answer, carried};
use self::turns::Turns;
use super::Doors;
use super::figures::Figures;
use crate::meter::Held;

/// How often a silent HTTP/2 peer is pinged, and how long it may take to answer.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// What is read ahead of an HTTP/1 peer. A head that is longer is refused by hyper.
const READ_BYTES: usize = 64 << 10;
/// What is kept unsent for one HTTP/2 stream; h2's own 400 KiB would cost 400 MB for a thousand tails.
const SEND_BYTES: usize = 64 << 10;
/// How far an HTTP/2 peer may send ahead on one stream. With a larger window h2 closes the connection of a
/// peer that leaves many small frames unread.
const STREAM_WINDOW: u32 = 64 << 10;
const STREAMS: u32 = 1000;
/// Far more than is taken, so that the answer says so.
const HEADER_LIST_BYTES: u32 = 64 << 10;
/// What every HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How many peers, and how long they have to leave.
#[derive(Clone, Copy, Debug)]
pub struct ListenOptions {
    /// Most connections at once; more wait in the kernel.
    pub connections: usize,
    /// How long a peer may take to say what it speaks, and to send the head of its next request. Idle
    /// HTTP/1 connections end after it too.
    pub head: Duration,
    /// How long a peer may take nothing of what it is sent: a reader of any pace is welcome, one that is gone is not
    /// waited for.
    pub stall: Duration,
    /// How long open requests may run on after the stop; then their connections are closed.
    pub drain: Duration,
}

impl Default for ListenOptions {
    fn default() -> Self {
        ListenOptions {
            connections: 16_000,
            head: Duration::from_secs(30),
            stall: Duration::from_secs(300),
            drain: Duration::from_secs(4),
        }
    }
}

/// Serves `doors` until `stop`. Returns when nothing more is accepted; the connections end by
/// themselves, each a task of `tracker`.
pub async fn serve(
    listener: TcpListener,
    doors: Doors,
    options: ListenOptions,
    stop: CancellationToken,
    tracker: &TaskTracker,
) {
    let figures = Arc::clone(doors.figures());
    let doors = Arc::new(doors);
    let permits = Arc::new(Semaphore::new(options.connections));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Mostly too many open files: others must close some first.
                figures.failed.one();
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let connection = Connection {
            doors: Arc::clone(&doors),
            options,
            place: Place::new(permit, &figures),
            stop: stop.clone(),
            tracker: tracker.clone(),
        };
        tracker.spawn(connection.run(stream));
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await;
    let permit = permit.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

/// A place among the connections, in the extensions of each request. A websocket outlives the HTTP
/// connection it came by, and keeps its place.
#[derive(Clone, Debug)]
pub(super) struct Place(
    #[expect(dead_code, reason = "held, not read")] Arc<(OwnedSemaphorePermit, Held)>,
);

impl Place {
    fn new(permit: OwnedSemaphorePermit, figures: &Figures) -> Self {
        figures.accepted.one();
        Self(Arc::new((permit, figures.connections.hold())))
    }
}

struct Connection {
    doors: Arc<Doors>,
    options: ListenOptions,
    place: Place,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Connection {
    async fn run(self, stream: TcpStream) {
        // Without it small answers wait for the peer's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let spoke = tokio::select! {
            spoke = timeout(self.options.head, first_bytes(&stream)) => spoke,
            () = self.stop.cancelled() => return,
        };
        if matches!(spoke, Ok(Ok(()))) {
            self.serve(stream).await;
        }
    }

    async fn serve(self, stream: TcpStream) {
        let executor = Tracked {
            tracker: self.tracker,
            stall: self.options.stall,
        };
        let builder = builder(executor, self.options.head);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.options.stall));
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(self.place.clone());
            let doors = Arc::clone(&self.doors);
            async move {
                let response = doors.call(request).await;
                Ok::<_, Infallible>(response.map(Answer::new))
            }
        });
        let connection = builder.serve_connection_with_upgrades(
            TokioIo::new(Refused::new(Turns::new(Box::pin(stream)))),
            service,
        );
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                match timeout(self.options.drain, connection).await {
                    Ok(ended) => ended,
                    Err(_) => return tracing::debug!("a connection did not drain in time"),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection broke");
        }
    }
}

/// Waits until it can be told which protocol the peer speaks: hyper would wait for ever.
async fn first_bytes(stream: &TcpStream) -> io::Result<()> {
    let mut head = [0; PREFACE.len()];
    loop {
        let length = stream.peek(&mut head).await?;
        if length == 0 || length == head.len() || !PREFACE.starts_with(&head[..length]) {
            return Ok(());
        }
        // A peer that has gone will not say the rest.
        if stream.ready(Interest::READABLE).await?.is_read_closed() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // What was peeked at stays, so the stream is readable all the time.
        sleep(Duration::from_millis(20)).await;
    }
}

/// HTTP/1 requests may have hyper's own 100 headers: room for more would be made anew for each request.
fn builder(executor: Tracked, head: Duration) -> auto::Builder<Tracked> {
    let mut builder = auto::Builder::new(executor);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(READ_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_concurrent_streams(STREAMS)
        .max_send_buf_size(SEND_BYTES)
        .max_header_list_size(HEADER_LIST_BYTES);
    builder
}

/// Starts the tasks of HTTP/2 streams where they are waited for.
#[derive(Clone)]
struct Tracked {
    tracker: TaskTracker,
    stall: Duration,
}

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.tracker.spawn(carried(future, self.stall));
    }
}
