//! Reading one run's log costs the same whatever else is stored.

use std::time::{Duration, Instant};

use conveyor_client::proto::{AppendLogsRequest, LogEntry};

use crate::support::Server;

async fn append(server: &Server, run: &str, count: usize) {
    let line = LogEntry {
        run_id: run.into(),
        driver: "d".into(),
        message: "x".repeat(100),
        ..Default::default()
    };
    let requests = vec![
        AppendLogsRequest {
            entries: vec![line; 1000]
        };
        count / 1000
    ];
    server
        .logs()
        .append_logs(tokio_stream::iter(requests))
        .await
        .unwrap();
}

/// The quickest of several reads: what others do on the machine only ever adds.
async fn quickest_read(server: &Server, run: &str) -> Duration {
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let begun = Instant::now();
        let answer = server.get(&format!("/logs?runid={run}&limit=1000")).await;
        quickest = quickest.min(begun.elapsed());
        assert_eq!(answer.json().as_array().unwrap().len(), 1000);
    }
    quickest
}

#[tokio::test]
async fn reading_one_log_does_not_scan_the_others() {
    let server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    append(&server, &run, 1000).await;
    let alone = quickest_read(&server, &run).await;
    for n in 0..10 {
        let other = server.create("image", &format!("b{n}")).await;
        append(&server, &other, 10_000).await;
    }
    let among = quickest_read(&server, &run).await;
    assert!(
        among < 5 * alone + Duration::from_millis(10),
        "{alone:?} alone, {among:?} among 100,000 other lines"
    );
}
