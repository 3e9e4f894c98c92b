//! A clock on the wall that is set back: what is new is still listed above what is old, and none takes the place of
//! another.

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::{CancelRunRequest, CreateResourceRequest, ListRunsRequest, Resource};

use super::callers::site;
use super::client::{KIND, define};
use super::keeping::Keeping;
use super::network::Network;

async fn create(network: &Network, name: &str) -> String {
    let resource = Resource {
        name: name.to_owned(),
        resource: KIND.to_owned(),
        ..Resource::default()
    };
    let request = CreateResourceRequest {
        resource: Some(resource),
        request_id: String::new(),
    };
    let mut client = ResourceServiceClient::new(network.clone());
    let made = client.create_resource(request).await.unwrap();
    made.into_inner().run_id
}

/// Ends a run.
async fn cancel(network: &Network, id: &str) {
    let request = CancelRunRequest {
        id: id.to_owned(),
        ..CancelRunRequest::default()
    };
    let mut client = RunServiceClient::new(network.clone());
    client.cancel_run(request).await.unwrap();
}

/// The runs of a definition, or all.
async fn listed(network: &Network, kind: &str) -> Vec<String> {
    let request = ListRunsRequest {
        resource: kind.to_owned(),
        ..ListRunsRequest::default()
    };
    let mut client = RunServiceClient::new(network.clone());
    let runs = client.list_runs(request).await.unwrap();
    let runs = runs.into_inner().runs.into_iter();
    runs.map(|run| run.id).collect()
}

#[tokio::test(start_paused = true)]
async fn runs_are_listed_the_newest_first_though_the_clock_was_set_back() {
    let (site, network) = site().await;
    define(&network, Keeping::for_ever()).await;
    let mut made = Vec::new();
    for n in 0..3 {
        made.push(create(&network, &format!("a{n}")).await);
    }
    site.wall().step(-3600);
    for n in 0..3 {
        made.push(create(&network, &format!("b{n}")).await);
    }
    // What has ended is read by nobody at a start.
    for run in &made {
        cancel(&network, run).await;
    }
    site.drain().await;
    site.start().await;
    for n in 0..3 {
        made.push(create(&network, &format!("c{n}")).await);
    }
    site.wall().step(7200);
    made.push(create(&network, "d").await);
    made.reverse();
    for kind in ["", KIND] {
        assert_eq!(listed(&network, kind).await, made, "{kind}");
    }
}
