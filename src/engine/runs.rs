//! What can be done with runs, and how they come back after a restart.

use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::board::{Board, OpenRun, Task};
use super::change::Change;
use super::hub::Follower;
use super::requests::digest;
use super::resources::Shown;
use super::{Engine, Listed, PageRequest, page_size, page_start};
use crate::error::{Error, Result};
use crate::model::json::Json;
use crate::model::name::{Name, Noun, RunId};
use crate::model::pipeline::Pipeline;
use crate::model::run::{Attempt, Cause, Event, Offer, Run, RunState, StepState};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};
use crate::store::{Position, Request};

/// A run with everything that belongs to it.
#[derive(Clone, Debug)]
pub struct WholeRun {
    /// The run.
    pub run: Run,
    /// The resource as it was.
    pub resource: Option<Shown>,
    /// The pipeline as it was.
    pub pipeline: Option<Pipeline>,
    /// The result data of its steps, by index.
    pub data: Vec<Option<Json>>,
}

/// Which runs a list shows.
#[derive(Clone, Debug, Default)]
pub struct RunQuery {
    /// Only runs of resources of this definition.
    pub kind: Option<Name>,
    /// Only runs of the resource of this name.
    pub name: Option<Name>,
    /// Only runs in one of these states; empty: in any.
    pub states: Vec<RunState>,
}

impl Engine {
    /// Carries out a resource's latest revision again.
    pub async fn start_run(
        &self,
        kind: &Name,
        name: &Name,
        cause: Cause,
        request_id: &str,
    ) -> Result<Run> {
        let _part = self.0.tracer.enter("start_run");
        let slot = self.admit(0)?;
        let digest = digest(&["run", kind.as_str(), name.as_str(), cause.as_str()]);
        let _request = self.request_lock(request_id).await;
        if let Some(known) = self.answered(request_id, &digest).await? {
            let id = known.run.ok_or(Error::Conflict)?;
            return self.run(id).await;
        }
        let _catalog = self.0.catalog.read().await;
        let _resource = super::Inner::lock_of(&self.0.resources, &(kind, name))
            .lock()
            .await;
        let (resource, _) = self.stored_resource(kind, name).await?;
        let pipeline = match &resource.pipeline {
            Some(pipeline) => Some(self.stored_pipeline(pipeline).await?.0),
            None => None,
        };
        let now = self.0.world.now();
        let id = self
            .with_run_id(slot, &resource, pipeline.as_ref(), cause, |change, run| {
                if !request_id.is_empty() {
                    let request = Request {
                        digest,
                        time: now,
                        object: resource.id,
                        run: Some(run),
                    };
                    change.batch.put_request(request_id, &request);
                }
            })
            .await?;
        self.run(id).await
    }

    /// Reads a run.
    pub async fn run(&self, id: RunId) -> Result<Run> {
        let (run, _) = self.stored_run(id).await?;
        Ok(self.explained(run))
    }

    /// Reads a run with everything that belongs to it.
    pub async fn whole_run(&self, id: RunId) -> Result<WholeRun> {
        let run = self.run(id).await?;
        let resource = self
            .0
            .store
            .revision(run.resource.id, run.resource.revision)
            .await?;
        let pipeline = match &run.pipeline {
            Some(it) => self.0.store.pipeline_revision(it.id, it.revision).await?,
            None => None,
        };
        let mut data = Vec::with_capacity(run.steps.len());
        for at in 0..run.steps.len() {
            data.push(self.step_data(&run, at).await?);
        }
        let resource = resource.map(|resource| Shown {
            resource,
            results: Vec::new(),
        });
        Ok(WholeRun {
            run,
            resource,
            pipeline,
            data,
        })
    }

