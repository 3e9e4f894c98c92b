//! Sessions of connected drivers: hello, offers that go out, and the end of a stream.
//!
//! Invariant: of an instance only the newest stream counts; what comes over another is refused.

use std::sync::Arc;

use super::board::{Board, Session};
use super::change::Change;
use super::outbox::{CancelReason, Outbox, Outgoing, Verdict};
use super::{Engine, journal};
use crate::error::{Error, Result};
use crate::model::driver::{Driver, EventFilter};
use crate::model::json::Json;
use crate::model::name::{InstanceId, Name, Noun, RunId, TaskId};
use crate::model::pipeline::{Labels, Pipeline};
use crate::model::resource::Resource;
use crate::model::run::{Event, Offer, Run, StepState};
use crate::trace::TraceContext;

/// What a driver says first on a stream.
#[derive(Clone, Debug)]
pub struct Hello {
    /// The driver.
    pub driver: Name,
    /// The process.
    pub instance: InstanceId,
    /// The number of this stream of the process.
    pub stream_number: u64,
    /// The definitions it listens to.
    pub definitions: Vec<Name>,
    /// The events it listens to.
    pub events: Vec<EventFilter>,
    /// What it says of itself.
    pub labels: Labels,
    /// How many tasks it takes at once.
    pub slots: usize,
    /// Most bytes of one message to it.
    pub max_message: usize,
    /// Name and version of its SDK.
    pub sdk: String,
    /// The tasks that it still holds, with their tokens.
    pub tasks: Vec<(TaskId, u64)>,
}

/// A task with everything that its driver needs.
#[derive(Clone, Debug)]
pub struct WholeTask {
    /// The offer.
    pub offer: Offer,
    /// The run.
    pub run: Run,
    /// Index of the step.
    pub step: usize,
    /// The resource as it was.
    pub resource: Resource,
    /// The pipeline as it was.
    pub pipeline: Option<Pipeline>,
    /// The steps before it that succeeded, by index, and their data.
    pub results: Vec<(usize, Option<Json>)>,
    /// Its place in a trace, if the run belongs to one.
    pub trace: Option<TraceContext>,
}

impl Engine {
    /// Begins a stream. Welcome goes out on it when what the hello changes is on disk.
    pub async fn hello(&self, hello: Hello) -> Result<Arc<Session>> {
        replace_older(&mut self.0.board(), &hello)?;
        let done_before = self.ended_tasks(&hello).await?;
        let slot = self.room().await?;
        let mut change = Change::begin(&self.0);
        // Another hello of the instance may have come meanwhile.
        replace_older(&mut change.board, &hello)?;
        let session = Arc::new(Session {
            driver: hello.driver.clone(),
            instance: hello.instance,
            max_message: hello.max_message,
            outbox: Outbox::new(hello.slots),
        });
        self.introduce(&mut change, &hello);
        let verdicts = self.verdicts(&mut change, &hello, &done_before);
        connect(&mut change, &hello, &session);
        journal::connected(&hello);
        change.send(&session, Outgoing::Welcome(verdicts));
        change.touch(&hello.driver);
        change.commit(slot);
        Ok(session)
    }

    /// The next message of a stream; `None` when it ended cleanly, else why it ends.
    pub async fn next_message(&self, session: &Arc<Session>) -> Result<Option<Outgoing>> {
        session.outbox.next().await
    }

    /// Everything that an offer says, or `None` where it no longer stands. The ack is waited for from now on.
    pub async fn push_offer(
        &self,
        session: &Arc<Session>,
        run: RunId,
        offer: Offer,
    ) -> Result<Option<WholeTask>> {
        let (run, step) = {
            let tick = self.0.tick();
            let mut board = self.0.board();
            if board.instance_of(session).is_none() {
                return Ok(None);
            }
            let Some(task) = board.tasks.get_mut(&offer.task) else {
                return Ok(None);
            };
            task.pushed = Some(tick);
            let step = task.step;
            // It may be ahead of the disk, but not in what an offer says: the steps before it ended before.
            let Some(open) = board.runs.get(&run) else {
                return Ok(None);
            };
            (open.run.clone(), step)
        };
        self.whole_task(run, step, offer).await.map(Some)
    }

