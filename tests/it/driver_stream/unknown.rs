//! Messages from the future, and ones that are too large.

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{DriverStreamResponse, Heartbeat, Hello, Message as Broadcast};
use prost::Message;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;

use crate::support::{Scripted, Server, hello, soon};

/// What a driver of a later version may send: an arm, and a field of a known arm, that nobody knows yet.
#[derive(Clone, PartialEq, Message)]
struct LaterRequest {
    #[prost(message, optional, tag = "1")]
    hello: Option<Hello>,
    #[prost(message, optional, tag = "5")]
    heartbeat: Option<Heartbeat>,
    #[prost(message, optional, tag = "77")]
    later: Option<Broadcast>,
}

#[tokio::test]
async fn unknown_arm_is_skipped() {
    let server = Server::start().await;
    let (to, requests) = tokio::sync::mpsc::channel(8);
    let hello = LaterRequest {
        hello: Some(hello("builder", "image")),
        ..Default::default()
    };
    let later = LaterRequest {
        later: Some(Broadcast {
            payload: "?".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let heartbeat = LaterRequest {
        heartbeat: Some(Heartbeat::default()),
        ..Default::default()
    };
    for message in [
        hello,
        later.clone(),
        later,
        LaterRequest::default(),
        heartbeat,
    ] {
        to.send(message).await.unwrap();
    }
    let mut client = tonic::client::Grpc::new(server.new_channel());
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/conveyor.v1.DriverService/DriverStream");
    let codec = ProstCodec::<LaterRequest, DriverStreamResponse>::default();
    let request = tonic::Request::new(ReceiverStream::new(requests));
    let mut stream = client
        .streaming(request, path, codec)
        .await
        .unwrap()
        .into_inner();
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let message = soon("an answer", stream.message())
            .await
            .unwrap()
            .expect("the stream goes on");
        heard.push(message.kind.unwrap());
    }
    assert!(
        matches!(heard[..], [Hear::Welcome(_), Hear::HeartbeatAck(_)]),
        "{heard:?}"
    );
}

#[tokio::test]
async fn unknown_arm_before_hello_is_not_a_hello() {
    let server = Server::start().await;
    let (to, requests) = tokio::sync::mpsc::channel(8);
    let later = Broadcast {
        payload: "?".into(),
        ..Default::default()
    };
    to.send(LaterRequest {
        later: Some(later),
        ..Default::default()
    })
    .await
    .unwrap();
    let mut client = tonic::client::Grpc::new(server.new_channel());
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static("/conveyor.v1.DriverService/DriverStream");
    let codec = ProstCodec::<LaterRequest, DriverStreamResponse>::default();
    let request = tonic::Request::new(ReceiverStream::new(requests));
    let status = match client.streaming(request, path, codec).await {
        Ok(response) => soon("the end", response.into_inner().message())
            .await
            .unwrap_err(),
        Err(status) => status,
    };
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
}

#[tokio::test]
async fn message_over_the_limit_ends_the_stream_invalid_argument() {
    let server = Server::start().await;
    server.define("image").await;
    let mut stream = Scripted::new(&server, "builder", "image").await;
    server.create("image", "a").await;
    let task = stream.take().await;
    let mut result = Scripted::success(&task, 0);
    result.message = "x".repeat(8 << 20);
    stream.say(Say::Result(result)).await;
    assert_eq!(stream.ended().await.code(), Code::InvalidArgument);
}
