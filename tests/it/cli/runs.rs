//! `conveyor runs` and `conveyor cancel`.

use std::process::Stdio;

use conveyor_client::proto::{RunState, StepState};
use insta::assert_snapshot;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::tidied;
use crate::support::{Scripted, Server, soon};

#[tokio::test]
async fn a_run_is_shown_with_its_steps() {
    let server = Server::start().await;
    server.define("pipeline").await;
    server
        .pipeline("two", "pipeline", &[("1", "builder"), ("2", "pusher")])
        .await;
    let run = server.create_in("two", "pipeline", "r").await;
    assert_snapshot!(tidied(&server.cli(&["runs", &run]).await.said()), @r"
    RUN | RESOURCE | EVENT | STATE | AGE | DURATION | REASON
    <id> | pipeline/r | create | PENDING | <span> | step 1 waits for driver builder to connect

    STEP | DRIVER | STATE | ATTEMPTS | DURATION | MESSAGE
    1 | builder | PENDING | 0 | waits for driver builder to connect
    2 | pusher | PENDING | 0
    ");

    let mut builder = Scripted::new(&server, "builder", "pipeline").await;
    let task = builder.take().await;
    builder
        .fail(&task, "no space left\n\u{1b}[31min detail")
        .await;
    server.run_is(&run, RunState::Failed).await;
    assert_snapshot!(tidied(&server.cli(&["runs", &run]).await.said()), @r"
    RUN | RESOURCE | EVENT | STATE | AGE | DURATION | REASON
    <id> | pipeline/r | create | FAILED | <span> | <span> | step 1 failed: its driver reported failure

    STEP | DRIVER | STATE | ATTEMPTS | DURATION | MESSAGE
    1 | builder | FAILED | 1 | <span> | no space left
    2 | pusher | SKIPPED | 0 | step 1 failed
    ");
    assert_snapshot!(tidied(&server.cli(&["runs"]).await.said()), @r"
    RUN | RESOURCE | EVENT | STATE | AGE | DURATION | REASON
    <id> | pipeline/r | create | FAILED | <span> | <span> | step 1 failed: its driver reported failure
    ");

    let json = server.cli(&["runs", &run, "-o", "json"]).await.said();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["state"], "RUN_STATE_FAILED");
    assert_eq!(
        json["steps"][0]["attempts"][0]["state"],
        "ATTEMPT_STATE_FAILED"
    );
    assert_eq!(json["resource_snapshot"]["name"], "r");
}

#[tokio::test]
async fn the_newest_run_comes_first() {
    let server = Server::start().await;
    server.define("any").await;
    let first = server.create("any", "a").await;
    let second = server.create("any", "b").await;
    let table = server.cli(&["runs"]).await.said();
    let ids: Vec<_> = table.lines().skip(1).map(|line| &line[..36]).collect();
    assert_eq!(ids, [second, first]);
}

#[tokio::test]
async fn cancel_says_where_the_run_stands() {
    let server = Server::start().await;
    server.define("any").await;
    let waiting = server.create("any", "waiting").await;
    let said = server
        .cli(&["cancel", &waiting, "--reason", "wrong branch"])
        .await
        .said();
    assert_snapshot!(tidied(&said), @"run <id> CANCELLED");
    let run = server.run(&waiting).await;
    assert!(run.reason.contains("wrong branch"), "{}", run.reason);

    let mut driver = Scripted::new(&server, "builder", "any").await;
    let held = server.create("any", "held").await;
    let task = driver.take().await;
    server.step_is(&held, 0, StepState::Running).await;
    assert_snapshot!(tidied(&server.cli(&["cancel", &held]).await.said()), @"run <id> CANCELLING");
    driver.cancel().await;
    driver.report(Scripted::success(&task, 0)).await;
    server.run_is(&held, RunState::Cancelled).await;

    let ended = server.create("any", "ended").await;
    let task = driver.take().await;
    driver.succeed(&task).await;
    server.run_is(&ended, RunState::Succeeded).await;
    assert_snapshot!(tidied(&server.cli(&["cancel", &ended]).await.said()), @"run <id> had already ended: SUCCEEDED");
}

#[tokio::test]
async fn an_unknown_run_is_an_error() {
    let server = Server::start().await;
    let unknown = "019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01";
    for command in [["runs", unknown], ["logs", unknown], ["cancel", unknown]] {
        let refusal = server.cli(&command).await.ended_with(3);
        assert!(refusal.contains(unknown), "{refusal}");
    }
    assert_snapshot!(server.cli(&["runs", "latest"]).await.refused(), @r#"error: id: "latest" is no UUID"#);
}

#[tokio::test]
async fn a_watch_of_a_run_outlives_a_restart_of_the_server() {
    let mut server = Server::start().await;
    server.define("any").await;
    let run = server.create("any", "r").await;
    let mut command = server.command(&["runs", &run, "--watch"]);
    let mut watch = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let first = soon("the first line", lines.next_line()).await.unwrap();
    assert!(first.unwrap().starts_with("run PENDING"));
    server.kill_and_start_again().await;
    server.cli(&["cancel", &run]).await.said();
    let mut last = String::new();
    while let Some(line) = soon("the next line", lines.next_line()).await.unwrap() {
        last = line;
    }
    assert!(last.starts_with("run CANCELLED"), "{last}");
    let output = soon("the end", watch.wait_with_output()).await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        told,
        "the server went away; waiting for it\nthe server is back\n"
    );
}

#[tokio::test]
async fn runs_are_chosen_by_resource_and_state() {
    let server = Server::start().await;
    server.define("any").await;
    server.define("other").await;
    let a = server.create("any", "a").await;
    let b = server.create("any", "b").await;
    server.create("other", "c").await;
    server.cli(&["cancel", &b]).await.said();
    let names = async |arguments: &[&str]| {
        let all = [&["runs", "-o", "name"], arguments].concat();
        server.cli(&all).await.said()
    };
    assert_eq!(names(&["--resource", "any"]).await, format!("{b}\n{a}\n"));
    assert_eq!(names(&["--resource", "any/a"]).await, format!("{a}\n"));
    assert_eq!(
        names(&["--resource", "any", "--state", "pending"]).await,
        format!("{a}\n")
    );
    assert_eq!(
        names(&["--state", "cancelled,failed"]).await,
        format!("{b}\n")
    );
    assert_eq!(
        names(&["--limit", "1", "--resource", "any"]).await,
        format!("{b}\n")
    );
    assert_eq!(names(&["any/b"]).await, format!("{b}\n"));
    let refusal = server
        .cli(&["runs", "--state", "cancled"])
        .await
        .ended_with(2);
    assert!(refusal.contains("did you mean cancelled?"), "{refusal}");
}

#[tokio::test]
async fn cancel_prints_the_run_where_a_form_is_asked_for() {
    let server = Server::start().await;
    server.define("any").await;
    let run = server.create("any", "r").await;
    let cancel = async |form: &str| server.cli(&["cancel", &run, "-o", form]).await.said();
    assert_eq!(cancel("name").await, format!("{run}\n"));
    assert_eq!(cancel("jsonpath={.state}").await, "RUN_STATE_CANCELLED\n");
}
