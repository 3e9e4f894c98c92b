//! Peers that stand still in the middle of a request or of an answer. The site gives them half a second.

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::Request;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http::{PATIENCE, Site};

/// Has more bytes than any buffer on the way.
const LARGE: &str = "/swagger/swagger-ui-bundle.js";

/// A connection over HTTP/2 that lets the server send so much ahead on each stream, and a megabyte on all.
async fn http2(site: &Site, window: u32) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(site.address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let builder = builder.initial_window_size(window);
    let handshake = builder
        .initial_connection_window_size(1 << 20)
        .handshake(stream);
    let (client, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    client.ready().await.unwrap()
}

fn ask(client: &mut SendRequest<Bytes>, path: &str) -> ResponseFuture {
    let request = Request::get(format!("http://localhost{path}"));
    client
        .send_request(request.body(()).unwrap(), true)
        .unwrap()
        .0
}

fn call(client: &mut SendRequest<Bytes>, path: &str) -> (ResponseFuture, SendStream<Bytes>) {
    let request = Request::post(format!("http://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    client
        .send_request(request.body(()).unwrap(), false)
        .unwrap()
}

#[tokio::test]
async fn an_http1_peer_that_takes_nothing_is_let_go() {
    let site = Site::with_connections(1).await;
    let mut peer = TcpStream::connect(site.address).await.unwrap();
    let ask = format!("GET {LARGE} HTTP/1.1\r\nhost: {}\r\n\r\n", site.address);
    // Many answers, so that they do not all fit into the buffers of the kernel.
    let write = async { while peer.write_all(ask.repeat(100).as_bytes()).await.is_ok() {} };
    timeout(PATIENCE, write).await.expect("the connection ends");
    drop(peer);
    assert_eq!(site.get("/health").await.status, 200);
}

#[tokio::test]
async fn an_http2_stream_that_is_given_no_room_is_reset_and_the_others_go_on() {
    let site = Site::start().await;
    for window in [0, 100, 70_000] {
        let mut client = http2(&site, window).await;
        let answer = ask(&mut client, LARGE).await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut body = answer.into_body();
        // What is read is not given back as room.
        let broken = loop {
            match timeout(PATIENCE, body.data())
                .await
                .unwrap_or_else(|_| panic!("no end within a window of {window}"))
            {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("it was whole within a window of {window}"),
            }
        };
        assert_eq!(broken.reason(), Some(Reason::CANCEL));
        let mut small = ask(&mut client, "/health").await.unwrap().into_body();
        if window > 0 {
            assert!(small.data().await.unwrap().is_ok());
        }
    }
}

#[tokio::test]
async fn an_http2_peer_that_reads_at_its_pace_gets_all() {
    let site = Site::start().await;
    let mut client = http2(&site, 16 << 10).await;
    let mut body = ask(&mut client, LARGE).await.unwrap().into_body();
    let mut read = 0;
    while let Some(data) = timeout(PATIENCE, body.data()).await.unwrap() {
        let data = data.unwrap();
        read += data.len();
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    let whole = site.get(LARGE).await.body.len();
    assert_eq!(read, whole);
    assert!(whole > 1 << 17, "{LARGE} is no longer large");
}

#[tokio::test]
async fn a_call_whose_message_does_not_arrive_is_ended_and_one_that_takes_a_stream_may_be_silent() {
    let site = Site::start().await;
    let mut client = http2(&site, 64 << 10).await;
    let half = Bytes::from_static(&[0, 0, 0, 0, 9, 1]);
    for (path, sent) in [
        ("/conveyor.v1.RunService/GetRun", &[][..]),
        ("/conveyor.v1.RunService/GetRun", &half),
        ("/conveyor.v1.LogService/AppendLogs", &half),
    ] {
        let (answer, mut body) = call(&mut client, path);
        body.send_data(Bytes::copy_from_slice(sent), false).unwrap();
        let answer = timeout(PATIENCE, answer).await.expect("an answer").unwrap();
        assert_eq!(answer.headers()["grpc-status"], "4", "{path}: {answer:?}");
    }
    let (answer, mut body) = call(&mut client, "/conveyor.v1.LogService/AppendLogs");
    let mut answer = std::pin::pin!(answer);
    let whole = Bytes::from_static(&[0, 0, 0, 0, 5, 10, 3, 10, 1, b'r']);
    let silence = timeout(std::time::Duration::from_millis(1500), &mut answer).await;
    assert!(silence.is_err(), "three times what a message may take");
    body.send_data(whole, true).unwrap();
    let answer = timeout(PATIENCE, answer).await.expect("an answer").unwrap();
    assert_eq!(answer.headers().get("grpc-status"), None, "{answer:?}");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_answered_408() {
    let site = Site::start().await;
    let head = format!(
        "POST /resources HTTP/1.1\r\nhost: {}\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{{",
        site.address
    );
    assert_eq!(site.send(head.as_bytes()).await.status, 408);
}
