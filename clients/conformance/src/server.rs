//! The scripted server: one method, whose streams it hands to the case as they come.
//!
//! It sends bytes, not messages, so that a case can say what no server of today would.

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes};
use conveyor_client::proto::{DriverStreamRequest, DriverStreamResponse};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::body::Body;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::{ProstCodec, ProstDecoder};

use crate::fault::{Fault, Played};

/// The largest message that is taken, far above what a Welcome allows: the rules judge the size.
const MESSAGE_BYTES: usize = 64 << 20;
/// How many messages may wait for the connection.
const QUEUE: usize = 1024;
/// How many streams may wait for the case.
const STREAMS: usize = 64;

/// A stream as it came: nothing is read yet, and nothing said.
pub(crate) struct Accepted {
    /// What the driver says.
    pub(crate) inbound: Streaming<DriverStreamRequest>,
    /// What it is told: encoded messages, or the status that ends the stream.
    pub(crate) out: mpsc::Sender<Result<Bytes, Status>>,
}

/// Starts a server on a port of its own, which ends with the runtime of the process. Gives its address and its streams.
pub(crate) async fn serve() -> Played<(SocketAddr, mpsc::Receiver<Accepted>)> {
    let fault =
        |error: std::io::Error| Fault(format!("the scripted server cannot listen: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    let (sender, streams) = mpsc::channel(STREAMS);
    let door = Door {
        sender: Arc::new(sender),
    };
    let server = tonic::transport::Server::builder().add_service(door);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Ok((address, streams))
}

/// `conveyor.v1.DriverService`, of which it has one method.
#[derive(Clone)]
struct Door {
    sender: Arc<mpsc::Sender<Accepted>>,
}

impl NamedService for Door {
    const NAME: &'static str = "conveyor.v1.DriverService";
}

impl Service<http::Request<Body>> for Door {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let door = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(RawCodec).max_decoding_message_size(MESSAGE_BYTES);
            Ok(grpc.streaming(DriverStream(door), request).await)
        })
    }
}

struct DriverStream(Door);

type Answers = ReceiverStream<Result<Bytes, Status>>;

impl Service<Request<Streaming<DriverStreamRequest>>> for DriverStream {
    type Response = Response<Answers>;
    type Error = Status;
    type Future = BoxFuture<Response<Answers>, Status>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Streaming<DriverStreamRequest>>) -> Self::Future {
        let (out, answers) = mpsc::channel(QUEUE);
        let inbound = request.into_inner();
        let sent = self.0.sender.try_send(Accepted { inbound, out });
        let answer = match sent {
            Ok(()) => Ok(Response::new(ReceiverStream::new(answers))),
            Err(_) => Err(Status::unavailable("the case takes no more streams")),
        };
        Box::pin(ready(answer))
    }
}

/// Reads requests as prost does, and writes bytes as they are.
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = DriverStreamRequest;
    type Encoder = RawEncoder;
    type Decoder = ProstDecoder<DriverStreamRequest>;

    fn encoder(&mut self) -> RawEncoder {
        RawEncoder
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<DriverStreamResponse, DriverStreamRequest>::default().decoder()
    }
}

struct RawEncoder;

impl Encoder for RawEncoder {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}
