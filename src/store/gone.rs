//! What a group of batches takes off the disk, as it stood before: for a simulation, which holds each removal against
//! what was promised. Built with tests only.
//!
//! It reads what it tells by itself, and believes nothing that the removal went by but the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use jiff::Timestamp;
use prost::Message;

use super::commit::hand::Group;
use super::keys::decode::{Parts, decode};
use super::keys::{Family, Key, Prefix};
use super::read::{self, Order, walk};
use super::{Position, Result, Store, StoredChunk, changes, records, runs};
use crate::model::name::{Name, ObjectId, RunId};
use crate::model::pipeline::Pipeline;
use crate::model::resource::Resource;
use crate::model::run::{Run, StepState};

/// Something that is no longer on the disk.
#[derive(Clone, Debug)]
pub(crate) enum Gone {
    /// A run.
    Run(Run, Place),
    /// Lines of a log: of a run that stays, if there is one.
    Lines {
        log: String,
        lines: Vec<Line>,
        of: Option<Place>,
        /// The run went too.
        with_run: bool,
    },
    /// A revision of a resource.
    Revision {
        /// The id of the resource, as clients see it.
        id: String,
        it: Resource,
        /// When the next one was written.
        replaced: Option<Timestamp>,
        /// The current revision, unless the resource is deleted.
        current: Option<i64>,
        /// A run that stays shows it.
        shown: bool,
        /// The log of changes tells of it as of a deletion.
        told: bool,
    },
    /// A revision of a pipeline.
    PipelineRevision {
        name: Name,
        revision: i64,
        /// It is the current one, or a run that stays shows it.
        wanted: bool,
    },
    /// An entry of the log of changes.
    Change {
        position: u64,
        time: Timestamp,
        /// How many came after it.
        newer: u64,
    },
    /// A driver, and a task of it that is still open.
    Driver { name: Name, open: Option<RunId> },
    /// A definition or a pipeline, and whether anything still names it.
    Named { name: Name, by: bool },
}

/// Where a run stood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// When it ended; `None` where it had not.
    pub(crate) ended: Option<Timestamp>,
    /// How many finished runs of its resource were newer.
    pub(crate) newer: u64,
}

/// A line that is gone.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) message: String,
    pub(crate) time: Timestamp,
}

/// What a group is about to take off the disk.
pub(crate) struct Leaving {
    store: Store,
    rows: Vec<(Family, Vec<u8>, Gone)>,
}

impl Leaving {
    /// Looks before the group is written.
    pub(crate) fn of(group: &Group, store: &Store) -> Result<Self> {
        let mut leaving = Self {
            store: store.clone(),
            rows: Vec::new(),
        };
        let mut parts = Parts::default();
        // A batch may delete a key twice, as where a log stands in the queue twice.
        let mut known = BTreeSet::new();
        for (family, bytes) in group.deleted() {
            if !known.insert((family, bytes)) {
                continue;
            }
            let Ok(key) = decode(family, bytes, &mut parts) else {
                continue;
            };
            if let Some(gone) = leaving.look(&key)? {
                leaving.rows.push((family, bytes.to_vec(), gone));
            }
        }
        Ok(leaving)
    }

    fn look(&self, key: &Key<'_>) -> Result<Option<Gone>> {
        let store = &self.store;
        Ok(match key {
            Key::Run(id) => match store.read_run(*id)? {
                Some((run, _)) => {
                    let place = self.place(&run)?;
                    Some(Gone::Run(run, place))
                }
                None => None,
            },
            Key::LogChunk(log, first) => self.lines(key, log, *first)?,
            Key::ResourceRevision(id, revision) => self.revision(*id, *revision)?,
            Key::PipelineRevision(..) => {
                store
                    .read::<Pipeline>(key)?
                    .map(|(it, _)| Gone::PipelineRevision {
                        name: it.name,
                        revision: it.revision,
                        wanted: false,
                    })
            }
            Key::Change(position) => self.change(key, *position)?,
            Key::Driver(name) => Some(Gone::Driver {
                name: (*name).clone(),
                open: None,
            }),
            Key::Definition(name) | Key::Pipeline(name) => Some(Gone::Named {
                name: (*name).clone(),
                by: false,
            }),
            _ => None,
        })
    }

