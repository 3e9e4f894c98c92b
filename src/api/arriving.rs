//! Requests on their way in: how long a message may take to arrive, and how much of unfinished ones is kept in memory,
//! over all peers.
//!
//! Invariant: what is held of requests that are not whole is at most [`MOST_BYTES`], beside [`FREE_BYTES`] for each.
//! The free bytes let small requests through while somebody fills the rest.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::Status;

use super::RouterOptions;
use crate::error::Error;

/// What is kept of all unfinished requests together.
const MOST_BYTES: usize = 128 << 20;
/// What of each does not count.
const FREE_BYTES: usize = 64 << 10;
/// What stands before a message of gRPC: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The room for requests that are not whole yet.
#[derive(Clone, Debug, Default)]
pub struct Room(Arc<AtomicUsize>);

impl Room {
    /// A share of the room for one request.
    pub(super) fn share(&self) -> Share {
        Share {
            room: self.clone(),
            counted: 0,
        }
    }
}

/// What one request takes of the room; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    room: Room,
    counted: usize,
}

impl Share {
    /// Says how much is held of the request now. False where there is no room for it.
    pub(super) fn hold(&mut self, bytes: usize) -> bool {
        let counts = bytes.saturating_sub(FREE_BYTES);
        let more = counts.saturating_sub(self.counted);
        if more > 0 && self.room.0.fetch_add(more, Ordering::Relaxed) + more > MOST_BYTES {
            self.room.0.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        let less = self.counted.saturating_sub(counts);
        self.room.0.fetch_sub(less, Ordering::Relaxed);
        self.counted = counts;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.0.fetch_sub(self.counted, Ordering::Relaxed);
    }
}

/// The body of a gRPC call, whose messages arrive in time or end it.
pub(super) struct Arriving {
    body: Body,
    share: Share,
    message: Message,
    /// How long a message may take.
    most: Duration,
    /// Runs while a message is awaited that must come.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    /// Where the call takes a stream, the next message may begin at any time. Else the one there is must come.
    pub(super) fn new(body: Body, options: &RouterOptions, takes_stream: bool) -> Self {
        Self {
            body,
            share: options.room.share(),
            message: Message::default(),
            most: options.arrival,
            timer: (!takes_stream).then(|| Box::pin(sleep(options.arrival))),
        }
    }

    fn see(&mut self, data: &[u8]) -> Result<(), Status> {
        let began_new = self.message.see(data);
        if !self.share.hold(self.message.has()) {
            return Err(Error::Crowded.into());
        }
        if self.message.has() == 0 {
            self.timer = None;
        } else if began_new || self.timer.is_none() {
            self.timer = Some(Box::pin(sleep(self.most)));
        }
        Ok(())
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let seen = frame.data_ref().map_or(Ok(()), |data| self.see(data));
                Poll::Ready(Some(seen.map(|()| frame).map_err(Into::into)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|it| it.map_err(Into::into))),
            Poll::Pending => {
                let timer = self.timer.as_mut();
                if timer.is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
                    let late = Status::deadline_exceeded("the message did not arrive in time");
                    return Poll::Ready(Some(Err(late.into())));
                }
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Where in the messages of a call its bytes are.
#[derive(Debug, Default)]
struct Message {
    prefix: [u8; PREFIX],
    /// How many bytes of the prefix have come, and of the message after it.
    prefixed: usize,
    body: usize,
}

impl Message {
    /// How much of an unfinished message has come; none between two of them.
    fn has(&self) -> usize {
        self.prefixed + self.body
    }

    /// Goes over these bytes. True where a message ends among them.
    fn see(&mut self, mut data: &[u8]) -> bool {
        let mut ended = false;
        while !data.is_empty() {
            if self.prefixed < PREFIX {
                let (first, rest) = data.split_at(data.len().min(PREFIX - self.prefixed));
                self.prefix[self.prefixed..self.prefixed + first.len()].copy_from_slice(first);
                self.prefixed += first.len();
                data = rest;
            }
            if self.prefixed == PREFIX {
                let [_, length @ ..] = self.prefix;
                let missing = u32::from_be_bytes(length) as usize - self.body;
                let taken = data.len().min(missing);
                self.body += taken;
                data = &data[taken..];
                if taken == missing {
                    *self = Self::default();
                    ended = true;
                }
            }
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_however_they_are_cut() {
        let bytes = [&[0, 0, 0, 0, 3, 1, 2, 3][..], &[0; 5], &[0, 0, 0, 0, 1, 9]].concat();
        // How much of an unfinished message there is after each byte.
        let wanted = [1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 0];
        for (at, wanted) in (1..).zip(wanted) {
            for cut in 0..at {
                let mut message = Message::default();
                message.see(&bytes[..cut]);
                message.see(&bytes[cut..at]);
                assert_eq!(message.has(), wanted, "{at} bytes, cut at {cut}");
            }
        }
    }

    #[test]
    fn small_requests_find_room_when_there_is_none_and_what_goes_gives_back() {
        let room = Room::default();
        let mut large = room.share();
        assert!(large.hold(MOST_BYTES + FREE_BYTES));
        let mut other = room.share();
        assert!(other.hold(FREE_BYTES));
        assert!(!other.hold(FREE_BYTES + 1));
        assert!(large.hold(MOST_BYTES));
        assert!(other.hold(2 * FREE_BYTES));
        drop((large, other));
        assert_eq!(room.0.load(Ordering::Relaxed), 0);
    }
}
