//! 10,000 drivers: what each costs a server at rest, and how soon all are back when the server was killed.

use std::time::{Duration, Instant};

use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::{ListRunsRequest, RunState};
use tokio::time::sleep;

use super::crowd::{Crowd, Order};
use super::processor::ProcessorTime;
use super::server::{Server, resident_mib};
use super::table::{Aim, Row, Table};
use super::wire_floor::WireFloor;
use super::{Bench, Result, fill};

const DRIVERS: usize = 10_000;
const TASKS: usize = 5_000;
/// A server has settled after it.
const SETTLE: Duration = Duration::from_secs(1);
/// How long processor time is counted while nothing happens.
const QUIET: Duration = Duration::from_millis(1500);
/// How long it is counted while drivers beat: a fourth of a period, so a fourth of them do.
const BEATING: Duration = Duration::from_millis(2500);
/// What a driver may hold of the server's memory.
const MEMORY_KIB: f64 = 48.0;
/// A server without drivers may use a thousandth of a core, in microseconds per second.
const ALONE_US: f64 = 1_000.0;
/// All drivers together may use half a hundredth of a core while they say nothing.
const QUIET_US: f64 = 5_000.0 / DRIVERS as f64;

const MEMORY: Row = Row {
    name: "memory (RSS) per connected driver, at 10,000",
    unit: "KiB",
    floor: "no floor: the aim itself, 48 KiB",
    aim: Aim::AtMost(1.0),
};
const CPU_ALONE: Row = Row {
    name: "CPU per second at rest, without drivers",
    unit: "us",
    floor: "no floor: the aim itself, 0.1 % of a core",
    aim: Aim::AtMost(1.0),
};
const CPU_QUIET: Row = Row {
    name: "CPU per driver and second between heartbeats, at 10,000",
    unit: "us",
    floor: "no floor: the aim itself, 0.5 % of a core for all",
    aim: Aim::AtMost(1.0),
};
const CPU_BEATING: Row = Row {
    name: "CPU per driver and second with heartbeats, at 10,000",
    unit: "us",
    floor: "a bare tonic that answers the same",
    aim: Aim::AtMost(1.5),
};
const BACK: Row = Row {
    name: "10,000 drivers, 5,000 tasks in hand, killed server's start to all back",
    unit: "ms",
    floor: "10,000 new streams to a bare tonic",
    aim: Aim::AtMost(2.0),
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let mut server = Server::start(bench).await?;
    server.define("job").await?;
    sleep(SETTLE).await;
    for _ in 0..bench.rounds {
        let alone = cpu_per_second(server.pid(), QUIET).await?;
        table.row(CPU_ALONE, alone, ALONE_US);
    }
    let empty = resident_mib(server.pid())?;
    for round in 1..=bench.rounds {
        // One after the other: this process may not open files enough for both.
        let bare = bare(table).await?;
        let mut crowd = Crowd::join(server.address, "builder", "job", DRIVERS).await?;
        let back = restart(bench, &mut server, &mut crowd).await?;
        table.row(BACK, back.as_secs_f64() * 1e3, bare.connect_ms);
        check_runs(&server, round * TASKS).await?;
        sleep(SETTLE).await;
        // The runs that this process has seen count as the drivers' memory too, against it.
        table.row(MEMORY, kib_each(server.pid(), empty)?, MEMORY_KIB);
        let quiet = cpu_per_second(server.pid(), QUIET).await? / DRIVERS as f64;
        table.row(CPU_QUIET, quiet, QUIET_US);
        crowd.order(Order::Beat);
        let beating = cpu_per_second(server.pid(), BEATING).await? / DRIVERS as f64;
        table.row(CPU_BEATING, beating, bare.beating_us);
    }
    Ok(())
}

/// What the same drivers cost a server that answers and does nothing else.
struct Bare {
    connect_ms: f64,
    beating_us: f64,
}

async fn bare(table: &mut Table) -> Result<Bare> {
    let wire = WireFloor::start().await?;
    let before = resident_mib(wire.pid())?;
    let start = Instant::now();
    let crowd = Crowd::join(wire.address(), "builder", "job", DRIVERS).await?;
    let connect_ms = start.elapsed().as_secs_f64() * 1e3;
    sleep(SETTLE).await;
    let memory = kib_each(wire.pid(), before)?;
    table.floor(
        "memory (RSS) of a bare tonic per stream, at 10,000",
        "KiB",
        memory,
    );
    crowd.order(Order::Beat);
    let beating_us = cpu_per_second(wire.pid(), BEATING).await? / DRIVERS as f64;
    Ok(Bare {
        connect_ms,
        beating_us,
    })
}

/// Kills and starts the server while half of the drivers work, and lets them finish.
async fn restart(bench: &Bench, server: &mut Server, crowd: &mut Crowd) -> Result<Duration> {
    tokio::try_join!(fill::create(server, "job", TASKS), crowd.accepted(TASKS))?;
    server.kill();
    crowd.cut_off(DRIVERS).await?;
    let start = Instant::now();
    tokio::try_join!(server.start_again(bench), crowd.welcomed(DRIVERS))?;
    let back = start.elapsed();
    crowd.order(Order::Finish);
    crowd.finished(TASKS).await?;
    Ok(back)
}

/// Sees that so many runs ended well, each at its first attempt.
async fn check_runs(server: &Server, all: usize) -> Result<()> {
    let mut client = RunServiceClient::new(server.channel().await?);
    let (mut good, mut page_token) = (0, String::new());
    loop {
        let request = ListRunsRequest {
            page_size: 1000,
            page_token,
            ..ListRunsRequest::default()
        };
        let page = client.list_runs(request).await?.into_inner();
        let well_ended = page.runs.iter().filter(|run| {
            run.state() == RunState::Succeeded
                && run.steps.iter().all(|step| step.attempts.len() == 1)
        });
        good += well_ended.count();
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if good == all {
        return Ok(());
    }
    Err(format!("only {good} of {all} runs succeeded at their first attempt").into())
}

/// Microseconds of processor time in each second of so long a time.
async fn cpu_per_second(pid: u32, time: Duration) -> Result<f64> {
    let start = Instant::now();
    let processor = ProcessorTime::of(pid)?;
    sleep(time).await;
    Ok(processor.spent()?.as_secs_f64() * 1e6 / start.elapsed().as_secs_f64())
}

fn kib_each(pid: u32, before_mib: f64) -> Result<f64> {
    Ok((resident_mib(pid)? - before_mib) * 1024.0 / DRIVERS as f64)
}
