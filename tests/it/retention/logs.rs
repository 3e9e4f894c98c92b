//! Logs go before their runs, and whoever reads learns of it by one gap.

use conveyor_client::proto::{
    AppendLogsRequest, LogEntry, LogGap, Retention, RunState, TailLogsRequest, TailLogsResponse,
};
use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::Message;
use tonic::Streaming;

use super::{OFTEN, ends_runs, limit, limits, run_again};
use crate::support::{Scripted, Server, eventually, soon};

/// The settings of a server that keeps runs and not their logs.
const NO_LOGS: [(&str, &str); 2] = [OFTEN, ("retention.logs.max_age", "300ms")];

fn of(run: &str, after: u64) -> TailLogsRequest {
    TailLogsRequest {
        run_id: run.into(),
        after,
        ..Default::default()
    }
}

async fn open(server: &Server, request: TailLogsRequest) -> Streaming<TailLogsResponse> {
    server.logs().tail_logs(request).await.unwrap().into_inner()
}

/// Everything up to the end: the numbers of the lines, and the gaps, each with the number of lines before it.
async fn rest(stream: &mut Streaming<TailLogsResponse>) -> (Vec<u64>, Vec<(usize, u64)>) {
    let (mut seqs, mut gaps) = (Vec::new(), Vec::new());
    while let Some(response) = soon("the next lines", stream.message()).await.unwrap() {
        gaps.extend(response.gap.map(|gap| (seqs.len(), gap.first_seq)));
        seqs.extend(response.entries.iter().map(|entry| entry.seq));
    }
    (seqs, gaps)
}

/// Waits until the log of an ended run is gone.
async fn log_goes(server: &Server, run: &str) {
    eventually("the log goes", async || {
        let mut stream = open(server, of(run, 0)).await;
        let first = soon("the first lines", stream.message()).await.unwrap();
        first.unwrap().gap
    })
    .await;
}

async fn append(server: &Server, run: &str, messages: &[&str]) {
    let entry = |message: &&str| LogEntry {
        run_id: run.into(),
        driver: "outside".into(),
        message: (*message).into(),
        ..Default::default()
    };
    let entries = messages.iter().map(entry).collect();
    let requests = tokio_stream::iter([AppendLogsRequest { entries }]);
    server.logs().append_logs(requests).await.unwrap();
}

