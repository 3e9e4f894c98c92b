//! Runs, what their steps resulted in, known drivers, and requests that carried an id.

use std::num::NonZero;
use std::ops::ControlFlow;

use jiff::Timestamp;
use uuid::Uuid;

use super::batch::{Batch, Position};
use super::keys::{Key, LogState, Prefix};
use super::read::{Order, Page, PageBuilder, damaged, walk};
use super::{Error, Result, Store, codec, records};
use crate::model::driver::Driver;
use crate::model::json::Json;
use crate::model::name::{Name, ObjectId, RunId, TaskId};
use crate::model::run::Run;

/// Most runs that one page of a filtered list looks at.
const LOOK_AT: usize = 10_000;
/// How many runs are asked for in one read of many.
const READ_AT_ONCE: usize = 256;

/// A request that carried an id, and what it made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Tells one request from another with the same id.
    pub digest: Vec<u8>,
    /// When it was answered.
    pub time: Timestamp,
    /// The object that it made.
    pub object: ObjectId,
    /// The run that it made.
    pub run: Option<RunId>,
}

impl Batch {
    /// Writes a run as it stands.
    pub fn put_run(&mut self, run: &Run) {
        self.put(&Key::Run(run.id), &records::Run::from(run));
        if let Some(ended) = run.ended {
            self.delete(&Key::OpenRun(run.order));
            self.put_bytes(
                &Key::EndedRun(
                    LogState::Kept,
                    &run.resource.kind,
                    codec::nanos(ended),
                    run.order,
                ),
                run.id.0.into_bytes().to_vec(),
            );
        }
    }

    /// Adds a new run to the look-ups.
    pub fn index_run(&mut self, run: &Run) {
        let id = run.id.0.into_bytes().to_vec();
        self.put_bytes(
            &Key::ResourceRun(&run.resource.kind, &run.resource.name, run.order),
            id.clone(),
        );
        self.put_bytes(
            &Key::DefinitionRun(&run.resource.kind, run.order),
            id.clone(),
        );
        for (shown, revision) in run.shows() {
            self.put_bytes(&Key::ShownBy(shown, revision, run.order), id.clone());
        }
        self.put_bytes(&Key::OpenRun(run.order), id);
    }

    /// Remembers where an accepted task belongs.
    pub fn index_task(&mut self, task: TaskId, run: RunId) {
        self.put(&Key::Task(task), &records::TaskRef { run: run.0.into() });
    }

    /// Writes the result data of a step.
    pub fn put_step_data(&mut self, run: RunId, step: u32, data: &Json) {
        let data = data.as_str().to_owned();
        self.put(&Key::StepData(run, step), &records::StepData { data });
    }

    /// Writes a driver.
    pub fn put_driver(&mut self, driver: &Driver) {
        self.put(&Key::Driver(&driver.name), &records::Driver::from(driver));
    }

    /// Forgets a driver.
    pub fn delete_driver(&mut self, name: &Name) {
        self.delete(&Key::Driver(name));
    }

    /// Remembers what a request with this id made.
    pub fn put_request(&mut self, id: &str, request: &Request) {
        let time = codec::nanos(request.time);
        let record = records::Request {
            digest: request.digest.clone(),
            time,
            object: request.object.0.into(),
            run: request.run.map(|run| run.0.into()).unwrap_or_default(),
        };
        self.expect_absent(&Key::Request(id));
        self.put(&Key::Request(id), &record);
        self.put_bytes(&Key::RequestTime(time, id), id.into());
    }

    /// Forgets a request.
    pub fn delete_request(&mut self, id: &str, time: Timestamp) {
        self.delete(&Key::Request(id));
        self.delete(&Key::RequestTime(codec::nanos(time), id));
    }
}

/// Which runs a list shows.
pub type RunFilter = Box<dyn Fn(&Run) -> bool + Send>;

impl Store {
    /// Reads a run and where it was last written.
    pub async fn run(&self, id: RunId) -> Result<Option<(Run, Position)>> {
        self.read(&Key::Run(id))
    }

    /// Reads the run of an accepted task.
    pub async fn run_of_task(&self, task: TaskId) -> Result<Option<Run>> {
        let Some((record, _)) = self.record::<records::TaskRef>(&Key::Task(task))? else {
            return Ok(None);
        };
        let (family, key) = Key::Task(task).encode();
        let id = RunId(codec::uuid(&record.run).map_err(|what| damaged(family, &key, &what))?);
        Ok(self.run(id).await?.map(|(run, _)| run))
    }

    /// Reads the result data of a step.
    pub async fn step_data(&self, run: RunId, step: u32) -> Result<Option<Json>> {
        let record = self.record::<records::StepData>(&Key::StepData(run, step))?;
        Ok(record.map(|(it, _)| Json::from_stored(it.data)))
    }

