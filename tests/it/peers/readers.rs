//! Readers that stand still. They cost bounded memory and hold up nobody, and find all when they go on.

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::proto::{Resource, UpdateResourceRequest, WatchResourcesRequest};

use super::neighbours::{Neighbours, beside};
use crate::support::{Server, resource, soon};

/// Few and large, so that all is written within minutes on any machine: then a stream that stands still is reset.
const UPDATES: usize = 60;
const SPEC_BYTES: usize = 1 << 20;

#[tokio::test]
async fn a_watch_that_stands_still_costs_bounded_memory_and_misses_nothing() {
    let server = Server::start().await;
    let mut neighbours = Neighbours::of(&server).await;
    server.define("thing").await;
    let (made, _) = server.try_create(resource("thing", "t")).await.unwrap();
    let request = WatchResourcesRequest {
        resource: "thing".into(),
        ..Default::default()
    };
    // Nothing is read of it before all is written.
    let mut still = ResourceServiceClient::new(server.new_channel())
        .watch_resources(request)
        .await
        .unwrap()
        .into_inner();
    let before = server.resident_bytes();
    let write = async {
        for n in 0..UPDATES {
            let resource = Resource {
                spec: None,
                spec_json: format!("{{\"n\":{n},\"x\":\"{}\"}}", "x".repeat(SPEC_BYTES)),
                ..made.clone()
            };
            let request = UpdateResourceRequest {
                resource: Some(resource),
                expected_revision: 0,
            };
            server.resources().update_resource(request).await.unwrap();
        }
    };
    beside(&server, &mut neighbours, write).await;
    let grown = server.resident_bytes().saturating_sub(before);
    println!("grown by {} MiB", grown >> 20);
    // 60 MiB were written, as resources and as changes; the store's own buffers take up to 64 MiB of that.
    assert!(grown < 150 << 20, "the server has grown by {grown} bytes");
    let mut last = 0;
    while last <= UPDATES as i64 {
        let next = soon("the next change", still.message()).await.unwrap();
        if let Some(Seen::Resource(it)) = next.expect("a watch has no end").seen {
            assert_eq!(it.revision, last + 1, "each change, in order");
            last = it.revision;
        }
    }
}
