//! `conveyor describe`.

use conveyor_client::proto::{Resource, RunState};
use insta::assert_snapshot;

use super::tidied;
use crate::support::{Scripted, Server, resource};

/// A sheet with the times and the spaces after names of fields replaced.
fn sheet(text: &str) -> String {
    let lines = tidied(text);
    let lines = lines.lines().map(|line| match line.split_once(": <time>") {
        Some((name, _)) => format!("{name}: <time>"),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn each_kind_is_shown_with_all_that_is_asked_of_it() {
    let server = Server::start().await;
    server.define("any").await;
    server
        .pipeline("two", "any", &[("1", "builder"), ("2", "pusher")])
        .await;
    let mut driver = Scripted::new(&server, "builder", "any").await;
    let given = Resource {
        pipeline: "two".into(),
        spec_json: r#"{"image":"a:1","n":1.10}"#.into(),
        metadata: [("team".to_owned(), "red".to_owned())].into(),
        ..resource("any", "r")
    };
    let (_, run) = server.try_create(given).await.unwrap();
    let task = driver.take().await;
    driver.log(&task, 0, &["begins", "\u{1b}[31mends"]).await;
    let mut failure = Scripted::failure(&task, "no space left");
    (failure.lines, failure.data_json) = (2, r#"{"free":0.50}"#.into());
    driver.report(failure).await;
    server.run_is(&run, RunState::Failed).await;

    assert_snapshot!(sheet(&server.cli(&["describe", "any/r"]).await.said()), @r#"
    Resource: | any/r
    Id: | <id>
    Pipeline: | two
    Revision: | 1
    Created: | <time> (<span> ago)
    Changed: | <time> (<span> ago)
    Metadata: | team=red

    Spec
      image: a:1
      "n": 1.10

    Driver results
      builder: {"success":false,"message":"no space left","data":{"free":0.50},"driver":"builder"}

    Revisions
      REVISION | PIPELINE | AGE
      1 | two | <span>

    Runs
      RUN | RESOURCE | EVENT | STATE | AGE | DURATION | REASON
      <id> | any/r | create | FAILED | <span> | <span> | step 1 failed: its driver reported failure
    "#);
    assert_snapshot!(sheet(&server.cli(&["describe", &run]).await.said()), @r"
    Run: | <id>
    Resource: | any/r, revision 1
    Pipeline: | two
    Event: | create
    State: | FAILED
    Reason: | step 1 failed: its driver reported failure
    Created: | <time> (<span> ago)
    Started: | <time> (<span> ago)
    Ended: | <time> (<span> ago)
    Duration: | <span>

    Steps
      STEP | DRIVER | STATE | ATTEMPTS | DURATION | MESSAGE
      1 | builder | FAILED | 1 | <span> | no space left
      2 | pusher | SKIPPED | 0 | step 1 failed

    Attempts
      ATTEMPT | STATE | DURATION | INSTANCE | REASON
      1 1 | FAILED | <span> | <id>

    Result of step 1
      no space left
      free: 0.50

    End of the log
      builder | begins
      builder | [31mends
    ");
    assert_snapshot!(sheet(&server.cli(&["describe", "driver", "builder"]).await.said()), @r"
    Driver: | builder
    Definitions: | any
    Events: | *
    Queued: | 0 steps wait for a free slot
    Known since: | <time> (<span> ago)

    Instances
      INSTANCE | TASKS | STATE | SDK | LABELS | CONNECTED
      <id> | 0/1 | <span>
    ");
    assert_snapshot!(sheet(&server.cli(&["describe", "definition", "any"]).await.said()), @r"
    Definition: | any
    Id: | <id>
    Dialect: | draft2020-12
    Revision: | 1
    Created: | <time> (<span> ago)
    Changed: | <time> (<span> ago)

    Schema
      {}

    Resources
      RESOURCE | PIPELINE | REVISION | AGE
      any/r | two | 1 | <span>
    ");
    assert_snapshot!(sheet(&server.cli(&["describe", "pipeline", "two"]).await.said()), @r"
    Pipeline: | two
    Id: | <id>
    Definition: | any
    Revision: | 1
    Created: | <time> (<span> ago)
    Changed: | <time> (<span> ago)

    Steps
      STEP | NAME | DRIVER | TIMEOUT | LABELS | PARAMS
      1 | builder
      2 | pusher
    ");
}

#[tokio::test]
async fn a_run_that_waits_says_for_what() {
    let server = Server::start().await;
    server.define("any").await;
    let first = server.create("any", "r").await;
    let resource = server.read("any", "r", 0).await.unwrap();
    let second = server.update(resource).await;
    let text = server.cli(&["describe", &second]).await.said();
    assert!(text.contains(&format!("Waits for:     {first}")), "{text}");
}

#[tokio::test]
async fn what_is_not_there_is_told_with_the_nearest_name() {
    let server = Server::start().await;
    server.define("docker-resource").await;
    server.create("docker-resource", "app").await;
    assert_snapshot!(server.cli(&["describe", "docker-resorce/app"]).await.ended_with(3), @r#"error: resource "docker-resorce/app" is not known; did you mean docker-resource/app?"#);
    assert_snapshot!(server.cli(&["describe", "definition", "docker"]).await.ended_with(3), @r#"error: resource definition "docker" is not known"#);
    assert_snapshot!(server.cli(&["describe", "defintion", "x"]).await.ended_with(2), @"error: defintion is no kind of things; did you mean definitions?");
}
