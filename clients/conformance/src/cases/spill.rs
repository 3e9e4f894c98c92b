//! Lines that the server does not take: kept in bounded memory, then in a file, then waited for.

use conveyor_client::proto::TaskVerdict;
use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use tonic::Status;

use crate::contender::{Contender, Setup};
use crate::fault::{Played, ensure, equal, fail};
use crate::link::Link;
use crate::offer::{Task, long_lines, print, succeed};
use crate::stage::{MOMENT, Stage};
use crate::store::Store;

const MIB: u64 = 1 << 20;
/// How long each line is.
const LINE: usize = 1000;

pub(super) async fn to_a_file(mut stage: Stage) -> Played {
    let (contender, mut link, task) = flood(&mut stage, (MIB, 32 * MIB), 8_000).await?;
    // No line is acked, and yet the work goes on to its end.
    contender.says(&task, "logged").await?;
    // The first lines are in memory, and what the server has of them it says after the break.
    let mut store = Store::default();
    store.take(link.log(&task).await?);
    link.end(Status::unavailable("restart")).await;
    let (mut link, hello) = stage
        .welcome(vec![task.fate(TaskVerdict::GoOn, store.next())])
        .await?;
    let next = hello.tasks.first().map(|held| held.next_line);
    equal("the next line in the Hello", next, Some(8_000))?;
    store.serve(&mut link, &task).await?;
    store.counts_up(8_000)
}

pub(super) async fn full(mut stage: Stage) -> Played {
    let (contender, mut link, task) = flood(&mut stage, (MIB, 4 * MIB), 8_000).await?;
    let mut store = Store::default();
    pass_over(&mut link, &mut store).await?;
    equal(
        "the ends of a log without room",
        contender.said(&task, "logged"),
        0,
    )?;
    store.serve_from(&mut link, &task).await?;
    store.counts_up(8_000)
}

pub(super) async fn bounded_memory(mut stage: Stage) -> Played {
    const LINES: u64 = 100_000;
    let (contender, mut link) = {
        let setup = room((MIB, 512 * MIB));
        let contender = stage.start(&setup)?;
        let (link, _) = stage.welcome(vec![]).await?;
        (contender, link)
    };
    // What a first task needs besides its lines is there before it is measured.
    let (small, task) = (Task::new(1, "a"), Task::new(2, "b"));
    link.give(&small, &[long_lines(1000, LINE)]).await?;
    Store::default().serve(&mut link, &small).await?;
    link.applied(&small).await;
    let before = contender.memory()?;
    link.give(
        &task,
        &[long_lines(LINES, LINE), print("logged"), succeed("")],
    )
    .await?;
    contender.says(&task, "logged").await?;
    let (after, most) = (contender.memory()?, before + 64 * MIB);
    ensure!(
        after < most,
        "with 100 MB unacked its memory grew from {before} to {after} bytes"
    );
    let mut store = Store::default();
    store.serve_from(&mut link, &task).await?;
    store.counts_up(LINES)
}

fn room(log_room: (u64, u64)) -> Setup {
    Setup {
        log_room: Some(log_room),
        ..Setup::slots(1)
    }
}

/// A task that logs so many lines.
async fn flood(
    stage: &mut Stage,
    log_room: (u64, u64),
    lines: u64,
) -> Played<(Contender, Link, Task)> {
    let contender = stage.start(&room(log_room))?;
    let (mut link, _) = stage.welcome(vec![]).await?;
    let task = Task::new(1, "a");
    link.give(
        &task,
        &[long_lines(lines, LINE), print("logged"), succeed("")],
    )
    .await?;
    Ok((contender, link, task))
}

/// Takes what comes without an ack, until nothing more does.
async fn pass_over(link: &mut Link, store: &mut Store) -> Played {
    loop {
        match tokio::time::timeout(3 * MOMENT, link.next()).await {
            Err(_) => return Ok(()),
            Ok(Ok(Some(FromDriver::Log(log)))) => drop(store.take(log)),
            Ok(Ok(other)) => fail!("lines are due, and not: {other:?}"),
            Ok(Err(fault)) => return Err(fault),
        }
    }
}
