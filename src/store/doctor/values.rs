//! What each value must say, and what it claims of others.

use prost::Message;

use super::{Doctor, Fault, show};
use crate::model::driver::Driver;
use crate::model::name::{Name, ObjectId, RunId, TaskId};
use crate::model::pipeline::Pipeline;
use crate::model::resource::{Definition, DriverResult, Resource};
use crate::model::run::Run;
use crate::store::keys::{Key, LogState};
use crate::store::read::{self, Kept, Stored};
use crate::store::{codec, records};

const ANOTHER_REVISION: &str = "it is another revision";

/// What is wrong, in words.
type Read<T> = Result<T, String>;

impl Doctor<'_> {
    /// Reads the value of a key.
    pub(super) fn read_value(&mut self, key: &Key<'_>, stored: Stored) -> Read<()> {
        match key {
            // Read before all others.
            Key::Format | Key::Position => Ok(()),
            Key::TrimmedChanges => record::<records::TrimmedChanges>(&stored).map(drop),
            Key::Definition(name) => named(&thing::<Definition>(&stored)?.name, name),
            Key::Driver(name) => named(&thing::<Driver>(&stored)?.name, name),
            Key::Pipeline(_) => self.pipeline(key, &thing(&stored)?),
            Key::ResourceHead(..) => self.head(key, record(&stored)?),
            Key::ResourceRevision(id, revision) => resource(&thing(&stored)?, *id, *revision),
            Key::PipelineRevision(id, revision) => pipeline(&thing(&stored)?, *id, *revision),
            Key::DriverResult(_, _, driver) => driver_result(record(&stored)?, driver),
            Key::Run(id) => self.run(key, *id, &thing(&stored)?),
            Key::StepData(run, step) => {
                record::<records::StepData>(&stored).and_then(|_| self.claim_step(key, *run, *step))
            }
            Key::LogProgress(run, step) => record::<records::LogProgress>(&stored)
                .and_then(|_| self.claim_step(key, *run, *step)),
            Key::LogTrim(_) => record::<records::LogTrim>(&stored).map(drop),
            Key::LogChunk(run, first) => self.chunk(run, *first, stored),
            Key::OpenRun(order) => self.claim_run(key, id_in(stored.bytes())?, *order, true),
            Key::ResourceRun(_, _, order) | Key::DefinitionRun(_, order) => {
                self.claim_run(key, id_in(stored.bytes())?, *order, false)
            }
            Key::EndedRun(_, _, time, order) => {
                self.ended_then(key, id_in(stored.bytes())?, *time, *order)
            }
            Key::ShownBy(id, revision, order) => {
                self.shown_by(key, id_in(stored.bytes())?, (*id, *revision), *order)
            }
            Key::Task(task) => self.task(key, *task, &record(&stored)?),
            Key::DefinitionPipeline(kind, name) => self.pipeline_of(key, kind, name),
            Key::PipelineResource(pipeline, kind, name) => {
                self.claims.there(key, &Key::Pipeline(pipeline));
                self.claim_there(key, &Key::ResourceHead(kind, name))
            }
            Key::Request(id) => {
                let it: records::Request = record(&stored)?;
                self.claim_there(key, &Key::RequestTime(it.time, id))
            }
            Key::RequestTime(time, id) => self.request_at(key, id, *time),
            Key::Change(position) => self.change(key, *position, &stored),
            Key::OldRevision(_, _, id, revision) => {
                self.claim_there(key, &Key::ResourceRevision(*id, *revision))
            }
            Key::OldPipeline(id, revision) => {
                self.claim_there(key, &Key::PipelineRevision(*id, *revision))
            }
            Key::Deletion(id) => {
                let it: records::Deletion = record(&stored)?;
                self.claim_there(key, &Key::ResourceRevision(*id, it.revision))
            }
            Key::OutsideLog(run) => {
                let it: records::OutsideLog = record(&stored)?;
                self.claim_there(key, &Key::OutsideLogTime(it.queued, run))
            }
            Key::OutsideLogTime(time, run) => self.outside_log_at(key, run, *time, &stored),
        }
    }

    /// The queue of ended runs: a run, and when it ended.
    fn ended_then(&mut self, key: &Key<'_>, run: RunId, time: i64, order: u64) -> Read<()> {
        self.claims.holds(key, &Key::Run(run), move |stored| {
            let ended = thing::<Run>(stored)?.ended.map(codec::nanos);
            same(ended == Some(time), "it has not ended then")
        });
        self.claim_run(key, run, order, false)
    }

    /// A run keeps a revision that it shows.
    fn shown_by(
        &mut self,
        key: &Key<'_>,
        run: RunId,
        shown: (ObjectId, i64),
        order: u64,
    ) -> Read<()> {
        self.claims.holds(key, &Key::Run(run), move |stored| {
            let shows = thing::<Run>(stored)?.shows().any(|it| it == shown);
            same(shows, "it does not show this revision")
        });
        self.claim_run(key, run, order, false)
    }

    fn task(&mut self, key: &Key<'_>, task: TaskId, it: &records::TaskRef) -> Read<()> {
        let run = RunId(codec::uuid(&it.run)?);
        self.claims.holds(key, &Key::Run(run), move |stored| {
            let known = thing::<Run>(stored)?.attempt_of(task).is_some();
            same(known, "it knows no such task")
        });
        Ok(())
    }

    fn pipeline_of(&mut self, key: &Key<'_>, kind: &Name, name: &Name) -> Read<()> {
        let kind = kind.clone();
        self.claims.holds(key, &Key::Pipeline(name), move |stored| {
            let of = thing::<Pipeline>(stored)?.kind;
            same(of == kind, "it is of another definition")
        });
        Ok(())
    }

    fn request_at(&mut self, key: &Key<'_>, id: &str, time: i64) -> Read<()> {
        self.claims.holds(key, &Key::Request(id), move |stored| {
            let at = record::<records::Request>(stored)?.time;
            same(at == time, "it has another time")
        });
        Ok(())
    }

    fn change(&mut self, key: &Key<'_>, position: u64, stored: &Stored) -> Read<()> {
        let it: records::Change = record(stored)?;
        let id = ObjectId(codec::uuid(&it.id)?);
        if it.deleted {
            self.claims
                .there(key, &Key::ResourceRevision(id, it.revision));
        }
        // A step to a newer format writes without a position.
        same(
            [0, position].contains(&stored.position.0),
            "it was written at another position",
        )
    }

    /// The queue of logs that were appended from outside: a run, and since when it stands there.
    fn outside_log_at(&mut self, key: &Key<'_>, run: &str, time: i64, stored: &Stored) -> Read<()> {
        self.claims
            .holds(key, &Key::OutsideLog(run), move |stored| {
                let queued = record::<records::OutsideLog>(stored)?.queued;
                same(queued == time, "it stands in the queue at another time")
            });
        same(stored.bytes() == run.as_bytes(), "it is of another run")
    }

    fn pipeline(&mut self, key: &Key<'_>, it: &Pipeline) -> Read<()> {
        self.claims.there(key, &Key::Definition(&it.kind));
        self.claims
            .there(key, &Key::DefinitionPipeline(&it.kind, &it.name));
        self.claims
            .there(key, &Key::PipelineRevision(it.id, it.revision));
        if let Some(next) = it.revision.checked_add(1) {
            self.claims.absent(key, &Key::PipelineRevision(it.id, next));
        }
        same(*key == Key::Pipeline(&it.name), "it has another name")
    }

    fn head(&mut self, key: &Key<'_>, head: records::ResourceHead) -> Read<()> {
        let id = ObjectId(codec::uuid(&head.id)?);
        let revision = Key::ResourceRevision(id, head.revision);
        self.claims.there(key, &revision);
        if let Some(next) = head.revision.checked_add(1) {
            self.claims.absent(key, &Key::ResourceRevision(id, next));
        }
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

    fn run(&mut self, key: &Key<'_>, id: RunId, run: &Run) -> Read<()> {
        same(run.id == id, "it has another id")?;
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

    /// Something stands there.
    fn claim_there(&mut self, key: &Key<'_>, other: &Key<'_>) -> Read<()> {
        self.claims.there(key, other);
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

fn named(name: &Name, expected: &Name) -> Read<()> {
    same(name == expected, "it has another name")
}

fn resource(it: &Resource, id: ObjectId, revision: i64) -> Read<()> {
    same((it.id, it.revision) == (id, revision), ANOTHER_REVISION)
}

fn pipeline(it: &Pipeline, id: ObjectId, revision: i64) -> Read<()> {
    same((it.id, it.revision) == (id, revision), ANOTHER_REVISION)
}

fn driver_result(it: records::DriverResult, driver: &Name) -> Read<()> {
    let it: DriverResult = it.try_into()?;
    same(it.driver == *driver, "it is of another driver")
}

fn same(holds: bool, otherwise: &str) -> Read<()> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}
