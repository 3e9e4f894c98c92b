//! A stream that is cut, and what the next hello finds.

use std::time::Duration;

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{
    AttemptState, CancelReason, CancelRunRequest, HeldTask, Hello, Reconcile, ResultOutcome,
    RunState, StepState, TaskVerdict,
};
use uuid::Uuid;

use crate::support::{Scripted, Server, held, hello};

async fn at_work() -> (Server, Scripted, Reconcile) {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    server.run_is(&run, RunState::Running).await;
    (server, builder, task)
}

#[tokio::test]
async fn task_goes_on_from_the_first_line_not_on_disk() {
    let (server, mut builder, task) = at_work().await;
    builder.log(&task, 0, &["a", "b"]).await;
    builder.logged(2).await;
    let mut back = builder
        .next_stream(&server, vec![held(&task, 5, false)])
        .await;
    let [fate] = &back.welcome.tasks[..] else {
        panic!("one fate: {:?}", back.welcome)
    };
    assert_eq!((fate.verdict(), fate.next_line), (TaskVerdict::GoOn, 2));
    assert_eq!((&fate.task_id, fate.token), (&task.task_id, task.token));
    back.log(&task, 2, &["c"]).await;
    back.logged(3).await;
    assert_eq!(
        back.report(Scripted::success(&task, 3)).await.outcome(),
        ResultOutcome::Applied
    );
    let run = server.run(&task.run_id).await;
    assert_eq!(
        (run.state(), run.steps[0].attempts.len()),
        (RunState::Succeeded, 1)
    );
}

#[tokio::test]
async fn task_goes_on_after_a_server_restart() {
    let (mut server, mut builder, task) = at_work().await;
    builder.log(&task, 0, &["a"]).await;
    builder.logged(1).await;
    server.kill_and_start_again().await;
    let mut back = builder
        .next_stream(&server, vec![held(&task, 1, true)])
        .await;
    let fate = &back.welcome.tasks[0];
    assert_eq!((fate.verdict(), fate.next_line), (TaskVerdict::GoOn, 1));
    assert_eq!(
        back.report(Scripted::success(&task, 1)).await.outcome(),
        ResultOutcome::Applied
    );
    assert_eq!(server.run(&task.run_id).await.steps[0].attempts.len(), 1);
}

#[tokio::test]
async fn task_goes_on_though_its_ack_was_lost() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let offer = builder.offer().await;
    let mut back = builder
        .next_stream(&server, vec![held(&offer, 0, false)])
        .await;
    assert_eq!(back.welcome.tasks[0].verdict(), TaskVerdict::GoOn);
    back.succeed(&offer).await;
    let run = server.run(&run).await;
    assert_eq!(
        (run.state(), run.steps[0].attempts.len()),
        (RunState::Succeeded, 1)
    );
}

#[tokio::test]
async fn result_whose_ack_was_lost_is_done() {
    let (mut server, mut builder, task) = at_work().await;
    builder.succeed(&task).await;
    let mut back = builder
        .next_stream(&server, vec![held(&task, 0, true)])
        .await;
    assert_eq!(back.welcome.tasks[0].verdict(), TaskVerdict::Done);
    server.kill_and_start_again().await;
    let mut again = back.next_stream(&server, vec![held(&task, 0, true)]).await;
    assert_eq!(
        again.welcome.tasks[0].verdict(),
        TaskVerdict::Done,
        "also after a restart"
    );
    assert_eq!(
        again.report(Scripted::success(&task, 0)).await.outcome(),
        ResultOutcome::Applied
    );
    assert_eq!(server.run(&task.run_id).await.steps[0].attempts.len(), 1);
}

#[tokio::test]
async fn failed_result_on_disk_is_done_too() {
    let (server, mut builder, task) = at_work().await;
    builder.fail(&task, "no").await;
    let back = builder
        .next_stream(&server, vec![held(&task, 0, true)])
        .await;
    assert_eq!(back.welcome.tasks[0].verdict(), TaskVerdict::Done);
}

#[tokio::test]
async fn task_of_a_cancelled_run_is_to_be_cancelled_with_the_grace_left() {
    let (server, mut builder, task) = at_work().await;
    let cancel = CancelRunRequest {
        id: task.run_id.clone(),
        ..Default::default()
    };
    server.runs().cancel_run(cancel).await.unwrap();
    assert_eq!(builder.cancel().await.reason(), CancelReason::Cancelled);
    let back = builder
        .next_stream(&server, vec![held(&task, 0, false)])
        .await;
    let fate = &back.welcome.tasks[0];
    assert_eq!(
        (fate.verdict(), fate.reason()),
        (TaskVerdict::Cancel, CancelReason::Cancelled)
    );
    let grace = fate.grace.unwrap();
    assert!(
        Duration::try_from(grace).unwrap() <= Duration::from_secs(10),
        "{grace:?}"
    );
    assert_eq!(server.run(&task.run_id).await.state(), RunState::Cancelling);
}

