//! Bodies of newline-delimited JSON: read line by line and stored batch by batch, while they still arrive.
//!
//! Invariant: what is held in memory is one batch and one unfinished line, however long the body is. When a line
//! cannot be stored, all lines before it are, and none after it; the answer names that line.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::{BufMut, Bytes, BytesMut};
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use prost::Message;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::codec::BufferSettings;
use tonic::{Code, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::super::RouterOptions;
use super::super::arriving::Share;
use super::call::{check_content_type, no_room, too_large};
use super::error::Failure;
use crate::error::Violation;
use crate::proto::json::{self, Fields, Invalid};

/// Most lines of a batch.
const BATCH_LINES: usize = 1000;
/// Most bytes of the lines of a batch.
const BATCH_BYTES: usize = 256 << 10;
/// How long the next bytes may take.
const SILENCE: Duration = Duration::from_secs(60);
/// Most bytes after a line that cannot be stored which are read for nothing.
const DROPPED_BYTES: usize = 64 << 20;
/// How long those bytes may take: a client that has stopped sending has its answer, and waits for nothing.
const DROPPED_SILENCE: Duration = Duration::from_secs(2);

/// One message as the stream that a client-streaming method takes.
pub(super) fn stream_of<M: Message + Default + 'static>(message: &M) -> Streaming<M> {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(5 + length);
    frame.put_u8(0); // not compressed
    frame.put_u32(u32::try_from(length).expect("a body is far smaller than 4 GiB"));
    message
        .encode(&mut frame)
        .expect("a buffer takes any number of bytes");
    let decoder = ProstCodec::<M, M>::raw_decoder(BufferSettings::default());
    let body = Full::new(frame.freeze());
    Streaming::new_request(decoder, body, None, Some(usize::MAX))
}

/// Stores each line of the body as an item of the field `field`, and adds up what `store` answers.
pub(super) async fn each<T, A, F>(
    request: Request,
    options: &RouterOptions,
    field: &str,
    store: impl Fn(Vec<T>) -> F,
    add: fn(&mut A, A),
) -> Result<A, Failure>
where
    T: Fields,
    A: Default,
    F: Future<Output = Result<Response<A>, Status>>,
{
    check_content_type(request.headers())?;
    let mut body = Lines {
        body: request.into_body(),
        line_bytes: options.body_bytes,
        rest: BytesMut::new(),
        share: options.room.share(),
        seen: 0,
        number: 0,
        is_over: false,
    };
    let mut total = A::default();
    loop {
        let batch = body.batch();
        let went = if !batch.is_empty() {
            store_batch(&batch, field, &store, |answer| add(&mut total, answer)).await
        } else if !body.is_over {
            body.more(&options.stop).await
        } else {
            return Ok(total);
        };
        if let Err(failure) = went {
            let rest = drop_rest(body.body, options.stop.clone());
            options.tracker.spawn(rest);
            return Err(failure);
        }
    }
}

/// A line and its number, from 1.
type Line = (u64, Bytes);

/// A body on its way in.
struct Lines {
    body: Body,
    /// Most bytes of a line.
    line_bytes: usize,
    /// What came and was not yet given out.
    rest: BytesMut,
    /// The room that it takes.
    share: Share,
    /// How much of the rest has no end of line.
    seen: usize,
    /// The number of the last line given out.
    number: u64,
    is_over: bool,
}

