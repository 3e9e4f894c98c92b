//! People: each does one thing after another, at an even pace.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::{
    DeleteResourceRequest, ListResourcesRequest, ListRunsRequest, TailLogsRequest,
    UpdateResourceRequest,
};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::transport::Channel;

use super::super::Result;
use super::super::server::{Server, resource};
use super::{STEPS, pipeline_of};

/// The pace of one person.
const EVERY: Duration = Duration::from_millis(20);
/// How long somebody looks at a log before something else is to be done.
const PATIENCE: Duration = Duration::from_secs(2);

/// Somebody with resources of their own.
pub(super) struct Person {
    name: String,
    resources: ResourceServiceClient<Channel>,
    runs: RunServiceClient<Channel>,
    logs: LogServiceClient<Channel>,
    /// Names of their resources, the oldest first.
    own: VecDeque<String>,
    /// The run that their newest write began.
    newest: String,
    /// Runs that all people together have begun.
    begun: Rc<AtomicU64>,
}

impl Person {
    /// Somebody new with a connection of their own.
    pub(super) async fn join(server: &Server, begun: Rc<AtomicU64>) -> Result<Self> {
        let channel = server.channel().await?;
        Ok(Self {
            name: server.new_name(),
            resources: ResourceServiceClient::new(channel.clone()),
            runs: RunServiceClient::new(channel.clone()),
            logs: LogServiceClient::new(channel),
            own: VecDeque::new(),
            newest: String::new(),
            begun,
        })
    }

    /// One thing after another, for ever: of ten, five creates, two updates, and one each of the others.
    pub(super) async fn live(mut self) -> Result<()> {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for turn in 0_usize.. {
            ticks.tick().await;
            match turn % 10 {
                0..5 => self.create(turn).await?,
                5 | 6 => self.update(turn).await?,
                7 => self.list().await?,
                8 => self.read_log().await?,
                _ => self.delete().await?,
            }
        }
        Ok(())
    }

    async fn create(&mut self, turn: usize) -> Result<()> {
        let name = format!("{}-{turn}", self.name);
        let pipeline = pipeline_of(turn % STEPS + 1);
        let request = resource("job", name.clone(), &pipeline);
        let created = self.resources.create_resource(request).await?.into_inner();
        self.own.push_back(name);
        self.wrote(created.run_id);
        Ok(())
    }

    /// Changes the resource that was longest left alone.
    async fn update(&mut self, turn: usize) -> Result<()> {
        let name = self.own.pop_front().ok_or("they have some")?;
        let mut resource = resource("job", name.clone(), &pipeline_of(1)).resource;
        if let Some(resource) = &mut resource {
            resource.metadata = HashMap::from([("turn".to_owned(), turn.to_string())]);
        }
        let request = UpdateResourceRequest {
            resource,
            ..UpdateResourceRequest::default()
        };
        let updated = self.resources.update_resource(request).await?.into_inner();
        self.own.push_back(name);
        self.wrote(updated.run_id);
        Ok(())
    }

    fn wrote(&mut self, run: String) {
        self.newest = run;
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    async fn list(&mut self) -> Result<()> {
        let request = ListResourcesRequest::default();
        self.resources.list_resources(request).await?;
        self.runs.list_runs(ListRunsRequest::default()).await?;
        Ok(())
    }

    /// Follows the log of the newest run to its end, or until patience ends.
    async fn read_log(&mut self) -> Result<()> {
        let request = TailLogsRequest {
            run_id: self.newest.clone(),
            ..TailLogsRequest::default()
        };
        let mut entries = self.logs.tail_logs(request).await?.into_inner();
        let read = async {
            while entries.message().await?.is_some() {}
            Result::Ok(())
        };
        // A driver that went without a word keeps its step until its lease is over.
        timeout(PATIENCE, read).await.unwrap_or(Ok(()))
    }

    async fn delete(&mut self) -> Result<()> {
        let request = DeleteResourceRequest {
            resource: "job".to_owned(),
            name: self.own.pop_front().ok_or("they have some")?,
            ..DeleteResourceRequest::default()
        };
        self.resources.delete_resource(request).await?;
        self.begun.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
