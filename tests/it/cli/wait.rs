//! `conveyor wait`.

use std::process::Stdio;

use conveyor_client::proto::RunState;
use insta::assert_snapshot;

use super::{Ran, tidied};
use crate::support::{Scripted, Server, soon};

#[tokio::test]
async fn the_end_of_a_run_is_waited_for() {
    let server = Server::start().await;
    server.define("any").await;
    let mut driver = Scripted::new(&server, "builder", "any").await;
    let run = server.create("any", "r").await;
    let task = driver.take().await;
    let mut command = server.command(&["wait", &run]);
    let waits = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    driver.succeed(&task).await;
    let ran: Ran = soon("the end", waits.wait_with_output())
        .await
        .unwrap()
        .into();
    assert_snapshot!(tidied(&ran.said()), @"run <id> SUCCEEDED");
    assert_eq!(server.cli(&["wait", "any/r", "--for=ended"]).await.code, 0);
    assert_snapshot!(tidied(&server.cli(&["wait", "any/r", "--for", "failed"]).await.refused()), @"run <id> SUCCEEDED");
}

#[tokio::test]
async fn a_run_that_ends_otherwise_is_a_failure() {
    let server = Server::start().await;
    server.define("any").await;
    let mut driver = Scripted::new(&server, "builder", "any").await;
    let failed = server.create("any", "failed").await;
    let task = driver.take().await;
    driver.fail(&task, "no").await;
    server.run_is(&failed, RunState::Failed).await;
    let told = server.cli(&["wait", &failed]).await.refused();
    assert_snapshot!(tidied(&told), @"run <id> FAILED: step builder failed: its driver reported failure");
    server.cli(&["wait", &failed, "--for=failed"]).await.said();
    drop(driver);
    let cancelled = server.create("any", "cancelled").await;
    server.cli(&["cancel", &cancelled]).await.said();
    server.run_is(&cancelled, RunState::Cancelled).await;
    let several = server
        .cli(&["wait", &failed, &cancelled, "--for=ended"])
        .await
        .said();
    assert_eq!(several.lines().count(), 2, "{several}");
    server.cli(&["wait", &cancelled]).await.ended_with(7);
}

#[tokio::test]
async fn the_time_may_be_over_first() {
    let server = Server::start().await;
    server.define("any").await;
    let run = server.create("any", "r").await;
    assert_snapshot!(server.cli(&["wait", &run, "--timeout", "50ms"]).await.ended_with(4), @"error: not succeeded within 50ms");
    assert_eq!(
        server.cli(&["wait", &run, "--timeout", "soon"]).await.code,
        2
    );
    server
        .cli(&["wait", "any/r", "--for=deleted", "--timeout", "50ms"])
        .await
        .ended_with(4);
}

#[tokio::test]
async fn a_resource_is_waited_for_to_be_gone() {
    let server = Server::start().await;
    server.define("any").await;
    server.create("any", "r").await;
    server.create("any", "stays").await;
    let mut command = server.command(&["wait", "--for=deleted", "any/r"]);
    let waits = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    server.delete("any", "r").await;
    let ran: Ran = soon("the end", waits.wait_with_output())
        .await
        .unwrap()
        .into();
    assert_snapshot!(ran.said(), @"resource any/r is gone");
    assert_eq!(
        server.cli(&["wait", "--for=deleted", "any/r"]).await.code,
        0
    );
    assert_eq!(
        server
            .cli(&["wait", "--for=deleted", "nothing/r"])
            .await
            .code,
        0
    );
}

#[tokio::test]
async fn what_cannot_be_waited_for_is_explained() {
    let server = Server::start().await;
    server.define("any").await;
    server.create("any", "r").await;
    let unknown = "019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01";
    assert_snapshot!(server.cli(&["wait", unknown]).await.ended_with(3), @r#"error: run "019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01" is not known"#);
    assert_snapshot!(server.cli(&["wait", "any/q"]).await.ended_with(3), @r#"error: resource "any/q" has no run; did you mean any/r?"#);
    assert_snapshot!(server.cli(&["wait", unknown, "--for=deleted"]).await.ended_with(2), @"error: run 019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01 cannot be waited for to be deleted; a TYPE/NAME can");
}
