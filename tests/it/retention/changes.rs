//! The log of changes that watches resume from is trimmed, and nobody misses a change without being told.

use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::proto::{Resource, WatchResourcesRequest, WatchResourcesResponse};
use tonic::{Code, Status, Streaming};

use super::{OFTEN, ends_runs, run_goes};
use crate::support::{Scripted, Server, eventually, reason_of, resource, soon};

async fn watch(
    server: &Server,
    after_position: Option<u64>,
) -> Result<Streaming<WatchResourcesResponse>, Status> {
    let request = WatchResourcesRequest {
        after_position,
        ..Default::default()
    };
    let watch = server.resources().watch_resources(request).await?;
    Ok(watch.into_inner())
}

/// The positions of so many changes.
async fn positions(stream: &mut Streaming<WatchResourcesResponse>, count: usize) -> Vec<u64> {
    let mut positions = Vec::new();
    while positions.len() < count {
        let response = soon("the next change", stream.message()).await.unwrap();
        let response = response.expect("a watch does not end");
        if !matches!(response.seen, Some(Seen::Bookmark(_))) {
            positions.push(response.position);
        }
    }
    positions
}

async fn position_goes(server: &Server, position: u64) -> Status {
    eventually("the position is no longer kept", async || {
        watch(server, Some(position)).await.err()
    })
    .await
}

#[tokio::test]
async fn position_that_is_no_longer_kept_is_out_of_range() {
    let mut server = Server::with(&[OFTEN, ("retention.changes.max_count", "3")]).await;
    server.define("image").await;
    let mut stream = watch(&server, None).await.unwrap();
    for n in 0..6 {
        server.create("image", &format!("r{n}")).await;
    }
    let seen = positions(&mut stream, 6).await;
    let status = position_goes(&server, seen[1]).await;
    assert_eq!(status.code(), Code::OutOfRange);
    assert_eq!(reason_of(&status), "POSITION_GONE");
    assert!(status.message().contains("list again"), "{status:?}");
    let path = format!("/watch/resources?after_position={}", seen[1]);
    let gone = server.get(&path).await;
    assert_eq!(gone.status, 410, "{}", gone.body);
    assert!(gone.body.contains("list again"), "{}", gone.body);
    server.kill_and_start_again().await;
    assert_eq!(
        watch(&server, Some(seen[1])).await.unwrap_err().code(),
        Code::OutOfRange,
        "after a restart too"
    );
    let mut resumed = watch(&server, Some(seen[2])).await.unwrap();
    assert_eq!(positions(&mut resumed, 3).await, seen[3..]);
    let mut anew = watch(&server, None).await.unwrap();
    assert_eq!(positions(&mut anew, 6).await.len(), 6, "a new list has all");
}

#[tokio::test]
async fn position_goes_by_age_too() {
    let server = Server::with(&[OFTEN, ("retention.changes.max_age", "300ms")]).await;
    server.define("image").await;
    let mut stream = watch(&server, None).await.unwrap();
    server.create("image", "a").await;
    let first = positions(&mut stream, 1).await[0];
    watch(&server, Some(first)).await.unwrap();
    server.create("image", "b").await;
    position_goes(&server, first).await;
    let second = positions(&mut stream, 1).await[0];
    watch(&server, Some(second)).await.unwrap();
}

#[tokio::test]
async fn watch_that_is_slower_than_the_trim_is_told_so() {
    /// More than the sockets hold, and quickly written: a stream of which nothing is taken for minutes is reset.
    const MANY: usize = 200;
    let server = Server::with(&[OFTEN, ("retention.changes.max_count", "10")]).await;
    server.define("image").await;
    let spec = format!("{{\"wide\":\"{}\"}}", "x".repeat(60 << 10));
    let mut stream = watch(&server, None).await.unwrap();
    for n in 0..MANY {
        let wide = Resource {
            spec_json: spec.clone(),
            ..resource("image", &format!("r{n}"))
        };
        server.try_create(wide).await.unwrap();
    }
    let (mut seen, mut last) = (0, 0);
    let status = loop {
        match soon("the next change", stream.message()).await {
            Ok(Some(response)) => {
                if let Some(Seen::Resource(one)) = response.seen {
                    assert_eq!(one.name, format!("r{seen}"), "no change is passed over");
                    assert!(response.position > last);
                    (seen, last) = (seen + 1, response.position);
                }
            }
            Ok(None) => panic!("a watch does not end"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::OutOfRange, "after {seen}: {status:?}");
    assert_eq!(reason_of(&status), "POSITION_GONE");
    assert!(seen < MANY);
}

#[tokio::test]
async fn change_of_a_revision_that_is_gone_is_passed_over_for_a_later_one() {
    let server = Server::with(&[
        OFTEN,
        ("retention.runs.max_age", "1ms"),
        ("retention.revisions.max_count", "1"),
    ])
    .await;
    server.define("image").await;
    let _driver = ends_runs(&server, 0);
    let run = server.create("image", "a").await;
    run_goes(&server, &run).await;
    for _ in 0..3 {
        let resource = server.read("image", "a", 0).await.unwrap();
        run_goes(&server, &server.update(resource).await).await;
    }
    eventually("revision 1 goes", async || {
        server.read("image", "a", 3).await.err()
    })
    .await;
    server.create("image", "b").await;
    let mut stream = watch(&server, Some(0)).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let response = soon("a change", stream.message()).await.unwrap().unwrap();
        if let Some(Seen::Resource(one)) = response.seen {
            seen.push(format!("{}@{}", one.name, one.revision));
        }
    }
    assert_eq!(seen, ["a@4", "b@1"]);
}

#[tokio::test]
async fn what_a_deleted_resource_leaves_goes_with_the_news_of_it() {
    let mut server = Server::with(&[OFTEN, ("retention.runs.max_age", "1ms")]).await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    let deleted = server.delete("image", "a").await;
    // The result comes late: the resource is gone, and nobody shows it.
    builder.report(Scripted::success(&task, 0)).await;
    run_goes(&server, &run).await;
    run_goes(&server, &deleted).await;
    let mut stream = watch(&server, Some(0)).await.unwrap();
    assert_eq!(positions(&mut stream, 2).await.len(), 2, "it is told of");
    server.create("image", "a").await;
    let anew = server.read("image", "a", 0).await.unwrap();
    assert!(
        !anew.metadata.contains_key("driverresults.builder"),
        "{anew:?}"
    );
    server.set("retention.changes.max_count", "1");
    server.kill_and_start_again().await;
    position_goes(&server, 1).await;
    let mut anew = watch(&server, None).await.unwrap();
    assert_eq!(positions(&mut anew, 1).await.len(), 1);
}
