//! Those who look at runs: one by one as they go on, and page by page while what they list comes and goes.

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::{ListResourceRevisionsRequest, ListRunsRequest, WatchRunRequest};
use tonic::{Code, Status};

use super::client::resources;
use super::follower::Follower;
use super::history::Event;

impl Follower {
    /// Watches one run after the other, each until it has ended or is gone.
    pub(super) async fn watch_runs(mut self) {
        let watch = self.number;
        for at in 0.. {
            let run = self.next_run(at).await;
            let lost = loop {
                match self.watch_run(&run).await {
                    Ok(()) => break false,
                    Err(status) if status.code() == Code::NotFound => break true,
                    Err(_) => {}
                }
                tokio::time::sleep(self.dice.millis(100..2000)).await;
            };
            self.history.note(Event::RunSeenLast { watch, run, lost });
        }
    }

    async fn watch_run(&mut self, run: &str) -> Result<(), Status> {
        let request = WatchRunRequest {
            id: run.to_owned(),
            follow: Some(true),
        };
        let mut client = RunServiceClient::new(self.network.clone());
        let mut states = client.watch_run(request).await?.into_inner();
        while let Some(seen) = states.message().await? {
            self.history.note(Event::RunSeen {
                watch: self.number,
                state: seen.state(),
                run: seen.id,
            });
            self.rest().await;
        }
        Ok(())
    }

    /// Lists runs and revisions again and again, a few at a time.
    pub(super) async fn browse(mut self) {
        loop {
            tokio::time::sleep(self.dice.millis(500..8000)).await;
            let all: Vec<_> = resources().collect();
            let (kind, name) = self.dice.pick(&all);
            // What breaks off shows nothing.
            let _ = match self.dice.below(4) {
                0 => self.list_runs("", "").await,
                1 => self.list_runs(kind, "").await,
                2 => self.list_runs(kind, name).await,
                _ => self.list_revisions(kind, name).await,
            };
        }
    }

    async fn list_runs(&mut self, kind: &'static str, name: &'static str) -> Result<(), Status> {
        let reader = self.number;
        self.history.note(Event::ListBegins { reader });
        let mut client = RunServiceClient::new(self.network.clone());
        let (mut runs, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListRunsRequest {
                resource: kind.to_owned(),
                name: name.to_owned(),
                page_size: self.page_size(),
                page_token,
                ..ListRunsRequest::default()
            };
            let page = client.list_runs(request).await?.into_inner();
            runs.extend(page.runs.into_iter().map(|run| run.id));
            if page.next_page_token.is_empty() {
                break;
            }
            page_token = page.next_page_token;
            self.rest().await;
        }
        self.history.note(Event::Listed {
            reader,
            kind,
            name,
            runs,
        });
        Ok(())
    }

    async fn list_revisions(&mut self, kind: &str, name: &str) -> Result<(), Status> {
        let mut client = ResourceServiceClient::new(self.network.clone());
        let (mut revisions, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListResourceRevisionsRequest {
                resource: kind.to_owned(),
                name: name.to_owned(),
                page_size: self.page_size(),
                page_token,
            };
            let page = client.list_resource_revisions(request).await?.into_inner();
            let shown = page.revisions.into_iter();
            revisions.extend(shown.map(|it| (it.id, it.revision)));
            if page.next_page_token.is_empty() {
                break;
            }
            page_token = page.next_page_token;
            self.rest().await;
        }
        self.history.note(Event::ListedRevisions { revisions });
        Ok(())
    }

    fn page_size(&mut self) -> i32 {
        self.dice.pick(&[1, 2, 5, 0])
    }
}
