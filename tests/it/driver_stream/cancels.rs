//! Cancel: why, how long, and which of a result and a cancel stands.

use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::{
    AttemptState, CancelReason, CancelRunRequest, Hello, Reconcile, Result as Outcome,
    ResultOutcome, Run, RunState, StepState, TaskVerdict,
};
use tokio::time::Instant;

use crate::support::{Scripted, Server, held, hello, step};

async fn cancel(server: &Server, run: &str) -> Run {
    let request = CancelRunRequest {
        id: run.into(),
        reason: "not needed".into(),
    };
    server
        .runs()
        .cancel_run(request)
        .await
        .unwrap()
        .into_inner()
}

async fn at_work(settings: &[(&str, &str)]) -> (Server, Scripted, Reconcile) {
    let server = Server::with(settings).await;
    server.define("image").await;
    server
        .pipeline("two", "image", &[("build", "builder"), ("push", "builder")])
        .await;
    let run = server.create_in("two", "image", "a").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let task = builder.take().await;
    server.run_is(&run, RunState::Running).await;
    (server, builder, task)
}

/// A task whose attempt has this much time.
async fn with_timeout(settings: &[(&str, &str)], millis: i32) -> (Server, Scripted, Reconcile) {
    let server = Server::with(settings).await;
    server.define("image").await;
    let timeout = Some(prost_types::Duration {
        seconds: 0,
        nanos: millis * 1_000_000,
    });
    let mut build = step("build", "builder");
    build.timeout = timeout;
    server
        .try_pipeline("short", "image", vec![build, step("push", "builder")])
        .await
        .unwrap();
    server.create_in("short", "image", "a").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let task = builder.take().await;
    (server, builder, task)
}

#[tokio::test]
async fn cancelled_run_tells_its_driver_and_waits_for_the_result() {
    let (server, mut builder, task) = at_work(&[]).await;
    assert_eq!(
        cancel(&server, &task.run_id).await.state(),
        RunState::Cancelling
    );
    let told = builder.cancel().await;
    assert_eq!(
        (told.reason(), &told.task_id, told.token),
        (CancelReason::Cancelled, &task.task_id, task.token)
    );
    let grace = Duration::try_from(told.grace.unwrap()).unwrap();
    assert!(
        grace > Duration::from_secs(8) && grace <= Duration::from_secs(10),
        "{grace:?}"
    );
    let result = Outcome {
        message: "cleaned up".into(),
        data_json: "[1]".into(),
        ..Scripted::failure(&task, "")
    };
    assert_eq!(
        builder.report(result).await.outcome(),
        ResultOutcome::Applied
    );
    let run = server.run_is(&task.run_id, RunState::Cancelled).await;
    assert_eq!(run.steps[0].state(), StepState::Cancelled);
    assert_eq!(
        (
            run.steps[0].message.as_str(),
            run.steps[0].data_json.as_str()
        ),
        ("cleaned up", "[1]")
    );
    assert_eq!(run.steps[0].attempts[0].state(), AttemptState::Cancelled);
    assert_eq!(run.steps[1].state(), StepState::Cancelled);
    assert!(run.reason.contains("not needed"), "{}", run.reason);
    builder.hears_nothing(&[]).await;
}

#[tokio::test]
async fn success_within_the_grace_is_kept_and_the_step_is_cancelled() {
    let (server, mut builder, task) = at_work(&[]).await;
    cancel(&server, &task.run_id).await;
    builder.cancel().await;
    let result = Outcome {
        message: "done all the same".into(),
        ..Scripted::success(&task, 0)
    };
    assert_eq!(
        builder.report(result).await.outcome(),
        ResultOutcome::Applied
    );
    let run = server.run_is(&task.run_id, RunState::Cancelled).await;
    assert_eq!(
        (run.steps[0].state(), run.steps[0].message.as_str()),
        (StepState::Cancelled, "done all the same")
    );
}

#[tokio::test]
async fn cancelled_step_ends_when_the_grace_does() {
    let (server, mut builder, task) = at_work(&[("driver.cancel_grace", "300ms")]).await;
    cancel(&server, &task.run_id).await;
    builder.cancel().await;
    let run = server.run_is(&task.run_id, RunState::Cancelled).await;
    assert_eq!(run.steps[0].state(), StepState::Cancelled);
    assert_eq!(
        builder.report(Scripted::success(&task, 0)).await.outcome(),
        ResultOutcome::Fenced
    );
    builder.heartbeat(&[&task]).await;
    assert_eq!(builder.cancel().await.reason(), CancelReason::Fenced);
}

