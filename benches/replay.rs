//! A finished log of 1,000,000 lines, read from its beginning to its end by one follower.

use std::time::{Duration, Instant};

use super::driver::Driver;
use super::follower::{Follower, Wire};
use super::lines::{self, Count};
use super::scan_floor::Scan;
use super::server::Server;
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const LINES: u64 = 1_000_000;

const REPLAY: Row = Row {
    name: "replay of a finished log of 1,000,000 lines to a gRPC tail",
    unit: "MiB/s",
    floor: "raw scan of the log family; both count the bytes of its values",
    aim: Aim::AtLeast(1.0 / 3.0),
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let mut server = Server::start(bench).await?;
    server.define("job").await?;
    let mut driver = Driver::join(&server, "builder", "job", 1).await?;
    let task = driver.begin(&server, "job").await?;
    lines::write(&mut driver, &task, LINES).await?;
    // At its start the server moves what it holds in memory to the files that the floor reads.
    server.restart(bench).await?;
    for _ in 0..bench.rounds {
        let scan = Scan::warm(&server.store())?;
        let name = "RocksDB raw scan of a log of 1,000,000 lines";
        table.floor(name, "MiB/s", scan.mib_per_second(scan.time));
        table.floor_spans("RocksDB raw scan, one chunk of 640 lines", &scan.values);
        let streamed = bench.wire.streamed().await?;
        table.floor("tonic stream of 64-KiB messages", "MiB/s", streamed);
        let time = replay(&server, &task.run_id).await?;
        let (value, floor) = (scan.mib_per_second(time), scan.mib_per_second(scan.time));
        table.row(REPLAY, value, floor);
    }
    Ok(())
}

/// How long the whole log takes to a follower, who gets every line.
async fn replay(server: &Server, run: &str) -> Result<Duration> {
    let start = Instant::now();
    let mut follower = Follower::open(Wire::Grpc, server, run).await?;
    let mut count = Count::default();
    while follower.read(|line| count.take(line)).await? {}
    count.complete(LINES)?;
    Ok(start.elapsed())
}
