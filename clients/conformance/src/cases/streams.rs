//! Streams that end, break, fall silent or are refused, and what comes after them.

use std::time::{Duration, Instant};

use conveyor_client::proto::{TaskVerdict, Welcome};
use tonic::{Code, Status};

use crate::contender::Setup;
use crate::fault::{Played, ensure, equal};
use crate::offer::{Task, await_cancel, log, print, sleep, span, succeed};
use crate::stage::{LEASE, MOMENT, Stage, welcome};

pub(super) async fn count_up(mut stage: Stage) -> Played {
    let _contender = stage.start(&Setup::slots(1))?;
    let (link, first) = stage.welcome(vec![]).await?;
    let mut old = link;
    for number in 2..=4 {
        old.end(Status::unavailable("again")).await;
        let (link, hello) = stage.welcome(vec![]).await?;
        equal("the instance id", &hello.instance_id, &first.instance_id)?;
        equal("the stream's number", hello.stream_number, number)?;
        old = link;
    }
    Ok(())
}

pub(super) async fn come_back(mut stage: Stage) -> Played {
    let _contender = stage.start(&Setup::slots(1))?;
    for code in [
        Code::Ok,
        Code::DeadlineExceeded,
        Code::ResourceExhausted,
        Code::Unavailable,
        Code::Internal,
        Code::Unknown,
    ] {
        let (link, _) = stage.welcome(vec![]).await?;
        match code {
            Code::Ok => drop(link),
            code => link.end(Status::new(code, "come back")).await,
        }
    }
    stage.welcome(vec![]).await.map(drop)
}

pub(super) async fn stop_codes(mut stage: Stage) -> Played {
    for code in [
        Code::InvalidArgument,
        Code::FailedPrecondition,
        Code::Unauthenticated,
        Code::PermissionDenied,
        Code::Unimplemented,
    ] {
        let contender = stage.start(&Setup::slots(1))?;
        let (link, _) = stage.hello().await?;
        link.end(Status::new(code, "no such driver here")).await;
        let ended = contender.ended().await?;
        ensure!(
            !ended.success(),
            "after {code:?} the contender ends with {ended}"
        );
        let quiet = stage.no_stream(Duration::ZERO).await;
        ensure!(quiet, "after {code:?} the driver opened another stream");
    }
    Ok(())
}

pub(super) async fn wait_for_server(mut stage: Stage) -> Played {
    let _contender = stage.start(&Setup::slots(1))?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.wire.up().await?;
    stage.welcome(vec![]).await.map(drop)
}

/// How many streams of a process are ended in `back_off`.
const ENDED_STREAMS: usize = 6;

/// Two processes, so that it shows whether they would come back in step.
pub(super) async fn back_off(mut stage: Stage) -> Played {
    let _contenders = [
        stage.start(&Setup::slots(1))?,
        stage.start(&Setup::slots(1))?,
    ];
    let mut ended: Vec<(String, Vec<Instant>)> = Vec::new();
    let mut waits = [Vec::new(), Vec::new()];
    while ended.iter().any(|(_, ends)| ends.len() < ENDED_STREAMS) || ended.len() < 2 {
        let (link, hello) = stage.hello().await?;
        let of = ended.iter().position(|(id, _)| *id == hello.instance_id);
        let of = of.unwrap_or_else(|| {
            ended.push((hello.instance_id, Vec::new()));
            ended.len() - 1
        });
        ensure!(of < 2, "a process has drawn a second instance id");
        if let Some(end) = ended[of].1.last() {
            waits[of].push(end.elapsed());
            are_long_enough(&waits[of])?;
        }
        // Taken before the end is said: what a busy machine adds makes a wait longer, never shorter.
        ended[of].1.push(Instant::now());
        link.end(Status::unavailable("not yet")).await;
    }
    grow(&waits[0])?;
    grow(&waits[1])?;
    differ(&waits)
}

fn are_long_enough(waits: &[Duration]) -> Played {
    let short = waits.iter().any(|wait| *wait < Duration::from_millis(90));
    ensure!(!short, "a wait is too short: {waits:?}");
    Ok(())
}

/// Doubled from 100 ms the fifth is 800 ms or more, whatever the jitter. A busy machine only makes waits longer.
fn grow(waits: &[Duration]) -> Played {
    let grown = waits
        .last()
        .is_some_and(|wait| *wait >= Duration::from_millis(700));
    ensure!(grown, "the waits do not grow: {waits:?}");
    Ok(())
}

fn differ(waits: &[Vec<Duration>; 2]) -> Played {
    let differ = |(one, two): (&Duration, &Duration)| one.abs_diff(*two) > one.div_f32(100.0);
    let jitter = waits[0].iter().zip(&waits[1]).skip(1).any(differ);
    ensure!(jitter, "two processes wait equally long: {waits:?}");
    Ok(())
}