impl Lines {
    /// The whole lines that have come, up to a batch of them, without empty ones.
    fn batch(&mut self) -> Vec<Line> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_LINES && bytes < BATCH_BYTES {
            let Some(line) = self.line() else {
                break;
            };
            self.number += 1;
            if !line.trim_ascii().is_empty() {
                bytes += line.len();
                batch.push((self.number, line));
            }
        }
        batch
    }

    fn line(&mut self) -> Option<Bytes> {
        let end = self.rest[self.seen..]
            .iter()
            .position(|byte| *byte == b'\n');
        let Some(end) = end else {
            self.seen = self.rest.len();
            // The last line may have no end.
            let is_last = self.is_over && self.seen > 0;
            self.seen *= usize::from(!is_last);
            return is_last.then(|| self.rest.split().freeze());
        };
        let line = self.rest.split_to(self.seen + end + 1);
        self.seen = 0;
        Some(line.freeze())
    }

    /// Waits for more of the body.
    async fn more(&mut self, stop: &CancellationToken) -> Result<(), Failure> {
        let next = self.number + 1;
        if self.rest.len() > self.line_bytes {
            return Err(too_large().on_line(next));
        }
        let frame = tokio::select! {
            frame = timeout(SILENCE, self.body.frame()) => frame,
            () = stop.cancelled() => {
                let status = Status::unavailable("the server is stopping: come back in a moment");
                return Err(Failure::of(&status, "").on_line(next));
            }
        };
        match frame {
            Ok(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    self.rest.extend_from_slice(data);
                    if !self.share.hold(self.rest.len()) {
                        return Err(no_room().on_line(next));
                    }
                }
            }
            Ok(Some(Err(_))) => {
                return Err(Failure::invalid("", "it broke off").on_line(next));
            }
            Ok(None) => self.is_over = true,
            Err(_) => {
                let error = "the next line did not arrive in time".to_owned();
                let status = StatusCode::REQUEST_TIMEOUT;
                return Err(Failure::new(status, Code::DeadlineExceeded, error).on_line(next));
            }
        }
        Ok(())
    }
}

/// Stores lines up to the first that cannot be stored, which is the error.
async fn store_batch<T: Fields, A, F>(
    batch: &[Line],
    field: &str,
    store: impl Fn(Vec<T>) -> F,
    mut add: impl FnMut(A),
) -> Result<(), Failure>
where
    F: Future<Output = Result<Response<A>, Status>>,
{
    let (mut good, mut failure) = (batch.len(), None);
    let mut refuse = |at: usize, why: Failure| {
        failure = Some(why.on_line(batch[at].0));
        at
    };
    while good > 0 {
        let items = match parse(&batch[..good]) {
            Ok(items) => items,
            Err((at, why)) => {
                good = refuse(at, why);
                continue;
            }
        };
        match store(items).await {
            Ok(answer) => {
                add(answer.into_inner());
                break;
            }
            Err(status) => {
                let (at, why) = refused(&status, field);
                good = refuse(at.min(good - 1), why);
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

fn parse<T: Fields>(batch: &[Line]) -> Result<Vec<T>, (usize, Failure)> {
    let parsed = batch.iter().map(|(_, line)| json::from_slice(line));
    let lines = parsed.enumerate();
    lines
        .map(|(at, item)| item.map_err(|invalid| (at, not_an_item(invalid))))
        .collect()
}

fn not_an_item(Invalid { field, description }: Invalid) -> Failure {
    if !field.is_empty() {
        return Failure::invalid(&field, &description);
    }
    let whole = Violation::new("", &description);
    let mut failure = Failure::new(StatusCode::BAD_REQUEST, Code::InvalidArgument, description);
    failure.details = vec![whole];
    failure
}

/// Which item of the field was refused, and why. The first where no item is at fault.
fn refused(status: &Status, field: &str) -> (usize, Failure) {
    let mut failure = Failure::of(status, "");
    let item = |violation: &Violation| -> Option<(usize, String)> {
        let rest = violation.field.strip_prefix(field)?.strip_prefix('[')?;
        let (at, rest) = rest.split_once(']')?;
        Some((at.parse().ok()?, rest.trim_start_matches('.').to_owned()))
    };
    let first = failure.details.iter().filter_map(item).min();
    let Some((first, _)) = first else {
        return (0, failure);
    };
    failure
        .details
        .retain_mut(|violation| match item(violation) {
            Some((at, place)) => {
                violation.field = place;
                at == first
            }
            None => false,
        });
    if let Some(Violation { field, description }) = failure.details.first() {
        failure.error = format!("{field}: {description}");
    }
    (first, failure)
}

/// Most clients send all before they listen.
async fn drop_rest(mut body: Body, stop: CancellationToken) {
    let mut dropped = 0;
    let rest = async {
        while let Ok(Some(Ok(frame))) = timeout(DROPPED_SILENCE, body.frame()).await {
            dropped += frame.data_ref().map_or(0, Bytes::len);
            if dropped > DROPPED_BYTES {
                break;
            }
        }
    };
    // One that has not sent all by then may not get the answer.
    tokio::select! {
        _ = timeout(SILENCE, rest) => (),
        () = stop.cancelled() => (),
    }
}
