//! How a driver ends: SIGTERM drains it.

use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::{CancelReason, TaskVerdict};
use tonic::Status;

use crate::contender::Contender;
use crate::fault::{Played, ensure, equal, fail};
use crate::offer::{Task, await_cancel, print, succeed};
use crate::stage::{MOMENT, Stage};

pub(super) async fn idle(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    link.heartbeat(&[]).await?;
    contender.terminate()?;
    link.drain().await?;
    link.closed().await?;
    ends_well(contender).await
}

pub(super) async fn with_a_task(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(2).await?;
    let (task, other) = (Task::new(1, "a"), Task::new(2, "b"));
    link.give(
        &task,
        &[print("started"), await_cancel(), succeed("in time")],
    )
    .await?;
    contender.says(&task, "started").await?;
    contender.terminate()?;
    link.drain().await?;
    link.offer(&other, &[succeed("")]).await;
    link.refused(&other).await?;
    // The work runs on.
    link.heartbeat(&[&task]).await?;
    link.quiet(MOMENT).await?;
    link.end(Status::unavailable("restart")).await;
    let (mut link, hello) = stage.welcome(vec![task.fate(TaskVerdict::GoOn, 0)]).await?;
    equal("the tasks named", hello.tasks.len(), 1)?;
    link.drain().await?;
    link.cancel(&task, CancelReason::Cancelled, Duration::from_secs(10))
        .await;
    equal(
        "the message",
        &*link.result(&task).await?.message,
        "in time",
    )?;
    // It waits for the ack of its last result.
    link.quiet(MOMENT).await?;
    link.applied(&task).await;
    link.closed().await?;
    ends_well(contender).await
}

pub(super) async fn with_a_result(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[succeed("built")]).await?;
    link.result(&task).await?;
    contender.terminate()?;
    link.drain().await?;
    link.end(Status::unavailable("restart")).await;
    let (mut link, _) = stage.welcome(vec![task.fate(TaskVerdict::GoOn, 0)]).await?;
    let (mut drains, mut results) = (0, 0);
    while drains + results < 2 {
        match link.next().await? {
            Some(FromDriver::Drain(_)) => drains += 1,
            Some(FromDriver::Result(result)) if result.message == "built" => results += 1,
            other => fail!("a Drain and the result are due, and not: {other:?}"),
        }
    }
    equal("the Drains and results", (drains, results), (1, 1))?;
    link.applied(&task).await;
    link.closed().await?;
    ends_well(contender).await
}

pub(super) async fn without_server(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    link.heartbeat(&[]).await?;
    stage.wire.down();
    contender.terminate()?;
    ends_well(contender).await
}

async fn ends_well(contender: Contender) -> Played {
    let ended = contender.ended().await?;
    ensure!(ended.success(), "a drained contender ends with {ended}");
    Ok(())
}
