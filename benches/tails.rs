//! One line after another, from the driver over the disk to a tail.

use std::time::Duration;

use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{LogLine, Reconcile, TailLogsRequest, TailLogsResponse};
use tokio::time::{MissedTickBehavior, interval};
use tonic::Streaming;

use super::driver::Driver;
use super::server::{Server, resource};
use super::spans::{Spans, since, stamp};
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const LINES: u64 = 1000;
const EVERY: Duration = Duration::from_millis(1);
const FLOOR_TIME: Duration = Duration::from_millis(400);

const P50: Row = Row {
    name: "a line, driver -> gRPC tail at 1,000 lines/s, p50",
    unit: "us",
    floor: "push + synced put + push",
    aim: Aim::AtMost(2.0),
};
const P99: Row = Row {
    name: "a line, driver -> gRPC tail at 1,000 lines/s, p99",
    unit: "us",
    floor: "the sum of the same floors' p99",
    aim: Aim::AtMost(2.0),
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let server = Server::start(bench).await?;
    server.define("job").await?;
    let mut driver = Driver::join(&server, "builder", "job", 1).await?;
    for _ in 0..bench.rounds {
        let push = bench.wire.pushes(FLOOR_TIME).await?;
        let put = bench.store.puts(FLOOR_TIME)?;
        let tail = tail(&server, &mut driver).await?;
        table.row(P50, tail.p50(), push.p50() * 2.0 + put.p50());
        table.row(P99, tail.p99(), push.p99() * 2.0 + put.p99());
    }
    Ok(())
}

/// How long each line takes from the driver to the tail.
async fn tail(server: &Server, driver: &mut Driver) -> Result<Spans> {
    let mut resources = ResourceServiceClient::new(server.channel().await?);
    let request = resource("job", server.new_name(), "");
    let created = resources.create_resource(request).await?.into_inner();
    let task = driver.offer().await?;
    driver.accept(&task).await?;
    let mut logs = LogServiceClient::new(server.channel().await?);
    let request = TailLogsRequest {
        run_id: created.run_id,
        ..TailLogsRequest::default()
    };
    let entries = logs.tail_logs(request).await?.into_inner();
    let (written, read) = tokio::join!(write(driver, &task), read(entries));
    written?;
    read
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

async fn read(mut entries: Streaming<TailLogsResponse>) -> Result<Spans> {
    let mut spans = Spans::default();
    while let Some(page) = entries.message().await? {
        for entry in page.entries {
            spans.add(since(&entry.message)?);
        }
    }
    Ok(spans)
}
