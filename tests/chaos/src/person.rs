//! Somebody who writes resources, one after the other, and follows what comes of each write.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use conveyor_client::proto::{
    CancelRunRequest, CreateResourceRequest, DeleteResourceRequest, GetResourceRequest,
    GetRunRequest, ListRunsRequest, Resource, ResourceChange, Run, RunState, StartRunRequest,
    UpdateResourceRequest, WatchRunRequest,
};
use conveyor_client::tonic::Code;
use conveyor_client::{CancellationToken, Client};
use fastrand::Rng;
use tokio::time::{sleep, timeout};

use crate::Result;
use crate::book::{Book, count};
use crate::check;
use crate::follower::{Way, follow, stored};
use crate::request::{answered, ask, may_pass};
use crate::scene::{DEFINITION, PIPELINES, pipeline};
use crate::worker::WITHOUT_PIPELINE;

/// How long a run may take, kills and lost leases included.
const PATIENCE: Duration = Duration::from_secs(300);

/// Somebody.
pub(crate) struct Person {
    pub(crate) number: usize,
    pub(crate) dice: Rng,
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    pub(crate) book: Arc<Book>,
}

/// A resource that somebody owns.
struct Own {
    definition: &'static str,
    name: String,
    pipeline: String,
    revision: i64,
}

impl Person {
    /// Goes on until told to stop, and ends what was begun.
    pub(crate) async fn live(mut self, stop: CancellationToken) {
        for turn in 0_u64.. {
            if stop.is_cancelled() {
                return;
            }
            let name = format!("p{}-{turn}", self.number);
            if let Err(error) = self.one_resource(name.clone()).await {
                self.book.fault(format!("{name}: {error}"));
            }
            self.pause().await;
        }
    }

    /// From its create to its delete, or to where it is left.
    async fn one_resource(&mut self, name: String) -> Result<()> {
        let mut own = Own {
            definition: WITHOUT_PIPELINE,
            name,
            pipeline: String::new(),
            revision: 1,
        };
        if self.dice.u8(..6) > 0 {
            own.definition = DEFINITION;
            own.pipeline = pipeline(self.dice.usize(1..=PIPELINES));
        }
        let run = self.create(&own).await?;
        self.see_through(&run).await?;
        for _ in 0..self.dice.u8(..3) {
            self.pause().await;
            let run = if self.dice.bool() {
                self.update(&mut own).await?
            } else {
                self.start(&own).await?
            };
            self.see_through(&run).await?;
        }
        if self.dice.u8(..3) > 0 {
            let run = self.delete(&own).await?;
            self.see_through(&run).await?;
        }
        Ok(())
    }

    async fn pause(&mut self) {
        sleep(Duration::from_millis(self.dice.u64(..1000))).await;
    }

    async fn create(&mut self, own: &Own) -> Result<String> {
        // Two ways to ask again: with an id, which gives the same answer, and without, when the name is taken.
        let with_id = self.dice.bool();
        let request = CreateResourceRequest {
            resource: Some(own.wire()),
            request_id: if with_id {
                own.name.clone()
            } else {
                String::new()
            },
        };
        let mut resources = self.client.resources();
        let asked = ask("create", async || {
            resources.create_resource(request.clone()).await
        })
        .await?;
        let run = match asked.answer {
            Ok(change) => self.run_of(own, change)?,
            Err(status) if status.code() == Code::AlreadyExists && !asked.first && !with_id => {
                self.find_run(own, "create").await?
            }
            Err(status) => return Err(format!("create: {status}").into()),
        };
        self.book.wrote(own.definition, &own.name, Some(1));
        Ok(run)
    }

    async fn update(&mut self, own: &mut Own) -> Result<String> {
        own.revision += 1;
        let request = UpdateResourceRequest {
            resource: Some(own.wire()),
            expected_revision: own.revision - 1,
        };
        let mut resources = self.client.resources();
        let asked = ask("update", async || {
            resources.update_resource(request.clone()).await
        })
        .await?;
        let run = match asked.answer {
            Ok(change) => self.run_of(own, change)?,
            // A try that was not answered has done it.
            Err(status) if status.code() == Code::Aborted && !asked.first => {
                self.find_run(own, "update").await?
            }
            Err(status) => return Err(format!("update: {status}").into()),
        };
        self.book
            .wrote(own.definition, &own.name, Some(own.revision));
        Ok(run)
    }

    async fn start(&mut self, own: &Own) -> Result<String> {
        let request = StartRunRequest {
            resource: own.definition.to_owned(),
            name: own.name.clone(),
            request_id: format!("{}-{}", own.name, self.dice.u64(..)),
            ..StartRunRequest::default()
        };
        let mut runs = self.client.runs();
        let run = answered("start", async || runs.start_run(request.clone()).await).await?;
        Ok(run.id)
    }

    async fn delete(&mut self, own: &Own) -> Result<String> {
        let request = DeleteResourceRequest {
            resource: own.definition.to_owned(),
            name: own.name.clone(),
            expected_revision: own.revision,
        };
        let mut resources = self.client.resources();
        let asked = ask("delete", async || {
            resources.delete_resource(request.clone()).await
        })
        .await?;
        let run = match asked.answer {
            Ok(change) => change.run_id,
            Err(status) if status.code() == Code::NotFound && !asked.first => {
                self.find_run(own, "delete").await?
            }
            Err(status) => return Err(format!("delete: {status}").into()),
        };
        self.book.wrote(own.definition, &own.name, None);
        Ok(run)
    }

    fn run_of(&self, own: &Own, change: ResourceChange) -> Result<String> {
        let resource = change.resource.unwrap_or_default();
        if (resource.name.as_str(), resource.revision) != (own.name.as_str(), own.revision) {
            let (name, revision) = (resource.name, resource.revision);
            return Err(format!("answered {name} at {revision}, not {}", own.revision).into());
        }
        Ok(change.run_id)
    }

