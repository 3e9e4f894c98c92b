//! What a server costs that has nothing to do: its start and its memory.

use std::time::{Duration, Instant};

use super::server::{Server, resident_mib};
use super::table::{Aim, Row, Table};
use super::wire_floor::WireFloor;
use super::{Bench, Result};

/// A server has settled after it.
const IDLE: Duration = Duration::from_secs(1);
/// What the server may hold.
const MEMORY_MIB: f64 = 40.0;
/// What its start may take.
const START_MS: f64 = 50.0;

const MEMORY: Row = Row {
    name: "idle memory (RSS) of the server",
    unit: "MiB",
    floor: "no floor: the aim itself, 40 MiB",
    aim: Aim::AtMost(1.0),
};
const START: Row = Row {
    name: "start to ready, empty store",
    unit: "ms",
    floor: "no floor: the aim itself, 50 ms",
    aim: Aim::AtMost(1.0),
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    for _ in 0..bench.rounds {
        let start = Instant::now();
        let bare = WireFloor::start().await?;
        let bare_start = start.elapsed();
        let server = Server::start(bench).await?;
        tokio::time::sleep(IDLE).await;
        table.floor(
            "start of a bare tonic and axum",
            "ms",
            milliseconds(bare_start),
        );
        table.floor(
            "memory (RSS) of a bare tonic and axum",
            "MiB",
            resident_mib(bare.pid())?,
        );
        table.row(MEMORY, resident_mib(server.pid())?, MEMORY_MIB);
        table.row(START, milliseconds(server.ready_after), START_MS);
    }
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
