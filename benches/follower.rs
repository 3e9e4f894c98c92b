//! Somebody who follows the log of a run to its end, over gRPC, websocket or Server-Sent Events.
//!
//! Only the messages are decoded: the server is measured, not its reader.

use bytes::Bytes;
use conveyor_client::proto::TailLogsRequest;
use futures_util::StreamExt;
use http::uri::PathAndQuery;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, client_async};
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Request, Streaming};
use tonic_prost::ProstCodec;

use super::Result;
use super::events::Events;
use super::http::connect;
use super::server::Server;

/// How a log is followed.
#[derive(Clone, Copy)]
pub(crate) enum Wire {
    Grpc,
    Websocket,
    Sse,
}

/// One reader of one log.
pub(crate) enum Follower {
    Grpc(Streaming<Page>),
    Websocket(Box<WebSocketStream<TcpStream>>),
    Sse(Events),
}

/// What is read of a `TailLogsResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Page {
    #[prost(message, repeated, tag = "1")]
    entries: Vec<Entry>,
}

/// What is read of a `LogEntry`.
#[derive(Clone, PartialEq, prost::Message)]
struct Entry {
    #[prost(bytes = "bytes", tag = "10")]
    message: Bytes,
}

impl Follower {
    /// Follows over a connection of its own.
    pub(crate) async fn open(wire: Wire, server: &Server, run: &str) -> Result<Self> {
        match wire {
            Wire::Grpc => Self::grpc(server.channel().await?, run).await,
            Wire::Websocket => Self::websocket(connect(server.address).await?, run).await,
            Wire::Sse => Self::sse(connect(server.address).await?, run).await,
        }
    }

    /// Follows by a stream of a gRPC connection, which others may use too.
    pub(crate) async fn grpc(channel: Channel, run: &str) -> Result<Self> {
        let request = TailLogsRequest {
            run_id: run.to_owned(),
            ..TailLogsRequest::default()
        };
        let path = PathAndQuery::from_static("/conveyor.v1.LogService/TailLogs");
        let codec = ProstCodec::<TailLogsRequest, Page>::default();
        let mut client = Grpc::new(channel);
        client.ready().await?;
        let pages = client.server_streaming(Request::new(request), path, codec);
        Ok(Self::Grpc(pages.await?.into_inner()))
    }

    /// Follows over a websocket, which the connection becomes.
    pub(crate) async fn websocket(stream: TcpStream, run: &str) -> Result<Self> {
        let url = format!("ws://localhost{}", path(run));
        let (socket, _) = client_async(url, stream).await?;
        Ok(Self::Websocket(Box::new(socket)))
    }

    /// Follows by Server-Sent Events, which fill the connection.
    pub(crate) async fn sse(stream: TcpStream, run: &str) -> Result<Self> {
        Ok(Self::Sse(Events::open(stream, &path(run)).await?))
    }

    /// Waits for lines and hands over their messages. False once the server has said that the log is over.
    pub(crate) async fn read(&mut self, mut line: impl FnMut(&str) -> Result<()>) -> Result<bool> {
        match self {
            Self::Grpc(pages) => {
                let Some(page) = pages.message().await? else {
                    return Ok(false);
                };
                for entry in page.entries {
                    line(std::str::from_utf8(&entry.message)?)?;
                }
                Ok(true)
            }
            Self::Websocket(socket) => match socket.next().await.ok_or("no goodbye")?? {
                Message::Text(text) => {
                    let (_time, message): (&str, &str) = serde_json::from_str(&text)?;
                    line(message)?;
                    Ok(true)
                }
                Message::Close(Some(goodbye)) if goodbye.code == CloseCode::Normal => {
                    // The answer goes out while the end is waited for.
                    while socket.next().await.is_some() {}
                    Ok(false)
                }
                Message::Ping(_) => Ok(true),
                other => Err(format!("expected a line, got {other:?}").into()),
            },
            Self::Sse(events) => events.read(line).await,
        }
    }
}

fn path(run: &str) -> String {
    format!("/logs/pipeline/{run}")
}
