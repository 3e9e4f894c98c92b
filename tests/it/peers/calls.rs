//! Calls that are begun and never said to the end, and ones that are larger than they look.

use std::net::SocketAddr;

use bytes::Bytes;
use conveyor_client::proto::{AppendLogsRequest, LogEntry};
use h2::client::SendRequest;
use tokio::net::TcpStream;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::neighbours::{Neighbours, beside};
use crate::support::{Server, reason_of, soon};

const APPEND: &str = "/conveyor.v1.LogService/AppendLogs";

pub(super) async fn http2(address: SocketAddr) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    // Room comes in small pieces, and each is used at once.
    stream.set_nodelay(true).unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    soon("the handshake", client.ready()).await.unwrap()
}

/// Sends all but the end of a message of 8 MiB. Gives the status of the gRPC answer, if that comes before.
pub(super) async fn send_most_of_a_message(mut client: SendRequest<Bytes>) -> Option<Status> {
    const LENGTH: usize = 8 << 20;
    let request = http::Request::post(format!("http://localhost{APPEND}"))
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let (answer, mut body) = client.send_request(request, false).unwrap();
    let length = u32::try_from(LENGTH).unwrap().to_be_bytes();
    let prefix = [&[0][..], &length].concat();
    body.send_data(Bytes::from(prefix), false).unwrap();
    let mut left = LENGTH - 1;
    while left > 0 {
        body.reserve_capacity(left);
        let room = std::future::poll_fn(|cx| body.poll_capacity(cx));
        // No room comes any more where the call has its answer.
        let Some(Ok(room)) = soon("room for more", room).await else {
            break;
        };
        left -= room;
        if body.send_data(Bytes::from(vec![0; room]), false).is_err() {
            break;
        }
    }
    if left == 0 {
        // It holds what it has for as long as the server lets it.
        tokio::spawn(async move {
            let _ = answer.await;
            drop(body);
        });
        return None;
    }
    let answer = soon("an answer", answer).await.unwrap();
    Status::from_header_map(answer.headers())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unfinished_calls_share_one_room_and_the_others_find_theirs() {
    let server = Server::start().await;
    let mut neighbours = Neighbours::of(&server).await;
    neighbours.are_served(&server).await;
    let before = server.resident_bytes();
    let attack = async {
        let client = http2(server.address).await;
        let mut refused = Vec::new();
        for _ in 0..80 {
            refused.extend(send_most_of_a_message(client.clone()).await);
        }
        refused
    };
    let refused = beside(&server, &mut neighbours, attack).await;
    let grown = server.resident_bytes().saturating_sub(before);
    println!("{} refused, grown by {} MiB", refused.len(), grown >> 20);
    assert!(refused.len() > 20, "{refused:?}");
    for status in &refused {
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert_eq!(reason_of(status), "CROWDED");
        let retry = status.get_details_retry_info();
        assert!(retry.is_some(), "it says when to try again");
    }
    // 640 MiB were sent. Twice the room, since a buffer that grows is copied into one of twice its size.
    assert!(grown < 300 << 20, "the server has grown by {grown} bytes");
    neighbours.are_served(&server).await;
}

#[tokio::test]
async fn a_message_that_unpacks_to_more_than_the_limit_is_refused_and_never_unpacked_whole() {
    let server = Server::start().await;
    let mut neighbours = Neighbours::of(&server).await;
    neighbours.are_served(&server).await;
    let before = server.resident_bytes();
    let bomb = AppendLogsRequest {
        entries: vec![LogEntry {
            run_id: "r".into(),
            message: "0".repeat(128 << 20),
            ..LogEntry::default()
        }],
    };
    let mut client = server.logs().send_compressed(Gzip);
    let refused = client.append_logs(tokio_stream::iter([bomb])).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 40 << 20, "the server has grown by {grown} bytes");
    neighbours.are_served(&server).await;
}