#[tokio::test]
async fn heartbeat_that_names_a_cancelled_task_is_told_again() {
    let (server, mut builder, task) = at_work(&[]).await;
    cancel(&server, &task.run_id).await;
    builder.cancel().await;
    builder.heartbeat(&[&task]).await;
    assert_eq!(builder.cancel().await.reason(), CancelReason::Cancelled);
}

#[tokio::test]
async fn result_before_the_cancel_stands() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let id = server.create("image", "a").await;
    let task = builder.take().await;
    builder.succeed(&task).await;
    let ended = server.run(&id).await;
    let mut answer = cancel(&server, &id).await;
    assert_eq!(answer.state(), RunState::Succeeded);
    (answer.resource_snapshot, answer.pipeline_snapshot) = (ended.resource_snapshot.clone(), None);
    assert_eq!(server.run(&id).await, ended, "nothing changed");
}

#[tokio::test]
async fn offered_step_is_cancelled_at_once() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let id = server.create("image", "a").await;
    let offer = builder.offer().await;
    let run = cancel(&server, &id).await;
    assert_eq!(
        (run.state(), run.steps[0].state()),
        (RunState::Cancelled, StepState::Cancelled)
    );
    builder.accept(&offer).await;
    let told = builder.cancel().await;
    assert_eq!(told.task_id, offer.task_id);
    assert_eq!(server.run(&id).await.steps[0].attempts, []);
}

#[tokio::test]
async fn waiting_run_is_cancelled_at_once() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline("one", "image", &[("build", "builder")])
        .await;
    let id = server.create_in("one", "image", "a").await;
    let run = cancel(&server, &id).await;
    assert_eq!(
        (run.state(), run.steps[0].state()),
        (RunState::Cancelled, StepState::Cancelled)
    );
    assert!(run.end_time.is_some());
    Scripted::new(&server, "builder", "image")
        .await
        .hears_nothing(&[])
        .await;
}

#[tokio::test]
async fn cancelled_run_is_still_cancelling_after_a_restart() {
    let (mut server, mut builder, task) = at_work(&[]).await;
    cancel(&server, &task.run_id).await;
    server.kill_and_start_again().await;
    assert_eq!(server.run(&task.run_id).await.state(), RunState::Cancelling);
    let mut back = builder
        .next_stream(&server, vec![held(&task, 0, true)])
        .await;
    let fate = &back.welcome.tasks[0];
    assert_eq!(
        (fate.verdict(), fate.reason()),
        (TaskVerdict::Cancel, CancelReason::Cancelled)
    );
    let grace = Duration::try_from(fate.grace.unwrap()).unwrap();
    assert!(
        grace > Duration::from_secs(5),
        "a restart gives the grace anew: {grace:?}"
    );
    assert_eq!(
        back.report(Scripted::failure(&task, "")).await.outcome(),
        ResultOutcome::Applied
    );
    server.run_is(&task.run_id, RunState::Cancelled).await;
}

#[tokio::test]
async fn cancelled_step_whose_driver_is_gone_ends_with_the_grace() {
    let (server, builder, task) = at_work(&[("driver.cancel_grace", "300ms")]).await;
    drop(builder);
    cancel(&server, &task.run_id).await;
    let run = server.run_is(&task.run_id, RunState::Cancelled).await;
    assert_eq!(run.steps[0].attempts.len(), 1);
}

#[tokio::test]
async fn cancel_does_not_free_the_slot_before_the_result() {
    let (server, mut builder, task) = at_work(&[]).await;
    cancel(&server, &task.run_id).await;
    builder.cancel().await;
    let next = server.create("image", "b").await;
    builder.hears_nothing(&[]).await;
    builder.fail(&task, "stopped").await;
    assert_eq!(builder.take().await.run_id, next);
}

