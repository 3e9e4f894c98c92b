//! More writes than the disk takes: those that wait are as many as the queue has room for, whatever they wait for.

use std::time::Duration;

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{
    CreateResourceRequest, Resource, UpdateResourceDefinitionRequest, UpdateResourceRequest,
};
use futures_util::future::join_all;
use tonic::{Code, Status};

use super::callers::{definition, site};
use super::client::{KIND, define};
use super::network::Network;

/// Room that new work has in the queue, for small writes.
const ROOM: usize = 3072;
/// How many are asked for.
const ASKED: usize = 4000;

fn resource(name: String) -> Option<Resource> {
    Some(Resource {
        name,
        resource: KIND.to_owned(),
        ..Resource::default()
    })
}

async fn create(network: &Network, name: String) -> Result<(), Status> {
    let request = CreateResourceRequest {
        resource: resource(name),
        request_id: String::new(),
    };
    let mut client = ResourceServiceClient::new(network.clone());
    client.create_resource(request).await.map(drop)
}

/// How many were refused, all for the same reason; nothing else went wrong.
fn refused(answers: &[Result<(), Status>]) -> usize {
    let refusals: Vec<_> = answers.iter().filter_map(|it| it.as_ref().err()).collect();
    for refusal in &refusals {
        assert_eq!(refusal.code(), Code::ResourceExhausted, "{refusal:?}");
    }
    refusals.len()
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_resource_that_wait_for_each_other_are_bounded() {
    let (site, network) = site().await;
    define(&network).await;
    create(&network, "one".to_owned()).await.unwrap();
    site.slow_disk(10_000);
    let updates = (0..ASKED).map(|_| async {
        let request = UpdateResourceRequest {
            resource: resource("one".to_owned()),
            expected_revision: 0,
        };
        let mut client = ResourceServiceClient::new(network.clone());
        client.update_resource(request).await.map(drop)
    });
    let first = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        site.slow_disk(1);
    };
    let (answers, ()) = tokio::join!(join_all(updates), first);
    assert_eq!(refused(&answers), ASKED - ROOM);
    create(&network, "two".to_owned()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn writes_that_wait_for_a_definition_are_bounded() {
    let (site, network) = site().await;
    define(&network).await;
    site.slow_disk(10_000);
    let update = async {
        let request = UpdateResourceDefinitionRequest {
            resource_definition: definition(KIND),
            expected_revision: 0,
        };
        let mut client = ResourceServiceClient::new(network.clone());
        client.update_resource_definition(request).await.map(drop)
    };
    let creates = async {
        // The definition is on its way to the disk.
        tokio::time::sleep(Duration::from_millis(500)).await;
        site.slow_disk(1);
        join_all((0..ASKED).map(|n| create(&network, format!("r{n}")))).await
    };
    let (update, answers) = tokio::join!(update, creates);
    update.unwrap();
    assert_eq!(refused(&answers), ASKED - (ROOM - 1));
}
