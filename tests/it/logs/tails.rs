//! Tails by gRPC: replay, then live, to the end of the run, at any pace.

use conveyor_client::proto::{LogEntry, TailLogsRequest, TailLogsResponse};
use rustix::process::Signal;
use tonic::{Code, Streaming};

use super::{messages, of};
use crate::support::{Scripted, Server, soon};

async fn open(server: &Server, request: TailLogsRequest) -> Streaming<TailLogsResponse> {
    server.logs().tail_logs(request).await.unwrap().into_inner()
}

async fn read(stream: &mut Streaming<TailLogsResponse>, count: usize) -> Vec<LogEntry> {
    let mut entries = Vec::new();
    while entries.len() < count {
        let response = soon("the next lines", stream.message()).await.unwrap();
        entries.extend(response.expect("the run has not ended").entries);
    }
    entries
}

#[tokio::test]
async fn tail_replays_then_follows_and_ends_with_the_run() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["one", "two"]).await;
    builder.logged(2).await;
    let mut tail = open(&server, of(&run)).await;
    let replayed = read(&mut tail, 2).await;
    assert_eq!(messages(&replayed), ["one", "two"]);
    builder.log(&task, 2, &["three"]).await;
    let live = read(&mut tail, 1).await;
    assert_eq!((messages(&live), live[0].seq), (vec!["three"], 3));
    builder.log(&task, 3, &["four"]).await;
    builder.report(Scripted::success(&task, 4)).await;
    let last = read(&mut tail, 1).await;
    assert_eq!(messages(&last), ["four"]);
    assert_eq!(
        soon("the end", tail.message()).await.unwrap(),
        None,
        "it ends when the run has ended"
    );
}

#[tokio::test]
async fn tail_begins_after_any_sequence_number() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    let lines: Vec<String> = (1..=100).map(|n| n.to_string()).collect();
    builder
        .log(
            &task,
            0,
            &lines.iter().map(String::as_str).collect::<Vec<_>>(),
        )
        .await;
    builder.report(Scripted::success(&task, 100)).await;
    for after in [0, 1, 50, 99, 100, 1000, u64::MAX - 1] {
        let entries = server
            .tail(TailLogsRequest { after, ..of(&run) })
            .await
            .unwrap();
        let wanted: Vec<u64> = (after + 1..=100).collect();
        assert_eq!(
            entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
            wanted,
            "after {after}"
        );
        assert!(
            entries
                .iter()
                .all(|entry| entry.message == entry.seq.to_string())
        );
    }
}

#[tokio::test]
async fn tail_that_does_not_follow_ends_with_what_is_stored() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    assert_eq!(server.stored_lines(&run).await, []);
    let task = builder.take().await;
    builder.log(&task, 0, &["one"]).await;
    builder.logged(1).await;
    assert_eq!(messages(&server.stored_lines(&run).await), ["one"]);
}

#[tokio::test]
async fn tail_of_an_unknown_run_is_not_found() {
    let server = Server::start().await;
    let status = server
        .tail(of(&uuid::Uuid::now_v7().to_string()))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn tail_of_a_run_without_lines_ends_with_the_run() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let tail = tokio::spawn({
        let mut client = server.logs();
        async move {
            let mut stream = client.tail_logs(of(&run)).await.unwrap().into_inner();
            soon("the end", stream.message()).await.unwrap()
        }
    });
    let task = builder.take().await;
    builder.succeed(&task).await;
    assert_eq!(tail.await.unwrap(), None);
}

