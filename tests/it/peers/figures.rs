//! What other users of a server notice of an attack: `make hostile`. Nothing is asserted of times, and no other test
//! takes any; a row compares figures of one run, on one machine that the attacker shares.
//!
//! An attacker takes processors and disk from everybody on the machine, the user who measures included. So the same
//! attack is aimed at another server beside it too: what is noticed then is the machine's, and what is more when one's
//! own server is attacked is the server's.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::{Duration, Instant};

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{CreateResourceRequest, GetResourceRequest, Hello, Reconcile};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tonic::transport::Channel;

use super::attacks::{empty_data, endless_headers, made_you_reset, ping, rapid_reset, send};
use super::calls::{http2, send_most_of_a_message};
use crate::support::{Scripted, Server, hello, resource};

const ATTACKS: [&str; 17] = [
    "none, for comparison",
    "rapid reset",
    "made-you-reset",
    "endless headers",
    "empty DATA frames",
    "pings",
    "1,000 silent connections",
    "half prefaces, and heads by the line",
    "1,000 connections over the limit",
    "8 MiB messages that never end",
    "answers that are never read",
    "a flood of hellos",
    "a driver that never acks",
    "a driver that takes all and does nothing",
    "a flood of log lines",
    "lies about line numbers",
    "results for the task of another",
];

/// How often each is measured, by turns, and for how long each time.
const ROUNDS: usize = 6;
const TIME: Duration = Duration::from_secs(1);
/// What an attack leaves to be cleared away is given so long before anything is measured again.
const REST: Duration = Duration::from_millis(500);
/// Calls begin at an even pace, whatever becomes of those before: a user who waited for each would make one call in a
/// time in which a server stands still, and hardly notice it.
const PACE: Duration = Duration::from_millis(4);

type Attack = Pin<Box<dyn Future<Output = ()> + Send>>;

#[test]
#[ignore = "prints figures: make hostile"]
fn what_the_others_notice() {
    println!("| attack | read | beside it | under it | write | beside it | under it |");
    println!("|---|---|---|---|---|---|---|");
    let picked = std::env::var("ATTACKS").unwrap_or_default();
    for name in ATTACKS.iter().filter(|name| name.contains(&picked)) {
        let [mut alone, mut beside, mut under] = notice(name);
        let all = [&mut alone, &mut beside, &mut under];
        let [reads, writes] = all
            .map(|times| [p99(&mut times.reads), p99(&mut times.writes)])
            .into_iter()
            .fold([String::new(), String::new()], |row, times| {
                [0, 1].map(|n| format!("{} {:.2} ms |", row[n], times[n]))
            });
        println!("| {name} |{reads}{writes}");
    }
}

/// What a user notices with no attack, with one on another server, and with one on his own.
fn notice(name: &str) -> [Times; 3] {
    // Attackers share no thread with the user.
    let attackers = Runtime::new().unwrap();
    let [own, other] = attackers.block_on(async { [victim().await, victim().await] });
    // Those before the first measurement find cold caches.
    let user = User::of(&own);
    user.measure();
    let mut noticed = [(); 3].map(|()| Times::default());
    let [alone, beside, under] = &mut noticed;
    for _ in 0..ROUNDS {
        alone.add(user.measure());
        for (server, times) in [(&other, &mut *beside), (&own, &mut *under)] {
            let attack = attackers.block_on(attack(name, server));
            let attack = attackers.spawn(attack);
            times.add(user.measure());
            attack.abort();
            std::thread::sleep(REST);
        }
    }
    noticed
}

async fn victim() -> Server {
    let server = Server::with(&[("api.connections", "1500")]).await;
    server.define("image").await;
    server.create("image", "read").await;
    server
}

/// How long calls took.
#[derive(Default)]
struct Times {
    reads: Vec<Duration>,
    writes: Vec<Duration>,
}

impl Times {
    fn add(&mut self, more: Self) {
        self.reads.extend(more.reads);
        self.writes.extend(more.writes);
    }
}

/// In milliseconds.
fn p99(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() * 99 / 100].as_secs_f64() * 1e3
}

/// One who reads and writes, over one connection and in one thread.
struct User {
    runtime: Runtime,
    calls: ResourceServiceClient<Channel>,
}

impl User {
    fn of(server: &Server) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let channel = runtime.block_on(async { server.new_channel() });
        Self {
            runtime,
            calls: ResourceServiceClient::new(channel),
        }
    }

    fn measure(&self) -> Times {
        self.runtime.block_on(async {
            let mut calls = JoinSet::new();
            let mut due = tokio::time::interval(PACE);
            let begun = Instant::now();
            while begun.elapsed() < TIME {
                due.tick().await;
                calls.spawn(read_and_write(self.calls.clone()));
            }
            let mut times = Times::default();
            for (read, write) in calls.join_all().await {
                times.reads.push(read);
                times.writes.push(write);
            }
            times
        })
    }
}

