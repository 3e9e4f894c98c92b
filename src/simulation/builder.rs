//! Clients that make and delete what others stand on: a definition, a pipeline and a resource of theirs, and drivers.

use conveyor_client::proto::driver_service_client::DriverServiceClient;
use conveyor_client::proto::pipeline_service_client::PipelineServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{
    ApplyPipelineRequest, ApplyResourceDefinitionRequest, CreatePipelineRequest,
    CreateResourceDefinitionRequest, DeleteDriverRequest, DeletePipelineRequest,
    DeleteResourceDefinitionRequest, Pipeline, ResourceDefinition, Step,
};
use tokio::time::timeout;
use tonic::Status;

use super::client::{BRANCH, Client, PART, PATIENCE, Put, SPARE};
use super::history::Event;
use super::network::Network;

impl Client {
    /// Makes and deletes a definition, a pipeline of it and a resource of both, in an order by chance: most of it is
    /// refused, since something is missing or still there. What goes is held against what names it, on the disk.
    pub(super) async fn build(mut self, steps: u64) {
        for at in 0..steps {
            tokio::time::sleep(self.dice.millis(10..3000)).await;
            match self.dice.below(11) {
                0 | 1 => self.make_definition(at).await,
                2 | 3 => self.make_pipeline(at).await,
                4 => self.put(SPARE, self.number * 1000 + at, Put::Create).await,
                5 => self.put(SPARE, self.number * 1000 + at, Put::Apply).await,
                6 | 7 => self.delete(SPARE).await,
                8 | 9 => {
                    let request = DeletePipelineRequest {
                        name: BRANCH.to_owned(),
                        expected_revision: 0,
                    };
                    let mut client = PipelineServiceClient::new(self.network.clone());
                    let _ = timeout(PATIENCE, client.delete_pipeline(request)).await;
                }
                _ => {
                    let request = DeleteResourceDefinitionRequest {
                        name: PART.to_owned(),
                        expected_revision: 0,
                    };
                    let mut client = ResourceServiceClient::new(self.network.clone());
                    let _ = timeout(PATIENCE, client.delete_resource_definition(request)).await;
                }
            }
        }
    }

    async fn make_definition(&mut self, at: u64) {
        let resource_definition = Some(ResourceDefinition {
            name: PART.to_owned(),
            schema_json: format!("{{\"$comment\":\"{at}\"}}"),
            ..ResourceDefinition::default()
        });
        let mut client = ResourceServiceClient::new(self.network.clone());
        if self.dice.percent(50) {
            let request = CreateResourceDefinitionRequest {
                resource_definition,
                request_id: format!("definition-{at}"),
            };
            let _ = timeout(PATIENCE, client.create_resource_definition(request)).await;
        } else {
            let request = ApplyResourceDefinitionRequest {
                resource_definition,
            };
            let _ = timeout(PATIENCE, client.apply_resource_definition(request)).await;
        }
    }

    async fn make_pipeline(&mut self, at: u64) {
        let step = Step {
            id: "only".to_owned(),
            driver: "alpha".to_owned(),
            params_json: format!("{{\"at\":{at}}}"),
            ..Step::default()
        };
        let pipeline = Some(Pipeline {
            name: BRANCH.to_owned(),
            resource: PART.to_owned(),
            steps: vec![step],
            ..Pipeline::default()
        });
        let mut client = PipelineServiceClient::new(self.network.clone());
        if self.dice.percent(50) {
            let request = CreatePipelineRequest {
                pipeline,
                request_id: format!("pipeline-{at}"),
            };
            let _ = timeout(PATIENCE, client.create_pipeline(request)).await;
        } else {
            let request = ApplyPipelineRequest { pipeline };
            let _ = timeout(PATIENCE, client.apply_pipeline(request)).await;
        }
    }

    /// Has drivers forgotten. Those that are there are not, and those that come back are known again.
    pub(super) async fn forget(mut self, times: u64) {
        for _ in 0..times {
            tokio::time::sleep(self.dice.millis(10..8000)).await;
            let driver = self.dice.pick(&["alpha", "beta", "gamma"]);
            self.history.note(Event::ForgetAsked { driver });
            let _ = timeout(PATIENCE, forget(&self.network, driver)).await;
        }
    }
}

/// Has a driver forgotten.
pub(super) async fn forget(network: &Network, driver: &str) -> Result<(), Status> {
    let request = DeleteDriverRequest {
        name: driver.to_owned(),
    };
    let mut client = DriverServiceClient::new(network.clone());
    client.delete_driver(request).await.map(drop)
}
