//! A bare HTTP/1.1 client: one request after another on one connection, so that the client costs next to nothing.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Result;
use super::spans::{Crowd, Spans};

/// One kept-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    /// The answer to the last call, head and all.
    pub(crate) answer: Vec<u8>,
}

/// Connects; what is small leaves at once.
pub(crate) async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The bytes of a GET.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// The bytes of a POST of JSON.
pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            stream: connect(address).await?,
            answer: Vec::with_capacity(64 << 10),
        })
    }

    /// Makes one call after another for a time.
    pub(crate) async fn repeat(&mut self, request: &[u8], time: Duration) -> Result<Spans> {
        let mut spans = Spans::default();
        let end = Instant::now() + time;
        while Instant::now() < end {
            let start = Instant::now();
            self.call(request).await?;
            spans.add(start.elapsed());
        }
        Ok(spans)
    }

    /// Sends a request and reads the whole answer, which must be a success and is left to be looked at.
    pub(crate) async fn call(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let mut end = None;
        while !end.as_ref().is_some_and(|it: &End| it.is_in(&self.answer)) {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err("the connection ended within an answer".into());
            }
            if end.is_none() {
                end = End::told_by(&self.answer)?;
            }
        }
        if self.answer.starts_with(b"HTTP/1.1 2") {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&self.answer).into())
    }
}

/// How the end of an answer is known.
enum End {
    /// It has so many bytes, its head included.
    At(usize),
    /// It comes in chunks, and the last one is empty.
    EmptyChunk,
}

impl End {
    /// What the head says, once all of the head is there.
    fn told_by(answer: &[u8]) -> Result<Option<Self>> {
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&answer[..end])?;
        for line in head.lines() {
            match line.split_once(": ") {
                Some(("content-length", length)) => {
                    return Ok(Some(Self::At(end + 4 + length.parse::<usize>()?)));
                }
                Some(("transfer-encoding", "chunked")) => return Ok(Some(Self::EmptyChunk)),
                _ => (),
            }
        }
        Err(format!("an answer without an end: {head}").into())
    }

    /// Whether all of the answer is there. JSON has no bare end of line in it that could look like an empty chunk.
    fn is_in(&self, answer: &[u8]) -> bool {
        match self {
            Self::At(length) => answer.len() >= *length,
            Self::EmptyChunk => answer.ends_with(b"\r\n0\r\n\r\n"),
        }
    }
}

/// One request again and again over so many connections.
pub(crate) async fn crowd(
    address: SocketAddr,
    connections: usize,
    request: &[u8],
    time: Duration,
) -> Result<Crowd> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let start = Instant::now();
    let tasks: Vec<_> = open
        .into_iter()
        .map(|mut connection| {
            let request = request.to_vec();
            tokio::spawn(async move { connection.repeat(&request, time).await })
        })
        .collect();
    let mut members = Vec::new();
    for task in tasks {
        members.push(task.await??);
    }
    Ok(Crowd::since(start, members))
}
