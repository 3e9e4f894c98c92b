//! Lines appended from outside, beside those of the drivers.

use std::time::SystemTime;

use conveyor_client::proto::{AppendLogsRequest, LogEntry, TailLogsRequest};
use tonic::{Code, Status};

use super::{messages, of};
use crate::support::{Scripted, Server, soon};

fn line(run: &str, message: &str) -> LogEntry {
    LogEntry {
        run_id: run.into(),
        driver: "outside".into(),
        message: message.into(),
        ..Default::default()
    }
}

async fn append(server: &Server, batches: Vec<Vec<LogEntry>>) -> Result<u64, Status> {
    let requests: Vec<_> = batches
        .into_iter()
        .map(|entries| AppendLogsRequest { entries })
        .collect();
    Ok(server
        .logs()
        .append_logs(tokio_stream::iter(requests))
        .await?
        .into_inner()
        .count)
}

#[tokio::test]
async fn appended_lines_share_the_order_of_the_run() {
    let mut server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["from the driver"]).await;
    builder.logged(1).await;
    let time = prost_types::Timestamp {
        seconds: 1_600_000_000,
        nanos: 5,
    };
    let forged = LogEntry {
        seq: 77,
        step: "build".into(),
        attempt: 9,
        time: Some(time),
        ..line(&run, "one")
    };
    let count = append(
        &server,
        vec![vec![forged, line(&run, "two")], vec![line(&run, "three")]],
    )
    .await
    .unwrap();
    assert_eq!(count, 3);
    builder.log(&task, 1, &["again"]).await;
    builder.logged(2).await;
    server.kill_and_start_again().await;
    let entries = server.stored_lines(&run).await;
    let messages: Vec<_> = entries.iter().map(|entry| entry.message.as_str()).collect();
    assert_eq!(
        messages,
        ["from the driver", "one", "two", "three", "again"]
    );
    assert!(entries.iter().map(|entry| entry.seq).eq(1..=5));
    let one = &entries[1];
    assert_eq!(
        (
            one.step.as_str(),
            one.attempt,
            one.driver.as_str(),
            one.time
        ),
        ("", 0, "outside", Some(time))
    );
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs() as i64;
    assert!(
        (now - entries[2].time.unwrap().seconds).abs() < 60,
        "time defaults to now"
    );
}

#[tokio::test]
async fn appended_lines_are_seen_by_a_live_tail() {
    let server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    let request = TailLogsRequest {
        run_id: run.clone(),
        ..Default::default()
    };
    let mut tail = server.logs().tail_logs(request).await.unwrap().into_inner();
    append(&server, vec![vec![line(&run, "live")]])
        .await
        .unwrap();
    let response = soon("the appended line", tail.message())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(response.entries[0].message, "live");
}

#[tokio::test]
async fn one_call_may_append_to_several_runs() {
    let server = Server::start().await;
    server.define("image").await;
    let (a, b) = (
        server.create("image", "a").await,
        server.create("image", "b").await,
    );
    append(
        &server,
        vec![vec![line(&a, "a1"), line(&b, "b1")], vec![line(&a, "a2")]],
    )
    .await
    .unwrap();
    let lines = async |run: &str| -> Vec<(u64, String)> {
        server
            .stored_lines(run)
            .await
            .into_iter()
            .map(|entry| (entry.seq, entry.message))
            .collect()
    };
    assert_eq!(
        lines(&a).await,
        [(1, "a1".to_owned()), (2, "a2".to_owned())]
    );
    assert_eq!(lines(&b).await, [(1, "b1".to_owned())]);
}

#[tokio::test]
async fn appending_nothing_counts_nothing() {
    let server = Server::start().await;
    assert_eq!(append(&server, vec![]).await.unwrap(), 0);
    assert_eq!(append(&server, vec![vec![]]).await.unwrap(), 0);
}

#[tokio::test]
async fn line_without_a_run_is_refused() {
    let server = Server::start().await;
    let status = append(&server, vec![vec![line("", "lost")]])
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn writers_side_by_side_lose_and_double_nothing() {
    let server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    let writers = (0..20).map(|writer| {
        let batches = (0..10)
            .map(|n| vec![line(&run, &format!("{writer} {n}"))])
            .collect();
        append(&server, batches)
    });
    for count in futures_util::future::join_all(writers).await {
        assert_eq!(count.unwrap(), 10);
    }
    let entries = server.stored_lines(&run).await;
    assert!(entries.iter().map(|entry| entry.seq).eq(1..=200));
    for writer in 0..20 {
        let own: Vec<_> = entries
            .iter()
            .filter_map(|entry| entry.message.strip_prefix(&format!("{writer} ")))
            .map(|n| n.parse::<u32>().unwrap())
            .collect();
        assert!(own.iter().copied().eq(0..10), "{writer}: {own:?}");
    }
}

#[tokio::test]
async fn lines_under_an_id_that_is_no_uuid_can_be_followed_by_either_door() {
    let server = Server::start().await;
    append(
        &server,
        vec![vec![line("build/7", "one"), line("build/7", "two")]],
    )
    .await
    .unwrap();
    assert_eq!(
        messages(&server.stored_lines("build/7").await),
        ["one", "two"]
    );
    let by_rest = server.get("/logs/pipeline/build%2F7?follow=false").await;
    assert!(
        by_rest.body.contains("one") && by_rest.body.contains("two"),
        "{}",
        by_rest.body
    );
    // What nothing was appended under is not there by gRPC, and is waited for by REST.
    let status = server.tail(of("build/8")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let status = server.tail(of(&"x".repeat(129))).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_run_id_is_the_same_however_it_is_written() {
    let server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    let (upper, bare) = (run.to_uppercase(), run.replace('-', ""));
    append(
        &server,
        vec![vec![line(&upper, "one")], vec![line(&bare, "two")]],
    )
    .await
    .unwrap();
    for id in [&run, &upper, &bare] {
        let lines = server.stored_lines(id).await;
        assert_eq!(messages(&lines), ["one", "two"], "{id}");
        assert!(lines.iter().all(|line| line.run_id == run), "{id}");
    }
}
