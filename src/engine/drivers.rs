//! Sessions of connected drivers: hello, offers that go out, the end of a stream; and what is known of drivers.
//!
//! Invariant: of an instance only the newest stream counts; what comes over another is refused.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::board::{Instance, Session};
use super::change::Change;
use super::outbox::{CancelReason, Notice, Outbox, Outgoing, Verdict};
use super::runs::index;
use super::{Engine, Listed, PageRequest, page_size, page_start};
use crate::error::{Error, Result};
use crate::model::driver::{Driver, EventFilter};
use crate::model::json::Json;
use crate::model::name::{InstanceId, Name, Noun, RunId, TaskId};
use crate::model::pipeline::{Labels, Pipeline};
use crate::model::resource::Resource;
use crate::model::run::{Event, Offer, Run};

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
    /// Results of the steps before it: index, success and data.
    pub results: Vec<(usize, bool, Option<Json>)>,
}

/// A driver as people see it.
#[derive(Clone, Debug)]
pub struct DriverView {
    /// What is stored of it.
    pub driver: Driver,
    /// Its instances that are connected.
    pub instances: Vec<InstanceView>,
    /// Steps that wait for it.
    pub queued: usize,
}

/// A connected instance as people see it.
#[derive(Clone, Debug)]
pub struct InstanceView {
    /// Its id.
    pub id: InstanceId,
    /// How many tasks it takes at once.
    pub slots: usize,
    /// How many it has.
    pub tasks: usize,
    /// What it says of itself.
    pub labels: Labels,
    /// When its stream began.
    pub connected: Timestamp,
    /// Name and version of its SDK.
    pub sdk: String,
    /// Whether it takes no more work.
    pub draining: bool,
}

impl Engine {
    /// Begins a stream. Welcome goes out on it when what the hello changes is on disk.
    pub async fn hello(&self, hello: Hello) -> Result<Arc<Session>> {
        let done_before = self.ended_tasks(&hello).await?;
        let slot = self.0.store.committer().reserve(1024).await?;
        let mut change = Change::begin(&self.0);
        let session = Arc::new(Session {
            driver: hello.driver.clone(),
            instance: hello.instance,
            max_message: hello.max_message,
            outbox: Outbox::new(hello.slots),
        });
        replace_older(&mut change, &hello)?;
        self.introduce(&mut change, &hello);
        let verdicts = self.verdicts(&mut change, &hello, &done_before);
        connect(&mut change, &hello, &session);
        change.send(&session, Outgoing::Welcome(verdicts));
        change.touch(&hello.driver);
        change.commit(slot, drop);
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
        let step = {
            let tick = self.0.tick();
            let mut board = self.0.board();
            if board.instance_of(session).is_none() {
                return Ok(None);
            }
            match board.tasks.get_mut(&offer.task) {
                Some(task) => {
                    task.pushed = Some(tick);
                    task.step
                }
                None => return Ok(None),
            }
        };
        self.whole_task(run, step, offer).await.map(Some)
    }

    /// Fails the step of an offer that the driver could not even receive.
    pub async fn unfit(&self, offer: Offer, reason: String) -> Result<()> {
        let slot = self.0.store.committer().reserve(1024).await?;
        let mut change = Change::begin(&self.0);
        if let Some((run, step)) = change
            .board
            .tasks
            .get(&offer.task)
            .map(|task| (task.run, task.step))
        {
            change.apply(run, Event::Unfit { step, reason });
        }
        change.commit(slot, drop);
        Ok(())
    }

    /// Ends a stream. A clean end after the driver's own Drain gives back what is left; after any other the leases
    /// run on.
    pub async fn stream_ended(&self, session: &Arc<Session>, clean: bool) -> Result<()> {
        let slot = self.0.store.committer().reserve(1024).await?;
        let mut change = Change::begin(&self.0);
        let Some(instance) = change.board.instance_of(session) else {
            return Ok(());
        };
        instance.session = None;
        if clean && instance.draining {
            let tasks: Vec<TaskId> = instance.tasks.iter().copied().collect();
            for task in tasks {
                give_back(&mut change, task, false, "its driver gave it back");
            }
        }
        change.board.tidy(&session.driver, session.instance);
        change.commit(slot, drop);
        Ok(())
    }

    /// Tells every connected driver that the server stops.
    pub fn announce_drain(&self) {
        for session in self.sessions() {
            session.outbox.push(Outgoing::Drain);
        }
    }

    /// Sends a message to every connected driver and says to how many.
    pub fn broadcast(&self, notice: &Notice) -> Result<usize> {
        let fields = [
            ("event", &notice.event),
            ("id", &notice.id),
            ("run_id", &notice.run),
        ];
        if let Some((field, _)) = fields.iter().find(|(_, text)| text.len() > 1 << 10) {
            return Err(Error::invalid(*field, "at most 1 KiB"));
        }
        if notice.payload.len() > 64 << 10 {
            return Err(Error::invalid("payload", "at most 64 KiB"));
        }
        let sessions = self.sessions();
        let notice =
            |session: &&Arc<Session>| session.outbox.push(Outgoing::Notice(notice.clone()));
        Ok(sessions.iter().filter(notice).count())
    }

    /// Reads a driver.
    pub fn driver(&self, name: &Name) -> Result<DriverView> {
        let board = self.0.board();
        let view = board.drivers.get(name).and_then(view);
        view.ok_or_else(|| Error::NotFound(Noun::Driver, name.to_string()))
    }

