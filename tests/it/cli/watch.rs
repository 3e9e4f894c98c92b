//! `conveyor watch`.

use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::support::{Server, soon};

/// A watch, line by line.
struct Watching {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Watching {
    fn new(server: &Server, arguments: &[&str]) -> Self {
        let mut command = server.command(&[&["watch"], arguments].concat());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            lines,
            _child: child,
        }
    }

    async fn line(&mut self) -> String {
        let line = soon("the next line of a watch", self.lines.next_line()).await;
        line.unwrap().expect("a watch does not end")
    }

    async fn json(&mut self) -> Value {
        serde_json::from_str(&self.line().await).unwrap()
    }
}

/// A line without the position, which is another each time.
fn without_position(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().skip(1).collect();
    words.join(" ")
}

#[tokio::test]
async fn resources_are_shown_as_they_stand_and_then_as_they_change() {
    let server = Server::start().await;
    server.define("any").await;
    server.define("other").await;
    server.create("any", "a").await;
    server.create("other", "b").await;
    let mut watch = Watching::new(&server, &["any"]);
    assert_snapshot!(watch.line().await, @"POSITION  EVENT   REVISION  RESOURCE");
    assert_eq!(without_position(&watch.line().await), "STANDS 1 any/a");
    server.create("other", "c").await;
    server.create("any", "d").await;
    assert_eq!(without_position(&watch.line().await), "WRITTEN 1 any/d");
    server
        .update(server.read("any", "a", 0).await.unwrap())
        .await;
    assert_eq!(without_position(&watch.line().await), "WRITTEN 2 any/a");
    server.delete("any", "a").await;
    assert_eq!(without_position(&watch.line().await), "DELETED 2 any/a");
}

#[tokio::test]
async fn a_later_watch_goes_on_from_a_position() {
    let server = Server::start().await;
    server.define("any").await;
    server.create("any", "a").await;
    let mut watch = Watching::new(&server, &["any/b", "-o", "json", "--only-changes"]);
    // What the watch has not seen by now is a change or stands; either way the last of these is seen.
    let mut written = server
        .try_create(crate::support::resource("any", "b"))
        .await
        .unwrap()
        .0;
    let first = loop {
        tokio::select! {
            first = watch.json() => break first,
            () = tokio::time::sleep(std::time::Duration::from_millis(100)) => {
                server.update(written.clone()).await;
                written = server.read("any", "b", 0).await.unwrap();
            }
        }
    };
    assert_eq!(first["event"], "WRITTEN");
    assert_eq!(first["resource"]["name"], "b");
    let position = first["position"].as_u64().unwrap();
    server.delete("any", "b").await;
    let mut later = Watching::new(&server, &["--after", &position.to_string(), "-o", "json"]);
    let deleted = loop {
        let seen = later.json().await;
        assert!(seen["position"].as_u64().unwrap() > position, "{seen}");
        if seen["event"] == "DELETED" {
            break seen;
        }
    };
    assert_eq!(deleted["resource"]["name"], "b");
}

#[tokio::test]
async fn a_watch_outlives_a_restart_of_the_server() {
    let mut server = Server::start().await;
    server.define("any").await;
    let mut watch = Watching::new(&server, &["any", "-o", "name"]);
    server.create("any", "a").await;
    assert_eq!(watch.line().await, "any/a");
    server.kill_and_start_again().await;
    server.create("any", "b").await;
    loop {
        // Where the position was not yet told, what stands comes once more.
        match watch.line().await.as_str() {
            "any/a" => {}
            line => break assert_eq!(line, "any/b"),
        }
    }
}

#[tokio::test]
async fn a_position_that_is_not_kept_is_explained() {
    let server = Server::start().await;
    let refusal = server
        .cli(&["watch", "--after", "999999999"])
        .await
        .refused();
    assert_snapshot!(refusal, @r"
    error: the newest position of this store is 0: list again
    That place is no longer kept: begin without it, or at a later one.
    ");
}
