//! Ten thousand lines over a stream that is cut, read by every door: each line once.

use conveyor_client::proto::{Hello, ResultOutcome, TailLogsRequest, TaskVerdict};
use futures_util::StreamExt;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Scripted, Server, held, soon};

const LINES: u64 = 10_000;

fn line(n: u64) -> String {
    format!("line {n} äß€")
}

/// Writes all lines; the stream is cut and resumed again and again in the middle, acked or not.
async fn write_over_cut_streams(
    server: &Server,
    mut driver: Scripted,
    task: &conveyor_client::proto::Reconcile,
) {
    let mut next = 0;
    let mut sent = 0_u64;
    for cut_at in [1_730, 3_333, 5_000, 5_001, 8_219, LINES] {
        while sent < cut_at {
            let end = (sent + 97).min(cut_at);
            let batch: Vec<String> = (sent..end).map(line).collect();
            driver
                .log(
                    task,
                    sent,
                    &batch.iter().map(String::as_str).collect::<Vec<_>>(),
                )
                .await;
            sent = end;
            if sent.is_multiple_of(5) {
                next = driver.log_ack().await.next;
            }
        }
        if cut_at < LINES {
            let said = Hello {
                stream_number: driver.hello.stream_number + 1,
                tasks: vec![held(task, sent, false)],
                ..driver.hello.clone()
            };
            drop(driver);
            driver = Scripted::join(server, said).await;
            let fate = &driver.welcome.tasks[0];
            assert_eq!(fate.verdict(), TaskVerdict::GoOn);
            assert!(
                fate.next_line >= next && fate.next_line <= sent,
                "{next} <= {} <= {sent}",
                fate.next_line
            );
            sent = fate.next_line;
        }
    }
    let ack = driver.report(Scripted::success(task, LINES)).await;
    assert_eq!(ack.outcome(), ResultOutcome::Applied, "{ack:?}");
}

#[tokio::test]
async fn ten_thousand_lines_over_cut_streams_are_each_stored_once() {
    let server = Server::start().await;
    server.define("image").await;
    let mut driver = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = driver.take().await;
    let wanted: Vec<String> = (0..LINES).map(line).collect();

    let writer = write_over_cut_streams(&server, driver, &task);
    let request = TailLogsRequest {
        run_id: run.clone(),
        ..Default::default()
    };
    let ((), by_grpc, by_sse, by_websocket) = tokio::join!(
        writer,
        server.tail(request),
        read_sse(&server, format!("/logs/streams/builder/{run}")),
        read_websocket(&server, format!("/drivers/streams/logs/builder/{run}")),
    );
    let by_grpc = by_grpc.unwrap();
    assert!(by_grpc.iter().map(|entry| entry.seq).eq(1..=LINES));
    assert!(by_grpc.iter().map(|entry| &entry.message).eq(&wanted));
    assert!(by_sse == wanted, "SSE: {} lines", by_sse.len());
    assert!(
        by_websocket == wanted,
        "websocket: {} lines",
        by_websocket.len()
    );

    // And once more from the store, by every door, from the start and from the middle.
    assert!(read_sse(&server, format!("/logs/pipeline/{run}")).await == wanted);
    assert!(read_sse(&server, format!("/logs/pipeline/{run}?after=7000")).await == wanted[7000..]);
    assert!(read_websocket(&server, format!("/logs/streams/builder/{run}")).await == wanted);
    let mut listed = Vec::new();
    while listed.len() < wanted.len() {
        let path = format!("/logs?runid={run}&limit=1000&after={}", listed.len());
        let page = server.get(&path).await.json();
        let page = page.as_array().unwrap();
        assert!(!page.is_empty() && page.len() <= 1000, "{}", page.len());
        listed.extend(
            page.iter()
                .map(|entry| entry["message"].as_str().unwrap().to_owned()),
        );
    }
    assert!(listed == wanted);
}

/// The messages of an SSE stream that ends with its run; ids must count up from the first.
async fn read_sse(server: &Server, path: String) -> Vec<String> {
    let mut stream = server.sse(&path, &[]).await;
    let mut messages = Vec::new();
    let mut last_id: Option<u64> = None;
    loop {
        let event = stream
            .next()
            .await
            .expect("an end event comes before the end");
        let field = |name: &str| {
            event
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        if field("event") == Some("end") {
            assert_eq!(stream.next().await, None, "nothing follows the end");
            return messages;
        }
        let id = field("id").expect("every line has an id").parse().unwrap();
        assert!(
            last_id.is_none_or(|last| id == last + 1),
            "{id} after {last_id:?}"
        );
        last_id = Some(id);
        let entry: Value = serde_json::from_str(field("data").unwrap()).unwrap();
        messages.push(entry["message"].as_str().unwrap().to_owned());
    }
}

/// The messages of a websocket that is closed with its run.
async fn read_websocket(server: &Server, path: String) -> Vec<String> {
    let url = format!("ws://{}{path}", server.address);
    let stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let mut messages = Vec::new();
    loop {
        match soon("the next frame", socket.next()).await {
            Some(Ok(Message::Text(text))) => {
                let (_time, message): (String, String) = serde_json::from_str(&text).unwrap();
                messages.push(message);
            }
            Some(Ok(Message::Close(frame))) => {
                assert_eq!(frame.map(|frame| frame.code.into()), Some(1000_u16));
                return messages;
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("expected a line or the close, got {other:?}"),
        }
    }
}
