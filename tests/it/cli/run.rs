//! `conveyor run`.

use insta::assert_snapshot;

use super::{Ran, tidied};
use crate::support::{Scripted, Server, soon};

/// A driver, and a resource that it has dealt with once.
async fn dealt_with(server: &Server) -> Scripted {
    server.define("any").await;
    let mut driver = Scripted::new(server, "builder", "any").await;
    server.create("any", "r").await;
    let task = driver.take().await;
    driver.succeed(&task).await;
    driver
}

/// Runs the resource while the driver does something with it.
async fn run(server: &Server, work: impl AsyncFnOnce(&mut Scripted)) -> Ran {
    let mut driver = dealt_with(server).await;
    let mut command = server.command(&["run", "any/r"]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let command = command.spawn().unwrap();
    work(&mut driver).await;
    soon("the end of the run", command.wait_with_output())
        .await
        .unwrap()
        .into()
}

#[tokio::test]
async fn a_run_is_followed_and_its_outcome_is_the_exit_code() {
    let server = Server::start().await;
    let ran = run(&server, async |driver: &mut Scripted| {
        let task = driver.take().await;
        assert_eq!(task.cause, "update");
        driver.log(&task, 0, &["one", "two"]).await;
        driver.report(Scripted::success(&task, 2)).await;
    })
    .await;
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "one\ntwo\n"));
    let last = ran.stderr.lines().last().unwrap();
    assert_snapshot!(tidied(last), @"run SUCCEEDED in <span>");
    assert_snapshot!(tidied(ran.stderr.lines().next().unwrap()), @"run <id> of resource any/r");
}

#[tokio::test]
async fn a_run_that_fails_is_a_failure() {
    let server = Server::start().await;
    let ran = run(&server, async |driver: &mut Scripted| {
        let task = driver.take().await;
        driver.fail(&task, "no space left").await;
    })
    .await;
    let told = ran.ended_with(1);
    assert!(
        told.contains("step builder (builder) FAILED: no space left\n"),
        "{told}"
    );
}

#[tokio::test]
async fn a_run_that_is_cancelled_has_a_code_of_its_own() {
    let server = Server::start().await;
    let ran = run(&server, async |driver: &mut Scripted| {
        let task = driver.take().await;
        server.cli(&["cancel", "any/r"]).await.said();
        driver.cancel().await;
        driver.report(Scripted::failure(&task, "stopped")).await;
    })
    .await;
    ran.ended_with(7);
}

#[tokio::test]
async fn a_run_that_is_not_followed_is_printed() {
    let server = Server::start().await;
    let _driver = dealt_with(&server).await;
    let start = [
        "run",
        "any/r",
        "--detach",
        "-o",
        "name",
        "--request-id",
        "once",
        "--event",
        "create",
    ];
    let id = server.cli(&start).await.said();
    assert_eq!(server.cli(&start).await.said(), id);
    assert_eq!(server.run(id.trim_end()).await.event, "create");
}

#[tokio::test]
async fn what_cannot_be_run_is_explained() {
    let server = Server::start().await;
    let _driver = dealt_with(&server).await;
    assert_snapshot!(server.cli(&["run", "any/q"]).await.ended_with(3), @r#"error: resource "any/q" is not known; did you mean any/r?"#);
    assert_snapshot!(server.cli(&["run", "r"]).await.ended_with(2), @"error: r is no kind of things: those are definitions, pipelines, resources, runs and drivers. If it is a definition, `conveyor get resources --type r` lists its resources, and r/NAME is one of them");
    assert_snapshot!(server.cli(&["run", "any/r", "--event", "delete"]).await.refused(), @"error: event: it is update or create");
}