    /// Lists runs, the newest first: of one resource, of a definition, or all.
    pub async fn runs(
        &self,
        kind: Option<Name>,
        name: Option<Name>,
        filter: RunFilter,
        after: Option<Vec<u8>>,
        most: usize,
    ) -> Result<Page<Run>> {
        self.blocking(move |store| {
            let prefix = match (&kind, &name) {
                (Some(kind), Some(name)) => Prefix::ResourceRuns(kind, name),
                (Some(kind), None) => Prefix::DefinitionRuns(kind),
                (None, _) => Prefix::Runs,
            };
            let family = prefix.encode().0;
            let mut page = PageBuilder::new(most);
            let mut seen = 0;
            walk(
                &store.db,
                &prefix,
                after.as_deref(),
                Order::Down,
                |key, stored| {
                    if !page.has_room() {
                        return Ok(ControlFlow::Break(()));
                    }
                    let run = match kind {
                        None => {
                            let record: records::Run = stored.record_at(family, key)?;
                            Some(
                                Run::try_from(record)
                                    .map_err(|what| damaged(family, key, &what))?,
                            )
                        }
                        Some(_) => store.run_at(stored.bytes(), family, key)?,
                    };
                    if let Some(run) = run.filter(|run| filter(run)) {
                        page.add(key, stored.bytes().len(), run);
                    }
                    seen += 1;
                    if seen == LOOK_AT {
                        page.end_after(key);
                        return Ok(ControlFlow::Break(()));
                    }
                    Ok(ControlFlow::Continue(()))
                },
            )?;
            Ok(page.finish())
        })
        .await
    }

    /// Reads every unfinished run, in their order. Every core takes a share, since a start waits for it.
    pub async fn open_runs(&self) -> Result<Vec<Run>> {
        self.blocking(|store| {
            let ids = store.open_run_ids()?;
            let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
            let share = ids.len().div_ceil(threads).max(1);
            std::thread::scope(|scope| {
                let shares = ids.chunks(share);
                let readers: Vec<_> = shares
                    .map(|ids| scope.spawn(|| store.all_runs(ids)))
                    .collect();
                let mut runs = Vec::with_capacity(ids.len());
                for reader in readers {
                    runs.append(&mut reader.join().map_err(|_| Error::Closed)??);
                }
                Ok(runs)
            })
        })
        .await
    }

    fn open_run_ids(&self) -> Result<Vec<RunId>> {
        let mut ids = Vec::new();
        let family = Prefix::OpenRuns.encode().0;
        walk(
            &self.db,
            &Prefix::OpenRuns,
            None,
            Order::Up,
            |key, stored| {
                ids.push(run_id(stored.bytes(), family, key)?);
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(ids)
    }

    /// Reads runs that must be there.
    fn all_runs(&self, ids: &[RunId]) -> Result<Vec<Run>> {
        let mut runs = Vec::with_capacity(ids.len());
        for ids in ids.chunks(READ_AT_ONCE) {
            let keys: Vec<_> = ids.iter().map(|id| Key::Run(*id)).collect();
            runs.append(&mut self.read_all(&keys)?);
        }
        Ok(runs)
    }

    /// The newest run and its order, the highest that was given.
    pub async fn last_run(&self) -> Result<Option<(RunId, u64)>> {
        self.blocking(|store| {
            let mut last = None;
            store.each(&Prefix::Runs, None, Order::Down, |_, run: Run| {
                last = Some((run.id, run.order));
                ControlFlow::Break(())
            })?;
            Ok(last)
        })
        .await
    }

    /// Reads every known driver, in name order.
    pub async fn drivers(&self) -> Result<Vec<Driver>> {
        self.blocking(|store| {
            let mut drivers = Vec::new();
            store.each(&Prefix::Drivers, None, Order::Up, |_, driver| {
                drivers.push(driver);
                ControlFlow::Continue(())
            })?;
            Ok(drivers)
        })
        .await
    }

    /// Reads what a request with this id made.
    pub async fn request(&self, id: &str) -> Result<Option<Request>> {
        let key = Key::Request(id);
        let Some((record, _)) = self.record::<records::Request>(&key)? else {
            return Ok(None);
        };
        let (family, bytes) = key.encode();
        let bad = |what: String| damaged(family, &bytes, &what);
        Ok(Some(Request {
            digest: record.digest,
            time: codec::time(record.time).map_err(bad)?,
            object: ObjectId(codec::uuid(&record.object).map_err(bad)?),
            run: match record.run.as_slice() {
                [] => None,
                id => Some(RunId(codec::uuid(id).map_err(bad)?)),
            },
        }))
    }

    /// Requests answered before a time, up to `most`: id and time.
    pub async fn requests_before(
        &self,
        time: Timestamp,
        most: usize,
    ) -> Result<Vec<(String, Timestamp)>> {
        self.blocking(move |store| {
            let mut old = Vec::new();
            let family = Prefix::RequestTimes.encode().0;
            walk(
                &store.db,
                &Prefix::RequestTimes,
                None,
                Order::Up,
                |key, stored| {
                    let bad = |what: &str| damaged(family, key, what);
                    let nanos = key
                        .get(1..9)
                        .and_then(|nanos| nanos.try_into().ok())
                        .ok_or_else(|| bad("no time"))?;
                    let at = codec::time(i64::from_be_bytes(nanos)).map_err(|what| bad(&what))?;
                    if at >= time || old.len() == most {
                        return Ok(ControlFlow::Break(()));
                    }
                    let id =
                        String::from_utf8(stored.bytes().to_vec()).map_err(|_| bad("no text"))?;
                    old.push((id, at));
                    Ok(ControlFlow::Continue(()))
                },
            )?;
            Ok(old)
        })
        .await
    }

    /// Follows an index entry to its run.
    fn run_at(&self, id: &[u8], family: super::keys::Family, key: &[u8]) -> Result<Option<Run>> {
        let id = run_id(id, family, key)?;
        Ok(self.read(&Key::Run(id))?.map(|(run, _)| run))
    }
}

/// The id in an index entry; its key is for the error.
pub(super) fn run_id(bytes: &[u8], family: super::keys::Family, key: &[u8]) -> Result<RunId> {
    let id = Uuid::from_slice(bytes).map_err(|error| damaged(family, key, &error.to_string()))?;
    Ok(RunId(id))
}