#[tokio::test]
async fn lines_of_parallel_steps_share_one_order_and_can_be_told_apart() {
    let server = Server::start().await;
    server.define("image").await;
    let mut drivers = [
        Scripted::new(&server, "builder", "image").await,
        Scripted::new(&server, "tester", "image").await,
    ];
    let run = server.create("image", "a").await;
    let tasks = [drivers[0].take().await, drivers[1].take().await];
    for n in 0..200 {
        for (driver, task) in drivers.iter_mut().zip(&tasks) {
            driver
                .log(task, n, &[&format!("{} {n}", driver.hello.driver.clone())])
                .await;
        }
    }
    for (driver, task) in drivers.iter_mut().zip(&tasks) {
        driver.report(Scripted::success(task, 200)).await;
    }
    let all = server.tail(of(&run)).await.unwrap();
    assert!(all.iter().map(|entry| entry.seq).eq(1..=400));
    for (task, name) in tasks.iter().zip(["builder", "tester"]) {
        let wanted: Vec<_> = (0..200).map(|n| format!("{name} {n}")).collect();
        let own: Vec<_> = all
            .iter()
            .filter(|entry| entry.driver == name)
            .cloned()
            .collect();
        assert_eq!(messages(&own), wanted);
        let by_driver = server
            .tail(TailLogsRequest {
                driver: name.into(),
                ..of(&run)
            })
            .await
            .unwrap();
        assert_eq!(by_driver, own);
        let step = task.step.as_ref().unwrap().id.clone();
        let by_step = server
            .tail(TailLogsRequest { step, ..of(&run) })
            .await
            .unwrap();
        assert_eq!(by_step, own);
    }
    let other = server
        .tail(TailLogsRequest {
            driver: "nobody".into(),
            ..of(&run)
        })
        .await
        .unwrap();
    assert_eq!(other, []);
}

#[tokio::test]
async fn lines_of_a_lost_attempt_stay_beside_those_of_the_next() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["first try"]).await;
    builder.logged(1).await;
    let mut back = builder.next_stream(&server, vec![]).await;
    let task = back.take().await;
    back.log(&task, 0, &["second try"]).await;
    back.report(Scripted::success(&task, 1)).await;
    let entries = server.tail(of(&run)).await.unwrap();
    assert_eq!(messages(&entries), ["first try", "second try"]);
    assert_eq!(
        entries
            .iter()
            .map(|entry| (entry.seq, entry.attempt))
            .collect::<Vec<_>>(),
        [(1, 1), (2, 2)]
    );
}

#[tokio::test]
async fn fifty_tails_see_every_line_once() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    let tails: Vec<_> = (0..50)
        .map(|_| {
            let mut client = server.logs();
            let request = of(&run);
            tokio::spawn(async move {
                let mut stream = client.tail_logs(request).await.unwrap().into_inner();
                let mut seqs = Vec::new();
                while let Some(response) = soon("the next lines", stream.message()).await.unwrap() {
                    seqs.extend(response.entries.into_iter().map(|entry| entry.seq));
                }
                seqs
            })
        })
        .collect();
    for n in 0..100 {
        builder.log(&task, n * 10, &["x"; 10]).await;
    }
    builder.report(Scripted::success(&task, 1000)).await;
    for tail in tails {
        assert!(tail.await.unwrap().into_iter().eq(1..=1000));
    }
}

#[tokio::test]
async fn slow_tail_loses_nothing_and_holds_nobody_up() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    // On a connection of its own, and not read until all is written: 20 MiB, more than any buffer takes.
    let mut slow =
        conveyor_client::proto::log_service_client::LogServiceClient::new(server.new_channel());
    let mut slow = slow.tail_logs(of(&run)).await.unwrap().into_inner();
    let line = "x".repeat(2000);
    let before = server.resident_bytes();
    for n in 0..100 {
        builder.log(&task, n * 100, &vec![line.as_str(); 100]).await;
        builder.logged((n + 1) * 100).await;
    }
    builder.report(Scripted::success(&task, 10_000)).await;
    let quick = server.tail(of(&run)).await.unwrap();
    assert_eq!(quick.len(), 10_000, "the slow one holds no other reader up");
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(
        grown < 150 << 20,
        "a slow reader costs bounded memory, not {grown} bytes"
    );
    let mut seqs = Vec::new();
    while let Some(response) = soon("the next lines", slow.message()).await.unwrap() {
        seqs.extend(response.entries.into_iter().map(|entry| entry.seq));
    }
    assert!(seqs.into_iter().eq(1..=10_000));
}

#[tokio::test]
async fn tail_ends_unavailable_when_the_server_drains() {
    let mut server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["one"]).await;
    let mut tail = open(&server, of(&run)).await;
    read(&mut tail, 1).await;
    server.signal(Signal::TERM);
    let status = soon("the end of the tail", tail.message())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(server.exit_code().await, Some(0));
    server.start_again().await;
    let rest = server
        .tail(TailLogsRequest {
            follow: Some(false),
            after: 0,
            ..of(&run)
        })
        .await
        .unwrap();
    assert_eq!(messages(&rest), ["one"]);
}
