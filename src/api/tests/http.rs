//! A server on a free port and the plainest of clients.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::stub::Stub;
use crate::api::listen::{ListenOptions, serve};
use crate::api::{Doors, Exposition, ExpositionFormat, Room, RouterOptions, Watch};
use crate::trace::Tracer;

/// Largest body that the server takes.
pub(super) const BODY_BYTES: usize = 100_000;

pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Site {
    pub(super) address: SocketAddr,
    pub(super) serving: watch::Sender<bool>,
    pub(super) stop: CancellationToken,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }
}

/// A server that counts nothing.
#[derive(Debug)]
struct NoFigures;

impl Exposition for NoFigures {
    fn write(&self, _format: ExpositionFormat) -> String {
        String::new()
    }
}

impl Site {
    pub(super) async fn start() -> Self {
        Site::with_connections(100).await
    }

    pub(super) async fn with_connections(connections: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (serving, seen) = watch::channel(true);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let options = RouterOptions {
            serving: seen,
            stop: stop.clone(),
            tracker: tracker.clone(),
            body_bytes: BODY_BYTES,
            loopback: true,
            hosts: vec!["named.example".into()],
            origins: vec!["https://friend.example".into()],
            arrival: Duration::from_millis(500),
            room: Room::default(),
            watch: Watch {
                figures: Arc::default(),
                tracer: Tracer::default(),
                exposition: Arc::new(NoFigures),
            },
        };
        let doors = Doors::new(Stub, Stub, options);
        let options = ListenOptions {
            connections,
            head: Duration::from_millis(300),
            stall: Duration::from_millis(500),
            ..ListenOptions::default()
        };
        let token = stop.clone();
        tokio::spawn(async move { serve(listener, doors, options, token, &tracker).await });
        Site {
            address,
            serving,
            stop,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "", &[]).await
    }

    pub(super) async fn post(&self, path: &str, body: &str) -> Answer {
        self.call("POST", path, body, &[("content-type", "application/json")])
            .await
    }

    pub(super) async fn put(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
        self.call("PUT", path, body, headers).await
    }

    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let host = self.address;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        self.send(request.as_bytes()).await
    }

    /// Sends bytes and reads the answer to them.
    pub(super) async fn send(&self, request: &[u8]) -> Answer {
        let bytes = self.say(request).await;
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = unchunk(body);
        }
        answer
    }

    /// Sends bytes and reads until the server closes.
    pub(super) async fn say(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A server that closes before it has read all resets the connection.
        let end = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(PATIENCE, end)
            .await
            .expect("the server closes");
        answer
    }

    /// An open websocket.
    pub(super) async fn open_websocket(&self, path: &str) -> WebSocketStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://{}{path}", self.address);
        tokio_tungstenite::client_async(url, stream)
            .await
            .unwrap()
            .0
    }

    /// All texts and the code of the close.
    pub(super) async fn websocket(&self, path: &str) -> (Vec<String>, u16) {
        let mut socket = self.open_websocket(path).await;
        let mut texts = Vec::new();
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Text(text) => texts.push(text.to_string()),
                Message::Close(frame) => return (texts, frame.unwrap().code.into()),
                other => panic!("{other:?}"),
            }
        }
    }

    pub(super) async fn channel(&self) -> tonic::transport::Channel {
        let address = format!("http://{}", self.address);
        tonic::transport::Endpoint::from_shared(address)
            .unwrap()
            .connect()
            .await
            .unwrap()
    }
}

fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body += &after[..size];
        rest = after.get(size + 2..).unwrap_or_default();
    }
    body
}
