//! Gives hyper's own refusals the form of all other errors.
//!
//! What hyper cannot read as HTTP/1, or what has too many headers for it, it answers by itself, bare, and closes.
//! It has no hook for that answer, and room for more headers would be made anew for each request. So the answer is
//! told by its bytes on their way out, which costs other answers a look at their first bytes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a peer may go on sending what is not read any more. Closed at once, it might lose the answer.
const LINGER: Duration = Duration::from_secs(1);

/// A connection that answers in JSON where hyper would answer bare.
#[derive(Debug)]
pub(super) struct Refused<T> {
    io: T,
    /// What is left to send of the answer in place of hyper's.
    answer: Vec<u8>,
    /// Whether the last write was cut short, so that the next begins anywhere.
    is_within: bool,
    /// Since something was refused: when the peer has had its time.
    linger: Option<Pin<Box<Sleep>>>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Refused<T> {
    pub(super) fn new(io: T) -> Self {
        Refused {
            io,
            answer: Vec::new(),
            is_within: false,
            linger: None,
        }
    }

    /// Looks at what is about to be sent. True when our answer goes out in its place.
    fn is_refusal(&mut self, bytes: &[u8]) -> bool {
        if !self.answer.is_empty() {
            return true;
        }
        if self.is_within || !bytes.starts_with(b"HTTP/1.1 4") {
            return false;
        }
        let Some(answer) = answer_for(bytes) else {
            return false;
        };
        self.answer = answer;
        self.linger = Some(Box::pin(sleep(LINGER)));
        true
    }

    /// Sends our answer, and says then that hyper's `length` bytes are sent.
    fn poll_answer(&mut self, cx: &mut Context, length: usize) -> Poll<io::Result<usize>> {
        while !self.answer.is_empty() {
            let sent = ready!(Pin::new(&mut self.io).poll_write(cx, &self.answer))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.answer.drain(..sent);
        }
        Poll::Ready(Ok(length))
    }
}

/// What to answer in place of these bytes, where they are hyper's own.
fn answer_for(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?;
    let (error, code) = match status.get("HTTP/1.1 ".len()..)?.get(..3)? {
        "400" => ("the request is not HTTP", "INVALID_ARGUMENT"),
        "414" | "431" => (
            "request line and headers are over 16 KiB, or there are more than 100 headers",
            "RESOURCE_EXHAUSTED",
        ),
        _ => return None,
    };
    let mut names = lines.filter_map(|line| line.split_once(": "));
    let is_bare = names.all(|(name, value)| match name {
        "content-length" => value == "0",
        "connection" => value == "close",
        name => name == "date",
    });
    is_bare.then(|| {
        let body = format!(r#"{{"error":"{error}","code":"{code}","details":[]}}"#);
        let length = body.len();
        format!("{status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    })
}

impl<T: AsyncRead + Unpin> AsyncRead for Refused<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, into)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Refused<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_refusal(bytes) {
            return self.poll_answer(cx, bytes.len());
        }
        let sent = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.is_within = sent < bytes.len();
        Poll::Ready(Ok(sent))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = parts.iter().map(|part| part.len()).sum();
        if let [first, ..] = parts
            && first.len() == length
            && self.is_refusal(first)
        {
            return self.poll_answer(cx, length);
        }
        let sent = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, parts))?;
        self.is_within = sent < length;
        Poll::Ready(Ok(sent))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        let Some(linger) = &mut this.linger else {
            return Poll::Ready(Ok(()));
        };
        let mut dropped = [0; 4 << 10];
        while linger.as_mut().poll(cx).is_pending() {
            let mut into = ReadBuf::new(&mut dropped);
            ready!(Pin::new(&mut this.io).poll_read(cx, &mut into))?;
            if into.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
