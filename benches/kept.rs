//! A server that removes what was kept long enough. Under an even load its store should stay as large as it is, and
//! those who write should not feel the removals.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use conveyor_client::proto::UpdateResourceRequest;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use super::driver::Driver;
use super::fill;
use super::server::{Server, resource};
use super::spans::Spans;
use super::table::{Aim, Row, Table, spread};
use super::{Bench, Result};

/// How long the load runs, in seconds.
const SECONDS: usize = 180;
/// Looks at the store, of which the first third is its filling up.
const LOOKS: usize = 90;
/// For how many looks something is kept.
const KEPT_LOOKS: usize = 10;
/// Resources that are written again and again.
const RESOURCES: usize = 200;
const WRITERS: usize = 16;
const LINES: usize = 10;
/// The pace of one writer.
const EVERY: Duration = Duration::from_millis(20);

const DISK: Row = Row {
    name: "even load with retention: disk, last third",
    unit: "KiB",
    floor: "the same, second third",
    aim: Aim::AtMost(1.1),
};
const WRITE_P99: Row = Row {
    name: "even load with retention: gRPC update, p99",
    unit: "us",
    floor: "the same without retention",
    aim: Aim::AtMost(1.2),
};
const RUNS: Row = Row {
    name: "even load with retention: runs in all",
    unit: "runs",
    floor: "none",
    aim: Aim::More,
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let every = Duration::from_secs_f64(bench.scaled(SECONDS) as f64 / LOOKS as f64);
    let kept = format!("{}ms", (every * KEPT_LOOKS as u32).as_millis());
    let limits = [
        ("CONVEYOR_RETENTION_PERIOD", "1s"),
        ("CONVEYOR_RETENTION_RUNS_MAX_AGE", &kept),
        ("CONVEYOR_RETENTION_REVISIONS_MAX_AGE", &kept),
        ("CONVEYOR_RETENTION_CHANGES_MAX_AGE", &kept),
    ];
    let without = LocalSet::new()
        .run_until(load(Server::start(bench).await?, every))
        .await?;
    let with = LocalSet::new()
        .run_until(load(Server::start_with(bench, &limits).await?, every))
        .await?;
    let (before, after) = with.kib[LOOKS / 3..].split_at(LOOKS / 3);
    table.row(DISK, spread(after).1, spread(before).1);
    table.row(WRITE_P99, with.writes.p99(), without.writes.p99());
    table.published(RUNS, with.writes.count() as f64);
    Ok(())
}

/// What the store held at each look, and how long writes took.
struct Seen {
    kib: Vec<f64>,
    writes: Spans,
}

/// Writes the same resources again and again, at an even pace, and looks at the store meanwhile.
async fn load(server: Server, every: Duration) -> Result<Seen> {
    server.define("job").await?;
    let mut client = ResourceServiceClient::new(server.channel().await?);
    let room = Arc::new(Semaphore::new(1 << 16));
    let driver = Driver::join(&server, "worker", "job", 512).await?;
    let mut tasks: JoinSet<Result<()>> = JoinSet::new();
    let given_back = Arc::clone(&room);
    tasks.spawn_local(async move { fill::work(driver, usize::MAX, LINES, &given_back).await });
    for number in 0..RESOURCES {
        let request = resource("job", format!("job-{number}"), "");
        client.create_resource(request).await?;
    }
    let writes = Rc::new(RefCell::new(Spans::default()));
    for writer in 0..WRITERS {
        let client = ResourceServiceClient::new(server.channel().await?);
        tasks.spawn_local(write(client, writer, Rc::clone(&writes)));
    }
    let mut kib = Vec::new();
    while kib.len() < LOOKS {
        tokio::select! {
            () = tokio::time::sleep(every) => kib.push(server.disk_kib()?),
            Some(ended) = tasks.join_next() => {
                return Err(format!("the load ended: {:?}", ended?).into());
            }
        }
        if kib.len() % 10 == 0 {
            eprintln!(
                "  {} of {LOOKS}: {:.0} KiB on disk",
                kib.len(),
                kib[kib.len() - 1]
            );
        }
    }
    tasks.shutdown().await;
    let writes = writes.take();
    Ok(Seen { kib, writes })
}

async fn write(
    mut client: ResourceServiceClient<tonic::transport::Channel>,
    writer: usize,
    writes: Rc<RefCell<Spans>>,
) -> Result<()> {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for turn in 0.. {
        ticks.tick().await;
        let number = (turn * WRITERS + writer) % RESOURCES;
        let request = UpdateResourceRequest {
            resource: resource("job", format!("job-{number}"), "").resource,
            expected_revision: 0,
        };
        let start = Instant::now();
        client.update_resource(request).await?;
        writes.borrow_mut().add(start.elapsed());
    }
    Ok(())
}
