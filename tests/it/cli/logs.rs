//! `conveyor logs`.

use std::process::Stdio;

use conveyor_client::proto::{Reconcile, RunState};
use insta::assert_snapshot;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::{Scripted, Server, eventually, soon};

/// A run of two drivers with two lines each, ended.
async fn two_drivers(server: &Server) -> String {
    server.define("any").await;
    server
        .pipeline("two", "any", &[("1", "git-cloner"), ("2", "builder")])
        .await;
    let run = server.create_in("two", "any", "r").await;
    for driver in ["git-cloner", "builder"] {
        let mut driver = Scripted::new(server, driver, "any").await;
        let task = driver.take().await;
        driver.log(&task, 0, &["begins", "ends"]).await;
        driver.report(Scripted::success(&task, 2)).await;
    }
    server.run_is(&run, RunState::Succeeded).await;
    run
}

#[tokio::test]
async fn lines_of_several_drivers_carry_their_names() {
    let server = Server::start().await;
    let run = two_drivers(&server).await;
    assert_snapshot!(server.cli(&["logs", &run]).await.said(), @r"
    git-cloner | begins
    git-cloner | ends
    builder    | begins
    builder    | ends
    ");
    assert_snapshot!(server.cli(&["logs", &run, "--after", "3", "-f"]).await.said(), @"builder    | ends");
    assert_snapshot!(server.cli(&["logs", &run, "--driver", "builder"]).await.said(), @r"
    begins
    ends
    ");
}

#[tokio::test]
async fn lines_of_one_driver_come_bare_or_with_their_time() {
    let server = Server::start().await;
    server.define("any").await;
    let mut driver = Scripted::new(&server, "builder", "any").await;
    let run = server.create("any", "r").await;
    let task = driver.take().await;
    driver
        .log(&task, 0, &["\u{1b}[32mgreen\u{1b}[0m", "  two  spaces "])
        .await;
    driver.logged(2).await;
    let bare = server.cli(&["logs", &run]).await.said();
    assert_eq!(bare, "\u{1b}[32mgreen\u{1b}[0m\n  two  spaces \n");
    let timed = server.cli(&["logs", &run, "--timestamps"]).await.said();
    for line in timed.lines() {
        let (time, _) = line.split_once(' ').unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{line}");
    }
}

/// Sends the lines of a task with these numbers.
async fn log_lines(driver: &mut Scripted, task: &Reconcile, numbers: std::ops::Range<u64>) {
    let lines: Vec<_> = numbers
        .clone()
        .map(|number| format!("line {number}"))
        .collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    driver.log(task, numbers.start, &lines).await;
    driver.logged(numbers.end).await;
}

#[tokio::test]
async fn a_follower_sees_each_line_once_over_a_restart_and_ends_with_the_run() {
    let mut server = Server::start().await;
    server.define("any").await;
    let mut driver = Scripted::new(&server, "builder", "any").await;
    let run = server.create("any", "r").await;
    let task = driver.take().await;
    log_lines(&mut driver, &task, 0..100).await;

    let mut follower = server
        .command(&["logs", &run, "-f"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut expect = async |numbers: std::ops::Range<u64>| {
        for number in numbers {
            let line = soon("the next line", lines.next_line()).await.unwrap();
            assert_eq!(line, Some(format!("line {number}")));
        }
    };
    expect(0..100).await;
    server.kill_and_start_again().await;
    let held = vec![crate::support::held(&task, 100, false)];
    let mut driver = driver.next_stream(&server, held).await;
    log_lines(&mut driver, &task, 100..200).await;
    expect(100..200).await;
    driver.report(Scripted::failure(&task, "it failed")).await;
    drop(driver);
    let status = soon("the end of the follower", follower.wait())
        .await
        .unwrap();
    assert!(
        status.success(),
        "the run's end is no failure of the command: {status}"
    );
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_panic() {
    let server = Server::start().await;
    server.define("any").await;
    let mut driver = Scripted::new(&server, "builder", "any").await;
    let run = server.create("any", "r").await;
    let task = driver.take().await;
    let long = "x".repeat(60_000);
    for batch in 0..4 {
        driver.log(&task, batch * 8, &[long.as_str(); 8]).await;
    }
    driver.logged(32).await;
    let mut command = server.command(&["logs", &run]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = soon("the end of the command", child.wait_with_output())
        .await
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), b"".as_slice())
    );
}

#[tokio::test]
async fn a_follower_of_a_run_that_waits_is_told_for_what() {
    let server = Server::start().await;
    server.define("any").await;
    let run = server.create("any", "r").await;
    let mut command = server.command(&["logs", &run, "-f"]);
    let mut follower = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut complaints = BufReader::new(follower.stderr.take().unwrap()).lines();
    let line = soon("a word on what the run waits for", complaints.next_line());
    let reason = server.run(&run).await.reason;
    assert_eq!(line.await.unwrap(), Some(reason));
    server.cli(&["cancel", &run]).await.said();
    let status = soon("the end of the follower", follower.wait())
        .await
        .unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn lines_that_are_no_longer_kept_are_told_of() {
    let settings = [
        ("retention.period", "20ms"),
        ("retention.logs.max_age", "300ms"),
    ];
    let server = Server::with(&settings).await;
    let run = two_drivers(&server).await;
    let ran = eventually("the log goes", async || {
        let ran = server.cli(&["logs", &run, "-f"]).await;
        ran.stdout.is_empty().then_some(ran)
    })
    .await;
    assert_eq!(ran.stderr, "--- lines 1 to 4 are no longer kept ---\n");
    assert_eq!(ran.code, 0);
    let ran = server.cli(&["logs", &run, "--after", "4"]).await;
    assert_eq!(ran.said(), "", "one who has seen all");
}