    /// Fails the step of an offer that the driver could not even receive.
    pub async fn unfit(&self, offer: Offer, reason: String) -> Result<()> {
        let slot = self.room().await?;
        let mut change = Change::begin(&self.0);
        if let Some((run, step)) = change
            .board
            .tasks
            .get(&offer.task)
            .map(|task| (task.run, task.step))
        {
            change.apply(run, Event::Unfit { step, reason });
        }
        change.commit(slot);
        Ok(())
    }

    /// Ends a stream. A clean end after the driver's own Drain gives back what is left; after any other the leases
    /// run on.
    pub async fn stream_ended(&self, session: &Arc<Session>, clean: bool) -> Result<()> {
        let slot = self.room().await?;
        let mut change = Change::begin(&self.0);
        let Some(mut instance) = change.board.instance_of(session) else {
            return Ok(());
        };
        instance.session = None;
        journal::gone(session, clean);
        let tasks = (clean && instance.draining).then(|| instance.tasks.clone());
        drop(instance);
        for task in tasks.into_iter().flatten() {
            give_back(&mut change, task, "its driver gave it back");
        }
        change.board.tidy(&session.driver, session.instance);
        change.commit(slot);
        Ok(())
    }

    /// Which of the tasks that a hello names were ended by a result of the driver, as the store says.
    async fn ended_tasks(&self, hello: &Hello) -> Result<Vec<(TaskId, u64)>> {
        let mut ended = Vec::new();
        if hello.tasks.is_empty() {
            return Ok(ended);
        }
        self.barrier().await?;
        for (task, token) in &hello.tasks {
            if self.reported(*task, *token).await? {
                ended.push((*task, *token));
            }
        }
        Ok(ended)
    }

    /// Whether the store says that a task was ended by a result of its driver.
    pub(super) async fn reported(&self, task: TaskId, token: u64) -> Result<bool> {
        let Some(run) = self.0.store.run_of_task(task).await? else {
            return Ok(false);
        };
        let Some((step, attempt)) = run.attempt_of(task) else {
            return Ok(false);
        };
        let attempt = &run.steps[step].attempts[attempt];
        Ok(attempt.reported && attempt.offer.token == token)
    }

    /// Stores what a driver listens to where that is new, and gives it the runs that wait for anybody.
    fn introduce(&self, change: &mut Change<'_>, hello: &Hello) {
        let now = change.now;
        let entry = change.board.driver(&hello.driver);
        let driver = Driver {
            name: hello.driver.clone(),
            definitions: hello.definitions.clone(),
            events: hello.events.clone(),
            created: entry.known.as_ref().map_or(now, |known| known.created),
        };
        if entry.known.as_ref() == Some(&driver) {
            return;
        }
        entry.known = Some(driver.clone());
        change.batch.put_driver(&driver);
        let waiting = change
            .board
            .runs
            .values()
            .map(|open| &open.run)
            .filter(|run| {
                run.waits_for_drivers() && driver.listens_to(&run.resource.kind, run.cause)
            });
        let mut waiting: Vec<(u64, RunId)> = waiting.map(|run| (run.order, run.id)).collect();
        waiting.sort_unstable();
        for (_, run) in waiting {
            change.apply(run, Event::DriverFound(driver.name.clone()));
        }
    }

    /// Decides about each task that a hello names; those of the instance that it does not name are lost.
    fn verdicts(
        &self,
        change: &mut Change<'_>,
        hello: &Hello,
        done_before: &[(TaskId, u64)],
    ) -> Vec<(TaskId, u64, Verdict)> {
        let mut verdicts = Vec::new();
        for (task, token) in &hello.tasks {
            let verdict = match go_on(change, hello, *task, *token) {
                Some(verdict) => verdict,
                None if done_before.contains(&(*task, *token)) => Verdict::Done,
                None => Verdict::Stop,
            };
            verdicts.push((*task, *token, verdict));
        }
        let entry = change.board.driver(&hello.driver);
        let held = entry
            .instances
            .get(hello.instance)
            .map(|it| it.tasks.clone())
            .unwrap_or_default();
        for task in held {
            let named = verdicts
                .iter()
                .any(|(named, _, verdict)| *named == task && *verdict != Verdict::Stop);
            if !named {
                give_back(change, task, "its driver no longer has it");
            }
        }
        verdicts
    }

