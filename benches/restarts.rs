//! How long a server takes to be back that was killed with many runs in its store.

use super::driver::Driver;
use super::server::Server;
use super::table::{Aim, Row, Table};
use super::{Bench, Result, fill};

const RUNS: usize = 100_000;
/// Runs that come between two kills.
const MORE: usize = 5_000;
/// What a start may take.
const START_MS: f64 = 100.0;

const FINISHED: Row = Row {
    name: "restart on 100,000 finished runs, killed to ready",
    unit: "ms",
    floor: "no floor: the aim itself, 100 ms",
    aim: Aim::AtMost(1.0),
};
const WAITING: Row = Row {
    name: "restart on 100,000 waiting runs, killed to ready",
    ..FINISHED
};

/// Measures all rows of this subject.
///
/// A start reads what the write-ahead log holds: much after the fill, what came since the last start in later rounds.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let mut server = Server::start(bench).await?;
    server.define("job").await?;
    fill::finish(&server, "builder", "job", RUNS - MORE, 0).await?;
    for _ in 0..bench.rounds {
        fill::finish(&server, "builder", "job", MORE, 0).await?;
        restart(bench, table, &mut server, FINISHED).await?;
    }
    let mut server = Server::start(bench).await?;
    server.define("job").await?;
    // It is known and away, so that each run has a step that waits for it.
    drop(Driver::join(&server, "builder", "job", 1).await?);
    fill::create(&server, "job", RUNS - MORE).await?;
    for _ in 0..bench.rounds {
        fill::create(&server, "job", MORE).await?;
        restart(bench, table, &mut server, WAITING).await?;
    }
    Ok(())
}

async fn restart(bench: &Bench, table: &mut Table, server: &mut Server, row: Row) -> Result<()> {
    server.restart(bench).await?;
    table.row(row, server.ready_after.as_secs_f64() * 1e3, START_MS);
    Ok(())
}
