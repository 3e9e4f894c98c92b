//! A disk with too little space left: what is new is refused, what goes on may end.

use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::{
    AppendLogsRequest, CancelRunRequest, LogEntry, ResultOutcome, RunState, StartRunRequest,
    StepState, TaskVerdict, UpdateResourceRequest,
};
use tonic::Code;

use crate::support::{Scripted, Server, held, resource};

const FULL: (&str, &str) = ("store.min_free_bytes", "1000000 GiB");
const ROOMY: (&str, &str) = ("store.min_free_bytes", "1");

#[tokio::test]
async fn full_disk_refuses_what_is_new_and_lets_the_rest_go_on() {
    let mut server = Server::start().await;
    server.define("image").await;
    let first = server.create("image", "a").await;
    let second = server.create("image", "b").await;
    server.set(FULL.0, FULL.1);
    server.kill_and_start_again().await;

    let status = server.try_create(resource("image", "c")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status.message().contains("free") || status.message().contains("space"),
        "{status:?}"
    );
    let update = UpdateResourceRequest {
        resource: Some(resource("image", "a")),
        expected_revision: 0,
    };
    assert_eq!(
        server
            .resources()
            .update_resource(update)
            .await
            .unwrap_err()
            .code(),
        Code::Unavailable
    );
    assert_eq!(
        server.try_define("package", "{}").await.unwrap_err().code(),
        Code::Unavailable
    );
    let start = StartRunRequest {
        resource: "image".into(),
        name: "a".into(),
        ..Default::default()
    };
    assert_eq!(
        server.runs().start_run(start).await.unwrap_err().code(),
        Code::Unavailable
    );
    let entries = vec![LogEntry {
        run_id: first.clone(),
        message: "x".into(),
        ..Default::default()
    }];
    let append = tokio_stream::iter([AppendLogsRequest { entries }]);
    assert_eq!(
        server.logs().append_logs(append).await.unwrap_err().code(),
        Code::Unavailable
    );
    let body = r#"{"name":"c","resource":"image","spec":{}}"#;
    assert_eq!(server.post("/resources", body).await.status, 503);

    let mut builder = Scripted::new(&server, "builder", "image").await;
    builder.hears_nothing(&[]).await;
    assert_eq!(
        server
            .run(&first)
            .await
            .steps
            .first()
            .map(|step| step.state()),
        Some(StepState::Pending),
        "no step is offered"
    );
    server
        .runs()
        .cancel_run(CancelRunRequest {
            id: first.clone(),
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(server.run(&first).await.state(), RunState::Cancelled);
    server.delete("image", "a").await;
    assert_eq!(
        server.read("image", "a", 0).await.unwrap_err().code(),
        Code::NotFound
    );

    server.set(ROOMY.0, ROOMY.1);
    server.kill_and_start_again().await;
    let mut builder = builder.next_stream(&server, vec![]).await;
    assert_eq!(builder.take().await.run_id, second);
}

#[tokio::test]
async fn reports_of_drivers_wait_while_the_disk_is_full() {
    let short = [
        ("driver.lease_time", "1500ms"),
        ("driver.heartbeat_period", "300ms"),
    ];
    let mut server = Server::with(&short).await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    server.run_is(&run, RunState::Running).await;
    server.set(FULL.0, FULL.1);
    server.kill_and_start_again().await;
    let mut builder = builder
        .next_stream(&server, vec![held(&task, 0, true)])
        .await;
    assert_eq!(builder.welcome.tasks[0].verdict(), TaskVerdict::GoOn);
    builder.say(Say::Result(Scripted::success(&task, 0))).await;
    // The lease stands still: two of them pass without a word.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let waiting = server.run(&run).await;
    assert_eq!(
        (waiting.state(), waiting.steps[0].attempts.len()),
        (RunState::Running, 1)
    );
    server.set(ROOMY.0, ROOMY.1);
    server.kill_and_start_again().await;
    let mut builder = builder
        .next_stream(&server, vec![held(&task, 0, true)])
        .await;
    assert_eq!(
        builder.report(Scripted::success(&task, 0)).await.outcome(),
        ResultOutcome::Applied
    );
    assert_eq!(server.run(&run).await.steps[0].attempts.len(), 1);
}