pub(super) async fn replaced(mut stage: Stage) -> Played {
    let contender = stage.start(&Setup::slots(1))?;
    let (mut link, first) = stage.welcome(vec![]).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[print("started"), await_cancel(), log("in vain")])
        .await?;
    contender.says(&task, "started").await?;
    link.end(Status::aborted(
        "REPLACED: a newer stream has this instance's name",
    ))
    .await;
    contender.says(&task, "cancelled FENCED").await?;
    let (mut link, second) = stage.welcome(vec![]).await?;
    let (old, new) = (first.instance_id, second.instance_id);
    ensure!(old != new, "the instance id is still {old}");
    ensure!(
        second.tasks.is_empty(),
        "the new instance names the old one's tasks"
    );
    link.heartbeat(&[]).await?;
    // The work that was stopped may not have left its slot yet.
    let next = Task::new(2, "b");
    let next = link.give_once_free(next, &[succeed("")]).await?;
    link.result(&next).await.map(drop)
}

pub(super) async fn silent_server(mut stage: Stage) -> Played {
    let contender = stage.start(&Setup::slots(1))?;
    let (mut link, first) = stage.welcome(vec![]).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[print("started"), await_cancel()])
        .await?;
    contender.says(&task, "started").await?;
    link.fall_silent();
    let (mut link, hello) = stage.welcome(vec![task.fate(TaskVerdict::GoOn, 0)]).await?;
    equal("the instance id", &hello.instance_id, &first.instance_id)?;
    equal("the stream's number", hello.stream_number, 2)?;
    equal("the tasks named", hello.tasks.len(), 1)?;
    link.heartbeat(&[&task]).await
}

pub(super) async fn half_open(mut stage: Stage) -> Played {
    let contender = stage.start(&Setup::slots(1))?;
    let (mut old, _) = stage.welcome(vec![]).await?;
    let task = Task::new(1, "a");
    let pause = sleep(4 * MOMENT);
    old.give(
        &task,
        &[
            log("before"),
            pause,
            log("after"),
            await_cancel(),
            succeed("done"),
        ],
    )
    .await?;
    equal(
        "the first line",
        &*old.log(&task).await?.lines[0].message,
        "before",
    )?;
    old.stored(&task, 1).await;
    old.heartbeat(&[&task]).await?;
    stage.wire.freeze();
    let (mut link, hello) = stage.welcome(vec![task.fate(TaskVerdict::GoOn, 1)]).await?;
    equal("the stream's number", hello.stream_number, 2)?;
    // What the server said on the stream that the driver has left arrives now.
    let grace = Duration::from_secs(10);
    let why = conveyor_client::proto::CancelReason::Cancelled;
    old.cancel(&task, why, grace).await;
    stage.wire.thaw();
    let log = link.log(&task).await?;
    equal(
        "the next line",
        (log.first_line, &*log.lines[0].message),
        (1, "after"),
    )?;
    link.stored(&task, 2).await;
    link.quiet(MOMENT).await?;
    equal(
        "the cancels",
        contender.said(&task, "cancelled CANCELLED"),
        0,
    )?;
    link.cancel(&task, why, grace).await;
    equal("the message", &*link.result(&task).await?.message, "done")
}

pub(super) async fn cut_off_works_on(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    let work = [
        sleep(LEASE + MOMENT),
        print("slept"),
        log("alone"),
        succeed("done"),
    ];
    link.give(&task, &work).await?;
    stage.wire.down();
    contender.says(&task, "slept").await?;
    stage.wire.up().await?;
    let (mut link, hello) = stage.welcome(vec![task.fate(TaskVerdict::GoOn, 0)]).await?;
    equal("the tasks named", hello.tasks.len(), 1)?;
    equal(
        "the line",
        &*link.log(&task).await?.lines[0].message,
        "alone",
    )?;
    equal("the message", &*link.result(&task).await?.message, "done")
}

pub(super) async fn stop_at_lease_end(mut stage: Stage) -> Played {
    let contender = stage.start(&Setup {
        stop_at_lease_end: true,
        ..Setup::slots(1)
    })?;
    // A lease that is not over before the work has begun, however slow this machine is.
    let long = Welcome {
        lease_time: Some(span(20 * LEASE)),
        ..welcome()
    };
    let (mut link, _) = stage.welcome_with(long).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[print("started"), await_cancel()])
        .await?;
    contender.says(&task, "started").await?;
    link.heartbeat(&[&task]).await?;
    equal("the cancels", contender.said(&task, "cancelled FENCED"), 0)?;
    link.end(Status::unavailable("restart")).await;
    let (mut link, _) = stage.welcome(vec![task.fate(TaskVerdict::GoOn, 0)]).await?;
    // It shows that the driver has read of the shorter lease.
    link.beat().await?;
    stage.wire.down();
    contender.says(&task, "cancelled FENCED").await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(milliseconds: [u64; 5]) -> Vec<Duration> {
        milliseconds.map(Duration::from_millis).to_vec()
    }

    #[test]
    fn waits_must_be_long_enough_and_grow_and_differ() {
        let (one, two) = (
            waits([110, 250, 530, 900, 1700]),
            waits([180, 390, 700, 1500, 3000]),
        );
        assert!(are_long_enough(&one).is_ok());
        assert!(are_long_enough(&waits([110, 80, 530, 900, 1700])).is_err());
        assert!(grow(&one).is_ok());
        assert!(grow(&waits([110, 250, 530, 690, 690])).is_err());
        assert!(differ(&[one.clone(), two]).is_ok());
        assert!(differ(&[one.clone(), one]).is_err());
    }
}
