//! WatchResources: what stands, then every change, from any position.

use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::proto::{WatchResourcesRequest, WatchResourcesResponse};
use rustix::process::Signal;
use tonic::{Code, Streaming};

use crate::support::{Server, soon};

async fn watch(
    server: &Server,
    resource: &str,
    after_position: Option<u64>,
) -> Streaming<WatchResourcesResponse> {
    let request = WatchResourcesRequest {
        resource: resource.into(),
        after_position,
        follow: None,
    };
    server
        .resources()
        .watch_resources(request)
        .await
        .unwrap()
        .into_inner()
}

/// The next thing seen but bookmarks, in a word, and its position.
async fn next(stream: &mut Streaming<WatchResourcesResponse>) -> (String, u64) {
    loop {
        let response = soon("the next change", stream.message())
            .await
            .unwrap()
            .expect("a watch does not end");
        let word = match response.seen.expect("something was seen") {
            Seen::Resource(one) => format!("{}/{}@{}", one.resource, one.name, one.revision),
            Seen::Deleted(one) => format!("-{}/{}", one.resource, one.name),
            Seen::Bookmark(_) => continue,
        };
        return (word, response.position);
    }
}

async fn words(stream: &mut Streaming<WatchResourcesResponse>, count: usize) -> Vec<String> {
    let mut words = Vec::new();
    for _ in 0..count {
        words.push(next(stream).await.0);
    }
    words
}

#[tokio::test]
async fn watch_sends_what_stands_and_then_what_changes() {
    let server = Server::start().await;
    server.define("image").await;
    server.define("package").await;
    server.create("image", "a").await;
    server.create("package", "p").await;
    let mut all = watch(&server, "", None).await;
    let mut images = watch(&server, "image", None).await;
    assert_eq!(words(&mut all, 2).await, ["image/a@1", "package/p@1"]);
    assert_eq!(words(&mut images, 1).await, ["image/a@1"]);
    server.create("image", "b").await;
    server.create("package", "q").await;
    server
        .update(server.read("image", "a", 0).await.unwrap())
        .await;
    server.delete("image", "b").await;
    assert_eq!(
        words(&mut all, 4).await,
        ["image/b@1", "package/q@1", "image/a@2", "-image/b"]
    );
    assert_eq!(
        words(&mut images, 3).await,
        ["image/b@1", "image/a@2", "-image/b"]
    );
}

#[tokio::test]
async fn watch_goes_on_after_a_position_also_after_a_restart() {
    let mut server = Server::start().await;
    server.define("image").await;
    let mut stream = watch(&server, "", None).await;
    for name in ["a", "b", "c", "d"] {
        server.create("image", name).await;
    }
    let mut positions = Vec::new();
    for _ in 0..4 {
        positions.push(next(&mut stream).await.1);
    }
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    server.kill_and_start_again().await;
    let mut resumed = watch(&server, "", Some(positions[1])).await;
    assert_eq!(words(&mut resumed, 2).await, ["image/c@1", "image/d@1"]);
    server.create("image", "e").await;
    assert_eq!(words(&mut resumed, 1).await, ["image/e@1"]);
}

#[tokio::test]
async fn watch_loses_nothing_between_what_stands_and_what_comes() {
    let server = Server::start().await;
    server.define("image").await;
    let writer = async {
        for n in 0..200 {
            server.create("image", &format!("r{n}")).await;
        }
    };
    let reader = async {
        let mut stream = watch(&server, "", None).await;
        let mut seen = words(&mut stream, 200).await;
        seen.sort();
        seen
    };
    let ((), seen) = tokio::join!(writer, reader);
    let mut wanted: Vec<_> = (0..200).map(|n| format!("image/r{n}@1")).collect();
    wanted.sort();
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn watch_ends_unavailable_when_the_server_drains() {
    let mut server = Server::start().await;
    server.define("image").await;
    server.create("image", "a").await;
    let mut stream = watch(&server, "", None).await;
    next(&mut stream).await;
    server.signal(Signal::TERM);
    let status = loop {
        match soon("the end of the watch", stream.message()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a watch ends with an error"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn quiet_watch_sends_a_bookmark_every_30_s() {
    let server = Server::start().await;
    server.define("image").await;
    server.create("image", "a").await;
    let mut stream = watch(&server, "", None).await;
    let (_, position) = next(&mut stream).await;
    let begun = tokio::time::Instant::now();
    // One may mark the end of what stands; then another must come in the quiet after it.
    while begun.elapsed() < std::time::Duration::from_secs(5) {
        let wait = std::time::Duration::from_secs(40);
        let seen = tokio::time::timeout(wait, stream.message()).await;
        let response = seen.expect("a bookmark comes").unwrap().unwrap();
        assert!(
            matches!(response.seen, Some(Seen::Bookmark(_))),
            "{response:?}"
        );
        assert!(response.position >= position);
    }
}

#[tokio::test]
async fn position_ahead_of_the_store_is_out_of_range() {
    let server = Server::start().await;
    let request = WatchResourcesRequest {
        after_position: Some(99_999),
        ..Default::default()
    };
    let status = server
        .resources()
        .watch_resources(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    assert!(status.message().contains("list again"), "{status:?}");
}
