//! Results: applied once, after their lines, within their limits.

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::{
    AttemptState, Hello, Reconcile, Result as Outcome, ResultOutcome, RunState, StepState,
};
use prost_types::value::Kind as Json;
use prost_types::{ListValue, Value};
use tonic::Code;

use crate::support::{Scripted, Server, hello};

/// A server, a builder, and the task it has taken.
async fn at_work() -> (Server, Scripted, Reconcile) {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create("image", "a").await;
    let task = builder.take().await;
    (server, builder, task)
}

#[tokio::test]
async fn same_result_again_is_applied_again_and_changes_nothing() {
    let (server, mut builder, task) = at_work().await;
    let result = Outcome {
        message: "built".into(),
        data_json: r#"{"n":1}"#.into(),
        ..Scripted::success(&task, 0)
    };
    assert_eq!(
        builder.report(result.clone()).await.outcome(),
        ResultOutcome::Applied
    );
    let before = server.run(&task.run_id).await;
    assert_eq!(
        builder.report(result).await.outcome(),
        ResultOutcome::Applied
    );
    assert_eq!(server.run(&task.run_id).await, before);
    assert_eq!(
        (
            before.steps[0].message.as_str(),
            before.steps[0].data_json.as_str()
        ),
        ("built", r#"{"n":1}"#)
    );
}

#[tokio::test]
async fn first_of_two_different_results_stands() {
    let (server, mut builder, task) = at_work().await;
    builder.succeed(&task).await;
    builder
        .report(Scripted::failure(&task, "no, it failed"))
        .await;
    let run = server.run(&task.run_id).await;
    assert_eq!(
        (run.state(), run.steps[0].message.as_str()),
        (RunState::Succeeded, "")
    );
}

#[tokio::test]
async fn result_before_its_lines_is_lines_missing_then_applied() {
    let (server, mut builder, task) = at_work().await;
    builder.log(&task, 0, &["one", "two"]).await;
    builder.logged(2).await;
    let ack = builder.report(Scripted::success(&task, 4)).await;
    assert_eq!((ack.outcome(), ack.next), (ResultOutcome::LinesMissing, 2));
    assert_eq!(server.run(&task.run_id).await.state(), RunState::Running);
    builder.log(&task, 2, &["three", "four"]).await;
    let ack = builder.report(Scripted::success(&task, 4)).await;
    assert_eq!(ack.outcome(), ResultOutcome::Applied);
    let messages: Vec<_> = server
        .stored_lines(&task.run_id)
        .await
        .into_iter()
        .map(|entry| entry.message)
        .collect();
    assert_eq!(messages, ["one", "two", "three", "four"]);
}

#[tokio::test]
async fn result_waits_for_the_lines_received_before_it() {
    let (server, mut builder, task) = at_work().await;
    let lines: Vec<String> = (0..1000).map(|n| format!("line {n}")).collect();
    for (n, batch) in lines.chunks(10).enumerate() {
        let batch: Vec<_> = batch.iter().map(String::as_str).collect();
        builder.log(&task, n as u64 * 10, &batch).await;
    }
    let ack = builder.report(Scripted::success(&task, 1000)).await;
    assert_eq!(ack.outcome(), ResultOutcome::Applied);
    let stored: Vec<_> = server
        .stored_lines(&task.run_id)
        .await
        .into_iter()
        .map(|entry| entry.message)
        .collect();
    assert_eq!(stored, lines);
}

#[tokio::test]
async fn result_with_a_token_that_is_not_the_tasks_is_fenced() {
    let (server, mut builder, task) = at_work().await;
    let mut other = Scripted::new(&server, "builder", "image").await;
    let older = Reconcile {
        token: task.token - 1,
        ..task.clone()
    };
    let newer = Reconcile {
        token: task.token + 1,
        ..task.clone()
    };
    let unknown = Reconcile {
        task_id: uuid::Uuid::now_v7().to_string(),
        ..task.clone()
    };
    for forged in [older, newer, unknown] {
        let ack = builder.report(Scripted::success(&forged, 0)).await;
        assert_eq!(ack.outcome(), ResultOutcome::Fenced);
        assert_eq!((&ack.task_id, ack.token), (&forged.task_id, forged.token));
    }
    let ack = other.report(Scripted::success(&task, 0)).await;
    assert_eq!(
        ack.outcome(),
        ResultOutcome::Fenced,
        "the task is another instance's"
    );
    assert_eq!(server.run(&task.run_id).await.state(), RunState::Running);
    builder.succeed(&task).await;
}

#[tokio::test]
async fn result_of_a_task_not_yet_acked_does_no_harm() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let offer = builder.offer().await;
    builder.say(Say::Result(Scripted::success(&offer, 0))).await;
    // Whether it counts as an acceptance or not is not said; the server must go on either way.
    Scripted::new(&server, "tester", "package")
        .await
        .hears_nothing(&[])
        .await;
    assert!(server.run(&run).await.steps[0].attempts.len() <= 1);
}

#[tokio::test]
async fn long_message_of_a_result_is_cut_at_16_kib() {
    let (server, mut builder, task) = at_work().await;
    // Three bytes a character: the cut must fall between two.
    let message = "€".repeat(10_000);
    let result = Outcome {
        message: message.clone(),
        ..Scripted::success(&task, 0)
    };
    assert_eq!(
        builder.report(result).await.outcome(),
        ResultOutcome::Applied
    );
    let kept = server.run(&task.run_id).await.steps[0].message.clone();
    assert!(kept.len() <= 16 << 10, "{}", kept.len());
    assert!(kept.len() > 15 << 10, "{}", kept.len());
    assert!(message.starts_with(&kept[..3000]));
}

