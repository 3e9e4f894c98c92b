//! Log lines of 100 bytes from drivers to the disk, and acked.

use std::time::{Duration, Instant};

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{LogAckStatus, LogLine};
use tokio::task::JoinSet;

use super::driver::Driver;
use super::server::{Server, resource};
use super::store_floor::CHUNKS_OF_A_MIB;
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const TIME: Duration = Duration::from_millis(1000);
const LINE_BYTES: usize = 100;
/// Lines of one message: about 64 KiB.
const BATCH: usize = 640;
/// Messages that a driver sends ahead of their acks.
const AHEAD: u64 = 16;
const DRIVERS: usize = 8;

const ONE: Row = Row {
    name: "log lines of 100 bytes to disk and acked, one driver",
    unit: "MiB/s",
    floor: "RocksDB synced chunks of 64 KiB",
    aim: Aim::AtLeast(0.5),
};
const EIGHT: Row = Row {
    name: "log lines of 100 bytes to disk and acked, eight drivers",
    ..ONE
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let server = Server::start(bench).await?;
    for at in 0..DRIVERS {
        server.define(&format!("job-{at}")).await?;
    }
    for _ in 0..bench.rounds {
        for (row, drivers) in [(ONE, 1), (EIGHT, DRIVERS)] {
            let floor = bench.store.chunks(TIME / 2)?.rate / CHUNKS_OF_A_MIB;
            table.row(row, rate(&server, drivers).await?, floor);
        }
    }
    Ok(())
}

/// MiB of messages per second that so many drivers together bring to the disk.
async fn rate(server: &Server, drivers: usize) -> Result<f64> {
    let mut client = ResourceServiceClient::new(server.channel().await?);
    let mut joined = Vec::new();
    for at in 0..drivers {
        let definition = format!("job-{at}");
        let driver = Driver::join(server, &format!("builder-{at}"), &definition, 1).await?;
        client
            .create_resource(resource(&definition, server.new_name(), ""))
            .await?;
        joined.push(driver);
    }
    let start = Instant::now();
    let mut writing: JoinSet<_> = joined.into_iter().map(write).collect();
    let mut lines = 0;
    while let Some(written) = writing.join_next().await {
        lines += written??;
    }
    let mib = lines as f64 * LINE_BYTES as f64 / f64::from(1 << 20);
    Ok(mib / start.elapsed().as_secs_f64())
}

/// Writes lines for the time, waits until all are acked, and ends the task.
async fn write(mut driver: Driver) -> Result<u64> {
    let task = driver.offer().await?;
    driver.accept(&task).await?;
    let line = LogLine {
        stream: "stdout".to_owned(),
        message: "7".repeat(LINE_BYTES),
        ..LogLine::default()
    };
    let lines = vec![line; BATCH];
    let batch = u64::try_from(BATCH)?;
    let (mut sent, mut acked) = (0, 0);
    let end = Instant::now() + TIME;
    while Instant::now() < end || acked < sent {
        while sent < acked + AHEAD * batch && Instant::now() < end {
            driver.log(&task, sent, lines.clone()).await?;
            sent += batch;
        }
        match driver.hear().await? {
            Hear::LogAck(ack) if ack.status() == LogAckStatus::Stored => acked = ack.next,
            other => return Err(format!("expected a LogAck, heard {other:?}").into()),
        }
    }
    driver.succeed(&task, sent).await?;
    driver.applied().await?;
    Ok(sent)
}
