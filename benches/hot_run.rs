//! One hot run that 1,000 follow, a tenth of them slowly: every one gets every line, and the server stays small.

use std::time::{Duration, Instant};

use conveyor_client::proto::Reconcile;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tonic::transport::Channel;

use super::driver::Driver;
use super::follower::Follower;
use super::lines::{Count, line};
use super::processor::ProcessorTime;
use super::server::{Server, forget_peak, peak_mib, resident_mib};
use super::table::{Aim, Row, Table};
use super::{Bench, Result, http, machine};

const TAILS: usize = 1000;
/// One in so many is slow.
const SLOW: usize = 10;
/// Connections that gRPC tails share, as those behind a gateway do. The slow ones have their own.
const SHARED: usize = 10;
const LINES: u64 = 4000;
/// Lines of one message, and how often there is one: 1,000 lines per second.
const BATCH: u64 = 10;
const EVERY: Duration = Duration::from_millis(10);
/// A slow tail rests after so many lines, and so falls behind: it takes fewer than 700 lines per second.
const REST_AFTER: u64 = 100;
const REST: Duration = Duration::from_millis(150);
/// What the kernel keeps for a slow tail, or what it grants on its stream.
const SLOW_BYTES: u32 = 16 << 10;
/// A server has settled after it.
const SETTLE: Duration = Duration::from_millis(500);
/// What the tails may cost while lines flow.
const MEMORY_MIB: f64 = 64.0;

const MEMORY: Row = Row {
    name: "memory of 1,000 tails of one hot run, above the same tails quiet",
    unit: "MiB",
    floor: "no floor: the aim itself, 64 MiB",
    aim: Aim::AtMost(1.0),
};
const COST: Row = Row {
    name: "1,000 tails of one hot run: server CPU per line and tail",
    unit: "us",
    floor: "none: published",
    aim: Aim::Less,
};
const RATE: Row = Row {
    name: "1,000 tails of one hot run: lines to tails that are not slow",
    unit: "per s",
    floor: "none: 1,000 lines per second are written",
    aim: Aim::More,
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    machine::allow_many_connections()?;
    for _ in 0..bench.rounds {
        // A server that has had such a run before would be larger while quiet.
        let server = Server::start(bench).await?;
        server.define("job").await?;
        let mut driver = Driver::join(&server, "builder", "job", 1).await?;
        let task = driver.begin(&server, "job").await?;
        let followers = followers(&server, &task.run_id).await?;
        sleep(SETTLE).await;

        let quiet = resident_mib(server.pid())?;
        forget_peak(server.pid())?;
        let processor = ProcessorTime::of(server.pid())?;
        let rate = run(&mut driver, &task, followers).await?;
        let spent = processor.spent()?;
        let each = spent.as_secs_f64() * 1e6 / (LINES as f64 * TAILS as f64);
        table.row(MEMORY, peak_mib(server.pid())? - quiet, MEMORY_MIB);
        table.published(COST, each);
        table.published(RATE, rate);
    }
    Ok(())
}

/// A third of each wire, one after another.
async fn followers(server: &Server, run: &str) -> Result<Vec<Follower>> {
    let mut shared = Vec::new();
    for _ in 0..SHARED {
        shared.push(server.channel().await?);
    }
    let mut followers = Vec::new();
    for at in 0..TAILS {
        let follower = match (at % 3, is_slow(at)) {
            (0, false) => Follower::grpc(shared[at % SHARED].clone(), run).await?,
            (0, true) => Follower::grpc(slow_channel(server).await?, run).await?,
            (1, false) => Follower::websocket(http::connect(server.address).await?, run).await?,
            (1, true) => Follower::websocket(slow_stream(server).await?, run).await?,
            (_, false) => Follower::sse(http::connect(server.address).await?, run).await?,
            (_, true) => Follower::sse(slow_stream(server).await?, run).await?,
        };
        followers.push(follower);
    }
    Ok(followers)
}

fn is_slow(at: usize) -> bool {
    at.is_multiple_of(SLOW)
}

async fn slow_channel(server: &Server) -> Result<Channel> {
    let endpoint = Channel::from_shared(format!("http://{}", server.address))?;
    Ok(endpoint
        .initial_stream_window_size(SLOW_BYTES)
        .connect()
        .await?)
}

async fn slow_stream(server: &Server) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(SLOW_BYTES)?;
    Ok(socket.connect(server.address).await?)
}

/// Writes the run while all follow it to its end. Lines per second to those that are not slow, all together.
async fn run(driver: &mut Driver, task: &Reconcile, followers: Vec<Follower>) -> Result<f64> {
    let start = Instant::now();
    let mut reading = JoinSet::new();
    for (at, follower) in followers.into_iter().enumerate() {
        reading.spawn(async move {
            read(follower, is_slow(at)).await?;
            Result::Ok((is_slow(at), start.elapsed()))
        });
    }
    write(driver, task).await?;
    let (mut lines, mut time) = (0, Duration::ZERO);
    while let Some(ended) = reading.join_next().await {
        let (is_slow, took) = ended??;
        if !is_slow {
            lines += LINES;
            time = time.max(took);
        }
    }
    Ok(lines as f64 / time.as_secs_f64())
}

async fn write(driver: &mut Driver, task: &Reconcile) -> Result<()> {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for first in (0..LINES).step_by(BATCH as usize) {
        ticks.tick().await;
        let lines = (first..first + BATCH).map(line).collect();
        driver.log(task, first, lines).await?;
    }
    driver.succeed(task, LINES).await?;
    driver.applied().await
}

async fn read(mut follower: Follower, is_slow: bool) -> Result<()> {
    let (mut count, mut rest_at) = (Count::default(), REST_AFTER);
    while follower.read(|line| count.take(line)).await? {
        if is_slow && count.lines() >= rest_at {
            rest_at = count.lines() + REST_AFTER;
            sleep(REST).await;
        }
    }
    count.complete(LINES)
}
