//! `POST /logs/bulk`: one line of the body is one line of a log, stored while others still arrive.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Server, eventually, soon};

/// A body that is sent piece by piece.
struct Upload(TcpStream);

impl Upload {
    async fn begin(server: &Server) -> Self {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST /logs/bulk HTTP/1.1\r\nhost: {}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
            server.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        Upload(stream)
    }

    async fn send(&mut self, piece: &[u8]) {
        let size = format!("{:x}\r\n", piece.len());
        let chunk = [size.as_bytes(), piece, b"\r\n"].concat();
        soon("room for a piece", self.0.write_all(&chunk))
            .await
            .unwrap();
    }

    async fn end(mut self) -> (u16, Value) {
        self.0.write_all(b"0\r\n\r\n").await.unwrap();
        self.answer().await
    }

    /// What the server answers, at the end of the body or before.
    async fn answer(&mut self) -> (u16, Value) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon("the answer", self.0.read_u8()).await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let (_, length) = head.split_once("content-length: ").unwrap();
        let length = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        soon("its body", self.0.read_exact(&mut body))
            .await
            .unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

/// The stored messages of a run.
async fn messages(server: &Server, run: &str) -> Vec<String> {
    let lines = server.get(&format!("/logs?runid={run}")).await.json();
    let message = |line: &Value| line["message"].as_str().unwrap().to_owned();
    lines.as_array().unwrap().iter().map(message).collect()
}

fn line(run: &str, message: &str) -> String {
    format!("{{\"runid\":\"{run}\",\"driver\":\"d\",\"message\":\"{message}\"}}\n")
}

#[tokio::test]
async fn each_line_is_stored_in_order_and_counted() {
    let server = Server::start().await;
    let body = concat!(
        r#"{"runid":"r","driver":"a","pipeline":"p","timestamp":"1700000000","message":"one"}"#,
        "\n\n",
        r#"{"run_id":"r","driver":"b","time":"2023-11-14T22:13:21Z","message":"two","labels":{"k":"v"},"stream":"stderr"}"#,
        "\r\n",
        r#"{"runid":"other","message":"elsewhere"}"#,
        "\n",
        r#"{"runid":"r","driver":"a","timestamp":"1700000002123456789","message":"three","unknown":[]}"#,
    );
    for content_type in ["application/x-ndjson", "application/json; charset=utf-8"] {
        let headers = [("content-type", content_type)];
        let answer = server.http("POST", "/logs/bulk", &headers, body).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"count":4}"#)
        );
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    assert_eq!(
        messages(&server, "r").await,
        ["one", "two", "three", "one", "two", "three"]
    );
    let lines = server.get("/logs?runid=r&limit=2").await;
    assert_eq!(
        lines.body,
        concat!(
            r#"[{"runid":"r","driver":"a","pipeline":"p","timestamp":"1700000000","message":"one"},"#,
            r#"{"runid":"r","driver":"b","pipeline":"","timestamp":"1700000001","message":"two"}]"#,
        )
    );
    for empty in ["", "\n", "\r\n\r\n"] {
        let answer = server.post("/logs/bulk/", empty).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"count":0}"#)
        );
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = server.http("POST", "/logs/bulk", &form, body).await;
    assert_eq!(answer.status, 415, "{}", answer.body);
}

#[tokio::test]
async fn lines_are_on_disk_while_the_body_still_arrives() {
    let mut server = Server::start().await;
    let mut upload = Upload::begin(&server).await;
    upload.send(line("r", "one").as_bytes()).await;
    upload.send(&line("r", "two and").as_bytes()[..20]).await;
    eventually("the first line is shown", async || {
        (messages(&server, "r").await == ["one"]).then_some(())
    })
    .await;
    upload.send(&line("r", "two and").as_bytes()[20..]).await;
    eventually("the second line is shown", async || {
        (messages(&server, "r").await.len() == 2).then_some(())
    })
    .await;
    server.kill_and_start_again().await;
    assert_eq!(messages(&server, "r").await, ["one", "two and"]);
}

