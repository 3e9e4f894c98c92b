//! What other users of a server notice of an attack: `make hostile`. Nothing is asserted of times, and no other test
//! takes any; a row is a ratio of two figures of one run, on one machine that the attacker shares.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::{Duration, Instant};

use conveyor_client::proto::Hello;
use conveyor_client::proto::driver_stream_request::Kind as Say;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::attacks::{empty_data, endless_headers, made_you_reset, ping, rapid_reset, send};
use super::calls::{http2, send_most_of_a_message};
use crate::support::{Scripted, Server, hello};

/// How long each half of a row is measured.
const TIME: Duration = Duration::from_secs(5);

type Attack = Pin<Box<dyn Future<Output = ()> + Send>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures: make hostile"]
async fn what_the_others_notice() {
    println!(
        "| attack | read alone, p99 | beside it | ratio | write alone, p99 | beside it | ratio |"
    );
    println!("|---|---|---|---|---|---|---|");
    for name in [
        "none, for comparison",
        "rapid reset",
        "made-you-reset",
        "endless headers",
        "empty DATA frames",
        "pings",
        "1,000 silent connections",
        "8 MiB messages that never end",
        "answers that are never read",
        "a flood of hellos",
        "a flood of log lines",
    ] {
        let server = Server::start().await;
        server.define("image").await;
        server.create("image", "read").await;
        // Those before the first measurement find cold caches.
        measure(&server, "warm", TIME / 5).await;
        let alone = measure(&server, "alone", TIME).await;
        let attack = tokio::spawn(attack(name, &server).await);
        let beside = measure(&server, "beside", TIME).await;
        attack.abort();
        let row: Vec<_> = alone.into_iter().zip(beside).map(shown).collect();
        println!("| {name} | {} |", row.join(" | "));
    }
}

fn shown((alone, beside): (Duration, Duration)) -> String {
    let ratio = beside.as_secs_f64() / alone.as_secs_f64();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    format!(
        "{:.2} ms | {:.2} ms | {ratio:.1}",
        millis(alone),
        millis(beside)
    )
}

/// The p99 of reads and of writes, by turns, of a user who waits for each.
async fn measure(server: &Server, name: &str, time: Duration) -> [Duration; 2] {
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while begun.elapsed() < time {
        let at = Instant::now();
        server.read("image", "read", 0).await.unwrap();
        reads.push(at.elapsed());
        let at = Instant::now();
        server
            .create("image", &format!("{name}-{}", writes.len()))
            .await;
        writes.push(at.elapsed());
    }
    [reads, writes].map(|mut times| {
        times.sort();
        times[times.len() * 99 / 100]
    })
}

async fn attack(name: &str, server: &Server) -> Attack {
    let address = server.address;
    match name {
        "rapid reset" => Box::pin(again(address, rapid_reset)),
        "made-you-reset" => Box::pin(again(address, made_you_reset)),
        "endless headers" => Box::pin(again(address, endless_headers)),
        "empty DATA frames" => Box::pin(again(address, empty_data)),
        "pings" => Box::pin(again(address, ping)),
        "1,000 silent connections" => Box::pin(silent(address)),
        "8 MiB messages that never end" => Box::pin(unfinished(address)),
        "answers that are never read" => Box::pin(unread(address)),
        "a flood of hellos" => Box::pin(hellos(server.new_channel())),
        "a flood of log lines" => {
            server.define("flood").await;
            let driver = Scripted::new(server, "flood", "flood").await;
            server.create("flood", "a").await;
            Box::pin(lines(driver))
        }
        _ => Box::pin(std::future::pending()),
    }
}

/// Attacks anew whenever the connection was ended.
async fn again(address: SocketAddr, frames: fn(u32) -> Vec<u8>) {
    loop {
        send(address, frames).await;
    }
}

async fn silent(address: SocketAddr) {
    let mut peers = Vec::new();
    for _ in 0..1000 {
        peers.push(TcpStream::connect(address).await.unwrap());
    }
    std::future::pending().await
}

async fn unfinished(address: SocketAddr) {
    loop {
        let client = http2(address).await;
        for _ in 0..100 {
            send_most_of_a_message(client.clone()).await;
        }
    }
}

async fn unread(address: SocketAddr) {
    let ask = "GET /swagger/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(100);
    let mut peers = Vec::new();
    for _ in 0..200 {
        let mut peer = TcpStream::connect(address).await.unwrap();
        peer.write_all(ask.as_bytes()).await.unwrap();
        peers.push(peer);
    }
    std::future::pending().await
}

async fn hellos(channel: tonic::transport::Channel) {
    let first = hello("culprit", "job");
    for n in 1.. {
        let mut stream = Scripted::over(channel.clone());
        let hello = Hello {
            stream_number: n,
            ..first.clone()
        };
        stream.say(Say::Hello(hello)).await;
        stream.hear().await;
    }
}

async fn lines(mut driver: Scripted) {
    let task = driver.take().await;
    let lines = vec!["x".repeat(1000); 1000];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for n in 0.. {
        driver.log(&task, n * 1000, &lines).await;
        driver.log_ack().await;
    }
}