    /// The run of a write that was done and not answered.
    async fn find_run(&self, own: &Own, event: &str) -> Result<String> {
        let request = GetResourceRequest {
            resource: own.definition.to_owned(),
            name: own.name.clone(),
            ..GetResourceRequest::default()
        };
        let mut resources = self.client.resources();
        let read = ask("get", async || {
            resources.get_resource(request.clone()).await
        })
        .await?;
        match (read.answer, event) {
            (Err(status), "delete") if status.code() == Code::NotFound => {}
            (Ok(it), "create" | "update")
                if it.revision == own.revision && it.spec_json == own.spec() => {}
            (read, _) => return Err(format!("{event} was refused, and there is {read:?}").into()),
        }
        let request = ListRunsRequest {
            resource: own.definition.to_owned(),
            name: own.name.clone(),
            ..ListRunsRequest::default()
        };
        let mut runs = self.client.runs();
        let listed = answered("list", async || runs.list_runs(request.clone()).await).await?;
        let known = self.book.runs();
        let mut new = listed
            .runs
            .into_iter()
            .filter(|run| run.event == event && !known.contains_key(&run.id));
        match (new.next(), new.next()) {
            (Some(run), None) => Ok(run.id),
            (None, _) => Err(format!("{event} is there without its run").into()),
            (Some(_), Some(_)) => Err(format!("{event} has two runs").into()),
        }
    }

    /// Follows a run and its log to the end, and looks at both.
    async fn see_through(&mut self, id: &str) -> Result<()> {
        if id.is_empty() {
            return Err("a write was answered without its run".into());
        }
        let way = [Way::Grpc, Way::Sse, Way::Websocket][self.dice.usize(..3)];
        let cancels = (self.dice.u8(..12) == 0).then(|| self.dice.u64(..300));
        let seen = async {
            count(&self.book.counts.tails);
            tokio::try_join!(
                follow(
                    &self.client,
                    self.address,
                    id,
                    way,
                    &self.book.counts.cut_tails
                ),
                self.watch(id),
                self.cancel(id, cancels),
            )
        };
        let (tailed, (), cancelled) = timeout(PATIENCE, seen)
            .await
            .map_err(|_| format!("run {id} did not end in {PATIENCE:?}"))??;
        let request = GetRunRequest { id: id.to_owned() };
        let mut runs = self.client.runs();
        let run = answered("get run", async || runs.get_run(request.clone()).await).await?;
        let lines = stored(&self.client, id).await?;
        if tailed != lines {
            let (told, there) = (tailed.len(), lines.len());
            self.book.fault(format!(
                "run {id}: its tail told {told} lines, and {there} are there, or others"
            ));
        }
        if cancelled && run.state() != RunState::Cancelled {
            self.book
                .fault(format!("run {id}: cancelled, and now {:?}", run.state()));
        }
        check::run(&run, &lines, &self.book);
        self.book.ended(&run, &lines);
        Ok(())
    }

    /// Watches a run to its end, from which it may not come back.
    async fn watch(&self, id: &str) -> Result<()> {
        let request = WatchRunRequest {
            id: id.to_owned(),
            ..WatchRunRequest::default()
        };
        let mut runs = self.client.runs();
        let mut last: Option<Run> = None;
        loop {
            let mut stream =
                answered("watch run", async || runs.watch_run(request.clone()).await).await?;
            let cut = loop {
                match stream.message().await {
                    Ok(Some(run)) => {
                        if let Some(fault) = last.as_ref().and_then(|it| goes_back(it, &run)) {
                            self.book.fault(format!("run {id}: {fault}"));
                        }
                        last = Some(run);
                    }
                    Ok(None) => break None,
                    Err(status) => break Some(status),
                }
            };
            match cut {
                None if last.as_ref().is_some_and(|run| run.end_time.is_some()) => return Ok(()),
                // The drain of a server that stops ends it too.
                None => {}
                Some(status) if may_pass(&status) => {}
                Some(status) => return Err(format!("watch of run {id}: {status}").into()),
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Cancels a run after a while; true: it must end cancelled.
    async fn cancel(&self, id: &str, after: Option<u64>) -> Result<bool> {
        let Some(after) = after else { return Ok(false) };
        sleep(Duration::from_millis(after)).await;
        let request = CancelRunRequest {
            id: id.to_owned(),
            ..CancelRunRequest::default()
        };
        let mut runs = self.client.runs();
        let run = answered("cancel", async || runs.cancel_run(request.clone()).await).await?;
        Ok(matches!(
            run.state(),
            RunState::Cancelling | RunState::Cancelled
        ))
    }
}

impl Own {
    fn spec(&self) -> String {
        format!(r#"{{"revision":{}}}"#, self.revision)
    }

    fn wire(&self) -> Resource {
        Resource {
            resource: self.definition.to_owned(),
            name: self.name.clone(),
            pipeline: self.pipeline.clone(),
            spec_json: self.spec(),
            ..Resource::default()
        }
    }
}

/// What of a run may never be taken back.
fn goes_back(before: &Run, after: &Run) -> Option<String> {
    if before.end_time.is_some() && (before.state, before.end_time) != (after.state, after.end_time)
    {
        return Some(format!(
            "ended {:?}, and then {:?}",
            before.state(),
            after.state()
        ));
    }
    let fewer = before
        .steps
        .iter()
        .zip(&after.steps)
        .find(|(was, is)| is.attempts.len() < was.attempts.len());
    fewer.map(|(step, _)| format!("step {} lost an attempt that was shown", step.id))
}
