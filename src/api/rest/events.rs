//! Server-Sent Events: what a service streams, or a log, as it comes.
//!
//! Headers go out at once. A stream that has ended says `event: end`; one that the server's stop cut says
//! nothing, and a browser comes back to it by itself with `Last-Event-ID`.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, BoxStream, Peekable};
use futures_util::{Stream, StreamExt};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::super::RouterOptions;
use super::answer;
use super::call::{Call, LAST_EVENT_ID};
use super::error::Failure;
use super::stream::json_text;
use crate::meter::Held;

/// How often an idle stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The id of the end where answers have no position. Who comes back with it has seen all.
const END: &str = "end";

/// What a service streams, each answer an event. Its id is its position, where answers have one; 0 is none yet.
pub(super) async fn answer<A: Serialize + Send + 'static>(
    answers: impl Stream<Item = Result<A, Status>> + Send + 'static,
    position: Option<fn(&A) -> u64>,
    call: &Call,
    options: &RouterOptions,
) -> Response {
    let comes_back = call.header(LAST_EVENT_ID);
    let mut answers = answers.boxed().peekable();
    let is_over = match position {
        None => comes_back == Some(END),
        // Without following, what there is comes at once, so that this does not hold up the headers.
        Some(_) if comes_back.is_some() && call.query_value("follow") == Some("false") => {
            Pin::new(&mut answers).peek().await.is_none()
        }
        Some(_) => false,
    };
    if is_over {
        return answer::no_content();
    }
    let events = Events {
        answers,
        position,
        last: 0,
        is_over: false,
    };
    let frames = stream::unfold(events, async |mut events| {
        Some((events.next().await?, events))
    });
    reply(frames.boxed(), options)
}

struct Events<A> {
    answers: Peekable<BoxStream<'static, Result<A, Status>>>,
    position: Option<fn(&A) -> u64>,
    /// The position of the last answer that had one.
    last: u64,
    is_over: bool,
}

impl<A: Serialize> Events<A> {
    async fn next(&mut self) -> Option<Result<String, Status>> {
        if self.is_over {
            return None;
        }
        match self.answers.next().await {
            Some(Ok(answer)) => Some(self.frame(&answer)),
            Some(Err(status)) => Some(Err(status)),
            None => {
                self.is_over = true;
                Some(Ok(end(&match (self.position, self.last) {
                    (None, _) => format!("id: {END}\n"),
                    (Some(_), 0) => String::new(),
                    (Some(_), last) => format!("id: {last}\n"),
                })))
            }
        }
    }

    fn frame(&mut self, answer: &A) -> Result<String, Status> {
        let json = serde_json::to_string(answer)
            .map_err(|error| Status::internal(format!("the answer is not JSON: {error}")))?;
        let position = self.position.map_or(0, |position| position(answer));
        if position == 0 {
            return Ok(format!("data: {json}\n\n"));
        }
        self.last = position;
        Ok(format!("id: {position}\ndata: {json}\n\n"))
    }
}

/// The last event. `id` is its line of that name, or nothing.
pub(super) fn end(id: &str) -> String {
    format!("{id}event: end\ndata: {{}}\n\n")
}

/// Sends frames until they end, the server stops, or one is an error.
pub(super) fn reply(
    frames: BoxStream<'static, Result<String, Status>>,
    options: &RouterOptions,
) -> Response {
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let reply = Reply {
        frames,
        heartbeat,
        stop: options.stop.clone(),
        is_over: false,
        _open: options.watch.figures.event_streams.hold(),
    };
    let chunks = stream::unfold(reply, async |mut reply| {
        let chunk = reply.next().await?;
        Some((Ok::<_, Infallible>(chunk), reply))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, Body::from_stream(chunks)).into_response()
}

struct Reply {
    frames: BoxStream<'static, Result<String, Status>>,
    heartbeat: Interval,
    stop: CancellationToken,
    is_over: bool,
    /// Counts this stream while it is open.
    _open: Held,
}

impl Reply {
    async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        let frame = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            frame = self.frames.next() => frame?,
            _ = self.heartbeat.tick() => return Some(": heartbeat\n\n".to_owned()),
        };
        self.heartbeat.reset();
        self.is_over = frame.is_err();
        match frame {
            Ok(frame) => Some(frame),
            // The services say so when the server stops. No word: the reader comes back for the rest.
            Err(status) if status.code() == Code::Unavailable => None,
            Err(status) => {
                let error = json_text(&Failure::of(&status, ""));
                Some(format!("event: error\ndata: {error}\n\n"))
            }
        }
    }
}
