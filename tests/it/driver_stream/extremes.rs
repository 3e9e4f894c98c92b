//! Values at their ends: nothing a driver says may take the server down, or anyone else's work.

use std::collections::HashMap;

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::{
    Ack, Heartbeat, HeldTask, Hello, Log, LogLine, Reconcile, Result as Outcome, RunState,
    TaskToken, TaskVerdict,
};
use prost_types::value::Kind as Json;
use prost_types::{Timestamp, Value};
use uuid::Uuid;

use crate::support::{Scripted, Server, eventually, held, hello};

/// A server, a builder with a task, and a tester that must not notice anything.
async fn at_work() -> (Server, Scripted, Reconcile, Scripted) {
    let server = Server::start().await;
    server.define("image").await;
    let tester = Scripted::new(&server, "tester", "package").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    server.run_is(&run, RunState::Running).await;
    (server, builder, task, tester)
}

fn log(task: &Reconcile, first_line: u64, lines: Vec<LogLine>) -> Say {
    Say::Log(Log {
        task_id: task.task_id.clone(),
        token: task.token,
        first_line,
        lines,
    })
}

#[tokio::test]
async fn numbers_at_their_ends_break_nothing() {
    let (server, mut builder, task, mut tester) = at_work().await;
    let line = LogLine {
        message: "x".into(),
        ..LogLine::default()
    };
    let said = [
        log(&task, u64::MAX, vec![line.clone(), line.clone()]),
        log(&task, u64::MAX - 1, vec![line; 4]),
        Say::Result(Scripted::success(&task, u64::MAX)),
        Say::Ack(Ack {
            task_id: task.task_id.clone(),
            token: u64::MAX,
            ..Ack::default()
        }),
        Say::Heartbeat(Heartbeat {
            tasks: vec![TaskToken {
                task_id: task.task_id.clone(),
                token: u64::MAX,
            }],
        }),
    ];
    for kind in said {
        // A broken rule may end the stream; the process comes back as it would.
        if builder.try_say(kind).await.is_err() {
            builder = builder
                .next_stream(&server, vec![held(&task, 0, false)])
                .await;
        }
    }
    let mut back = builder
        .next_stream(&server, vec![held(&task, u64::MAX, true)])
        .await;
    let fate = &back.welcome.tasks[0];
    assert_eq!((fate.verdict(), fate.next_line), (TaskVerdict::GoOn, 0));
    back.log(&task, 0, &["only this"]).await;
    back.logged(1).await;
    back.report(Scripted::success(&task, 1)).await;
    assert_eq!(server.run(&task.run_id).await.state(), RunState::Succeeded);
    assert_eq!(server.stored_lines(&task.run_id).await.len(), 1);
    tester.hears_nothing(&[]).await;
}

#[tokio::test]
async fn times_that_are_none_break_nothing() {
    let (server, mut builder, task, mut tester) = at_work().await;
    let times = [
        (i64::MAX, 0),
        (i64::MIN, 0),
        (0, -1),
        (0, i32::MAX),
        (253_402_300_800, 0),
    ];
    for (seconds, nanos) in times {
        let line = LogLine {
            time: Some(Timestamp { seconds, nanos }),
            ..LogLine::default()
        };
        if builder.try_say(log(&task, 0, vec![line])).await.is_err() {
            break;
        }
    }
    let _back = builder
        .next_stream(&server, vec![held(&task, 0, false)])
        .await;
    // Whether such a line is refused or put right, it can be read by every door.
    server.stored_lines(&task.run_id).await;
    assert_eq!(
        server
            .get(&format!("/logs?runid={}", task.run_id))
            .await
            .status,
        200
    );
    tester.hears_nothing(&[]).await;
}

#[tokio::test]
async fn labels_count_as_bytes_of_a_batch() {
    let (server, mut builder, task, mut tester) = at_work().await;
    let labels: HashMap<_, _> = (0..40)
        .map(|n| (format!("k{n}"), "v".repeat(40_000)))
        .collect();
    builder
        .say(log(
            &task,
            0,
            vec![LogLine {
                labels,
                ..LogLine::default()
            }],
        ))
        .await;
    assert_eq!(builder.ended().await.code(), tonic::Code::InvalidArgument);
    assert_eq!(server.stored_lines(&task.run_id).await, []);
    tester.hears_nothing(&[]).await;
}