    fn place(&self, run: &Run) -> Result<Place> {
        let mut newer = 0;
        let (kind, name) = (&run.resource.kind, &run.resource.name);
        self.store.each_run_of(kind, name, None, |order, id| {
            if order <= run.order {
                return Ok(ControlFlow::Break(()));
            }
            let other = self.store.read_run(id)?;
            newer += u64::from(other.is_some_and(|(it, _)| it.ended.is_some()));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Place {
            ended: run.ended,
            newer,
        })
    }

    fn lines(&self, key: &Key<'_>, log: &str, first: u64) -> Result<Option<Gone>> {
        let (family, bytes) = key.encode();
        let Some(stored) = read::get(&self.store.db, family, &bytes)? else {
            return Ok(None);
        };
        let chunk = StoredChunk::read(&bytes, stored)?;
        let lines = chunk.lines.iter().zip(chunk.lines.times()).zip(first..);
        let lines = lines.map(|((line, time), seq)| Line {
            seq,
            message: records::LogLine::decode(line).unwrap_or_default().message,
            time,
        });
        let run = match RunId::parse(log, "run") {
            Ok(id) => self.store.read_run(id)?,
            Err(_) => None,
        };
        Ok(Some(Gone::Lines {
            log: log.to_owned(),
            lines: lines.collect(),
            of: run.map(|(run, _)| self.place(&run)).transpose()?,
            with_run: false,
        }))
    }

    fn revision(&self, id: ObjectId, revision: i64) -> Result<Option<Gone>> {
        let Some(it) = self.store.read_revision(id, revision)? else {
            return Ok(None);
        };
        let next = self.store.read_revision(id, revision + 1)?;
        let current = self.store.current_revision(&it.kind, &it.name)?;
        let current = current.filter(|(of, _)| *of == id);
        Ok(Some(Gone::Revision {
            id: id.0.to_string(),
            replaced: next.map(|next| next.updated),
            current: current.map(|(_, revision)| revision),
            shown: false,
            told: false,
            it,
        }))
    }

    fn change(&self, key: &Key<'_>, position: u64) -> Result<Option<Gone>> {
        let (family, bytes) = key.encode();
        let Some((record, _)) = self.store.record(key)? else {
            return Ok(None);
        };
        let change = changes::bare(family, &bytes, &record)?;
        let newer = self.store.oldest_changes(Position(position), usize::MAX)?;
        Ok(Some(Gone::Change {
            position,
            time: change.time,
            newer: newer.len() as u64,
        }))
    }

    /// What is gone now that the group is written: what a batch that did not hold was to take is still there.
    pub(crate) fn gone(self) -> Result<Vec<Gone>> {
        let mut gone = Vec::new();
        // Of one log, what went together is told together.
        let mut logs: BTreeMap<String, usize> = BTreeMap::new();
        for (family, key, mut it) in self.rows {
            if read::get(&self.store.db, family, &key)?.is_some() {
                continue;
            }
            see_what_stays(&self.store, &key, &mut it)?;
            if let Gone::Lines { log, lines, .. } = &mut it
                && let Some(at) = logs.get(log)
                && let Gone::Lines { lines: before, .. } = &mut gone[*at]
            {
                before.append(lines);
                continue;
            }
            if let Gone::Lines { log, .. } = &it {
                logs.insert(log.clone(), gone.len());
            }
            gone.push(it);
        }
        Ok(gone)
    }
}

/// Looks after the group is written.
fn see_what_stays(store: &Store, key: &[u8], gone: &mut Gone) -> Result<()> {
    match gone {
        Gone::Lines {
            log,
            of: Some(_),
            with_run,
            ..
        } => {
            let id = RunId::parse(log, "run").ok();
            let stands = id.map(|id| store.read_run(id)).transpose()?.flatten();
            *with_run = stands.is_none();
        }
        Gone::Revision {
            it, shown, told, ..
        } => {
            *shown = store.any(&Prefix::ShownBy(it.id, it.revision))?;
            let told_of = store.record::<records::Deletion>(&Key::Deletion(it.id))?;
            *told = told_of.is_some_and(|(told, _)| told.revision == it.revision);
        }
        Gone::PipelineRevision {
            name,
            revision,
            wanted,
        } => {
            let mut parts = Parts::default();
            let Ok(Key::PipelineRevision(id, _)) = decode(Family::Revisions, key, &mut parts)
            else {
                return Ok(());
            };
            let current = store.read::<Pipeline>(&Key::Pipeline(name))?;
            *wanted = current.is_some_and(|(it, _)| (it.id, it.revision) == (id, *revision))
                || store.any(&Prefix::ShownBy(id, *revision))?;
        }
        Gone::Driver { name, open } => *open = open_task(store, name)?,
        Gone::Named { name, by } => {
            *by = store.any(&Prefix::Resources(Some(name)))?
                || store.any(&Prefix::DefinitionPipelines(name))?
                || store.any(&Prefix::PipelineResources(name))?;
        }
        Gone::Run(..) | Gone::Lines { of: None, .. } | Gone::Change { .. } => {}
    }
    Ok(())
}

/// A run in which a driver has an open task.
fn open_task(store: &Store, driver: &Name) -> Result<Option<RunId>> {
    let mut open = None;
    walk(
        &store.db,
        &Prefix::OpenRuns,
        None,
        Order::Up,
        |key, stored| {
            let id = runs::run_id(stored.bytes(), Family::Indexes, key)?;
            let run = store.read_run(id)?;
            let is_open = run.is_some_and(|(run, _)| {
                run.steps.iter().any(|step| {
                    let open = matches!(step.state, StepState::Offered | StepState::Running);
                    open && step.driver == *driver
                })
            });
            if is_open {
                open = Some(id);
            }
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(open)
}

/// Changes of resources that came to the disk after a position, each with what it shows.
pub(crate) fn came(store: &Store, after: Position) -> Result<Vec<super::Change>> {
    let mut came = Vec::new();
    store.each_change(after, |_, change| {
        if let Some(resource) = store.read_revision(change.id, change.revision)? {
            came.push(super::Change {
                position: change.position,
                resource,
                deleted: change.deleted,
            });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(came)
}

impl Store {
    /// What the doctor finds wrong, while nobody writes.
    pub(crate) fn examined(&self) -> Vec<String> {
        let report =
            super::doctor::look_through(&self.db, super::doctor::Report::default(), &mut |_| {});
        match report {
            Ok(report) => {
                let findings = report.findings.iter();
                findings.map(|it| format!("{it:?}")).collect()
            }
            Err(error) => vec![error.to_string()],
        }
    }
}