    /// Lists runs, the newest first.
    pub async fn runs(&self, query: RunQuery, page: PageRequest) -> Result<Listed<Run>> {
        if query.name.is_some() && query.kind.is_none() {
            return Err(Error::invalid(
                "resource",
                "a name alone is not enough: its definition is needed too",
            ));
        }
        let states = query.states;
        let filter = Box::new(move |run: &Run| states.is_empty() || states.contains(&run.state));
        let (after, most) = (page_start(&page.token)?, page_size(page.size)?);
        let listed = Listed::from(
            self.0
                .store
                .runs(query.kind, query.name, filter, after, most)
                .await?,
        );
        let items = listed
            .items
            .into_iter()
            .map(|run| self.explained(run))
            .collect();
        Ok(Listed {
            items,
            tokens: listed.tokens,
            next: listed.next,
        })
    }

    /// Cancels a run. One that has ended is answered unchanged.
    pub async fn cancel_run(&self, id: RunId, reason: &str) -> Result<Run> {
        let _part = self.0.tracer.enter("cancel_run");
        self.stored_run(id).await?;
        if reason.chars().count() > 200 {
            return Err(Error::invalid("reason", "at most 200 characters"));
        }
        let reason = if reason.is_empty() {
            "it was cancelled"
        } else {
            reason
        }
        .to_owned();
        let slot = self.room_in_line().await?;
        let answer = {
            let mut change = Change::begin(&self.0);
            change.apply(id, Event::Cancel { reason });
            change.commit_answered(slot)
        };
        answer.on_disk().await?;
        self.run(id).await
    }

    /// Follows a run: its whole state at once and after each change, until it has ended. Its state alone where it
    /// does not `follow`.
    pub async fn watch_run(
        &self,
        id: RunId,
        follow: bool,
    ) -> Result<impl Stream<Item = Result<Run>> + use<>> {
        self.stored_run(id).await?;
        let follower = self.0.run_news.follow(id);
        let watch = RunWatch {
            engine: self.clone(),
            id,
            follower,
            seen: None,
            follow,
            over: false,
        };
        Ok(try_unfold(watch, |mut watch| async move {
            Ok(watch.next().await?.map(|run| (run, watch)))
        }))
    }

    /// The result data of a step, if its driver gave any.
    pub(super) async fn step_data(&self, run: &Run, at: usize) -> Result<Option<Json>> {
        if run.steps[at].data_bytes == 0 {
            return Ok(None);
        }
        Ok(self.0.store.step_data(run.id, index(at)).await?)
    }

    pub(super) async fn stored_run(&self, id: RunId) -> Result<(Run, Position)> {
        let missing = || Error::NotFound(Noun::Run, id.to_string());
        self.0.store.run(id).await?.ok_or_else(missing)
    }

    /// Says in words what a run that has not ended waits for. This is known only now, and not stored.
    fn explained(&self, mut run: Run) -> Run {
        if run.state.ended() {
            return run;
        }
        if let Some(first) = run.waits_for {
            run.reason = format!("waits for run {first} of the same resource");
            return run;
        }
        if run.waits_for_drivers() {
            run.reason = format!(
                "waits for a driver that listens to {} of {}",
                run.cause.as_str(),
                run.resource.kind
            );
            return run;
        }
        let startable: Vec<usize> = run.startable().collect();
        let board = self.0.board();
        for at in startable {
            let step = &mut run.steps[at];
            let connected = board.drivers.get(&step.driver).is_some_and(|entry| {
                entry
                    .instances
                    .values()
                    .any(|instance| instance.session.is_some())
            });
            let driver = &step.driver;
            let why = if connected {
                format!("waits for a free slot of driver {driver}")
            } else {
                format!("waits for driver {driver} to connect")
            };
            step.reason = match step.reason.as_str() {
                "" => why.clone(),
                before => format!("{why}; {before}"),
            };
            if run.state == RunState::Pending && run.reason.is_empty() {
                run.reason = format!("step {} {why}", step.id);
            }
        }
        run
    }

