//! The network between one peer and the server: requests, answers and streams, late, lost, doubled, frozen or cut.
//! A double may come long after the first, so that requests overtake each other.
//!
//! It carries the frames of HTTP bodies, each stream in its order. Everything above that is the real thing.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body as HttpBody, Frame};
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Status;
use tonic::body::Body;

use super::dice::Dice;
use super::site::Site;
use crate::api::Doors;

/// Most frames under way in one direction of a stream.
const WINDOW: usize = 2;

/// A peer's way to the server: a cheap clone.
#[derive(Clone)]
pub(super) struct Network {
    site: Site,
    state: Arc<State>,
}

struct State {
    dice: Mutex<Dice>,
    /// Nothing goes through while it is frozen.
    frozen: AtomicBool,
    /// Lets what waits go on, in the order in which it came.
    thaw: Notify,
    /// Ends what is open now.
    cut: Mutex<CancellationToken>,
    /// Whether requests get lost or doubled.
    stormy: AtomicBool,
}

impl Network {
    pub(super) fn new(site: Site, dice: Dice) -> Self {
        let state = State {
            dice: Mutex::new(dice),
            frozen: AtomicBool::new(false),
            thaw: Notify::new(),
            cut: Mutex::default(),
            stormy: AtomicBool::new(true),
        };
        Self {
            site,
            state: Arc::new(state),
        }
    }

    /// Ends every open stream.
    pub(super) fn cut(&self) {
        let mut cut = self
            .state
            .cut
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *cut).cancel();
    }

    /// Lets nothing through for a while, and ends nothing.
    pub(super) fn freeze(&self, frozen: bool) {
        self.state.frozen.store(frozen, Ordering::SeqCst);
        if !frozen {
            self.state.thaw.notify_waiters();
        }
    }

    /// From here on everything goes through.
    pub(super) fn calm(&self) {
        self.state.stormy.store(false, Ordering::SeqCst);
        self.freeze(false);
    }

    fn throw<T>(&self, throw: impl FnOnce(&mut Dice) -> T) -> T {
        throw(
            &mut self
                .state
                .dice
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    async fn pass(&self) {
        let delay = self.throw(|dice| dice.millis(1..40));
        tokio::time::sleep(delay).await;
        while self.state.frozen.load(Ordering::SeqCst) {
            self.state.thaw.notified().await;
        }
    }

    fn has(&self, chance: u32) -> bool {
        self.state.stormy.load(Ordering::SeqCst) && self.throw(|dice| dice.percent(chance))
    }

    async fn carry_call(
        self,
        request: http::Request<Body>,
    ) -> Result<http::Response<Body>, Status> {
        self.pass().await;
        if self.has(3) {
            return Err(lost());
        }
        let Some((doors, server_cut)) = self.site.doors() else {
            return Err(Status::unavailable("connection refused"));
        };
        let cut = CancellationToken::new();
        let ends = Ends {
            all: [server_cut, self.link(), cut.clone()],
        };
        let answer = self.call(doors, request, &ends).await?;
        self.pass().await;
        if self.has(3) || ends.is_over() {
            return Err(lost());
        }
        let (head, body) = answer.into_parts();
        Ok(http::Response::from_parts(
            head,
            self.carry(body, ends, Some(cut.drop_guard())),
        ))
    }

    /// Brings a request to the server, once or twice.
    async fn call(
        &self,
        doors: Doors,
        request: http::Request<Body>,
        ends: &Ends,
    ) -> Result<http::Response<axum::body::Body>, Status> {
        let path = request.uri().path();
        let is_stream = path.ends_with("DriverStream");
        // A request that has no id to be known by is done as often as it comes.
        let can_double = !path.ends_with("AppendLogs");
        let (head, body) = request.into_parts();
        if is_stream {
            let body = axum::body::Body::new(self.carry(body, ends.clone(), None));
            return Ok(doors.call(http::Request::from_parts(head, body)).await);
        }
        let body = body.collect().await?.to_bytes();
        let request =
            || http::Request::from_parts(head.clone(), axum::body::Body::from(body.clone()));
        if can_double && self.has(5) {
            let (doors, again) = (doors.clone(), request());
            let late = self.throw(|dice| dice.millis(0..4000));
            let twin = async move {
                tokio::time::sleep(late).await;
                doors.call(again).await;
            };
            tokio::spawn(twin);
        }
        tokio::select! {
            biased;
            () = ends.any() => Err(lost()),
            answer = doors.call(request()) => Ok(answer),
        }
    }

    fn link(&self) -> CancellationToken {
        let cut = self.state.cut.lock();
        cut.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Carries the frames of a body, one after the other.
    fn carry<B>(&self, body: B, ends: Ends, guard: Option<DropGuard>) -> Body
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display + Send,
    {
        let (send, frames) = mpsc::channel::<Result<Frame<Bytes>, Status>>(WINDOW);
        let network = self.clone();
        tokio::spawn(async move {
            let broken = || Status::unavailable("the connection broke");
            let mut body = Box::pin(body);
            loop {
                let frame = tokio::select! {
                    biased;
                    () = ends.any() => Some(Err(broken())),
                    frame = body.frame() => frame.map(|frame| frame.map_err(|error| Status::unavailable(error.to_string()))),
                };
                let Some(frame) = frame else { return };
                let over = frame.is_err();
                if !over {
                    network.pass().await;
                }
                if send
                    .send(if ends.is_over() { Err(broken()) } else { frame })
                    .await
                    .is_err()
                    || over
                {
                    return;
                }
            }
        });
        let stream = Guarded {
            frames: ReceiverStream::new(frames),
            _guard: guard,
        };
        Body::new(StreamBody::new(stream))
    }
}

fn lost() -> Status {
    Status::unavailable("lost on the way")
}

/// What ends a stream.
#[derive(Clone)]
struct Ends {
    all: [CancellationToken; 3],
}

impl Ends {
    async fn any(&self) {
        let [server, link, peer] = &self.all;
        tokio::select! {
            biased;
            () = server.cancelled() => {}
            () = link.cancelled() => {}
            () = peer.cancelled() => {}
        }
    }

    fn is_over(&self) -> bool {
        self.all.iter().any(CancellationToken::is_cancelled)
    }
}

/// Frames as they arrive. Who drops them has hung up.
struct Guarded {
    frames: ReceiverStream<Result<Frame<Bytes>, Status>>,
    _guard: Option<DropGuard>,
}

impl futures_util::Stream for Guarded {
    type Item = Result<Frame<Bytes>, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.frames).poll_next(context)
    }
}

impl tower::Service<http::Request<Body>> for Network {
    type Response = http::Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let network = self.clone();
        Box::pin(async move {
            let call = tokio::time::timeout(Duration::from_secs(60), network.carry_call(request));
            call.await
                .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")))
        })
    }
}
