//! curl, as people call it by hand.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::{Scripted, Server, soon};

fn curl(server: &Server, path: &str, arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--no-buffer"])
        .args(arguments)
        .arg(format!("http://{}{path}", server.address))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// The next line that is neither empty nor a heartbeat.
async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    loop {
        let line = soon("a line of curl", lines.next_line()).await.unwrap()?;
        if !line.is_empty() && !line.starts_with(':') {
            return Some(line);
        }
    }
}

#[tokio::test]
async fn lines_are_printed_as_they_come_and_curl_ends_with_the_run() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    let (mut child, mut lines) = curl(&server, &format!("/logs/pipeline/{run}"), &[]);
    // The head comes although there is no line yet.
    assert_eq!(next(&mut lines).await.as_deref(), Some("HTTP/1.1 200 OK"));
    let mut head = Vec::new();
    while head.len() < 4 {
        head.push(next(&mut lines).await.unwrap().to_lowercase());
    }
    assert!(
        head.contains(&"content-type: text/event-stream".to_owned()),
        "{head:?}"
    );
    assert!(
        head.contains(&"cache-control: no-cache".to_owned()),
        "{head:?}"
    );
    builder.log(&task, 0, &["one"]).await;
    assert_eq!(next(&mut lines).await.as_deref(), Some("id: 1"));
    let data = next(&mut lines).await.unwrap();
    assert!(
        data.starts_with("data: {\"runid\":") && data.contains("\"message\":\"one\""),
        "{data}"
    );
    builder.log(&task, 1, &["two"]).await;
    builder.report(Scripted::success(&task, 2)).await;
    assert_eq!(next(&mut lines).await.as_deref(), Some("id: 2"));
    assert!(next(&mut lines).await.unwrap().contains("two"));
    for end in ["id: 2", "event: end", "data: {}"] {
        assert_eq!(next(&mut lines).await.as_deref(), Some(end));
    }
    assert_eq!(next(&mut lines).await, None);
    assert!(
        soon("the end of curl", child.wait())
            .await
            .unwrap()
            .success()
    );
}

#[tokio::test]
async fn last_event_id_goes_on_and_wins_over_after() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["one", "two", "three"]).await;
    builder.report(Scripted::success(&task, 3)).await;
    for (path, header, first) in [
        (format!("/logs/pipeline/{run}?after=1"), "", "id: 2"),
        (format!("/logs/pipeline/{run}"), "Last-Event-ID: 2", "id: 3"),
        (
            format!("/logs/streams/builder/{run}?after=0"),
            "Last-Event-ID: 1",
            "id: 2",
        ),
    ] {
        let (_child, mut lines) = curl(&server, &path, &["--header", header]);
        let mut line = next(&mut lines).await.unwrap();
        while !line.starts_with("id:") {
            line = next(&mut lines).await.unwrap();
        }
        assert_eq!(line, first, "{path} {header}");
    }
    for at in ["Last-Event-ID: 3", "Last-Event-ID: 99"] {
        let (_child, mut lines) =
            curl(&server, &format!("/logs/pipeline/{run}"), &["--header", at]);
        let status = next(&mut lines).await;
        assert_eq!(status.as_deref(), Some("HTTP/1.1 204 No Content"), "{at}");
    }
}
