//! Ends an answer over HTTP/2 of which the peer takes nothing.
//!
//! A connection that is not read ends by its pings. A peer may read and answer those, and yet give one stream no room:
//! then its answer would stay in memory for as long as the peer likes. hyper carries each stream in one task and asks an
//! answer's body for a piece after the next when the peer has taken of the one before. So the body notes in its task when
//! it gave something, and the task ends when nothing more was asked for in time, which resets the stream.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task_local;
use tokio::time::{Instant, Sleep, sleep_until};

/// How much of an answer is given at once.
const PIECE: usize = super::SEND_BYTES;

task_local! {
    /// Since when the answer of this task waits for its peer.
    static GAVE: Cell<Option<Instant>>;
}

/// Carries a stream to its end, or until its answer was not taken for so long.
pub(super) async fn carried(stream: impl Future, most: Duration) {
    let mut stream = pin!(GAVE.scope(Cell::new(None), async {
        let mut stream = pin!(stream);
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            if stream.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let Some(gave) = GAVE.with(Cell::get) else {
                timer = None;
                return Poll::Pending;
            };
            let until = gave + most;
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if timer.deadline() != until {
                timer.as_mut().reset(until);
            }
            timer.as_mut().poll(cx)
        })
        .await;
    }));
    stream.as_mut().await;
}

/// An answer that gives little at a time, and notes when it did.
pub(super) struct Answer {
    body: Body,
    /// What is left of a large part of the body.
    rest: Bytes,
}

impl Answer {
    pub(super) fn new(body: Body) -> Self {
        Self {
            body,
            rest: Bytes::new(),
        }
    }

    /// The next piece of the rest. hyper takes any piece whole as soon as the peer has room for a byte. The last one may
    /// wait in h2 when nobody looks after the stream any more: as a copy, it does not keep all before it.
    fn piece(&mut self) -> Bytes {
        if self.rest.len() > PIECE {
            return self.rest.split_to(PIECE);
        }
        Bytes::copy_from_slice(&std::mem::take(&mut self.rest))
    }

    fn poll_piece(&mut self, cx: &mut Context) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(self.piece()))));
        }
        Pin::new(&mut self.body)
            .poll_frame(cx)
            .map_ok(|frame| match frame.into_data() {
                Ok(data) if data.len() > PIECE => {
                    self.rest = data;
                    Frame::data(self.piece())
                }
                Ok(data) => Frame::data(data),
                Err(frame) => frame,
            })
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = self.poll_piece(cx);
        let gave = matches!(polled, Poll::Ready(Some(_))).then(Instant::now);
        // Over HTTP/1 there is no such task, and nobody asks.
        let _ = GAVE.try_with(|it| it.set(gave));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, hint) = (self.rest.len() as u64, self.body.size_hint());
        let mut both = SizeHint::new();
        both.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            both.set_upper(upper + rest);
        }
        both
    }
}
