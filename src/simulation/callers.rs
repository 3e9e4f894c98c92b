//! Callers who go away while the disk is slow, and come again before it has written: what comes next rests on what the
//! first call does, as if its caller had waited.

use std::time::Duration;

use conveyor_client::proto::pipeline_service_client::PipelineServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{
    ApplyPipelineRequest, ApplyResourceDefinitionRequest, CreatePipelineRequest,
    CreateResourceDefinitionRequest, CreateResourceRequest, DeletePipelineRequest,
    DeleteResourceDefinitionRequest, Pipeline, Resource, ResourceDefinition, Step,
    UpdatePipelineRequest, UpdateResourceDefinitionRequest,
};
use tokio::time::timeout;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use super::client::{KIND, define};
use super::dice::Dice;
use super::history::History;
use super::keeping::Keeping;
use super::network::Network;
use super::site::Site;

type Answer<T> = Result<Response<T>, Status>;

/// A server that keeps everything, and a network that loses nothing.
pub(super) async fn site() -> (Site, Network) {
    site_that(Keeping::for_ever()).await
}

/// A server that keeps things for so long, and a network that loses nothing.
pub(super) async fn site_that(keeping: Keeping) -> (Site, Network) {
    let mut dice = Dice::new(7);
    let site = Site::new(dice.fork(), keeping, History::new());
    site.start().await;
    let network = Network::new(site.clone(), dice);
    network.calm();
    (site, network)
}

/// Makes a call whose caller goes away while its batch waits for the disk, and then the next.
async fn after<T, N>(
    site: &Site,
    gone: impl Future<Output = Answer<T>>,
    next: impl Future<Output = Answer<N>>,
) -> Result<N, Status> {
    site.slow_disk(20_000);
    // The clock stands still while anything else can be done.
    let gone = timeout(Duration::from_secs(1), gone).await;
    assert!(gone.is_err(), "it waits for the disk");
    site.slow_disk(3);
    next.await.map(Response::into_inner)
}

fn reason(answer: Result<impl Sized, Status>) -> String {
    let status = answer.err().expect("it is refused");
    let info = status.get_details_error_info();
    info.expect("a refusal has a reason").reason
}

pub(super) fn definition(name: &str) -> Option<ResourceDefinition> {
    Some(ResourceDefinition {
        name: name.to_owned(),
        schema_json: "{}".to_owned(),
        ..ResourceDefinition::default()
    })
}

fn pipeline(name: &str) -> Option<Pipeline> {
    let step = Step {
        id: "build".to_owned(),
        name: "build".to_owned(),
        driver: "builder".to_owned(),
        ..Step::default()
    };
    Some(Pipeline {
        name: name.to_owned(),
        resource: KIND.to_owned(),
        steps: vec![step],
        ..Pipeline::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_write_of_a_definition_goes_on_though_its_caller_has_gone() {
    let (site, network) = site().await;
    let calls = || ResourceServiceClient::new(network.clone());
    let create = async |request_id: &str| {
        let request = CreateResourceDefinitionRequest {
            resource_definition: definition("a"),
            request_id: request_id.to_owned(),
        };
        calls().create_resource_definition(request).await
    };
    let made = after(&site, create("once"), create("once")).await.unwrap();
    assert_eq!(made.revision, 1);
    assert_eq!(reason(create("").await), "ALREADY_EXISTS");

    let update = async || {
        let request = UpdateResourceDefinitionRequest {
            resource_definition: definition("a"),
            expected_revision: 1,
        };
        calls().update_resource_definition(request).await
    };
    let second = after(&site, update(), update()).await;
    assert_eq!(reason(second), "REVISION_MISMATCH");

    let apply = async || {
        let request = ApplyResourceDefinitionRequest {
            resource_definition: definition("b"),
        };
        calls().apply_resource_definition(request).await
    };
    let applied = after(&site, apply(), apply()).await.unwrap();
    assert_eq!(applied.revision, 1);

    let delete = async {
        let request = DeleteResourceDefinitionRequest {
            name: "b".to_owned(),
            expected_revision: 0,
        };
        calls().delete_resource_definition(request).await
    };
    let create = async {
        let resource = Resource {
            name: "x".to_owned(),
            resource: "b".to_owned(),
            ..Resource::default()
        };
        let request = CreateResourceRequest {
            resource: Some(resource),
            request_id: String::new(),
        };
        calls().create_resource(request).await
    };
    let orphan = after(&site, delete, create).await;
    assert_eq!(orphan.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_write_of_a_pipeline_goes_on_though_its_caller_has_gone() {
    let (site, network) = site().await;
    define(&network, Keeping::for_ever()).await;
    let calls = || PipelineServiceClient::new(network.clone());
    let create = async |request_id: &str| {
        let request = CreatePipelineRequest {
            pipeline: pipeline("a"),
            request_id: request_id.to_owned(),
        };
        calls().create_pipeline(request).await
    };
    let made = after(&site, create("once"), create("once")).await.unwrap();
    assert_eq!(made.revision, 1);
    assert_eq!(reason(create("").await), "ALREADY_EXISTS");

    let update = async || {
        let request = UpdatePipelineRequest {
            pipeline: pipeline("a"),
            expected_revision: 1,
        };
        calls().update_pipeline(request).await
    };
    let second = after(&site, update(), update()).await;
    assert_eq!(reason(second), "REVISION_MISMATCH");

    let apply = async || {
        let request = ApplyPipelineRequest {
            pipeline: pipeline("b"),
        };
        calls().apply_pipeline(request).await
    };
    let applied = after(&site, apply(), apply()).await.unwrap();
    assert_eq!(applied.revision, 1);

    let delete = async {
        let request = DeletePipelineRequest {
            name: "b".to_owned(),
            expected_revision: 0,
        };
        calls().delete_pipeline(request).await
    };
    let create = async {
        let resource = Resource {
            name: "x".to_owned(),
            resource: KIND.to_owned(),
            pipeline: "b".to_owned(),
            ..Resource::default()
        };
        let request = CreateResourceRequest {
            resource: Some(resource),
            request_id: String::new(),
        };
        ResourceServiceClient::new(network.clone())
            .create_resource(request)
            .await
    };
    let orphan = after(&site, delete, create).await;
    assert_eq!(orphan.unwrap_err().code(), Code::NotFound);
}
