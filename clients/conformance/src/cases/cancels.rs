//! Work that is to stop: why, and what it may still say.

use std::time::{Duration, Instant};

use conveyor_client::proto::CancelReason;
use serde_json::json;

use crate::fault::{Played, ensure, equal};
use crate::offer::{Task, await_cancel, linger, log, print, sleep, succeed};
use crate::stage::{MOMENT, Stage};

/// The grace of a cancel, where the case does not play on it.
const GRACE: Duration = Duration::from_secs(10);

pub(super) async fn reasons(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let reasons = [CancelReason::Cancelled, CancelReason::Deadline];
    for (token, reason) in (1..).zip(reasons) {
        let task = Task::new(token, "a");
        let result =
            json!({"op": "result", "success": false, "text": "stopped", "data": {"done": 3}});
        link.give(
            &task,
            &[print("started"), await_cancel(), log("cleaned up"), result],
        )
        .await?;
        contender.says(&task, "started").await?;
        link.cancel(&task, reason, GRACE).await;
        let word = reason.as_str_name().trim_start_matches("CANCEL_REASON_");
        contender.says(&task, &format!("cancelled {word}")).await?;
        equal(
            "the line",
            &*link.log(&task).await?.lines[0].message,
            "cleaned up",
        )?;
        let result = link.result(&task).await?;
        equal(
            "the result",
            (result.success, &*result.message),
            (false, "stopped"),
        )?;
        equal("the data", &*result.data_json, r#"{"done":3}"#)?;
        link.stored(&task, 1).await;
        link.applied(&task).await;
    }
    Ok(())
}

pub(super) async fn during_reconcile(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    let long = Duration::from_secs(3600);
    link.give(
        &task,
        &[
            print("started"),
            sleep(long),
            await_cancel(),
            succeed("stopped early"),
        ],
    )
    .await?;
    contender.says(&task, "started").await?;
    // A cancel with another token means another task. Its reason would show, however slowly it was heeded.
    let other = Task {
        token: 9,
        ..task.clone()
    };
    link.cancel(&other, CancelReason::Cancelled, GRACE).await;
    link.quiet(MOMENT).await?;
    link.cancel(&task, CancelReason::Deadline, GRACE).await;
    contender.says(&task, "cancelled DEADLINE").await?;
    equal(
        "the message",
        &*link.result(&task).await?.message,
        "stopped early",
    )
}

pub(super) async fn before_the_start(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let (old, new, next) = (Task::new(1, "a"), Task::new(2, "a"), Task::new(3, "b"));
    let work = [
        print("started"),
        await_cancel(),
        linger(3 * MOMENT),
        print("stopped"),
    ];
    link.give(&old, &work).await?;
    contender.says(&old, "started").await?;
    link.give(&new, &[print("started")]).await?;
    link.cancel(&new, CancelReason::Cancelled, GRACE).await;
    let result = link.result(&new).await?;
    ensure!(!result.success, "a task that never began has succeeded");
    link.applied(&new).await;
    contender.says(&old, "stopped").await?;
    // Its last word is out before its slot is free.
    let next = link.give_once_free(next, &[print("started")]).await?;
    contender.says(&next, "started").await?;
    equal(
        "the starts of the cancelled task",
        contender.said(&new, "started"),
        0,
    )
}

pub(super) async fn fenced(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let (old, new) = (Task::new(1, "a"), Task::new(2, "a"));
    let work = [
        print("started"),
        await_cancel(),
        log("in vain"),
        linger(4 * MOMENT),
        print("stopped"),
    ];
    link.give(&old, &work).await?;
    contender.says(&old, "started").await?;
    link.cancel(&old, CancelReason::Fenced, GRACE).await;
    contender.says(&old, "cancelled FENCED").await?;
    link.heartbeat(&[]).await?;
    // Nothing it still says counts: the next thing said is of another task.
    link.give(&new, &[print("started"), succeed("counts")])
        .await?;
    let result = link.result(&new).await?;
    equal(
        "the result",
        (&*result.message, result.lines),
        ("counts", 0),
    )?;
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

pub(super) async fn late_ack(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let (late, next) = (Task::new(1, "a"), Task::new(2, "b"));
    link.give(&late, &[await_cancel(), log("in vain"), succeed("in vain")])
        .await?;
    link.cancel(&late, CancelReason::Fenced, GRACE).await;
    link.heartbeat(&[]).await?;
    // What it still says is dropped, and its slot is free once it has said it.
    let next = link.give_once_free(next, &[await_cancel()]).await?;
    link.heartbeat(&[&next]).await?;
    link.quiet(MOMENT).await
}

pub(super) async fn outstayed_grace(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    link.give(
        &task,
        &[
            print("started"),
            linger(4 * MOMENT),
            print("stopped"),
            succeed("late"),
        ],
    )
    .await?;
    contender.says(&task, "started").await?;
    let cancelled_at = Instant::now();
    link.cancel(&task, CancelReason::Cancelled, MOMENT).await;
    let result = link.result(&task).await?;
    let waited = cancelled_at.elapsed();
    ensure!(
        waited >= MOMENT * 9 / 10,
        "of a grace of {MOMENT:?} it had {waited:?}"
    );
    ensure!(
        !result.success,
        "work that outstayed its grace has succeeded"
    );
    equal(
        "the ends of the work at its result",
        contender.said(&task, "stopped"),
        0,
    )
}