/// How long each took.
async fn read_and_write(mut calls: ResourceServiceClient<Channel>) -> (Duration, Duration) {
    let request = GetResourceRequest {
        resource: "image".into(),
        name: "read".into(),
        ..Default::default()
    };
    let at = Instant::now();
    calls.get_resource(request).await.unwrap();
    let read = at.elapsed();
    let request = CreateResourceRequest {
        resource: Some(resource("image", &uuid::Uuid::now_v7().to_string())),
        ..Default::default()
    };
    let at = Instant::now();
    calls.create_resource(request).await.unwrap();
    (read, at.elapsed())
}

async fn attack(name: &str, server: &Server) -> Attack {
    let address = server.address;
    match name {
        "rapid reset" => Box::pin(again(address, rapid_reset)),
        "made-you-reset" => Box::pin(again(address, made_you_reset)),
        "endless headers" => Box::pin(again(address, endless_headers)),
        "empty DATA frames" => Box::pin(again(address, empty_data)),
        "pings" => Box::pin(again(address, ping)),
        "1,000 silent connections" => Box::pin(silent(address, 1000)),
        "half prefaces, and heads by the line" => Box::pin(slow_heads(address)),
        "1,000 connections over the limit" => Box::pin(silent(address, 2500)),
        "8 MiB messages that never end" => Box::pin(unfinished(address)),
        "answers that are never read" => Box::pin(unread(address)),
        "a flood of hellos" => Box::pin(hellos(server.new_channel())),
        "a driver that never acks" => {
            let (driver, _) = with_tasks(server, 100).await;
            Box::pin(async move {
                let _driver = driver;
                std::future::pending().await
            })
        }
        "a driver that takes all and does nothing" => {
            let (driver, _) = with_tasks(server, 100).await;
            Box::pin(idle(driver, 100))
        }
        "a flood of log lines" => Box::pin(lines(with_tasks(server, 1).await.0)),
        "lies about line numbers" => Box::pin(lies(with_tasks(server, 1).await.0)),
        "results for the task of another" => {
            let (mut owner, name) = with_tasks(server, 1).await;
            let task = owner.take().await;
            let thief = Scripted::new(server, &name, "nothing").await;
            Box::pin(false_results(owner, thief, task))
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

/// A driver with slots for so many tasks, which wait for it: its definition, of the same name, is new in each round.
async fn with_tasks(server: &Server, tasks: u32) -> (Scripted, String) {
    let name = format!("f-{}", uuid::Uuid::now_v7());
    server.define(&name).await;
    let hello = Hello {
        slots: i32::try_from(tasks).unwrap(),
        ..hello(&name, &name)
    };
    let driver = Scripted::join(server, hello).await;
    for n in 0..tasks {
        server.create(&name, &format!("t{n}")).await;
    }
    (driver, name)
}

async fn silent(address: SocketAddr, count: usize) {
    let mut peers = Vec::new();
    for _ in 0..count {
        peers.push(TcpStream::connect(address).await.unwrap());
    }
    std::future::pending().await
}

async fn slow_heads(address: SocketAddr) {
    let mut peers = Vec::new();
    for n in 0..500 {
        let mut peer = TcpStream::connect(address).await.unwrap();
        let begun: &[u8] = match n % 2 {
            0 => b"PRI * HT",
            _ => b"GET /health HTTP/1.1\r\n",
        };
        peer.write_all(begun).await.unwrap();
        peers.push(peer);
    }
    loop {
        for head in peers.iter_mut().skip(1).step_by(2) {
            // It may have been let go.
            let _ = head.write_all(b"x: y\r\n").await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
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

async fn hellos(channel: Channel) {
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
    /// Lines that are sent ahead of their acks: 64 MB, as much as may wait for the disk.
    const AHEAD: u64 = 64_000;
    let task = driver.take().await;
    let lines = vec!["x".repeat(1000); 1000];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut stored = 0;
    for n in 0.. {
        driver.log(&task, n * 1000, &lines).await;
        while n * 1000 > stored + AHEAD {
            stored = driver.log_ack().await.next;
        }
    }
}

async fn idle(mut driver: Scripted, count: usize) {
    let mut tasks = Vec::new();
    for _ in 0..count {
        tasks.push(driver.take().await);
    }
    loop {
        driver.heartbeat(&tasks.iter().collect::<Vec<_>>()).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn lies(mut driver: Scripted) {
    let task = driver.take().await;
    for n in 1.. {
        driver.log(&task, n * 1000, &["x"]).await;
        driver.log_ack().await;
    }
}

/// The owner stays, and its task is open all the time.
async fn false_results(_owner: Scripted, mut thief: Scripted, task: Reconcile) {
    loop {
        thief.report(Scripted::failure(&task, "stolen")).await;
    }
}
