//! What each value must say, and what it claims of others.

use prost::Message;

use super::{Doctor, Fault, show};
use crate::model::driver::Driver;
use crate::model::name::{ObjectId, RunId};
use crate::model::pipeline::Pipeline;
use crate::model::resource::{Definition, DriverResult, Resource};
use crate::model::run::Run;
use crate::store::keys::{Key, LogState};
use crate::store::read::{self, Kept, Stored};
use crate::store::{codec, records};

/// What is wrong, in words.
type Read<T> = Result<T, String>;

impl Doctor<'_> {
    /// Reads the value of a key. Long, since it is the list of all keys.
    pub(super) fn read_value(&mut self, key: &Key<'_>, stored: Stored) -> Read<()> {
        match key {
            // Read before all others.
            Key::Format | Key::Position => Ok(()),
            Key::TrimmedChanges => record::<records::TrimmedChanges>(&stored).map(drop),
            Key::Definition(name) => {
                let it: Definition = thing(&stored)?;
                same(it.name == **name, "it has another name")
            }
            Key::Pipeline(_) => self.pipeline(key, &thing(&stored)?),
            Key::Driver(name) => {
                let it: Driver = thing(&stored)?;
                same(it.name == **name, "it has another name")
            }
            Key::ResourceHead(..) => self.head(key, record(&stored)?),
            Key::ResourceRevision(id, revision) => {
                let it: Resource = thing(&stored)?;
                same(
                    (it.id, it.revision) == (*id, *revision),
                    "it is another revision",
                )
            }
            Key::PipelineRevision(id, revision) => {
                let it: Pipeline = thing(&stored)?;
                same(
                    (it.id, it.revision) == (*id, *revision),
                    "it is another revision",
                )
            }
            Key::DriverResult(_, _, driver) => {
                let it: DriverResult = record::<records::DriverResult>(&stored)?.try_into()?;
                same(it.driver == **driver, "it is of another driver")
            }
            Key::Run(id) => {
                let it: Run = thing(&stored)?;
                same(it.id == *id, "it has another id")?;
                self.run(key, &it)
            }
            Key::StepData(run, step) => {
                record::<records::StepData>(&stored)?;
                self.claim_step(key, *run, *step)
            }
            Key::LogProgress(run, step) => {
                record::<records::LogProgress>(&stored)?;
                self.claim_step(key, *run, *step)
            }
            Key::LogTrim(_) => record::<records::LogTrim>(&stored).map(drop),
            Key::LogChunk(run, first) => self.chunk(run, *first, stored),
            Key::OpenRun(order) => self.claim_run(key, id_in(stored.bytes())?, *order, true),
            Key::ResourceRun(_, _, order) | Key::DefinitionRun(_, order) => {
                self.claim_run(key, id_in(stored.bytes())?, *order, false)
            }
            Key::EndedRun(_, _, time, order) => {
                let run = id_in(stored.bytes())?;
                let time = *time;
                self.claims.holds(key, &Key::Run(run), move |stored| {
                    let ended = thing::<Run>(stored)?.ended.map(codec::nanos);
                    same(ended == Some(time), "it has not ended then")
                });
                self.claim_run(key, run, *order, false)
            }
            Key::ShownBy(id, revision, order) => {
                let run = id_in(stored.bytes())?;
                let shown = (*id, *revision);
                self.claims.holds(key, &Key::Run(run), move |stored| {
                    let run: Run = thing(stored)?;
                    same(
                        run.shows().any(|it| it == shown),
                        "it does not show this revision",
                    )
                });
                self.claim_run(key, run, *order, false)
            }
            Key::Task(task) => {
                let task = *task;
                let run = RunId(codec::uuid(&record::<records::TaskRef>(&stored)?.run)?);
                self.claims.holds(key, &Key::Run(run), move |stored| {
                    same(
                        thing::<Run>(stored)?.attempt_of(task).is_some(),
                        "it knows no such task",
                    )
                });
                Ok(())
            }
            Key::DefinitionPipeline(kind, name) => {
                let kind = (*kind).clone();
                self.claims.holds(key, &Key::Pipeline(name), move |stored| {
                    same(
                        thing::<Pipeline>(stored)?.kind == kind,
                        "it is of another definition",
                    )
                });
                Ok(())
            }
            Key::PipelineResource(pipeline, kind, name) => {
                self.claims.there(key, &Key::Pipeline(pipeline));
                self.claims.there(key, &Key::ResourceHead(kind, name));
                Ok(())
            }
            Key::Request(id) => {
                let it: records::Request = record(&stored)?;
                self.claims.there(key, &Key::RequestTime(it.time, id));
                Ok(())
            }
            Key::RequestTime(time, id) => {
                let time = *time;
                self.claims.holds(key, &Key::Request(id), move |stored| {
                    same(
                        record::<records::Request>(stored)?.time == time,
                        "it has another time",
                    )
                });
                Ok(())
            }
            Key::Change(position) => {
                let it: records::Change = record(&stored)?;
                let id = ObjectId(codec::uuid(&it.id)?);
                if it.deleted {
                    self.claims
                        .there(key, &Key::ResourceRevision(id, it.revision));
                }
                // A step to a newer format writes without a position.
                same(
                    [0, *position].contains(&stored.position.0),
                    "it was written at another position",
                )
            }
            Key::OldRevision(_, _, id, revision) => {
                self.claims
                    .there(key, &Key::ResourceRevision(*id, *revision));
                Ok(())
            }
            Key::OldPipeline(id, revision) => {
                self.claims
                    .there(key, &Key::PipelineRevision(*id, *revision));
                Ok(())
            }
            Key::Deletion(id) => {
                let it: records::Deletion = record(&stored)?;
                self.claims
                    .there(key, &Key::ResourceRevision(*id, it.revision));
                Ok(())
            }
            Key::OutsideLog(run) => {
                let it: records::OutsideLog = record(&stored)?;
                self.claims.there(key, &Key::OutsideLogTime(it.queued, run));
                Ok(())
            }
            Key::OutsideLogTime(time, run) => {
                let time = *time;
                self.claims
                    .holds(key, &Key::OutsideLog(run), move |stored| {
                        same(
                            record::<records::OutsideLog>(stored)?.queued == time,
                            "it stands in the queue at another time",
                        )
                    });
                same(stored.bytes() == run.as_bytes(), "it is of another run")
            }
        }
    }

    fn pipeline(&mut self, key: &Key<'_>, it: &Pipeline) -> Read<()> {
        self.claims.there(key, &Key::Definition(&it.kind));
        self.claims
            .there(key, &Key::DefinitionPipeline(&it.kind, &it.name));
        self.claims
            .there(key, &Key::PipelineRevision(it.id, it.revision));
        self.claims
            .absent(key, &Key::PipelineRevision(it.id, it.revision + 1));
        same(*key == Key::Pipeline(&it.name), "it has another name")
    }

    fn head(&mut self, key: &Key<'_>, head: records::ResourceHead) -> Read<()> {
        let id = ObjectId(codec::uuid(&head.id)?);
        let revision = Key::ResourceRevision(id, head.revision);
        self.claims.there(key, &revision);
        self.claims
            .absent(key, &Key::ResourceRevision(id, head.revision + 1));
        // A large one stands in its revision alone.
        let resource = match head.resource {
            Some(record) => Some(Resource::try_from(record)?),
            None => self
                .get::<records::Resource>(&revision)?
                .map(Resource::try_from)
                .transpose()?,
        };
        let Some(it) = resource else {
            return Ok(());
        };
        self.claims.there(key, &Key::Definition(&it.kind));
        if let Some(pipeline) = &it.pipeline {
            self.claims.there(key, &Key::Pipeline(pipeline));
            self.claims
                .there(key, &Key::PipelineResource(pipeline, &it.kind, &it.name));
        }
        same(
            *key == Key::ResourceHead(&it.kind, &it.name),
            "it has another name",
        )
    }

    fn run(&mut self, key: &Key<'_>, run: &Run) -> Read<()> {
        let (kind, name) = (&run.resource.kind, &run.resource.name);
        let revision = Key::ResourceRevision(run.resource.id, run.resource.revision);
        self.claims.there(key, &revision);
        if let Some(it) = &run.pipeline {
            self.claims
                .there(key, &Key::PipelineRevision(it.id, it.revision));
        }
        for (id, revision) in run.shows() {
            self.claims
                .there(key, &Key::ShownBy(id, revision, run.order));
        }
        self.claim_index(key, run.id, &Key::DefinitionRun(kind, run.order));
        self.claim_index(key, run.id, &Key::ResourceRun(kind, name, run.order));
        if run.state.ended() {
            self.claims.absent(key, &Key::OpenRun(run.order));
            self.ended_run(key, run)?;
        } else {
            self.claim_index(key, run.id, &Key::OpenRun(run.order));
            if let Some(first) = run.waits_for {
                self.claims.there(key, &Key::Run(first));
            }
        }
        for (at, step) in (0..).zip(&run.steps) {
            if step.data_bytes > 0 {
                self.claims.there(key, &Key::StepData(run.id, at));
            }
            for attempt in &step.attempts {
                let id = run.id;
                self.claims
                    .holds(key, &Key::Task(attempt.offer.task), move |stored| {
                        let record: records::TaskRef = record(stored)?;
                        same(codec::uuid(&record.run)? == id.0, "it is of another run")
                    });
            }
        }
        Ok(())
    }

    /// A run that has ended waits in one of two queues for its time.
    fn ended_run(&mut self, key: &Key<'_>, run: &Run) -> Read<()> {
        let ended = run.ended.map_or(0, codec::nanos);
        let mut queues = 0;
        for log in [LogState::Kept, LogState::Gone] {
            let (family, bytes) = Key::EndedRun(log, &run.resource.kind, ended, run.order).encode();
            let stands = read::position_at(self.db, family, &bytes);
            queues += u32::from(stands.map_err(|error| error.to_string())?.is_some());
        }
        if queues != 1 {
            let what =
                format!("it has ended and stands in {queues} queues of ended runs, not in 1");
            self.find(Fault::Disagree, show(key), what);
        }
        Ok(())
    }

    /// An index leads to this run.
    fn claim_index(&mut self, key: &Key<'_>, run: RunId, index: &Key<'_>) {
        self.claims.holds(key, index, move |stored| {
            same(id_in(stored.bytes())? == run, "it leads to another run")
        });
    }

    /// A run has this order, and has not ended where it is open.
    fn claim_run(&mut self, key: &Key<'_>, run: RunId, order: u64, open: bool) -> Read<()> {
        self.claims.holds(key, &Key::Run(run), move |stored| {
            let run: Run = thing(stored)?;
            same(run.order == order, "it has another order")?;
            same(
                !open || !run.state.ended(),
                "it has ended, and is in the list of open runs",
            )
        });
        Ok(())
    }

    fn claim_step(&mut self, key: &Key<'_>, run: RunId, step: u32) -> Read<()> {
        self.claims.holds(key, &Key::Run(run), move |stored| {
            let steps = thing::<Run>(stored)?.steps.len();
            same((step as usize) < steps, "it has no such step")
        });
        Ok(())
    }

    /// Reads one record by its key.
    pub(super) fn get<R: Message + Default>(&self, key: &Key<'_>) -> Read<Option<R>> {
        let (family, bytes) = key.encode();
        let stored = read::get(self.db, family, &bytes).map_err(|error| error.to_string())?;
        stored.map(|stored| record(&stored)).transpose()
    }
}

/// Reads a record.
pub(super) fn record<R: Message + Default>(stored: &Stored) -> Read<R> {
    R::decode(stored.bytes()).map_err(|error| error.to_string())
}

/// Reads a thing of the model.
pub(super) fn thing<T: Kept>(stored: &Stored) -> Read<T> {
    T::try_from(record::<T::Record>(stored)?)
}

fn id_in(bytes: &[u8]) -> Read<RunId> {
    codec::uuid(bytes).map(RunId)
}

fn same(holds: bool, otherwise: &str) -> Read<()> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}
