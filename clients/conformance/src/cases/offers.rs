//! Offers and their acks.

use std::time::Duration;

use conveyor_client::proto::CancelReason;
use conveyor_client::proto::driver_stream_request::Kind as FromDriver;

use crate::fault::{Played, ensure, equal, fail};
use crate::offer::{Task, await_cancel, print, succeed};
use crate::stage::Stage;

pub(super) async fn acked(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let task = Task::new(7, "build");
    link.give(&task, &[print("started"), succeed("built")])
        .await?;
    contender.says(&task, "started").await?;
    let result = link.result(&task).await?;
    equal("the result's success", result.success, true)?;
    equal("the result's message", &*result.message, "built")?;
    equal("the result's lines", result.lines, 0)?;
    equal("the result's data", &*result.data_json, "")?;
    link.applied(&task).await;
    link.heartbeat(&[]).await
}

pub(super) async fn duplicate(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(4).await?;
    let task = Task::new(1, "a");
    let work = [print("started"), succeed("once")];
    link.offer(&task, &work).await;
    link.offer(&task, &work).await;
    let mut acks = 0;
    let mut result = None;
    // The result of such quick work may come between the two acks.
    while acks < 2 || result.is_none() {
        match link.next().await? {
            Some(FromDriver::Ack(ack)) => {
                ensure!(!ack.refused, "ack {acks} refuses: {}", ack.reason);
                acks += 1;
            }
            Some(FromDriver::Result(said)) => {
                ensure!(result.is_none(), "a second result came");
                result = Some(said);
            }
            other => fail!("acks and a result are due, and not: {other:?}"),
        }
    }
    link.applied(&task).await;
    // Once more after its end. The next task shows that nothing was started in between.
    link.give(&task, &work).await?;
    let next = Task::new(2, "b");
    link.give(&next, &[print("started"), await_cancel()])
        .await?;
    contender.says(&next, "started").await?;
    equal(
        "the starts of the task",
        contender.said(&task, "started"),
        1,
    )?;
    link.heartbeat(&[&next]).await
}

pub(super) async fn slots_full(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(2).await?;
    let (one, two, three) = (Task::new(1, "a"), Task::new(2, "b"), Task::new(3, "c"));
    let work = [print("started"), await_cancel(), succeed("")];
    link.give(&one, &work).await?;
    link.give(&two, &work).await?;
    contender.says(&one, "started").await?;
    contender.says(&two, "started").await?;
    link.offer(&three, &work).await;
    link.refused(&three).await?;
    equal(
        "the starts beyond the slots",
        contender.said(&three, "started"),
        0,
    )?;
    // A result that was sent has left its slot, even before the server's ack of it.
    let grace = Duration::from_secs(10);
    link.cancel(&one, CancelReason::Cancelled, grace).await;
    link.result(&one).await?;
    let four = Task::new(4, "c");
    link.give(&four, &work).await?;
    contender.says(&four, "started").await
}
