//! Drivers that misbehave over the one stream they have.

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{
    CancelRunRequest, Hello, LogAckStatus, Reconcile, ResultOutcome, RunState,
};
use tonic::Code;

use super::neighbours::{Neighbours, beside};
use crate::support::{Scripted, Server, hello};

/// A server with a driver that has one task of its own, and neighbours.
async fn at_work(settings: &[(&str, &str)]) -> (Server, Neighbours, Scripted, Reconcile) {
    let server = Server::with(settings).await;
    let mut neighbours = Neighbours::of(&server).await;
    neighbours.are_served(&server).await;
    server.define("job").await;
    let mut driver = Scripted::new(&server, "culprit", "job").await;
    server.create("job", "a").await;
    let task = driver.take().await;
    (server, neighbours, driver, task)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_lines_is_taken_at_the_pace_of_the_disk() {
    const BATCHES: u64 = 150;
    let (server, mut neighbours, mut driver, task) = at_work(&[]).await;
    let before = server.resident_bytes();
    let lines = vec!["x".repeat(1000); 1000];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let flood = async {
        // No ack is read before all is sent.
        for n in 0..BATCHES {
            driver.log(&task, n * 1000, &lines).await;
        }
        driver.logged(BATCHES * 1000).await;
        driver.succeed(&task).await;
    };
    beside(&server, &mut neighbours, flood).await;
    let grown = server.resident_bytes().saturating_sub(before);
    println!("grown by {} MiB", grown >> 20);
    assert!(
        grown < 180 << 20,
        "150 MB were sent, {grown} bytes are held"
    );
}

#[tokio::test]
async fn what_is_said_of_the_task_of_another_is_fenced_and_he_goes_on() {
    let (server, mut neighbours, mut owner, task) = at_work(&[]).await;
    // Another instance of the same driver, and one of another driver: both know the task and its token.
    for name in ["culprit", "stranger"] {
        let mut thief = Scripted::new(&server, name, "nothing").await;
        thief.accept(&task).await;
        let fenced = thief.cancel().await;
        assert_eq!(fenced.task_id, task.task_id);
        thief.log(&task, 0, &["stolen"]).await;
        assert_eq!(thief.log_ack().await.status(), LogAckStatus::Fenced);
        let ack = thief.report(Scripted::failure(&task, "stolen")).await;
        assert_eq!(ack.outcome(), ResultOutcome::Fenced, "{name}");
        thief.heartbeat(&[&task]).await;
        assert_eq!(thief.cancel().await.task_id, task.task_id, "{name}");
    }
    owner.log(&task, 0, &["own"]).await;
    owner.logged(1).await;
    owner.succeed(&task).await;
    let run = server.run_is(&task.run_id, RunState::Succeeded).await;
    let lines = server.stored_lines(&run.id).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].message, "own");
    neighbours.are_served(&server).await;
}

#[tokio::test]
async fn a_driver_that_takes_all_and_does_nothing_holds_up_only_its_own_and_can_be_cancelled() {
    let (server, mut neighbours, mut hoarder, task) =
        at_work(&[("driver.cancel_grace", "300ms")]).await;
    for _ in 0..20 {
        hoarder.heartbeat(&[&task]).await;
        neighbours.are_served(&server).await;
    }
    server.run_is(&task.run_id, RunState::Running).await;
    let request = CancelRunRequest {
        id: task.run_id.clone(),
        ..Default::default()
    };
    server.runs().cancel_run(request).await.unwrap();
    server.run_is(&task.run_id, RunState::Cancelled).await;
}

#[tokio::test]
async fn lines_that_go_back_or_leap_change_nothing_that_is_stored() {
    let (server, mut neighbours, mut liar, task) = at_work(&[]).await;
    liar.log(&task, 0, &["0", "1", "2"]).await;
    liar.logged(3).await;
    for (first, lines, next) in [
        (1, &["x", "x"][..], 3),
        (0, &["x", "x", "x", "3"], 4),
        (5, &["x"], 4),
        (u64::MAX, &["x"], 4),
        (1 << 63, &["x"], 4),
    ] {
        liar.log(&task, first, lines).await;
        assert_eq!(liar.log_ack().await.next, next, "from {first}");
    }
    // Lines that were never sent are asked for, however many.
    let ack = liar.report(Scripted::success(&task, u64::MAX)).await;
    assert_eq!((ack.outcome(), ack.next), (ResultOutcome::LinesMissing, 4));
    liar.succeed(&task).await;
    let lines = server.stored_lines(&task.run_id).await;
    let lines: Vec<_> = lines.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(lines, ["0", "1", "2", "3"]);
    neighbours.are_served(&server).await;
}

#[tokio::test]
async fn a_flood_of_hellos_ends_all_but_the_newest_stream_and_costs_no_memory() {
    let server = Server::start().await;
    let mut neighbours = Neighbours::of(&server).await;
    neighbours.are_served(&server).await;
    let first = hello("culprit", "job");
    let before = server.resident_bytes();
    let flood = async {
        let channel = server.new_channel();
        let mut last: Option<Scripted> = None;
        for n in 0..1000 {
            let hello = Hello {
                stream_number: n + 1,
                labels: (0..32)
                    .map(|n| (format!("l{n}"), "x".repeat(1000)))
                    .collect(),
                ..first.clone()
            };
            let mut stream = Scripted::over(channel.clone());
            stream.say(Say::Hello(hello)).await;
            assert!(matches!(stream.hear().await, Hear::Welcome(_)));
            if let Some(mut older) = last.replace(stream) {
                assert_eq!(older.ended().await.code(), Code::Aborted);
            }
        }
        // Each a process of its own, that leaves at once.
        for _ in 0..1000 {
            let mut stream = Scripted::over(channel.clone());
            stream.say(Say::Hello(hello("culprit", "job"))).await;
            assert!(matches!(stream.hear().await, Hear::Welcome(_)));
        }
    };
    beside(&server, &mut neighbours, flood).await;
    let grown = server.resident_bytes().saturating_sub(before);
    println!("grown by {} MiB", grown >> 20);
    assert!(grown < 60 << 20, "the server has grown by {grown} bytes");
}