#[tokio::test]
async fn unknown_and_fenced_tasks_are_to_stop() {
    let (server, mut builder, task) = at_work().await;
    let unknown = HeldTask {
        task_id: Uuid::now_v7().to_string(),
        token: 1,
        ..HeldTask::default()
    };
    let older = HeldTask {
        token: task.token - 1,
        ..held(&task, 0, false)
    };
    let back = builder
        .next_stream(&server, vec![unknown.clone(), older, held(&task, 0, false)])
        .await;
    let verdicts: Vec<_> = back
        .welcome
        .tasks
        .iter()
        .map(|fate| fate.verdict())
        .collect();
    assert_eq!(
        verdicts,
        [TaskVerdict::Stop, TaskVerdict::Stop, TaskVerdict::GoOn]
    );
    assert_eq!(back.welcome.tasks[0].task_id, unknown.task_id);
}

#[tokio::test]
async fn task_of_another_instance_is_to_stop() {
    let (server, mut builder, task) = at_work().await;
    let thief = Hello {
        tasks: vec![held(&task, 0, false)],
        ..hello("builder", "image")
    };
    let thief = Scripted::join(&server, thief).await;
    assert_eq!(thief.welcome.tasks[0].verdict(), TaskVerdict::Stop);
    builder.succeed(&task).await;
}

#[tokio::test]
async fn task_that_hello_does_not_name_is_lost_at_once() {
    let (server, mut builder, task) = at_work().await;
    let mut back = builder.next_stream(&server, vec![]).await;
    let again = back.take().await;
    assert_eq!((&again.run_id, again.attempt), (&task.run_id, 2));
    assert!(again.token > task.token);
    let run = server.run(&task.run_id).await;
    assert_eq!(run.steps[0].attempts[0].state(), AttemptState::Lost);
    assert!(!run.steps[0].attempts[0].reason.is_empty());
    let late = back.report(Scripted::success(&task, 0)).await;
    assert_eq!(late.outcome(), ResultOutcome::Fenced);
    back.succeed(&again).await;
}

#[tokio::test]
async fn offer_goes_out_after_the_welcome_of_the_newest_stream() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let first = builder.offer().await;
    // The process never saw the offer: it does not name it, and the step is offered anew.
    let mut back = builder.next_stream(&server, vec![]).await;
    match back.hear().await {
        Hear::Reconcile(offer) => {
            assert!(offer.token > first.token);
            back.accept(&offer).await;
            back.succeed(&offer).await;
        }
        other => panic!("expected Reconcile, heard {other:?}"),
    }
    assert_eq!(
        server.run(&run).await.steps[0].attempts.len(),
        1,
        "what was never acked is no attempt"
    );
}

#[tokio::test]
async fn five_lost_attempts_fail_the_step() {
    let (server, mut builder, first) = at_work().await;
    let mut tokens = vec![first.token];
    for attempt in 2..=5 {
        builder = builder.next_stream(&server, vec![]).await;
        let task = builder.take().await;
        assert_eq!(task.attempt, attempt);
        tokens.push(task.token);
        server
            .run_where(&task.run_id, "the attempt has begun", |run| {
                run.steps[0].attempts.len() == attempt as usize
            })
            .await;
    }
    let mut last = builder.next_stream(&server, vec![]).await;
    let run = server.run_is(&first.run_id, RunState::Failed).await;
    assert_eq!(
        (run.steps[0].state(), run.steps[0].attempts.len()),
        (StepState::Failed, 5)
    );
    assert!(
        run.steps[0]
            .attempts
            .iter()
            .all(|attempt| attempt.state() == AttemptState::Lost)
    );
    assert!(!run.steps[0].reason.is_empty());
    assert!(tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
    last.hears_nothing(&[]).await;
}

#[tokio::test]
async fn tokens_rise_across_a_server_restart() {
    let (mut server, mut builder, first) = at_work().await;
    server.kill_and_start_again().await;
    let mut back = builder.next_stream(&server, vec![]).await;
    let second = back.take().await;
    assert!(
        second.token > first.token,
        "{} > {}",
        second.token,
        first.token
    );
}

#[tokio::test]
async fn older_stream_number_is_refused_though_the_newer_stream_is_gone() {
    let (server, mut builder, task) = at_work().await;
    builder.log(&task, 0, &["a"]).await;
    builder.logged(1).await;
    let instance = builder.hello.instance_id.clone();
    let numbered = |stream_number, tasks| Hello {
        instance_id: instance.clone(),
        stream_number,
        tasks,
        ..hello("builder", "image")
    };
    let mut newer = Scripted::join(&server, numbered(7, vec![held(&task, 1, false)])).await;
    newer.close().await;
    let mut late = Scripted::silent(&server);
    late.say(conveyor_client::proto::driver_stream_request::Kind::Hello(
        numbered(3, vec![]),
    ))
    .await;
    assert_eq!(late.ended().await.code(), tonic::Code::Aborted);
    let back = Scripted::join(&server, numbered(8, vec![held(&task, 1, false)])).await;
    assert_eq!(back.welcome.tasks[0].verdict(), TaskVerdict::GoOn);
}

#[tokio::test]
async fn connection_that_flaps_fails_no_step() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    for _ in 0..12 {
        builder.offer().await;
        builder = builder.next_stream(&server, vec![]).await;
    }
    let task = builder.take().await;
    builder.succeed(&task).await;
    server.run_is(&run, RunState::Succeeded).await;
}
