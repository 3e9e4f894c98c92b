//! Leases: what keeps a task with its driver, and what takes it away.

use std::time::Duration;

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{
    AttemptState, CancelReason, Hello, LogAckStatus, Reconcile, ResultOutcome, RunState, StepState,
    TaskVerdict,
};
use tokio::time::{Instant, sleep};
use tonic::Code;

use crate::support::{Scripted, Server, eventually, held, hello};

const SHORT: [(&str, &str); 2] = [
    ("driver.lease_time", "1500ms"),
    ("driver.heartbeat_period", "300ms"),
];
const LEASE: Duration = Duration::from_millis(1500);

async fn at_work() -> (Server, Scripted, Reconcile) {
    let server = Server::with(&SHORT).await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    server.run_is(&run, RunState::Running).await;
    (server, builder, task)
}

#[tokio::test]
async fn lost_driver_returns_step_to_queue() {
    let (server, builder, lost) = at_work().await;
    drop(builder);
    let mut other = Scripted::new(&server, "builder", "image").await;
    let again = loop {
        // It says that it lives while it waits, else it would get no offers.
        other.heartbeat(&[]).await;
        match tokio::time::timeout(Duration::from_millis(200), other.hear()).await {
            Ok(Hear::Reconcile(offer)) => break offer,
            Ok(heard) => panic!("expected Reconcile, heard {heard:?}"),
            Err(_) => {}
        }
    };
    other.accept(&again).await;
    assert_eq!((&again.run_id, again.attempt), (&lost.run_id, 2));
    other.succeed(&again).await;
    let run = server.run(&lost.run_id).await;
    let states: Vec<_> = run.steps[0]
        .attempts
        .iter()
        .map(|attempt| attempt.state())
        .collect();
    assert_eq!(
        (run.state(), states),
        (
            RunState::Succeeded,
            vec![AttemptState::Lost, AttemptState::Succeeded]
        )
    );
}

#[tokio::test]
async fn everything_said_under_a_dead_token_is_fenced() {
    let (server, builder, lost) = at_work().await;
    let said = builder.hello.clone();
    drop(builder);
    server
        .run_where(&lost.run_id, "the lease ends", |run| {
            run.steps[0].attempts[0].state() == AttemptState::Lost
        })
        .await;
    // The process is back with a stream that no longer holds the task.
    let said = Hello {
        stream_number: 2,
        tasks: vec![held(&lost, 0, true)],
        ..said
    };
    let mut back = Scripted::join(&server, said).await;
    assert_eq!(back.welcome.tasks[0].verdict(), TaskVerdict::Stop);
    let offer = back.offer().await;
    assert!(offer.token > lost.token);
    back.log(&lost, 0, &["late"]).await;
    assert_eq!(back.log_ack().await.status(), LogAckStatus::Fenced);
    assert_eq!(
        back.report(Scripted::success(&lost, 0)).await.outcome(),
        ResultOutcome::Fenced
    );
    back.heartbeat(&[&lost]).await;
    let cancel = back.cancel().await;
    assert_eq!(
        (cancel.reason(), cancel.token),
        (CancelReason::Fenced, lost.token)
    );
    assert_eq!(server.stored_lines(&lost.run_id).await, []);
    assert!(server.run(&lost.run_id).await.state() != RunState::Succeeded);
}

#[tokio::test]
async fn step_longer_than_every_lease_keeps_its_task_and_gets_the_next() {
    let (server, mut builder, task) = at_work().await;
    let next = server.create("image", "b").await;
    let until = Instant::now() + 3 * LEASE;
    while Instant::now() < until {
        builder.heartbeat(&[&task]).await;
        sleep(Duration::from_millis(200)).await;
    }
    builder.succeed(&task).await;
    let second = builder.take().await;
    assert_eq!(second.run_id, next);
    builder.succeed(&second).await;
    for id in [&task.run_id, &next] {
        let run = server.run(id).await;
        assert_eq!(
            (run.state(), run.steps[0].attempts.len()),
            (RunState::Succeeded, 1)
        );
    }
}