    async fn whole_task(&self, run: Run, step: usize, offer: Offer) -> Result<WholeTask> {
        let missing = || Error::NotFound(Noun::Revision, format!("of run {}", run.id));
        let resource = self
            .0
            .store
            .revision(run.resource.id, run.resource.revision)
            .await?
            .ok_or_else(missing)?;
        let pipeline = match &run.pipeline {
            Some(it) => self.0.store.pipeline_revision(it.id, it.revision).await?,
            None => None,
        };
        let mut results = Vec::new();
        let earlier = if pipeline.is_some() { step } else { 0 };
        for at in 0..earlier {
            if run.steps[at].state == StepState::Succeeded {
                results.push((at, self.step_data(&run, at).await?));
            }
        }
        Ok(WholeTask {
            trace: self.0.place_for_driver(&run, offer.task),
            offer,
            run,
            step,
            resource,
            pipeline,
            results,
        })
    }
}

/// The verdict on a task that is open and the instance's own.
fn go_on(change: &mut Change<'_>, hello: &Hello, id: TaskId, token: u64) -> Option<Verdict> {
    let tick = change.tick;
    let lease_until = tick + change.options().lease_time;
    let task = change.board.tasks.get_mut(&id)?;
    let own = task.driver == hello.driver
        && task.offer.instance == hello.instance
        && task.offer.token == token;
    if !own {
        return None;
    }
    task.lease_until = lease_until;
    let verdict = match task.stop {
        Some((stop, until)) => {
            Verdict::Cancel(CancelReason::from(stop), until.saturating_sub(tick))
        }
        None => Verdict::GoOn(task.next_line),
    };
    // The driver works on it, so that it was accepted, though its ack may have been lost.
    change.accept(id);
    Some(verdict)
}

/// Ends an older stream of the instance, so that nothing more is taken from it. Of equals the first stays.
fn replace_older(board: &mut Board, hello: &Hello) -> Result<()> {
    let entry = board.drivers.get_mut(&hello.driver);
    let Some(mut instance) = entry.and_then(|entry| entry.instances.get_mut(hello.instance)) else {
        return Ok(());
    };
    let equal_stands = instance.session.is_some() && instance.stream_number == hello.stream_number;
    if instance.stream_number > hello.stream_number || equal_stands {
        return Err(Error::Replaced);
    }
    if let Some(old) = instance.session.take() {
        old.outbox.cut(Error::Replaced);
    }
    Ok(())
}

/// Makes this stream the newest of its instance.
fn connect(change: &mut Change<'_>, hello: &Hello, session: &Arc<Session>) {
    let (tick, now) = (change.tick, change.now);
    let entry = change.board.driver(&hello.driver);
    let mut instance = entry.instances.entry(hello.instance, tick);
    instance.session = Some(Arc::clone(session));
    instance.stream_number = hello.stream_number;
    instance.slots = hello.slots;
    instance.labels.clone_from(&hello.labels);
    instance.sdk.clone_from(&hello.sdk);
    instance.connected = now;
    instance.refused.clear();
    instance.muted = false;
    instance.draining = false;
    instance.heard = tick;
}

/// Takes a task back from an instance that no longer has it.
fn give_back(change: &mut Change<'_>, id: TaskId, reason: &str) {
    let Some((run, step, accepted)) = change
        .board
        .tasks
        .get(&id)
        .map(|it| (it.run, it.step, it.accepted))
    else {
        return;
    };
    if accepted {
        change.apply(
            run,
            Event::Lost {
                step,
                reason: reason.to_owned(),
            },
        );
    } else {
        change.apply(
            run,
            Event::Returned {
                step,
                lapsed: false,
            },
        );
    }
}