#[tokio::test]
async fn result_data_in_both_fields_is_no_success() {
    let (server, mut builder, task, _tester) = at_work().await;
    let result = Outcome {
        data: Some(Value {
            kind: Some(Json::BoolValue(true)),
        }),
        data_json: "false".into(),
        ..Scripted::success(&task, 0)
    };
    builder.say(Say::Result(result)).await;
    let mut back = None;
    let run = eventually("the result was seen", async || {
        let run = server.run(&task.run_id).await;
        if run.state() == RunState::Running
            && back.is_none()
            && builder
                .try_say(Say::Heartbeat(Heartbeat::default()))
                .await
                .is_err()
        {
            back = Some(());
        }
        (back.is_some() || run.state() != RunState::Running).then_some(run)
    })
    .await;
    assert_ne!(run.state(), RunState::Succeeded);
}

#[tokio::test]
async fn hello_may_name_a_task_twice_and_many_that_nobody_knows() {
    let (server, mut builder, task, _tester) = at_work().await;
    let mut tasks = vec![held(&task, 0, false), held(&task, 0, false)];
    let unknown = || HeldTask {
        task_id: Uuid::now_v7().to_string(),
        token: 1,
        ..HeldTask::default()
    };
    tasks.extend((0..2000).map(|_| unknown()));
    let mut back = builder.next_stream(&server, tasks).await;
    let verdicts: Vec<_> = back
        .welcome
        .tasks
        .iter()
        .map(|fate| fate.verdict())
        .collect();
    assert_eq!(verdicts[0], TaskVerdict::GoOn);
    assert_eq!(
        verdicts
            .iter()
            .filter(|verdict| **verdict == TaskVerdict::Stop)
            .count(),
        2000
    );
    back.succeed(&task).await;
}

#[tokio::test]
async fn fewer_slots_than_tasks_mean_no_offers_until_enough_have_ended() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::join(
        &server,
        Hello {
            slots: 3,
            ..hello("builder", "image")
        },
    )
    .await;
    for name in ["a", "b", "c", "d"] {
        server.create("image", name).await;
    }
    let tasks = [
        builder.take().await,
        builder.take().await,
        builder.take().await,
    ];
    for task in &tasks {
        server.run_is(&task.run_id, RunState::Running).await;
    }
    builder.hello.slots = 1;
    let held = tasks.iter().map(|task| held(task, 0, false)).collect();
    let mut back = builder.next_stream(&server, held).await;
    for (done, task) in tasks.iter().enumerate() {
        back.hears_nothing(&tasks[done..].iter().collect::<Vec<_>>())
            .await;
        back.succeed(task).await;
    }
    back.take().await;
}

#[tokio::test]
async fn result_with_fewer_lines_than_were_sent_ends_the_task() {
    let (server, mut builder, task, _tester) = at_work().await;
    builder.log(&task, 0, &["a", "b", "c"]).await;
    builder.logged(3).await;
    builder.report(Scripted::success(&task, 1)).await;
    assert_eq!(server.run(&task.run_id).await.state(), RunState::Succeeded);
    assert_eq!(
        server.stored_lines(&task.run_id).await.len(),
        3,
        "what was acked stays"
    );
}

#[tokio::test]
async fn three_hundred_drivers_at_once_all_get_the_message() {
    let server = Server::start().await;
    let joining = (0..300).map(|n| {
        let said = hello(&format!("d{n}"), "image");
        Scripted::join(&server, said)
    });
    let mut drivers = futures_util::future::join_all(joining).await;
    let message = conveyor_client::proto::BroadcastMessageRequest {
        payload: "all".into(),
        ..Default::default()
    };
    let answer = server
        .drivers()
        .broadcast_message(message)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.delivered, 300);
    for driver in &mut drivers {
        driver.hear().await;
    }
    // A run may have 256 steps and no more, fan-out too.
    server.define("image").await;
    if let Ok((_, run)) = server
        .try_create(crate::support::resource("image", "a"))
        .await
    {
        assert!(server.run(&run).await.steps.len() <= 256);
    }
    drivers[0].hears_nothing(&[]).await;
}
