//! The same work in a small store and in one that has grown: a million resources, each with a finished run and ten
//! log lines.

mod pages;
mod restarts;
mod works;

use std::time::Duration;

use super::fill;
use super::server::{Server, resident_mib};
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
const LINES: usize = 10;
/// The types of the resources, half of them each.
const KINDS: [&str; 2] = ["chart", "job"];
/// Flushes and compactions of the fill end in it.
const SETTLE: Duration = Duration::from_secs(10);

const DISK: Row = Row {
    name: "disk for each finished run of 10 lines, the second 500,000",
    unit: "KiB",
    floor: "the same, the first 500,000",
    aim: Aim::AtMost(1.1),
};
/// The store's caches and write buffers are full by then.
const MEMORY: Row = Row {
    name: "memory (RSS) of a server that took 1,000,000 runs",
    unit: "MiB",
    floor: "none",
    aim: Aim::Less,
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let small = empty(bench).await?;
    for kind in KINDS {
        fill_with(&small, kind, FEW / KINDS.len()).await?;
    }
    let mut large = empty(bench).await?;
    let half = bench.scaled(MANY) / KINDS.len();
    let mut kib = vec![large.disk_kib()?];
    for kind in KINDS {
        fill_with(&large, kind, half).await?;
        tokio::time::sleep(SETTLE).await;
        kib.push(large.disk_kib()?);
    }
    let of_each = |from: usize| (kib[from + 1] - kib[from]) / half as f64;
    table.row(DISK, of_each(1), of_each(0));
    table.published(MEMORY, resident_mib(large.pid())?);
    works::measure(bench, table, &small, &large).await?;
    pages::measure(bench, table, &small, &large).await?;
    drop(small);
    restarts::measure(bench, table, &mut large).await
}

async fn empty(bench: &Bench) -> Result<Server> {
    let server = Server::start(bench).await?;
    for kind in KINDS {
        server.define(kind).await?;
    }
    Ok(server)
}

/// Makes so many resources of a type, and a driver of the same name ends their runs.
async fn fill_with(server: &Server, kind: &str, many: usize) -> Result<()> {
    fill::finish(server, kind, kind, many, LINES).await
}
