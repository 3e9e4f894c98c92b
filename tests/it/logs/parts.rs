//! Parts of a log: its last lines, and its lines from a time on.

use conveyor_client::proto::{AppendLogsRequest, LogEntry, TailLogsRequest};
use prost_types::Timestamp;
use tonic::Code;

use crate::support::{Scripted, Server, soon, violations};

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn stored(run: &str) -> TailLogsRequest {
    TailLogsRequest {
        run_id: run.into(),
        follow: Some(false),
        ..Default::default()
    }
}

fn last(run: &str, lines: u64) -> TailLogsRequest {
    TailLogsRequest {
        last_lines: Some(lines),
        ..stored(run)
    }
}

/// A run whose log has lines of two writers by turns, two in a chunk: `<writer> <seconds>`. The clock of one is late.
async fn two_writers(server: &Server) -> String {
    server.define("any").await;
    let run = server.create("any", "r").await;
    let entry = |driver: &str, seconds: i64| LogEntry {
        run_id: run.clone(),
        driver: driver.into(),
        time: at(seconds),
        message: format!("{driver} {seconds}"),
        ..Default::default()
    };
    for n in 0..50 {
        for (driver, first) in [("early", 100), ("late", 80)] {
            let entries = vec![
                entry(driver, first + 2 * n),
                entry(driver, first + 2 * n + 1),
            ];
            let request = tokio_stream::iter([AppendLogsRequest { entries }]);
            server.logs().append_logs(request).await.unwrap();
        }
    }
    run
}

async fn lines(server: &Server, request: TailLogsRequest) -> Vec<String> {
    let entries = server.tail(request).await.unwrap();
    entries.into_iter().map(|entry| entry.message).collect()
}

#[tokio::test]
async fn the_last_lines_are_those_at_the_end() {
    let server = Server::start().await;
    let run = two_writers(&server).await;
    let all = lines(&server, stored(&run)).await;
    assert_eq!(all.len(), 200);
    for count in [0, 1, 2, 3, 5, 199, 200, 201, u64::MAX] {
        let from = 200_usize.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
        assert_eq!(
            lines(&server, last(&run, count)).await,
            all[from..],
            "{count}"
        );
    }
    let of_one = TailLogsRequest {
        driver: "early".into(),
        ..last(&run, 3)
    };
    assert_eq!(
        lines(&server, of_one).await,
        ["early 197", "early 198", "early 199"]
    );
    let of_none = TailLogsRequest {
        driver: "nobody".into(),
        ..last(&run, 3)
    };
    assert_eq!(lines(&server, of_none).await, Vec::<String>::new());
    let after = TailLogsRequest {
        after: 198,
        ..last(&run, 3)
    };
    assert_eq!(lines(&server, after).await, all[198..]);
}

#[tokio::test]
async fn lines_since_a_time_are_chosen_by_the_clocks_of_their_writers() {
    let server = Server::start().await;
    let run = two_writers(&server).await;
    let is_new = |line: &String| {
        let (_, seconds) = line.split_once(' ').unwrap();
        seconds.parse::<i64>().unwrap() >= 151
    };
    let new: Vec<_> = lines(&server, stored(&run))
        .await
        .into_iter()
        .filter(is_new)
        .collect();
    let since = TailLogsRequest {
        since: at(151),
        ..stored(&run)
    };
    assert_eq!(lines(&server, since.clone()).await, new);
    assert_eq!(new.len(), 49 + 29);
    for count in [0, 1, 4, 40, 78, 79] {
        let request = TailLogsRequest {
            last_lines: Some(count),
            ..since.clone()
        };
        let from = new.len().saturating_sub(usize::try_from(count).unwrap());
        assert_eq!(lines(&server, request).await, new[from..], "{count}");
    }
    let wrong = TailLogsRequest {
        since: Some(Timestamp {
            seconds: i64::MAX,
            nanos: 0,
        }),
        ..stored(&run)
    };
    let refusal = server.tail(wrong).await.unwrap_err();
    assert_eq!(violations(&refusal)[0].0, "since");
}

#[tokio::test]
async fn one_who_follows_from_the_last_line_sees_what_comes() {
    let server = Server::start().await;
    server.define("any").await;
    let mut builder = Scripted::new(&server, "builder", "any").await;
    let run = server.create("any", "r").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["one", "two"]).await;
    builder.logged(2).await;
    let request = TailLogsRequest {
        follow: None,
        ..last(&run, 1)
    };
    let mut tail = server.logs().tail_logs(request).await.unwrap().into_inner();
    let mut next = async || {
        let answer = soon("the next line", tail.message())
            .await
            .unwrap()
            .unwrap();
        answer
            .entries
            .into_iter()
            .map(|entry| entry.message)
            .collect::<Vec<_>>()
    };
    assert_eq!(next().await, ["two"]);
    builder.log(&task, 2, &["three"]).await;
    assert_eq!(next().await, ["three"]);
}

#[tokio::test]
async fn rest_has_the_same_parts() {
    let server = Server::start().await;
    let run = two_writers(&server).await;
    let path = format!("/logs/streams/early/{run}?follow=false");
    let lines = async |query: &str, headers: &[(&str, &str)]| {
        let mut sse = server.sse(&format!("{path}&{query}"), headers).await;
        let mut ids = Vec::new();
        while let Some(event) = sse.next().await {
            if event
                .iter()
                .any(|(key, value)| key == "event" && value == "end")
            {
                break;
            }
            ids.extend(
                event
                    .into_iter()
                    .find(|(key, _)| key == "id")
                    .map(|(_, id)| id),
            );
        }
        ids
    };
    assert_eq!(lines("last_lines=3", &[]).await, ["194", "197", "198"]);
    assert_eq!(
        lines("since=1970-01-01T00:03:18Z", &[]).await,
        ["197", "198"]
    );
    let resumed = lines("last_lines=1", &[("last-event-id", "193")]).await;
    assert_eq!(resumed, ["194", "197", "198"]);
    for wrong in ["last_lines=-1", "since=yesterday"] {
        assert_eq!(
            server.get(&format!("{path}&{wrong}")).await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn the_last_lines_of_an_unknown_run_are_not_found() {
    let server = Server::start().await;
    let request = last("019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01", 5);
    assert_eq!(
        server.tail(request).await.unwrap_err().code(),
        Code::NotFound
    );
}
