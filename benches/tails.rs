//! One line after another, from the driver over the disk to somebody who follows the log.

use std::time::Duration;

use conveyor_client::proto::{LogLine, Reconcile};
use tokio::time::{MissedTickBehavior, interval};

use super::driver::Driver;
use super::follower::{Follower, Wire};
use super::server::Server;
use super::spans::{Spans, since, stamp};
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const LINES: u64 = 1000;
const EVERY: Duration = Duration::from_millis(1);
const FLOOR_TIME: Duration = Duration::from_millis(300);

const P50: Row = Row {
    name: "a line, driver -> gRPC tail at 1,000 lines/s, p50",
    unit: "us",
    floor: "push + synced put + push",
    aim: Aim::AtMost(2.0),
};
const P99: Row = Row {
    name: "a line, driver -> gRPC tail at 1,000 lines/s, p99",
    floor: "the sum of the same floors' p99",
    ..P50
};
const ROWS: [(Wire, Row, Row); 3] = [
    (Wire::Grpc, P50, P99),
    (
        Wire::Websocket,
        Row {
            name: "a line, driver -> websocket at 1,000 lines/s, p50",
            ..P50
        },
        Row {
            name: "a line, driver -> websocket at 1,000 lines/s, p99",
            ..P99
        },
    ),
    (
        Wire::Sse,
        Row {
            name: "a line, driver -> SSE at 1,000 lines/s, p50",
            ..P50
        },
        Row {
            name: "a line, driver -> SSE at 1,000 lines/s, p99",
            ..P99
        },
    ),
];

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let server = Server::start(bench).await?;
    server.define("job").await?;
    let mut driver = Driver::join(&server, "builder", "job", 1).await?;
    for _ in 0..bench.rounds {
        for (wire, row_p50, row_p99) in ROWS {
            let (p50, p99) = floors(bench).await?;
            let task = driver.begin(&server, "job").await?;
            let follower = Follower::open(wire, &server, &task.run_id).await?;
            let spans = follow(&mut driver, &task, follower).await?;
            table.row(row_p50, spans.p50(), p50);
            table.row(row_p99, spans.p99(), p99);
        }
    }
    Ok(())
}

/// Push, put and push: the sum of their p50 and that of their p99, taken right before the lines.
async fn floors(bench: &Bench) -> Result<(f64, f64)> {
    let push = bench.wire.pushes(FLOOR_TIME).await?;
    let put = bench.store.puts(FLOOR_TIME)?;
    let p50 = push.p50() * 2.0 + put.p50();
    let p99 = push.p99() * 2.0 + put.p99();
    Ok((p50, p99))
}

/// How long each line takes from the driver to the follower, who gets them all.
async fn follow(driver: &mut Driver, task: &Reconcile, follower: Follower) -> Result<Spans> {
    let (written, read) = tokio::join!(write(driver, task), read(follower));
    written?;
    let spans = read?;
    if spans.count() as u64 != LINES {
        return Err(format!("{} lines came of {LINES}", spans.count()).into());
    }
    Ok(spans)
}

async fn write(driver: &mut Driver, task: &Reconcile) -> Result<()> {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0..LINES {
        ticks.tick().await;
        let line = LogLine {
            message: stamp(),
            ..LogLine::default()
        };
        driver.log(task, number, vec![line]).await?;
    }
    driver.succeed(task, LINES).await?;
    driver.applied().await
}

async fn read(mut follower: Follower) -> Result<Spans> {
    let mut spans = Spans::default();
    let mut line = |stamp: &str| {
        spans.add(since(stamp)?);
        Ok(())
    };
    while follower.read(&mut line).await? {}
    Ok(spans)
}
