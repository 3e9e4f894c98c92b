//! Offers and their acks.

use std::time::Duration;

use conveyor_client::proto::CancelReason;
use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use serde_json::json;

use crate::fault::{Fault, Played, ensure, equal, fail};
use crate::offer::{Task, await_cancel, linger, print, succeed};
use crate::stage::{MOMENT, Stage};
use crate::store::Store;

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

pub(super) async fn side_by_side(mut stage: Stage) -> Played {
    const LINES: usize = 500;
    let (_contender, mut link) = stage.open(4).await?;
    let tasks = [1, 2, 3, 4].map(|token| Task::new(token, &format!("step-{token}")));
    for task in &tasks {
        let text = format!("{} {{n}}", task.step);
        let work = [
            json!({"op": "log", "text": text, "count": LINES}),
            succeed(&task.step),
        ];
        link.offer(task, &work).await;
    }
    let mut stores = [(); 4].map(|()| Store::default());
    let (mut acks, mut results) = (0, 0);
    while acks < tasks.len() || results < tasks.len() {
        match link.next().await? {
            Some(FromDriver::Ack(ack)) if !ack.refused => acks += 1,
            Some(FromDriver::Log(log)) => {
                let of = tasks.iter().position(|task| task.id == log.task_id);
                let of = of.ok_or_else(|| Fault(format!("lines of {}", log.task_id)))?;
                let next = stores[of].take(log);
                link.stored(&tasks[of], next).await;
            }
            Some(FromDriver::Result(result)) => {
                let of = tasks.iter().find(|task| task.id == result.task_id);
                equal(
                    "the message",
                    of.map(|task| &*task.step),
                    Some(&*result.message),
                )?;
                results += 1;
            }
            other => fail!("reports of four tasks are due, and not: {other:?}"),
        }
    }
    for (task, store) in tasks.iter().zip(&stores) {
        let due: Vec<_> = (0..LINES).map(|n| format!("{} {n}", task.step)).collect();
        ensure!(
            store.texts() == due,
            "the lines of {} are not its own",
            task.step
        );
    }
    Ok(())
}

pub(super) async fn second_of_a_step(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let (old, new) = (Task::new(1, "a"), Task::new(2, "a"));
    let work = [
        print("started"),
        await_cancel(),
        linger(3 * MOMENT),
        print("stopped"),
        succeed("in vain"),
    ];
    link.give(&old, &work).await?;
    contender.says(&old, "started").await?;
    link.give(&new, &[print("started"), succeed("counts")])
        .await?;
    equal(
        "the ends of the old work at the ack",
        contender.said(&old, "stopped"),
        0,
    )?;
    contender.says(&old, "cancelled FENCED").await?;
    link.heartbeat(&[&new]).await?;
    equal("the message", &*link.result(&new).await?.message, "counts")?;
    contender.says(&new, "started").await?;
    let (stopped, started) = (
        contender.place(&old, "stopped"),
        contender.place(&new, "started"),
    );
    ensure!(
        stopped.is_some() && stopped < started,
        "the new work began beside the old"
    );
    Ok(())
}

pub(super) async fn spec_of_another_shape(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let (odd, next) = (Task::new(1, "a"), Task::new(2, "b"));
    link.send(FromServer::Reconcile(odd.offer_spec(r#"{"do": 7}"#)))
        .await;
    link.accepted(&odd).await?;
    let result = loop {
        match link.next().await? {
            Some(FromDriver::Log(log)) => {
                link.stored(&odd, log.first_line + log.lines.len() as u64)
                    .await
            }
            Some(FromDriver::Result(result)) => break result,
            other => fail!("a failed result is due, and not: {other:?}"),
        }
    };
    ensure!(!result.success, "a spec that cannot be read has succeeded");
    ensure!(!result.message.is_empty(), "the failed result says nothing");
    link.applied(&odd).await;
    link.give(&next, &[succeed("")]).await?;
    link.result(&next).await.map(drop)
}
