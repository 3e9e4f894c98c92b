//! The log of a small run as one answer, in a store of its own and beside the lines of many others.

use std::time::Duration;

use super::driver::Driver;
use super::http::{Connection, get};
use super::lines;
use super::server::Server;
use super::spans::Spans;
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const TIME: Duration = Duration::from_millis(500);
const LINES: u64 = 100;
/// The others write 1,000,000 lines, half before the small run and half after it.
const OTHERS: usize = 100;
const LINES_OF_OTHERS: u64 = 10_000;
const AIM_US: f64 = 2000.0;

const ALONE: Row = Row {
    name: "GET /logs of a run of 100 lines, p50",
    unit: "us",
    floor: "no floor: the aim itself, 2 ms",
    aim: Aim::AtMost(1.0),
};
const BESIDE: Row = Row {
    name: "GET /logs of a run of 100 lines beside 1,000,000 of others, p50",
    ..ALONE
};
const BY_ALONE: Row = Row {
    name: "GET /logs beside 1,000,000 lines of others by GET /logs alone, p50",
    unit: "us",
    floor: "the same alone",
    aim: Aim::AtMost(1.3),
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let alone = Server::start(bench).await?;
    let alone_run = filled(&alone, 0).await?;
    let beside = Server::start(bench).await?;
    let beside_run = filled(&beside, OTHERS).await?;
    for _ in 0..bench.rounds {
        let floor = reads(&alone, &alone_run).await?.p50();
        let value = reads(&beside, &beside_run).await?.p50();
        table.row(ALONE, floor, AIM_US);
        table.row(BESIDE, value, AIM_US);
        table.row(BY_ALONE, value, floor);
    }
    Ok(())
}

/// Writes the small run in the middle of so many others, and says which it is.
async fn filled(server: &Server, others: usize) -> Result<String> {
    server.define("job").await?;
    let mut driver = Driver::join(server, "builder", "job", 1).await?;
    write(server, &mut driver, others / 2, LINES_OF_OTHERS).await?;
    let run = write(server, &mut driver, 1, LINES).await?;
    write(server, &mut driver, others - others / 2, LINES_OF_OTHERS).await?;
    Ok(run)
}

/// Writes so many runs of so many lines, and names the last.
async fn write(server: &Server, driver: &mut Driver, runs: usize, lines: u64) -> Result<String> {
    let mut last = String::new();
    for _ in 0..runs {
        let task = driver.begin(server, "job").await?;
        lines::write(driver, &task, lines).await?;
        last = task.run_id;
    }
    Ok(last)
}

async fn reads(server: &Server, run: &str) -> Result<Spans> {
    let mut connection = Connection::open(server.address).await?;
    let request = get(&format!("/logs?runid={run}"));
    let spans = connection.repeat(&request, TIME).await?;
    let answer = String::from_utf8_lossy(&connection.answer);
    match answer.matches("\"message\":").count() as u64 {
        LINES => Ok(spans),
        lines => Err(format!("{lines} lines came of {LINES}").into()),
    }
}
