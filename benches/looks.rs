//! What it costs to look for what is due where nothing is: it should not depend on how much is kept.

use std::time::Duration;

use super::fill;
use super::processor::ProcessorTime;
use super::server::Server;
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
/// How often each server looks.
const PERIOD: (&str, &str) = ("CONVEYOR_RETENTION_PERIOD", "20ms");
/// Nothing is as old or as many as this, but all that has a limit is looked for.
const LIMITS: [(&str, &str); 3] = [
    PERIOD,
    ("CONVEYOR_RETENTION_REVISIONS_MAX_AGE", "30d"),
    ("CONVEYOR_RETENTION_RUNS_MAX_COUNT", "1000"),
];
/// Flushes, compactions and the look at every resource after the start end in it.
const SETTLE: Duration = Duration::from_secs(20);
const SPAN: Duration = Duration::from_secs(10);

const LOOK: Row = Row {
    name: "processor time of 10 s with a look every 20 ms, 1,000,000 finished runs",
    unit: "ms",
    floor: "the same, 1,000 runs",
    aim: Aim::AtMost(1.5),
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let small = filled(bench, FEW).await?;
    let large = filled(bench, bench.scaled(MANY)).await?;
    tokio::time::sleep(SETTLE).await;
    for _ in 0..bench.rounds {
        let few = spent(&small).await?;
        table.row(LOOK, spent(&large).await?, few);
    }
    Ok(())
}

async fn filled(bench: &Bench, many: usize) -> Result<Server> {
    let server = Server::start_with(bench, &LIMITS).await?;
    server.define("job").await?;
    fill::finish(&server, "job", "job", many, 1).await?;
    Ok(server)
}

async fn spent(server: &Server) -> Result<f64> {
    let time = ProcessorTime::of(server.pid())?;
    tokio::time::sleep(SPAN).await;
    Ok(time.spent()?.as_secs_f64() * 1e3)
}