#[tokio::test]
async fn step_over_its_timeout_gets_cancel_deadline_and_fails() {
    let (server, mut builder, task) = with_timeout(&[], 300).await;
    let told = builder.cancel().await;
    assert_eq!(
        (told.reason(), &told.task_id),
        (CancelReason::Deadline, &task.task_id)
    );
    assert!(told.grace.is_some());
    let result = Outcome {
        message: "was slow".into(),
        ..Scripted::success(&task, 0)
    };
    assert_eq!(
        builder.report(result).await.outcome(),
        ResultOutcome::Applied
    );
    let run = server.run_is(&task.run_id, RunState::Failed).await;
    assert_eq!(
        (run.steps[0].state(), run.steps[0].message.as_str()),
        (StepState::Failed, "was slow")
    );
    assert!(!run.steps[0].reason.is_empty());
    assert_eq!(
        run.steps[1].state(),
        StepState::Skipped,
        "as after any failed step"
    );
    assert_eq!(
        run.steps[0].attempts.len(),
        1,
        "a timeout is no lost attempt"
    );
}

#[tokio::test]
async fn step_over_its_timeout_without_a_result_fails_when_the_grace_ends() {
    let (server, mut builder, task) = with_timeout(&[("driver.cancel_grace", "300ms")], 300).await;
    assert_eq!(builder.cancel().await.reason(), CancelReason::Deadline);
    let run = server.run_is(&task.run_id, RunState::Failed).await;
    assert_eq!(run.steps[0].state(), StepState::Failed);
    assert_eq!(
        builder.report(Scripted::success(&task, 0)).await.outcome(),
        ResultOutcome::Fenced
    );
}

#[tokio::test]
async fn result_before_the_deadline_stands() {
    let (server, mut builder, task) = with_timeout(&[], 900_000_000 / 1_000_000).await;
    builder.succeed(&task).await;
    assert_eq!(
        server.run(&task.run_id).await.steps[0].state(),
        StepState::Succeeded
    );
}

#[tokio::test]
async fn timeout_runs_from_the_ack_and_not_from_the_offer() {
    let server = Server::start().await;
    server.define("image").await;
    let mut build = step("build", "builder");
    build.timeout = Some(prost_types::Duration {
        seconds: 1,
        nanos: 0,
    });
    server
        .try_pipeline("short", "image", vec![build])
        .await
        .unwrap();
    server.create_in("short", "image", "a").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let offer = builder.offer().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    builder.accept(&offer).await;
    let from = Instant::now();
    builder.cancel().await;
    assert!(
        from.elapsed() > Duration::from_millis(700),
        "{:?} after the ack",
        from.elapsed()
    );
}

#[tokio::test]
async fn timeout_goes_on_over_a_restart() {
    let (mut server, mut builder, task) = with_timeout(&[], 800).await;
    server.run_is(&task.run_id, RunState::Running).await;
    server.kill_and_start_again().await;
    let said = Hello {
        stream_number: 2,
        tasks: vec![held(&task, 0, false)],
        ..builder.hello.clone()
    };
    builder = Scripted::join(&server, said).await;
    if builder.welcome.tasks[0].verdict() == TaskVerdict::GoOn {
        assert_eq!(builder.cancel().await.reason(), CancelReason::Deadline);
    } else {
        assert_eq!(builder.welcome.tasks[0].reason(), CancelReason::Deadline);
    }
    builder.fail(&task, "too slow").await;
    assert_eq!(server.run(&task.run_id).await.state(), RunState::Failed);
}

#[tokio::test]
async fn lines_within_the_grace_are_kept() {
    let (server, mut builder, task) = at_work(&[]).await;
    cancel(&server, &task.run_id).await;
    builder.cancel().await;
    builder.log(&task, 0, &["cleaning up"]).await;
    builder.logged(1).await;
    let result = Outcome {
        lines: 1,
        ..Scripted::failure(&task, "stopped")
    };
    builder.say(Say::Result(result)).await;
    assert_eq!(builder.result_ack().await.outcome(), ResultOutcome::Applied);
    assert_eq!(server.stored_lines(&task.run_id).await.len(), 1);
}

#[tokio::test]
async fn other_parallel_steps_of_a_cancelled_run_are_told_too() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let mut tester = Scripted::join(&server, hello("tester", "image")).await;
    let id = server.create("image", "a").await;
    let (built, tested) = (builder.take().await, tester.take().await);
    server
        .run_where(&id, "both run", |run| {
            run.steps
                .iter()
                .all(|step| step.state() == StepState::Running)
        })
        .await;
    cancel(&server, &id).await;
    builder.cancel().await;
    tester.cancel().await;
    builder.fail(&built, "").await;
    assert_eq!(
        server.run(&id).await.state(),
        RunState::Cancelling,
        "the other still works"
    );
    tester.fail(&tested, "").await;
    server.run_is(&id, RunState::Cancelled).await;
}
