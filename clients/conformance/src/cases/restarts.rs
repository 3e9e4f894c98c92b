//! A server that goes and comes back, and its verdicts on the tasks that a driver still holds.

use std::time::Duration;

use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::{CancelReason, Drain, Hello, TaskVerdict};
use tonic::Status;

use crate::contender::Contender;
use crate::fault::{Fault, Played, equal};
use crate::link::Link;
use crate::offer::{Task, await_cancel, count_up, log, print, sleep, span, succeed};
use crate::stage::{MOMENT, Stage};
use crate::store::Store;

pub(super) async fn server_restart(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(2).await?;
    let (working, done) = (Task::new(1, "a"), Task::new(2, "b"));
    let work = [
        sleep(MOMENT),
        log("while away"),
        print("logged"),
        await_cancel(),
        succeed("late"),
    ];
    link.give(&done, &[succeed("built")]).await?;
    equal("the message", &*link.result(&done).await?.message, "built")?;
    link.give(&working, &work).await?;
    // The ack of the result is lost.
    stage.wire.down();
    contender.says(&working, "logged").await?;
    stage.wire.up().await?;
    let fates = [&working, &done].map(|task| task.fate(TaskVerdict::GoOn, 0));
    let (mut link, hello) = stage.welcome(fates.to_vec()).await?;
    equal(
        "what the Hello says of the first",
        named(&hello, &working)?,
        (1, false),
    )?;
    equal(
        "what the Hello says of the second",
        named(&hello, &done)?,
        (0, true),
    )?;
    // The line and the result come in any order.
    let (mut lines, mut results) = (0, 0);
    use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
    while lines + results < 2 {
        match link.next().await? {
            Some(FromDriver::Log(log)) if log.task_id == working.id => lines += 1,
            Some(FromDriver::Result(result)) if result.task_id == done.id => results += 1,
            other => crate::fault::fail!("a line and a result are due, and not: {other:?}"),
        }
    }
    equal("the lines and results", (lines, results), (1, 1))?;
    link.applied(&done).await;
    link.stored(&working, 1).await;
    link.heartbeat(&[&working]).await?;
    link.cancel(&working, CancelReason::Cancelled, Duration::from_secs(10))
        .await;
    equal("the lines", link.result(&working).await?.lines, 1)
}

pub(super) async fn servers_drain(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(2).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[print("started"), await_cancel(), succeed("done")])
        .await?;
    contender.says(&task, "started").await?;
    link.send(FromServer::Drain(Drain {})).await;
    link.end(Status::unavailable("the server stops")).await;
    let (mut link, hello) = stage.welcome(vec![task.fate(TaskVerdict::GoOn, 0)]).await?;
    equal("what the Hello says", named(&hello, &task)?, (0, false))?;
    link.heartbeat(&[&task]).await?;
    equal("the cancels", contender.said(&task, "cancelled FENCED"), 0)?;
    // It was the server that drained: the driver takes work as before.
    let other = Task::new(2, "b");
    link.give(&other, &[succeed("")]).await?;
    link.result(&other).await.map(drop)
}

pub(super) async fn go_on(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[count_up(10), await_cancel()]).await?;
    let mut store = Store::default();
    while store.next() < 10 {
        store.take(link.log(&task).await?);
    }
    // Four of them are on disk when the server goes.
    link.stored(&task, 4).await;
    link.end(Status::unavailable("restart")).await;
    store.lines.truncate(4);
    let (mut link, hello) = stage.welcome(vec![task.fate(TaskVerdict::GoOn, 4)]).await?;
    equal("what the Hello says", named(&hello, &task)?, (10, false))?;
    let log = link.log(&task).await?;
    equal("the first line that comes again", log.first_line, 4)?;
    store.take(log);
    store.take_lines(&mut link, &task, 10).await?;
    store.counts_up(10)
}

pub(super) async fn done(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[succeed("built")]).await?;
    link.result(&task).await?;
    link.end(Status::unavailable("restart")).await;
    let (link, hello) = stage.welcome(vec![task.fate(TaskVerdict::Done, 0)]).await?;
    equal("what the Hello says", named(&hello, &task)?, (0, true))?;
    forgotten(link).await
}

pub(super) async fn cancel(mut stage: Stage) -> Played {
    let (contender, link, task) = in_hand(&mut stage).await?;
    link.end(Status::unavailable("restart")).await;
    let mut fate = task.fate(TaskVerdict::Cancel, 0);
    fate.set_reason(CancelReason::Deadline);
    fate.grace = Some(span(Duration::from_secs(10)));
    let (mut link, _) = stage.welcome(vec![fate]).await?;
    contender.says(&task, "cancelled DEADLINE").await?;
    equal(
        "the message",
        &*link.result(&task).await?.message,
        "stopped",
    )?;
    link.applied(&task).await;
    link.heartbeat(&[]).await
}

pub(super) async fn stop(mut stage: Stage) -> Played {
    let (contender, link, task) = in_hand(&mut stage).await?;
    link.end(Status::unavailable("restart")).await;
    let (link, _) = stage.welcome(vec![task.fate(TaskVerdict::Stop, 0)]).await?;
    contender.says(&task, "cancelled FENCED").await?;
    forgotten(link).await
}

/// A task that waits for its cancel.
async fn in_hand(stage: &mut Stage) -> Played<(Contender, Link, Task)> {
    let (contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    link.give(
        &task,
        &[print("started"), await_cancel(), succeed("stopped")],
    )
    .await?;
    contender.says(&task, "started").await?;
    Ok((contender, link, task))
}

/// Fails when the driver still has something to say of a task, or no room for another.
async fn forgotten(mut link: Link) -> Played {
    link.heartbeat(&[]).await?;
    link.quiet(MOMENT).await?;
    let next = Task::new(9, "next");
    let next = link.give_once_free(next, &[succeed("")]).await?;
    link.result(&next).await.map(drop)
}

/// What a Hello says of `task`: its next line, and whether a result waits.
fn named(hello: &Hello, task: &Task) -> Played<(u64, bool)> {
    let held = hello.tasks.iter().find(|held| held.task_id == task.id);
    let held = held.ok_or_else(|| Fault(format!("the Hello does not name {}", task.step)))?;
    equal("the token in the Hello", held.token, task.token)?;
    Ok((held.next_line, held.result_waits))
}
