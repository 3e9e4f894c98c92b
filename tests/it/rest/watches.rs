//! Watches over Server-Sent Events: a run to its end, resources with resume.

use rustix::process::Signal;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Scripted, Server, soon};

type Event = Vec<(String, String)>;

fn field<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    let found = event.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.as_str())
}

fn data(event: &Event) -> Value {
    serde_json::from_str(field(event, "data").unwrap()).unwrap()
}

#[tokio::test]
async fn a_run_is_watched_to_its_end() {
    let server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    let path = format!("/watch/runs/{run}");
    let mut events = server.sse(&path, &[]).await;
    let first = events.next().await.unwrap();
    assert_eq!(data(&first)["state"], "RUN_STATE_PENDING");
    assert_eq!(field(&first, "id"), None);

    let mut builder = Scripted::new(&server, "builder", "image").await;
    let task = builder.take().await;
    while data(&events.next().await.unwrap())["state"] != "RUN_STATE_RUNNING" {}
    builder.succeed(&task).await;
    let mut states = Vec::new();
    let end = loop {
        let event = events.next().await.unwrap();
        if field(&event, "event") == Some("end") {
            break event;
        }
        states.push(data(&event)["state"].as_str().unwrap().to_owned());
    };
    assert_eq!(states.last().unwrap(), "RUN_STATE_SUCCEEDED");
    assert_eq!(field(&end, "id"), Some("end"));
    assert!(events.next().await.is_none());

    // What a browser's EventSource does after the end.
    let back = server
        .http("GET", &path, &[("last-event-id", "end")], "")
        .await;
    assert_eq!((back.status, back.body.as_str()), (204, ""));
}

#[tokio::test]
async fn a_run_that_is_not_followed_is_shown_once() {
    let server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    let answer = server.get(&format!("/watch/runs/{run}?follow=false")).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    assert_eq!(answer.headers["cache-control"], "no-cache");
    let shown = server.get("/runs").await.json()[0].to_string();
    assert_eq!(
        answer.body,
        format!("data: {shown}\n\nid: end\nevent: end\ndata: {{}}\n\n")
    );
    let head = server
        .http("HEAD", &format!("/watch/runs/{run}"), &[], "")
        .await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn resources_are_watched_and_the_watch_is_taken_up_again() {
    let mut server = Server::start().await;
    server.define("image").await;
    server.define("package").await;
    server.create("image", "a").await;
    server.create("package", "p").await;

    let mut events = server.sse("/watch/resources/image", &[]).await;
    let stands = events.next().await.unwrap();
    assert_eq!(data(&stands)["resource"]["name"], "a");
    assert_eq!(field(&stands, "id"), None, "the rest would be missed");
    let bookmark = events.next().await.unwrap();
    let id = field(&bookmark, "id").unwrap().to_owned();
    assert_eq!(data(&bookmark)["bookmark"], serde_json::json!({}));
    assert_eq!(data(&bookmark)["position"].to_string(), id);

    server.create("package", "q").await;
    server.create("image", "b").await;
    let created = events.next().await.unwrap();
    assert_eq!(data(&created)["resource"]["name"], "b");
    let id = field(&created, "id").unwrap().to_owned();
    drop(events);

    server.delete("image", "a").await;
    server.kill_and_start_again().await;
    let mut events = server
        .sse(
            "/watch/resources/image?after_position=1",
            &[("last-event-id", &id)],
        )
        .await;
    let deleted = events.next().await.unwrap();
    assert_eq!(data(&deleted)["deleted"]["name"], "a", "the header wins");
    let later: u64 = field(&deleted, "id").unwrap().parse().unwrap();
    assert!(later > id.parse().unwrap());
}

#[tokio::test]
async fn what_stands_can_be_read_without_following() {
    let server = Server::start().await;
    server.define("image").await;
    for name in ["a", "b", "c"] {
        server.create("image", name).await;
    }
    let path = "/watch/resources?follow=false";
    let all = server.get(path).await;
    let (rest, end) = all.body.rsplit_once("id: ").unwrap();
    assert_eq!(rest.matches("\"resource\":{").count(), 3, "{rest}");
    let (position, end) = end.split_once('\n').unwrap();
    assert_eq!(end, "event: end\ndata: {}\n\n");

    let nothing_new = [("last-event-id", position)];
    let back = server.http("GET", path, &nothing_new, "").await;
    assert_eq!((back.status, back.body.as_str()), (204, ""));
    server.create("image", "d").await;
    let back = server.http("GET", path, &nothing_new, "").await;
    assert_eq!(back.status, 200);
    assert_eq!(back.body.matches("\"name\":\"d\"").count(), 1);
    assert_eq!(back.body.matches("\"resource\":{").count(), 1);
}

#[tokio::test]
async fn watches_that_cannot_begin_are_plain_errors() {
    let server = Server::start().await;
    let none = "01a1fd3d-0000-7000-8000-000000000000";
    for (path, headers, status) in [
        (format!("/watch/runs/{none}"), &[][..], 404),
        ("/watch/runs/x".into(), &[], 400),
        ("/watch/runs".into(), &[], 404),
        (format!("/watch/runs/{none}?follow=yes"), &[], 400),
        ("/watch/resources?after_position=999".into(), &[], 410),
        ("/watch/resources?after_position=-1".into(), &[], 400),
        ("/watch/resources?after_position=01".into(), &[], 400),
        ("/watch/resources".into(), &[("last-event-id", "x")], 400),
        ("/watch/resources".into(), &[("last-event-id", "999")], 410),
        ("/watch/resources/a%20b".into(), &[], 400),
    ] {
        let answer = server.http("GET", &path, headers, "").await;
        assert_eq!(answer.status, status, "{path} {headers:?}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
    }
}

#[tokio::test]
async fn watches_end_with_the_server_and_without_a_word() {
    let mut server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    let mut watched = server.sse(&format!("/watch/runs/{run}"), &[]).await;
    watched.next().await.unwrap();
    let mut resources = server.sse("/watch/resources", &[]).await;
    resources.next().await.unwrap();
    resources.next().await.unwrap();
    server.signal(Signal::TERM);
    assert!(watched.next().await.is_none());
    assert!(resources.next().await.is_none());
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn a_quiet_watch_shows_at_once_and_then_now_and_again_that_it_lives() {
    let server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    let newest = server.get("/watch/resources?follow=false").await.body;
    let (_, newest) = newest.rsplit_once("id: ").unwrap();
    let newest = newest.split('\n').next().unwrap();
    let lives = async |path: String| {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut seen = String::new();
        while !seen.contains(": heartbeat\n\n") {
            let mut piece = [0; 4096];
            let length = soon("a sign of life", stream.read(&mut piece))
                .await
                .unwrap();
            assert!(length > 0, "closed after {seen}");
            seen += std::str::from_utf8(&piece[..length]).unwrap();
        }
        assert!(
            seen.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"),
            "{seen}"
        );
    };
    tokio::join!(
        lives(format!("/watch/resources?after_position={newest}")),
        lives(format!("/watch/runs/{run}")),
    );
}
