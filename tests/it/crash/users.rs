//! A user who writes, deletes, starts and cancels at random while the server comes and goes.

use std::time::Duration;

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::{
    CancelRunRequest, CreateResourceRequest, DeleteResourceRequest, ListRunsRequest, Resource, Run,
    StartRunRequest, UpdateResourceRequest,
};
use tokio::time::{Instant, sleep, timeout};
use tonic::Status;
use tonic::transport::Channel;

use super::Dice;
use crate::support::{Server, resource};

/// How many names the user writes to.
const NAMES: u64 = 12;

pub(super) struct User {
    pub(super) dice: Dice,
    pub(super) resources: ResourceServiceClient<Channel>,
    pub(super) runs: RunServiceClient<Channel>,
}

impl User {
    /// Works until then; gives the ids of the runs that were answered OK.
    pub(super) async fn run(mut self, until: Instant) -> Vec<String> {
        let mut answered = Vec::new();
        while Instant::now() < until {
            // What is not answered in time, or not OK, was not promised.
            if let Ok(Ok(run)) = timeout(Duration::from_secs(2), self.act(&answered)).await
                && !run.is_empty()
            {
                answered.push(run);
            }
            sleep(Duration::from_millis(self.dice.below(60))).await;
        }
        answered
    }

    async fn act(&mut self, answered: &[String]) -> Result<String, Status> {
        let name = format!("u{}", self.dice.below(NAMES));
        let pipeline = if self.dice.below(2) == 0 { "p" } else { "" };
        let wanted = Resource {
            pipeline: pipeline.into(),
            ..resource("image", &name)
        };
        match self.dice.below(10) {
            0..4 => {
                let request = CreateResourceRequest {
                    resource: Some(wanted),
                    ..Default::default()
                };
                Ok(self
                    .resources
                    .create_resource(request)
                    .await?
                    .into_inner()
                    .run_id)
            }
            4..7 => {
                let request = UpdateResourceRequest {
                    resource: Some(wanted),
                    expected_revision: 0,
                };
                Ok(self
                    .resources
                    .update_resource(request)
                    .await?
                    .into_inner()
                    .run_id)
            }
            7 => {
                let request = DeleteResourceRequest {
                    resource: "image".into(),
                    name,
                    expected_revision: 0,
                };
                Ok(self
                    .resources
                    .delete_resource(request)
                    .await?
                    .into_inner()
                    .run_id)
            }
            8 => {
                let request = StartRunRequest {
                    resource: "image".into(),
                    name,
                    ..Default::default()
                };
                Ok(self.runs.start_run(request).await?.into_inner().id)
            }
            _ => {
                let Some(run) = answered.last() else {
                    return Ok(String::new());
                };
                let request = CancelRunRequest {
                    id: run.clone(),
                    ..Default::default()
                };
                self.runs.cancel_run(request).await?;
                Ok(String::new())
            }
        }
    }
}

/// The runs of each resource went one at a time, in the order they were written.
pub(super) async fn check_order(server: &Server) {
    for n in 0..NAMES {
        let request = ListRunsRequest {
            resource: "image".into(),
            name: format!("u{n}"),
            page_size: 1000,
            ..Default::default()
        };
        let mut runs = server
            .runs()
            .list_runs(request)
            .await
            .unwrap()
            .into_inner()
            .runs;
        runs.reverse();
        let started: Vec<&Run> = runs.iter().filter(|run| run.start_time.is_some()).collect();
        for pair in started.windows(2) {
            let (ended, began) = (pair[0].end_time.unwrap(), pair[1].start_time.unwrap());
            let in_order = (ended.seconds, ended.nanos) <= (began.seconds, began.nanos);
            assert!(
                in_order,
                "{:?} began before {:?} had ended",
                pair[1], pair[0]
            );
        }
    }
}
