//! Heartbeats: what they name, and that no work can hold them up.

use std::time::Duration;

use conveyor_client::proto::CancelReason;

use crate::fault::{Played, ensure, equal};
use crate::offer::{Task, await_cancel, block, print, succeed};
use crate::stage::{LEASE, PERIOD, Stage};

pub(super) async fn name_tasks(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(2).await?;
    link.heartbeat(&[]).await?;
    let (one, two) = (Task::new(1, "a"), Task::new(2, "b"));
    link.give(&one, &[await_cancel(), succeed("")]).await?;
    link.give(&two, &[await_cancel(), succeed("")]).await?;
    link.heartbeat(&[&one, &two]).await?;
    link.cancel(&one, CancelReason::Cancelled, Duration::from_secs(10))
        .await;
    link.result(&one).await?;
    // Until its result is on disk a task needs its lease.
    link.heartbeat(&[&one, &two]).await?;
    link.applied(&one).await;
    link.heartbeat(&[&two]).await
}

pub(super) async fn blocked_thread(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    let work = [
        print("started"),
        block(2 * LEASE),
        print("awake"),
        succeed(""),
    ];
    link.give(&task, &work).await?;
    contender.says(&task, "started").await?;
    // Half of those that are due, so that a busy machine may hold up some of them.
    let beats = LEASE.as_millis() / PERIOD.as_millis();
    for _ in 0..beats {
        link.heartbeat(&[&task]).await?;
    }
    equal(
        "the ends of the work at its heartbeats",
        contender.said(&task, "awake"),
        0,
    )?;
    ensure!(
        stage.no_stream(Duration::ZERO).await,
        "the driver opened another stream"
    );
    link.result(&task).await?;
    link.applied(&task).await;
    let next = Task::new(2, "b");
    link.give(&next, &[succeed("")]).await?;
    link.result(&next).await.map(drop)
}