#[tokio::test]
async fn lines_renew_the_lease_of_their_task() {
    let (server, mut builder, task) = at_work().await;
    let until = Instant::now() + 2 * LEASE;
    let mut line = 0;
    while Instant::now() < until {
        builder.log(&task, line, &["at work"]).await;
        line += 1;
        builder.logged(line).await;
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(
        builder
            .report(Scripted::success(&task, line))
            .await
            .outcome(),
        ResultOutcome::Applied
    );
    assert_eq!(server.run(&task.run_id).await.steps[0].attempts.len(), 1);
}

#[tokio::test]
async fn hello_renews_the_lease_of_what_it_names() {
    let (server, mut builder, task) = at_work().await;
    let until = Instant::now() + 2 * LEASE;
    while Instant::now() < until {
        sleep(LEASE / 3).await;
        builder = builder
            .next_stream(&server, vec![held(&task, 0, false)])
            .await;
        assert_eq!(builder.welcome.tasks[0].verdict(), TaskVerdict::GoOn);
    }
    builder.succeed(&task).await;
    assert_eq!(server.run(&task.run_id).await.steps[0].attempts.len(), 1);
}

#[tokio::test]
async fn heartbeat_renews_only_the_tasks_it_names() {
    let server = Server::with(&SHORT).await;
    server.define("image").await;
    let mut builder = Scripted::join(
        &server,
        Hello {
            slots: 2,
            ..hello("builder", "image")
        },
    )
    .await;
    server.create("image", "a").await;
    server.create("image", "b").await;
    let (kept, forgotten) = (builder.take().await, builder.take().await);
    let lost = eventually("the task that is not named is lost", async || {
        builder.heartbeat(&[&kept]).await;
        sleep(Duration::from_millis(100)).await;
        let run = server.run(&forgotten.run_id).await;
        (run.steps[0].attempts.first()?.state() == AttemptState::Lost).then_some(run)
    })
    .await;
    assert!(!lost.steps[0].attempts[0].reason.is_empty());
    let run = server.run(&kept.run_id).await;
    assert_eq!(run.steps[0].attempts[0].state(), AttemptState::Running);
}

#[tokio::test]
async fn stream_not_heard_for_a_lease_ends_deadline_exceeded() {
    let server = Server::with(&SHORT).await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    assert_eq!(builder.ended().await.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn instance_not_heard_for_two_periods_gets_no_offers() {
    let settings = [
        ("driver.lease_time", "20s"),
        ("driver.heartbeat_period", "300ms"),
    ];
    let server = Server::with(&settings).await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    sleep(Duration::from_secs(1)).await;
    let run = server.create("image", "a").await;
    assert_eq!(
        server.run(&run).await.steps[0].state(),
        StepState::Pending,
        "it was silent for three periods"
    );
    builder.heartbeat(&[]).await;
    let task = builder.take().await;
    assert_eq!(task.run_id, run);
}

#[tokio::test]
async fn lease_goes_on_running_when_the_stream_breaks() {
    let (server, mut builder, task) = at_work().await;
    // Back within the lease, with the task: nothing was lost.
    let mut back = builder
        .next_stream(&server, vec![held(&task, 0, false)])
        .await;
    assert_eq!(back.welcome.tasks[0].verdict(), TaskVerdict::GoOn);
    let before = Instant::now();
    drop(builder);
    drop(back.close().await);
    server
        .run_where(&task.run_id, "the lease ends", |run| {
            run.steps[0].attempts[0].state() == AttemptState::Lost
        })
        .await;
    assert!(
        before.elapsed() > LEASE / 2,
        "lost after {:?}, in the middle of its lease",
        before.elapsed()
    );
}

#[tokio::test]
async fn open_tasks_get_a_full_lease_when_a_server_starts() {
    let (mut server, builder, task) = at_work().await;
    let said = builder.hello.clone();
    drop(builder);
    server.kill();
    // Away for longer than a lease: time in which no server read does not count.
    sleep(LEASE + LEASE / 3).await;
    server.start_again().await;
    let said = Hello {
        stream_number: 2,
        tasks: vec![held(&task, 0, false)],
        ..said
    };
    let mut back = Scripted::join(&server, said).await;
    assert_eq!(back.welcome.tasks[0].verdict(), TaskVerdict::GoOn);
    back.succeed(&task).await;
}

#[tokio::test]
async fn open_task_whose_driver_never_comes_back_is_lost_a_lease_after_the_start() {
    let (mut server, builder, task) = at_work().await;
    drop(builder);
    server.kill_and_start_again().await;
    let started = Instant::now();
    server
        .run_where(&task.run_id, "the lease ends", |run| {
            run.steps[0].attempts[0].state() == AttemptState::Lost
        })
        .await;
    assert!(started.elapsed() > LEASE / 2, "{:?}", started.elapsed());
}

#[tokio::test]
async fn time_in_which_the_server_did_not_read_does_not_count() {
    let (server, mut builder, task) = at_work().await;
    builder.heartbeat(&[&task]).await;
    server.signal(rustix::process::Signal::STOP);
    sleep(2 * LEASE).await;
    server.signal(rustix::process::Signal::CONT);
    builder.heartbeat(&[&task]).await;
    builder.succeed(&task).await;
    assert_eq!(server.run(&task.run_id).await.steps[0].attempts.len(), 1);
}

#[tokio::test]
async fn offer_whose_instance_never_comes_back_after_a_restart_goes_to_another() {
    let mut server = Server::with(&SHORT).await;
    server.define("image").await;
    let mut gone = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let offer = gone.offer().await;
    drop(gone);
    server.kill_and_start_again().await;
    server
        .run_where(&run, "the offer is taken back", |run| {
            run.steps[0].state() == StepState::Pending
        })
        .await;
    let mut other = Scripted::new(&server, "builder", "image").await;
    let task = other.take().await;
    assert!(task.token > offer.token);
    assert_eq!(task.attempt, 1, "what was never acked is no attempt");
    other.succeed(&task).await;
}
