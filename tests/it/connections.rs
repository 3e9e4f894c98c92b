//! Connections: how many, how silent, and what they speak.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use conveyor_client::proto::{CreateResourceDefinitionRequest, ResourceDefinition};
use tonic::codec::CompressionEncoding::Gzip;

use crate::support::frames::hello;
use crate::support::{self, Scripted, Server, soon};

#[tokio::test]
async fn clients_that_compress_are_served() {
    let server = Server::start().await;
    let mut client = server
        .resources()
        .send_compressed(Gzip)
        .accept_compressed(Gzip);
    let definition = ResourceDefinition {
        name: "image".into(),
        schema_json: "{}".into(),
        ..Default::default()
    };
    let request = CreateResourceDefinitionRequest {
        resource_definition: Some(definition),
        ..Default::default()
    };
    let made = client.create_resource_definition(request).await.unwrap();
    assert_eq!(made.into_inner().name, "image");
}

#[tokio::test]
async fn soft_limit_of_open_files_is_raised() {
    let server = Server::under(&["prlimit", "--nofile=64:2048"], &[]).await;
    let connections: Vec<_> = (0..300)
        .map(|_| TcpStream::connect(server.address).unwrap())
        .collect();
    let drivers =
        (0..50).map(|n| Scripted::join(&server, support::hello(&format!("d{n}"), "image")));
    let drivers = futures_util::future::join_all(drivers).await;
    assert_eq!(server.get("/health").await.status, 200);
    drop((connections, drivers));
}

#[tokio::test]
async fn connections_over_the_cap_wait_and_harm_nobody() {
    let server = Server::with(&[("api.connections", "10")]).await;
    server.define("image").await;
    let mut driver = Scripted::new(&server, "builder", "image").await;
    let idle: Vec<_> = (0..8)
        .map(|_| TcpStream::connect(server.address).unwrap())
        .collect();
    driver.hears_nothing(&[]).await;
    let late = server.get("/health");
    let freed = async {
        // Those that are in go on working while others wait.
        server.create("image", "a").await;
        let task = driver.take().await;
        driver.succeed(&task).await;
        drop(idle);
    };
    let (late, ()) = tokio::join!(late, freed);
    assert_eq!(late.status, 200);
}

#[tokio::test]
async fn half_a_preface_keeps_no_place_when_its_peer_has_gone() {
    let server = Server::with(&[("api.connections", "1")]).await;
    let mut peer = TcpStream::connect(server.address).unwrap();
    peer.write_all(b"PRI * HT").unwrap();
    drop(peer);
    // It came first. Somebody who is still there may take 30 s to say the rest, longer than is waited for here.
    let answer = soon("the only place", server.get("/health")).await;
    assert_eq!(answer.status, 200);
}

#[test]
fn peers_that_say_nothing_or_half_a_head_are_let_go() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let connect = |said: &[u8]| {
        let mut peer = TcpStream::connect(server.address).unwrap();
        peer.write_all(said).unwrap();
        peer
    };
    let silent = connect(b"");
    let half = connect(b"GET /health HTTP/1.1\r\nHos");
    let preface = connect(b"PRI * HT");
    // Its pings are not answered.
    let idle = connect(&hello(&[]));
    let mut slow = connect(b"GET /health HTTP/1.1\r\n");
    let writer = slow.try_clone().unwrap();
    let drip = std::thread::spawn(move || drip(writer));
    let mut answer = Vec::new();
    for mut peer in [silent, half, preface, idle] {
        read_to_the_end(&mut peer, &mut answer);
    }
    read_to_the_end(&mut slow, &mut answer);
    drip.join().unwrap();
}

/// Sends headers without end, slowly: no head is ever whole.
fn drip(mut peer: TcpStream) {
    while peer.write_all(b"x: y\r\n").is_ok() {
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// An end or a reset; not a timeout.
fn read_to_the_end(peer: &mut TcpStream, answer: &mut Vec<u8>) {
    peer.set_read_timeout(Some(Duration::from_secs(45)))
        .unwrap();
    if let Err(error) = peer.read_to_end(answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}
