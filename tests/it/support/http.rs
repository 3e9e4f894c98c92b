//! A plain HTTP/1.1 client: one connection for each request.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Server, soon};

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Server {
    /// GET of a path.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.http("GET", path, &[], "").await
    }

    /// POST of a JSON body.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.http("POST", path, &[("content-type", "application/json")], body)
            .await
    }

    /// Any request.
    pub(crate) async fn http(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let response = self.send(method, path, headers, body).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = soon("the whole body", body.collect())
            .await
            .unwrap()
            .to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    /// Opens a stream of server-sent events.
    pub(crate) async fn sse(&self, path: &str, headers: &[(&str, &str)]) -> Sse {
        let response = self.send("GET", path, headers, "").await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        Sse {
            body: response.into_body(),
            rest: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// Sends bytes as they are over a connection of its own, and gives what comes back until the server closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        soon("the server's close", read).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<http::Response<Incoming>, hyper::Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        soon(
            "an answer over HTTP",
            sender.send_request(request.body(body).unwrap()),
        )
        .await
    }
}

/// A stream of server-sent events.
pub(crate) struct Sse {
    body: Incoming,
    rest: Vec<u8>,
    ready: VecDeque<String>,
}

impl Sse {
    /// The next event, its fields as they stand on the wire; comments alone are skipped. `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Vec<(String, String)>> {
        loop {
            let block = self.block().await?;
            let fields: Vec<_> = block
                .lines()
                .filter(|line| !line.starts_with(':'))
                .map(|line| line.split_once(':').unwrap_or((line, "")))
                .map(|(name, value)| {
                    (
                        name.to_owned(),
                        value.strip_prefix(' ').unwrap_or(value).to_owned(),
                    )
                })
                .collect();
            if !fields.is_empty() {
                return Some(fields);
            }
        }
    }

    async fn block(&mut self) -> Option<String> {
        while self.ready.is_empty() {
            let frame = soon("the next event", self.body.frame()).await?.ok()?;
            if let Some(data) = frame.data_ref() {
                self.rest.extend_from_slice(data);
            }
            while let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.rest.drain(..end + 2).collect();
                self.ready.push_back(String::from_utf8(block).unwrap());
            }
        }
        self.ready.pop_front()
    }
}