    /// Puts every unfinished run and every known driver back on the board.
    pub(super) async fn recover(&self) -> Result<()> {
        let drivers = self.0.store.drivers().await?;
        let runs = self.0.store.open_runs().await?;
        let last = self.0.store.last_run().await?;
        let slot = self.room().await?;
        let mut change = Change::begin(&self.0);
        (change.board.last_run, change.board.last_order) = last.unwrap_or_default();
        for driver in drivers {
            let name = driver.name.clone();
            change.board.driver(&name).known = Some(driver);
        }
        // In their order, so that queues grow at their end.
        let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        change.board.runs.reserve(ids.len());
        change.board.lines.reserve(ids.len());
        for run in runs {
            change.board.last_order = change.board.last_order.max(run.order);
            let tick = change.tick;
            restore(&mut change.board, run, self, tick)?;
        }
        for id in ids {
            change.requeue(id);
        }
        change.commit(slot);
        Ok(())
    }
}

/// A watch of a run, between two of its states.
struct RunWatch {
    engine: Engine,
    id: RunId,
    follower: Follower<RunId, ()>,
    /// Where the state that was seen last was written.
    seen: Option<Position>,
    /// Whether it waits for what comes.
    follow: bool,
    over: bool,
}

impl RunWatch {
    async fn next(&mut self) -> Result<Option<Run>> {
        if self.over {
            return Ok(None);
        }
        loop {
            let (run, position) = self.engine.stored_run(self.id).await?;
            if self.seen.replace(position) != Some(position) {
                self.over = run.state.ended() || !self.follow;
                #[cfg(test)]
                if planted(Sabotage::EndsWatchesTooSoon) {
                    self.over = true;
                }
                return Ok(Some(self.engine.explained(run)));
            }
            tokio::select! {
                biased;
                () = self.engine.0.stop.cancelled() => return Err(Error::Stopping),
                () = self.follower.changed() => {}
            }
        }
    }
}

/// The index of a step as it stands in keys.
pub(super) fn index(step: usize) -> u32 {
    u32::try_from(step).expect("a run has at most 256 steps")
}

/// Puts one run back, with its open tasks.
fn restore(board: &mut Board, run: Run, engine: &Engine, tick: Duration) -> Result<()> {
    for (at, step) in run.steps.iter().enumerate() {
        if let Some(offer) = step.open_task() {
            let task = restored_task(&run, at, offer, engine, tick)?;
            board.tasks.insert(offer.task, task);
            let entry = board.driver(&step.driver);
            let mut instance = entry.instances.entry(offer.instance, tick);
            instance.tasks.insert(offer.task);
        }
    }
    let key = (run.resource.kind.clone(), run.resource.name.clone());
    board
        .lines
        .entry(key)
        .or_default()
        .insert(run.order, run.id);
    board.runs.insert(
        run.id,
        OpenRun {
            run,
            queued: std::collections::BTreeSet::new(),
        },
    );
    Ok(())
}

/// An open task as it was before the restart, with a full lease and a full grace.
fn restored_task(
    run: &Run,
    at: usize,
    offer: Offer,
    engine: &Engine,
    tick: Duration,
) -> Result<Task> {
    let options = &engine.0.options;
    let step = &run.steps[at];
    let attempt = step
        .attempts
        .last()
        .filter(|_| step.state == StepState::Running);
    let progress = engine.0.store.progress(run.id, index(at))?;
    let next_line = progress
        .filter(|it| it.token == offer.token)
        .map_or(0, |it| it.next_line);
    let now = engine.0.world.now();
    // A clock that was set back must not give an attempt more than its whole time.
    let spent = |attempt: &Attempt| {
        Duration::try_from(now.duration_since(attempt.started)).unwrap_or_default()
    };
    let left = step
        .timeout
        .zip(attempt.map(spent))
        .map(|(timeout, spent)| timeout.saturating_sub(spent));
    Ok(Task {
        run: run.id,
        step: at,
        offer,
        driver: step.driver.clone(),
        accepted: attempt.is_some(),
        offered: attempt.map_or(now, |attempt| attempt.started),
        pushed: None,
        lease_until: tick + options.lease_time,
        stop: attempt
            .and_then(|attempt| attempt.stop)
            .map(|stop| (stop, tick + options.cancel_grace)),
        deadline: left.map(|left| tick + left),
        next_line,
    })
}
