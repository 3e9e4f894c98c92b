//! The packages of npm that programs in Node use: `ws` and `eventsource`.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::{Scripted, Server, soon};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

struct Follower {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Follower {
    async fn start(kind: &str, url: String, headers: &[&str]) -> Self {
        let script = format!("{ROOT}/scripts/node.sh");
        let found = Command::new(script).stderr(Stdio::inherit()).output();
        let found = found.await.unwrap();
        assert!(found.status.success(), "npm installs ws and eventsource");
        let folder = String::from_utf8(found.stdout).unwrap();
        let mut child = Command::new("node")
            .arg(format!("{ROOT}/tests/it/streams/follow.cjs"))
            .args([kind, &url])
            .args(headers)
            .env("NODE_PATH", format!("{}/node_modules", folder.trim()))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            _child: child,
            lines,
        }
    }

    /// What it says next; `None` when it has ended.
    async fn next(&mut self) -> Option<Value> {
        let line = soon("a word of node", self.lines.next_line())
            .await
            .unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }
}

/// A run in progress that has written `one`.
async fn site() -> (Server, Scripted, String, conveyor_client::proto::Reconcile) {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["one"]).await;
    builder.logged(1).await;
    (server, builder, run, task)
}

#[tokio::test]
async fn ws_gets_each_line_and_a_normal_close_on_every_path() {
    let (server, mut builder, run, task) = site().await;
    let host = server.address;
    let mut followers = Vec::new();
    for path in [
        format!("/drivers/streams/logs/builder/{run}"),
        format!("/logs/streams/builder/{run}"),
        format!("/logs/pipeline/{run}"),
    ] {
        followers.push(Follower::start("ws", format!("ws://{host}{path}"), &[]).await);
    }
    for follower in &mut followers {
        let first = follower.next().await.unwrap();
        assert_eq!(
            (&first["frame"][1], &first["isBinary"]),
            (&json!("one"), &json!(false))
        );
        let seconds = first["frame"][0].as_str().unwrap();
        assert!(seconds.parse::<u64>().is_ok(), "{seconds}");
    }
    builder.log(&task, 1, &["two"]).await;
    builder.report(Scripted::success(&task, 2)).await;
    for follower in &mut followers {
        assert_eq!(follower.next().await.unwrap()["frame"][1], "two");
        assert_eq!(follower.next().await, Some(json!({ "closed": 1000 })));
        assert_eq!(follower.next().await, None);
    }
}

#[tokio::test]
async fn ws_gets_whole_entries_where_it_asks_for_json() {
    let (server, mut builder, run, task) = site().await;
    builder.report(Scripted::success(&task, 1)).await;
    let url = format!("ws://{}/logs/pipeline/{run}?format=json", server.address);
    let mut follower = Follower::start("ws", url, &[]).await;
    let entry = follower.next().await.unwrap()["frame"].clone();
    let keys: Vec<&String> = entry.as_object().unwrap().keys().collect();
    let wanted = [
        "runid", "driver", "pipeline", "step", "attempt", "seq", "stream", "time", "labels",
        "message",
    ];
    assert_eq!(keys, wanted);
    assert_eq!((&entry["seq"], &entry["attempt"]), (&json!(1), &json!(1)));
    assert_eq!(follower.next().await, Some(json!({ "closed": 1000 })));
}

#[tokio::test]
async fn ws_from_a_web_page_elsewhere_is_refused() {
    let (server, _builder, run, _task) = site().await;
    let url = format!("ws://{}/logs/pipeline/{run}", server.address);
    for (origin, answer) in [
        (
            "origin=http://evil.example".to_owned(),
            json!({ "refused": 403 }),
        ),
        (format!("origin=http://{}", server.address), json!("one")),
    ] {
        let mut follower = Follower::start("ws", url.clone(), &[&origin]).await;
        let first = follower.next().await.unwrap();
        let told = first.pointer("/frame/1").unwrap_or(&first);
        assert_eq!(*told, answer, "{origin}");
    }
}

#[tokio::test]
async fn ws_that_talks_too_much_is_ended_and_one_that_talks_is_not() {
    let (server, _builder, run, _task) = site().await;
    let url = format!("ws://{}/logs/pipeline/{run}", server.address);
    let mut loud = Follower::start("ws", url.clone(), &["send=5000"]).await;
    let mut last = loud.next().await.unwrap();
    while let Some(next) = loud.next().await {
        last = next;
    }
    assert_eq!(last, json!({ "closed": 1006 }));
    let mut fine = Follower::start("ws", url, &["send=4000"]).await;
    assert_eq!(fine.next().await.unwrap()["frame"][1], "one");
    let more = r#"{"runid":"RUN","driver":"me","message":"two"}"#.replace("RUN", &run);
    assert_eq!(server.post("/logs", &more).await.status, 201);
    assert_eq!(fine.next().await.unwrap()["frame"][1], "two");
}

#[tokio::test]
async fn event_source_gets_each_line_comes_back_at_the_end_and_is_told_to_stay_away() {
    let (server, mut builder, run, task) = site().await;
    let url = format!("http://{}/logs/streams/builder/{run}", server.address);
    let mut follower = Follower::start("sse", url, &[]).await;
    let first = follower.next().await.unwrap();
    assert_eq!(
        (&first["type"], &first["id"]),
        (&json!("message"), &json!("1"))
    );
    assert_eq!(first["data"]["message"], "one");
    builder.log(&task, 1, &["two"]).await;
    builder.report(Scripted::success(&task, 2)).await;
    assert_eq!(follower.next().await.unwrap()["data"]["message"], "two");
    let end = follower.next().await.unwrap();
    assert_eq!((&end["type"], &end["id"]), (&json!("end"), &json!("2")));
    assert_eq!(follower.next().await, Some(json!({ "stopped": 204 })));
    assert_eq!(follower.next().await, None, "nothing keeps it alive");
}

#[tokio::test]
async fn event_source_goes_on_where_it_was_after_a_restart_of_the_server() {
    let (mut server, _builder, run, _task) = site().await;
    let url = format!("http://{}/logs/pipeline/{run}", server.address);
    let mut follower = Follower::start("sse", url, &[]).await;
    assert_eq!(follower.next().await.unwrap()["data"]["message"], "one");
    server.kill_and_start_again().await;
    let more = r#"{"runid":"RUN","driver":"me","message":"two"}"#.replace("RUN", &run);
    assert_eq!(server.post("/logs", &more).await.status, 201);
    let next = follower.next().await.unwrap();
    assert_eq!(
        (&next["data"]["message"], &next["id"]),
        (&json!("two"), &json!("2"))
    );
}