#[tokio::test]
async fn log_goes_before_its_run_and_every_door_shows_one_gap() {
    let mut server = Server::with(&NO_LOGS).await;
    server.define("image").await;
    let _driver = ends_runs(&server, 10);
    let run = server.create("image", "a").await;
    log_goes(&server, &run).await;
    server.kill_and_start_again().await;

    let (seqs, gaps) = rest(&mut open(&server, of(&run, 0)).await).await;
    assert_eq!((seqs, gaps), (vec![], vec![(0, 11)]));
    let (seqs, gaps) = rest(&mut open(&server, of(&run, 4)).await).await;
    assert_eq!((seqs, gaps), (vec![], vec![(0, 11)]), "from the middle");
    let (seqs, gaps) = rest(&mut open(&server, of(&run, 10)).await).await;
    assert_eq!((seqs, gaps), (vec![], vec![]), "one who has seen all");

    let path = format!("/logs/pipeline/{run}");
    let mut sse = server.sse(&path, &[]).await;
    let gap = sse.next().await.unwrap();
    assert_eq!(gap[0], ("id".to_owned(), "10".to_owned()));
    assert_eq!(gap[1], ("event".to_owned(), "gap".to_owned()));
    assert_eq!(
        gap[2],
        ("data".to_owned(), r#"{"first_seq":11}"#.to_owned())
    );
    let end = sse.next().await.unwrap();
    assert_eq!(end[0], ("id".to_owned(), "10".to_owned()));
    assert_eq!(end[1], ("event".to_owned(), "end".to_owned()));
    assert_eq!(sse.next().await, None);
    let back = server
        .http("GET", &path, &[("last-event-id", "10")], "")
        .await;
    assert_eq!(back.status, 204, "who comes back has missed nothing more");

    assert_eq!(
        frames(&server, &path).await,
        [r#"["0","lines before 11 are no longer kept"]"#]
    );
    let whole = frames(&server, &format!("{path}?format=json")).await;
    assert_eq!(whole, [r#"{"gap":{"first_seq":11}}"#]);

    let logs = server.get(&format!("/logs?runid={run}")).await.json();
    assert_eq!(logs.as_array().unwrap().len(), 1);
    assert_eq!(logs[0]["message"], "lines before 11 are no longer kept");
    assert_eq!(logs[0]["runid"], run.as_str());
    let state = server.run(&run).await.state();
    assert_eq!(state, RunState::Succeeded, "the run is kept");
}

/// The text frames of a websocket, up to its end.
async fn frames(server: &Server, path: &str) -> Vec<String> {
    let url = format!("ws://{}{path}", server.address);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    let mut frames = Vec::new();
    while let Some(Ok(message)) = soon("the next frame", socket.next()).await {
        if let Message::Text(text) = message {
            frames.push(text.to_string());
        }
    }
    frames
}

#[tokio::test]
async fn lines_after_a_gap_go_on_with_their_numbers() {
    let mut server = Server::with(&NO_LOGS).await;
    server.define("image").await;
    let _driver = ends_runs(&server, 10);
    let run = server.create("image", "a").await;
    log_goes(&server, &run).await;
    server.set("retention.logs.max_age", "1h");
    server.kill_and_start_again().await;
    append(&server, &run, &["late", "later"]).await;
    let mut stream = open(&server, of(&run, 0)).await;
    let first = soon("the lines", stream.message()).await.unwrap().unwrap();
    assert_eq!(first.gap, Some(LogGap { first_seq: 11 }));
    let seqs: Vec<_> = first.entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [11, 12]);
    let logs = server.get(&format!("/logs?runid={run}")).await.json();
    let messages: Vec<_> = logs
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        messages,
        ["lines before 11 are no longer kept", "late", "later"]
    );
}

#[tokio::test]
async fn logs_of_the_newest_runs_stay() {
    let server = Server::with(&[OFTEN, ("retention.logs.max_count", "2")]).await;
    server.define("image").await;
    let _driver = ends_runs(&server, 3);
    let mut runs = vec![server.create("image", "a").await];
    server.run_is(&runs[0], RunState::Succeeded).await;
    for _ in 0..4 {
        runs.push(run_again(&server, "a").await);
    }
    for run in &runs[..3] {
        log_goes(&server, run).await;
    }
    for run in &runs[3..] {
        let (seqs, gaps) = rest(&mut open(&server, of(run, 0)).await).await;
        assert_eq!((seqs, gaps), (vec![1, 2, 3], vec![]));
    }
}

#[tokio::test]
async fn follower_that_is_slower_than_retention_sees_one_gap() {
    let server = Server::with(&[OFTEN, ("retention.logs.max_age", "300ms")]).await;
    follow_slowly(&server, false).await;
}

#[tokio::test]
async fn follower_of_a_run_that_goes_sees_one_gap() {
    let server = Server::with(&[OFTEN, ("retention.runs.max_age", "300ms")]).await;
    follow_slowly(&server, true).await;
}

/// Follows a log of many lines, and reads on only when all of it is gone.
async fn follow_slowly(server: &Server, run_goes: bool) {
    const BATCHES: u64 = 300;
    const LINES: u64 = 100;
    server.define("image").await;
    let mut builder = Scripted::new(server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    let text = "x".repeat(1000);
    let lines = vec![text.as_str(); LINES as usize];
    builder.log(&task, 0, &lines).await;
    builder.logged(LINES).await;
    // The stream is open and not read: the windows of the connection fill, and then it stands.
    let mut follower = open(server, of(&run, 0)).await;
    let first = soon("the first lines", follower.message()).await.unwrap();
    let mut last = first.unwrap().entries.last().unwrap().seq;
    for batch in 1..BATCHES {
        builder.log(&task, batch * LINES, &lines).await;
        builder.logged((batch + 1) * LINES).await;
    }
    builder
        .report(Scripted::success(&task, BATCHES * LINES))
        .await;
    if run_goes {
        super::run_goes(server, &run).await;
    } else {
        log_goes(server, &run).await;
    }
    let mut gaps = Vec::new();
    while let Some(response) = soon("the next lines", follower.message()).await.unwrap() {
        if let Some(gap) = response.gap {
            gaps.push(gap.first_seq);
            last = gap.first_seq - 1;
        }
        for entry in response.entries {
            assert_eq!(entry.seq, last + 1, "no line twice, no silent hole");
            last = entry.seq;
        }
    }
    assert_eq!(gaps, [BATCHES * LINES + 1]);
    assert_eq!(last, BATCHES * LINES);
}

#[tokio::test]
async fn log_of_what_is_no_run_goes_when_nothing_came_for_long() {
    let server = Server::with(&[OFTEN, ("retention.logs.max_age", "1s")]).await;
    append(&server, "elsewhere", &["one", "two"]).await;
    let logs = server.get("/logs?runid=elsewhere").await.json();
    assert_eq!(logs.as_array().unwrap().len(), 2);
    // One who follows it meanwhile is told, and what comes then is numbered on.
    let mut sse = server.sse("/logs/pipeline/elsewhere?after=1", &[]).await;
    let two = sse.next().await.unwrap();
    assert_eq!(two[0], ("id".to_owned(), "2".to_owned()));
    let mut new = server.sse("/logs/pipeline/elsewhere?after=2", &[]).await;
    eventually("the lines go", async || {
        let logs = server.get("/logs?runid=elsewhere").await.json();
        (logs[0]["message"] == "lines before 3 are no longer kept").then_some(())
    })
    .await;
    append(&server, "elsewhere", &["three"]).await;
    for sse in [&mut sse, &mut new] {
        let three = sse.next().await.unwrap();
        assert_eq!(three[0], ("id".to_owned(), "3".to_owned()));
    }
    drop((sse, new));
    // Nobody follows any more: in the end nothing of it is left.
    eventually("nothing is left", async || {
        let logs = server.get("/logs?runid=elsewhere").await;
        (logs.body == "[]").then_some(())
    })
    .await;
}

#[tokio::test]
async fn log_that_still_gets_lines_from_outside_stays() {
    let server = Server::with(&[OFTEN, ("retention.logs.max_age", "2s")]).await;
    append(&server, "elsewhere", &["first"]).await;
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_secs(5) {
        append(&server, "elsewhere", &["more"]).await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let logs = server.get("/logs?runid=elsewhere").await.json();
    assert_eq!(logs[0]["message"], "first");
}

#[tokio::test]
async fn log_with_lines_from_outside_stays_as_long_as_its_definition_says() {
    let server = Server::with(&NO_LOGS).await;
    server.define("image").await;
    let retention = Retention {
        logs: limits("forever", ""),
        ..Default::default()
    };
    limit(&server, "image", retention).await;
    let _driver = ends_runs(&server, 2);
    let run = server.create("image", "a").await;
    server.run_is(&run, RunState::Succeeded).await;
    append(&server, &run, &["late"]).await;
    // It stands behind the other in the queue, and goes as the settings have it.
    append(&server, "elsewhere", &["one"]).await;
    eventually("the other goes", async || {
        let logs = server.get("/logs?runid=elsewhere").await.json();
        (logs[0]["message"] != "one").then_some(())
    })
    .await;
    let lines = server.stored_lines(&run).await;
    assert_eq!(lines.len(), 3, "{lines:?}");
}