#[tokio::test]
async fn data_over_the_limit_makes_the_result_a_failed_one() {
    let (server, mut builder, task) = at_work().await;
    let data_json = format!("\"{}\"", "x".repeat(256 << 10));
    let result = Outcome {
        data_json,
        ..Scripted::success(&task, 0)
    };
    assert_eq!(
        builder.report(result).await.outcome(),
        ResultOutcome::Applied
    );
    let run = server.run(&task.run_id).await;
    assert_eq!(
        (run.state(), run.steps[0].state()),
        (RunState::Failed, StepState::Failed)
    );
    assert!(!run.steps[0].reason.is_empty());
    assert_eq!(run.steps[0].data_json, "");
    assert_eq!(run.steps[0].attempts[0].state(), AttemptState::Failed);
}

#[tokio::test]
async fn data_just_within_the_limit_is_kept() {
    let (server, mut builder, task) = at_work().await;
    let data_json = format!("\"{}\"", "x".repeat((256 << 10) - 2));
    let result = Outcome {
        data_json: data_json.clone(),
        ..Scripted::success(&task, 0)
    };
    assert_eq!(
        builder.report(result).await.outcome(),
        ResultOutcome::Applied
    );
    assert!(server.run(&task.run_id).await.steps[0].data_json == data_json);
}

#[tokio::test]
async fn data_over_4_mib_in_a_run_fails_its_step() {
    let server = Server::start().await;
    server.define("image").await;
    let steps: Vec<_> = (0..17).map(|n| (format!("s{n}"), "builder")).collect();
    let steps: Vec<_> = steps
        .iter()
        .map(|(id, driver)| (id.as_str(), *driver))
        .collect();
    server.pipeline("long", "image", &steps).await;
    let run = server.create_in("long", "image", "a").await;
    let wide = Hello {
        max_message_bytes: 16 << 20,
        ..hello("builder", "image")
    };
    let mut builder = Scripted::join(&server, wide).await;
    let data_json = format!("\"{}\"", "x".repeat((256 << 10) - 2));
    for _ in 0..17 {
        let task = builder.take().await;
        let result = Outcome {
            data_json: data_json.clone(),
            ..Scripted::success(&task, 0)
        };
        assert_eq!(
            builder.report(result).await.outcome(),
            ResultOutcome::Applied
        );
    }
    let run = server.run_is(&run, RunState::Failed).await;
    assert_eq!(run.steps[15].state(), StepState::Succeeded);
    assert_eq!(run.steps[16].state(), StepState::Failed);
    assert!(!run.steps[16].reason.is_empty());
}

#[tokio::test]
async fn data_as_text_comes_back_token_for_token() {
    let (server, mut builder, task) = at_work().await;
    let data_json = r#"{"z":1.10,"a":[9007199254740993,1E+2,"\u0041"],"z2":null}"#;
    let result = Outcome {
        data_json: data_json.into(),
        ..Scripted::success(&task, 0)
    };
    builder.report(result).await;
    let step = server.run(&task.run_id).await.steps.remove(0);
    assert_eq!(step.data_json, data_json);
    assert!(
        matches!(
            step.data.and_then(|data| data.kind),
            Some(Json::StructValue(_))
        ),
        "both fields are filled"
    );
}

#[tokio::test]
async fn data_as_value_is_kept_with_whole_numbers_whole() {
    let (server, mut builder, task) = at_work().await;
    let values = [3.0, 0.5]
        .map(|number| Value {
            kind: Some(Json::NumberValue(number)),
        })
        .to_vec();
    let data = Value {
        kind: Some(Json::ListValue(ListValue { values })),
    };
    let result = Outcome {
        data: Some(data.clone()),
        ..Scripted::success(&task, 0)
    };
    builder.report(result).await;
    let step = server.run(&task.run_id).await.steps.remove(0);
    assert_eq!(step.data_json, "[3,0.5]");
    assert_eq!(step.data, Some(data));
}

#[tokio::test]
async fn data_that_is_no_json_is_never_stored() {
    let (server, mut builder, task) = at_work().await;
    server.run_is(&task.run_id, RunState::Running).await;
    let result = Outcome {
        data_json: "{no".into(),
        ..Scripted::success(&task, 0)
    };
    builder.say(Say::Result(result)).await;
    let run = server
        .run_where(&task.run_id, "the result was seen", |run| {
            run.state() != RunState::Running
        })
        .await;
    assert_eq!(
        (run.state(), run.steps[0].data_json.as_str()),
        (RunState::Failed, "")
    );
}

#[tokio::test]
async fn failed_result_is_final_and_tried_once() {
    let (server, mut builder, task) = at_work().await;
    builder.fail(&task, "exit code 2").await;
    let run = server.run(&task.run_id).await;
    assert_eq!(
        (run.state(), run.steps[0].state()),
        (RunState::Failed, StepState::Failed)
    );
    assert_eq!(
        (run.steps[0].message.as_str(), run.steps[0].attempts.len()),
        ("exit code 2", 1)
    );
    builder.hears_nothing(&[]).await;
}

#[tokio::test]
async fn result_of_an_unknown_task_is_fenced_and_the_stream_goes_on() {
    let server = Server::start().await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let unknown = Outcome {
        task_id: uuid::Uuid::now_v7().to_string(),
        token: 1,
        ..Outcome::default()
    };
    assert_eq!(
        builder.report(unknown).await.outcome(),
        ResultOutcome::Fenced
    );
    builder.hears_nothing(&[]).await;
    assert_ne!(builder.close().await.code(), Code::InvalidArgument);
}
