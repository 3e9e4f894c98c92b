//! The log of a run, each line once and in order, by one of the three ways to follow it. A cut stream is taken up where
//! it broke.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use conveyor_client::proto::TailLogsRequest;
use conveyor_client::tonic::Code;
use conveyor_client::{Client, Error as ClientError, Tailed};
use futures_util::StreamExt;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Error as Refusal, Message};

use crate::Result;
use crate::book::{Line, count};

/// How long a stream may say nothing, not even that it lives. SSE does so every 15 s, a websocket every 30 s.
const SILENCE: Duration = Duration::from_secs(90);

/// A way to follow a log.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// `TailLogs`, by the client's own tail.
    Grpc,
    /// Server-sent events.
    Sse,
    /// A websocket.
    Websocket,
}

/// How one stream came to its end.
enum End {
    /// All was said.
    Whole,
    /// The server went away.
    Cut,
}

/// One line as SSE and websocket have it with `format=json`.
#[derive(Deserialize)]
struct Shown {
    seq: u64,
    step: String,
    attempt: i32,
    message: String,
}

impl From<Shown> for Line {
    fn from(it: Shown) -> Self {
        Self {
            seq: it.seq,
            step: it.step,
            attempt: it.attempt,
            message: it.message,
        }
    }
}

/// Follows the log until the run has ended and all is read. Counts the streams that broke.
pub(crate) async fn follow(
    client: &Client,
    address: SocketAddr,
    run: &str,
    way: Way,
    cuts: &AtomicU64,
) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    if let Way::Grpc = way {
        read_tail(client, run, true, &mut lines).await?;
        return Ok(lines);
    }
    loop {
        let end = match way {
            Way::Sse => by_sse(address, run, &mut lines).await?,
            Way::Grpc | Way::Websocket => by_websocket(address, run, &mut lines).await?,
        };
        if let End::Whole = end {
            return Ok(lines);
        }
        count(cuts);
        sleep(Duration::from_millis(100)).await;
    }
}

/// What is stored of the log now.
pub(crate) async fn stored(client: &Client, run: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    read_tail(client, run, false, &mut lines).await?;
    Ok(lines)
}

async fn read_tail(client: &Client, run: &str, wait: bool, lines: &mut Vec<Line>) -> Result<()> {
    loop {
        let mut tail = client.tail_of(TailLogsRequest {
            run_id: run.to_owned(),
            after: lines.last().map_or(0, |line| line.seq),
            follow: Some(wait),
            ..TailLogsRequest::default()
        });
        loop {
            match tail.next().await {
                Ok(Some(Tailed::Line(entry))) => lines.push(entry.into()),
                Ok(Some(Tailed::Gap(first))) => {
                    return Err(format!("run {run}: a gap before line {first}").into());
                }
                Ok(None) => return Ok(()),
                // A call that the end of a connection took with it.
                Err(ClientError::Answer(status)) if status.code() == Code::Cancelled => break,
                Err(error) => return Err(format!("tail of run {run}: {error}").into()),
            }
        }
    }
}

fn path(run: &str, lines: &[Line]) -> String {
    let after = lines.last().map_or(0, |line| line.seq);
    format!("/logs/pipeline/{run}?format=json&after={after}")
}

async fn by_sse(address: SocketAddr, run: &str, lines: &mut Vec<Line>) -> Result<End> {
    let request = http::Request::get(path(run, lines))
        .header("host", address.to_string())
        .header("accept", "text/event-stream")
        .body(Empty::<Bytes>::new())?;
    let opened = async {
        let stream = TcpStream::connect(address).await.ok()?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .ok()?;
        tokio::spawn(connection);
        sender.send_request(request).await.ok()
    };
    let Some(answer) = opened.await else {
        return Ok(End::Cut);
    };
    if answer.status().is_server_error() {
        return Ok(End::Cut);
    }
    if answer.status() != 200 {
        return Err(format!("SSE of run {run}: {}", answer.status()).into());
    }
    let mut body = answer.into_body();
    let mut text = Vec::new();
    loop {
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            if is_last(&event, run, lines)? {
                return Ok(End::Whole);
            }
        }
        match timeout(SILENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => text.extend(frame.data_ref().into_iter().flatten()),
            Ok(Some(Err(_)) | None) => return Ok(End::Cut),
            Err(_) => return Err(format!("SSE of run {run}: silent for {SILENCE:?}").into()),
        }
    }
}

/// Takes one event; true: it is the end.
fn is_last(event: &[u8], run: &str, lines: &mut Vec<Line>) -> Result<bool> {
    let event = std::str::from_utf8(event)?;
    if event.lines().any(|it| it == "event: end") {
        return Ok(true);
    }
    if event.lines().any(|it| it.starts_with("event: ")) {
        return Err(format!("SSE of run {run}: {event}").into());
    }
    for data in event.lines().filter_map(|it| it.strip_prefix("data: ")) {
        lines.push(serde_json::from_str::<Shown>(data)?.into());
    }
    Ok(false)
}

async fn by_websocket(address: SocketAddr, run: &str, lines: &mut Vec<Line>) -> Result<End> {
    let url = format!("ws://{address}{}", path(run, lines));
    let mut socket = match tokio_tungstenite::connect_async(url).await {
        Ok((socket, _)) => socket,
        Err(Refusal::Http(answer)) if answer.status().is_client_error() => {
            return Err(format!("websocket of run {run}: {}", answer.status()).into());
        }
        Err(_) => return Ok(End::Cut),
    };
    loop {
        match timeout(SILENCE, socket.next()).await {
            Ok(Some(Ok(Message::Text(text)))) => {
                let shown = serde_json::from_str::<Shown>(&text)
                    .map_err(|error| format!("websocket of run {run}: {error}: {text}"))?;
                lines.push(shown.into());
            }
            Ok(Some(Ok(Message::Close(Some(frame))))) if u16::from(frame.code) == 1000 => {
                return Ok(End::Whole);
            }
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return Ok(End::Cut),
            Ok(Some(Ok(_))) => {}
            Err(_) => return Err(format!("websocket of run {run}: silent for {SILENCE:?}").into()),
        }
    }
}