#[tokio::test]
async fn a_line_that_cannot_be_stored_is_named_and_those_before_it_are_stored() {
    let server = Server::start().await;
    let long = line("r", &"x".repeat((64 << 10) + 1));
    let deep = format!("{}{}\n", "[".repeat(200), "]".repeat(200));
    let label = format!(
        r#"{{"runid":"r","labels":{{"{}":"v"}}}}"#,
        "k".repeat(1 << 10)
    ) + "\n";
    for (number, (bad, place)) in [
        ("no JSON\n", ""),
        ("[]\n", ""),
        ("null\n", ""),
        ("{\"runid\":1}\n", ": runid"),
        ("{\"message\":\"m\"}\n", ": run_id"),
        ("{\"runid\":\"r\",\"timestamp\":\"-5\"}\n", ": timestamp"),
        ("{\"runid\":\"r\",\"time\":\"yesterday\"}\n", ": time"),
        ("{\"runid\":\"r\"} {}\n", ""),
        (&long, ": message"),
        (&deep, ""),
        (&label, ": message"),
    ]
    .into_iter()
    .enumerate()
    {
        let run = format!("run-{number}");
        let body = line(&run, "one") + "\n" + &line(&run, "two") + bad + &line(&run, "three");
        let answer = server.post("/logs/bulk", &body).await;
        assert_eq!(answer.status, 400, "{bad:.40}: {}", answer.body);
        let told = answer.json();
        assert_eq!(told["code"], "INVALID_ARGUMENT");
        let error = told["error"].as_str().unwrap();
        assert!(error.starts_with("line 4: "), "{error}");
        assert!(!error.contains("the body"), "{error}");
        assert!(error.ends_with("The lines before it are stored"), "{error}");
        assert_eq!(
            told["details"][0]["field"],
            format!("line 4{place}"),
            "{told}"
        );
        assert_eq!(messages(&server, &run).await, ["one", "two"], "{bad:.40}");
    }
    let mut upload = Upload::begin(&server).await;
    upload.send(line("utf-8", "one").as_bytes()).await;
    upload
        .send(b"{\"runid\":\"utf-8\",\"message\":\"\xff\"}\n")
        .await;
    let (status, told) = upload.answer().await;
    assert_eq!(
        (status, &told["details"][0]["field"]),
        (400, &"line 2".into())
    );
}

#[tokio::test]
async fn a_bad_line_far_into_the_body_is_counted_right() {
    let server = Server::start().await;
    let mut body: String = (1..=5000)
        .map(|at| line("r", &format!("line {at}")))
        .collect();
    body += &line("", "no run");
    body += &line("r", "after");
    let answer = server.post("/logs/bulk", &body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["details"][0]["field"], "line 5001: run_id");
    let stored = messages(&server, "r").await;
    assert_eq!(stored.len(), 5000);
    assert_eq!(stored[4999], "line 5000");
}

#[tokio::test]
async fn only_a_line_is_limited_and_memory_stays_bounded() {
    let server = Server::start().await;
    let mut upload = Upload::begin(&server).await;
    let piece = "\n".repeat(1 << 20);
    upload.send(line("r", "first").as_bytes()).await;
    let before = server.resident_bytes();
    for _ in 0..100 {
        upload.send(piece.as_bytes()).await;
    }
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more for 100 MiB");
    upload.send(line("r", "last").as_bytes()).await;
    let (status, told) = upload.end().await;
    assert_eq!((status, told), (200, serde_json::json!({"count": 2})));
    assert_eq!(messages(&server, "r").await, ["first", "last"]);

    let mut upload = Upload::begin(&server).await;
    upload.send(line("s", "first").as_bytes()).await;
    for _ in 0..5 {
        upload.send("x".repeat(1 << 20).as_bytes()).await;
    }
    let (status, told) = upload.end().await;
    assert_eq!(status, 413, "{told}");
    assert_eq!(told["details"][0]["field"], "line 2");
    assert_eq!(messages(&server, "s").await, ["first"]);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_its_whole_lines() {
    let server = Server::start().await;
    let mut upload = Upload::begin(&server).await;
    let cut = line("r", "one") + &line("r", "two") + r#"{"runid":"r","message":"half"}"#;
    upload.send(cut.as_bytes()).await;
    drop(upload);
    eventually("the whole lines are stored", async || {
        (messages(&server, "r").await.len() == 2).then_some(())
    })
    .await;
    assert_eq!(messages(&server, "r").await, ["one", "two"]);
}

#[tokio::test]
async fn a_stop_is_told_with_the_first_line_that_is_not_stored() {
    let mut server = Server::start().await;
    let mut upload = Upload::begin(&server).await;
    upload.send(line("r", "one").as_bytes()).await;
    eventually("the line is stored", async || {
        (messages(&server, "r").await.len() == 1).then_some(())
    })
    .await;
    let mut refused = Upload::begin(&server).await;
    refused.send(b"no JSON\n").await;
    assert_eq!(refused.answer().await.0, 400);
    server.signal(Signal::TERM);
    let (status, told) = upload.answer().await;
    assert_eq!(status, 503, "{told}");
    assert_eq!(told["details"][0]["field"], "line 2");
    // Neither of the two has ended its body or closed.
    let stopped = Instant::now();
    assert_eq!(server.exit_code().await, Some(0));
    assert!(stopped.elapsed() < Duration::from_secs(4), "{stopped:?}");
}

#[tokio::test]
async fn a_refused_body_that_never_ends_does_not_hold_its_connection() {
    let server = Server::start().await;
    let mut upload = Upload::begin(&server).await;
    upload
        .send(b"{\"runid\":\"r\",\"message\":\"1\"}\n{\"message\":\"2\"}\n")
        .await;
    let (status, body) = upload.answer().await;
    assert_eq!(status, 400);
    assert_eq!(body["details"][0]["field"], "line 2: run_id");
    let error = body["error"].as_str().unwrap();
    assert!(error.starts_with("line 2: run_id: a run id is"), "{error}");
    let mut rest = Vec::new();
    soon("the server's close", upload.0.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(rest.is_empty());
}
