//! How long the grown store takes from a start to ready.

use super::super::server::Server;
use super::super::table::{Aim, Row, Table};
use super::super::{Bench, Result};
use super::{KINDS, fill_with};

/// Runs before each end, so that there is something to bring back.
const BEFORE: usize = 20_000;
/// What a start may take.
const START_MS: f64 = 1000.0;

const KILLED: Row = Row {
    name: "restart on 1,000,000 finished runs, killed to ready",
    unit: "ms",
    floor: "no floor: the aim itself, 1 s",
    aim: Aim::AtMost(1.0),
};
const STOPPED: Row = Row {
    name: "restart on 1,000,000 finished runs, stopped to ready",
    ..KILLED
};

/// Measures all rows of restarts.
pub(crate) async fn measure(bench: &Bench, table: &mut Table, server: &mut Server) -> Result<()> {
    for _ in 0..bench.rounds {
        fill_with(server, KINDS[0], BEFORE).await?;
        server.restart(bench).await?;
        table.row(KILLED, server.ready_after.as_secs_f64() * 1e3, START_MS);
        fill_with(server, KINDS[0], BEFORE).await?;
        server.restart_cleanly(bench).await?;
        table.row(STOPPED, server.ready_after.as_secs_f64() * 1e3, START_MS);
    }
    Ok(())
}