    /// Lists the known drivers in name order.
    pub fn drivers(&self, page: &PageRequest) -> Result<Listed<DriverView>> {
        let (after, most) = (page_start(&page.token)?, page_size(page.size)?);
        let board = self.0.board();
        let later = |name: &Name| {
            after
                .as_ref()
                .is_none_or(|after| name.as_str().as_bytes() > after.as_slice())
        };
        let views = board
            .drivers
            .iter()
            .filter(|(name, _)| later(name))
            .filter_map(|(_, entry)| view(entry));
        let mut items: Vec<DriverView> = views.take(most + 1).collect();
        let more = items.len() > most;
        items.truncate(most);
        let last = items
            .last()
            .filter(|_| more)
            .map(|last| last.driver.name.as_str().as_bytes().to_vec());
        Ok(Listed {
            items,
            next: super::page_token(last),
        })
    }

    /// Forgets a driver that has no stream and no open task. What waits for it is skipped.
    pub async fn delete_driver(&self, name: &Name) -> Result<()> {
        let slot = self.0.store.committer().reserve(1024).await?;
        let (done, answer) = oneshot::channel();
        {
            let mut change = Change::begin(&self.0);
            let entry = change
                .board
                .drivers
                .get_mut(name)
                .filter(|entry| entry.known.is_some());
            let entry = entry.ok_or_else(|| Error::NotFound(Noun::Driver, name.to_string()))?;
            if !entry.instances.is_empty() {
                let by = "it is connected, or has open tasks".to_owned();
                return Err(Error::InUse {
                    noun: Noun::Driver,
                    name: name.to_string(),
                    by,
                });
            }
            entry.known = None;
            let waits = |run: &Run| run.frontier().any(|step| run.steps[step].driver == *name);
            let waiting = change
                .board
                .runs
                .values()
                .map(|open| &open.run)
                .filter(|run| waits(run));
            let mut waiting: Vec<(u64, RunId)> = waiting.map(|run| (run.order, run.id)).collect();
            waiting.sort_unstable();
            for (_, run) in waiting {
                change.apply(run, Event::DriverDeleted(name.clone()));
            }
            change.batch.delete_driver(name);
            if change
                .board
                .drivers
                .get(name)
                .is_some_and(|entry| entry.queue.is_empty())
            {
                change.board.drivers.remove(name);
            }
            change.commit(slot, move |outcome| {
                // Where nobody waits any more, nobody needs the answer.
                let _ = done.send(outcome);
            });
        }
        answer.await.map_err(|_| Error::Stopping)??;
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
            .get(&hello.instance)
            .map(|it| it.tasks.clone())
            .unwrap_or_default();
        for task in held {
            let named = verdicts
                .iter()
                .any(|(named, _, verdict)| *named == task && *verdict != Verdict::Stop);
            if !named {
                let pushed = change
                    .board
                    .tasks
                    .get(&task)
                    .is_some_and(|task| task.pushed.is_some());
                give_back(change, task, pushed, "its driver no longer has it");
            }
        }
        verdicts
    }

    async fn whole_task(&self, id: RunId, step: usize, offer: Offer) -> Result<WholeTask> {
        let (run, _) = self.stored_run(id).await?;
        let missing = || Error::NotFound(Noun::Revision, format!("of run {id}"));
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
            if let Some(it) = self.0.store.step_data(id, index(at)).await? {
                results.push((at, it.success, it.data));
            }
        }
        Ok(WholeTask {
            offer,
            run,
            step,
            resource,
            pipeline,
            results,
        })
    }

    fn sessions(&self) -> Vec<Arc<Session>> {
        let board = self.0.board();
        let instances = board
            .drivers
            .values()
            .flat_map(|entry| entry.instances.values());
        instances
            .filter_map(|instance| instance.session.clone())
            .collect()
    }
}

/// Ends an older stream of the instance. Of equals the first stays.
fn replace_older(change: &mut Change<'_>, hello: &Hello) -> Result<()> {
    let entry = change.board.driver(&hello.driver);
    let Some(instance) = entry.instances.get_mut(&hello.instance) else {
        return Ok(());
    };
    if let Some(old) = &instance.session {
        if instance.stream_number >= hello.stream_number {
            return Err(Error::Replaced);
        }
        old.outbox.cut(Error::Replaced);
        instance.session = None;
    }
    Ok(())
}

/// Makes this stream the newest of its instance.
fn connect(change: &mut Change<'_>, hello: &Hello, session: &Arc<Session>) {
    let (tick, now) = (change.tick, change.now);
    let entry = change.board.driver(&hello.driver);
    let instance = entry
        .instances
        .entry(hello.instance)
        .or_insert_with(|| Instance::away(tick));
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
    instance.stuck = None;
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

/// Takes a task back from an instance that no longer has it.
fn give_back(change: &mut Change<'_>, id: TaskId, lapsed: bool, reason: &str) {
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
        change.apply(run, Event::Returned { step, lapsed });
    }
}

fn view(entry: &super::board::DriverEntry) -> Option<DriverView> {
    let driver = entry.known.clone()?;
    let mut instances: Vec<InstanceView> = entry
        .instances
        .iter()
        .filter(|(_, instance)| instance.session.is_some())
        .map(|(id, instance)| InstanceView {
            id: *id,
            slots: instance.slots,
            tasks: instance.tasks.len(),
            labels: instance.labels.clone(),
            connected: instance.connected,
            sdk: instance.sdk.clone(),
            draining: instance.draining,
        })
        .collect();
    instances.sort_by_key(|instance| (instance.connected, instance.id));
    Some(DriverView {
        driver,
        instances,
        queued: entry.queue.len(),
    })
}
