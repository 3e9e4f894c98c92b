//! What may be due: the queues that retention reads, each in the order in which things become due.
//!
//! All of it is read on a thread that may block. How long things are kept is the engine's to say; how they are
//! removed is `removal`'s.

use std::ops::ControlFlow;

use jiff::Timestamp;

use super::changes::BareChange;
use super::keys::{Family, Key, LogState, Prefix, first_name, last_number};
use super::read::{Order, damaged, walk};
use super::{Position, Result, Store, codec, records, runs};
use crate::model::name::{Name, ObjectId, RunId};
use crate::model::resource::{Definition, Resource};
use crate::model::run::Run;

/// More than any time and any id.
const LAST: [u8; 32] = [0xff; 32];

/// A finished run in the queue of its definition.
#[derive(Clone, Copy, Debug)]
pub struct EndedRun {
    /// The run.
    pub id: RunId,
    /// When it ended.
    pub ended: Timestamp,
    /// Its place among all runs.
    pub order: u64,
}

/// A revision in the queue of its definition.
#[derive(Clone, Debug)]
pub struct OldRevision {
    /// The definition.
    pub kind: Name,
    /// When it was replaced.
    pub replaced: Timestamp,
    /// The resource.
    pub id: ObjectId,
    /// The revision.
    pub revision: i64,
}

/// A log that has lines from outside.
#[derive(Clone, Debug)]
pub struct OutsideLog {
    /// The run, known or not.
    pub run: String,
    /// Where it stands in the queue.
    pub queued: Timestamp,
    /// When the last line came, and where that was written; `None` where the log has gone.
    pub last: Option<(Timestamp, Position)>,
}

impl Store {
    /// The first definition after another that has finished runs.
    pub fn next_with_ended_runs(
        &self,
        log: LogState,
        after: Option<&Name>,
    ) -> Result<Option<Name>> {
        self.next_kind(
            &Prefix::EndedRuns(log, None),
            after
                .map(|after| Prefix::EndedRuns(log, Some(after)))
                .as_ref(),
        )
    }

    /// The first definition after another that has old revisions.
    pub fn next_with_old_revisions(&self, after: Option<&Name>) -> Result<Option<Name>> {
        self.next_kind(
            &Prefix::OldRevisions(None),
            after
                .map(|after| Prefix::OldRevisions(Some(after)))
                .as_ref(),
        )
    }

    /// Skips from one definition of a queue to the next: one seek, however long the queue is.
    fn next_kind(&self, queue: &Prefix<'_>, after: Option<&Prefix<'_>>) -> Result<Option<Name>> {
        let from = after.map(|after| [after.encode().1.as_slice(), &LAST].concat());
        let mut next = None;
        walk(&self.db, queue, from.as_deref(), Order::Up, |key, _| {
            let no_name = || damaged(Family::Indexes, key, "no name");
            next = Some(first_name(key).ok_or_else(no_name)?);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(next)
    }

    /// Runs of a definition that ended before a time, the oldest first, behind one that was read.
    pub fn ended_before(
        &self,
        log: LogState,
        kind: &Name,
        after: Option<EndedRun>,
        before: Timestamp,
        most: usize,
    ) -> Result<Vec<EndedRun>> {
        let mut ended = Vec::new();
        let queue = Prefix::EndedRuns(log, Some(kind));
        let at = queue.encode().1.len();
        let from = after.map(|it| Key::EndedRun(log, kind, codec::nanos(it.ended), it.order));
        let from = from.map(|from| from.encode().1);
        walk(
            &self.db,
            &queue,
            from.as_deref(),
            Order::Up,
            |key, stored| {
                let time = time_at(key, at)?;
                if time >= before || ended.len() == most {
                    return Ok(ControlFlow::Break(()));
                }
                ended.push(EndedRun {
                    id: runs::run_id(stored.bytes(), Family::Indexes, key)?,
                    ended: time,
                    order: last_number(key).ok_or_else(|| wrong(key, "no order"))?,
                });
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(ended)
    }

    /// Revisions of a definition that were replaced before a time, the oldest first.
    pub fn replaced_before(
        &self,
        kind: &Name,
        before: Timestamp,
        most: usize,
    ) -> Result<Vec<OldRevision>> {
        let mut old = Vec::new();
        let queue = Prefix::OldRevisions(Some(kind));
        let at = queue.encode().1.len();
        walk(&self.db, &queue, None, Order::Up, |key, _| {
            let replaced = time_at(key, at)?;
            if replaced >= before || old.len() == most {
                return Ok(ControlFlow::Break(()));
            }
            let (id, revision) = revision_at(key, at + 8)?;
            old.push(OldRevision {
                kind: kind.clone(),
                replaced,
                id,
                revision,
            });
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(old)
    }

    /// Revisions of pipelines that are no longer current.
    pub fn old_pipelines(&self, most: usize) -> Result<Vec<(ObjectId, i64)>> {
        let mut old = Vec::new();
        walk(
            &self.db,
            &Prefix::OldPipelines,
            None,
            Order::Up,
            |key, _| {
                if old.len() == most {
                    return Ok(ControlFlow::Break(()));
                }
                old.push(revision_at(key, 1)?);
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(old)
    }

    /// Logs with lines from outside that stand in the queue before a time, the oldest first.
    pub fn outside_logs_before(&self, before: Timestamp, most: usize) -> Result<Vec<OutsideLog>> {
        let mut logs = Vec::new();
        let queue = Prefix::OutsideLogTimes;
        walk(&self.db, &queue, None, Order::Up, |key, stored| {
            let queued = time_at(key, 1)?;
            if queued >= before || logs.len() == most {
                return Ok(ControlFlow::Break(()));
            }
            let no_text = |_| damaged(Family::Indexes, key, "no text");
            let run = String::from_utf8(stored.bytes().to_vec()).map_err(no_text)?;
            let last = self.outside_log(&run)?.map(|(last, _, at)| (last, at));
            logs.push(OutsideLog { run, queued, last });
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(logs)
    }

    /// Of a log with lines from outside: when the last one came, where it stands in the queue, and where that was
    /// written.
    pub fn outside_log(&self, run: &str) -> Result<Option<(Timestamp, Timestamp, Position)>> {
        let key = Key::OutsideLog(run);
        let Some((record, at)) = self.record::<records::OutsideLog>(&key)? else {
            return Ok(None);
        };
        let (family, bytes) = key.encode();
        let time = |nanos| codec::time(nanos).map_err(|what| damaged(family, &bytes, &what));
        Ok(Some((time(record.last)?, time(record.queued)?, at)))
    }

    /// The oldest changes after a position, up to `most`.
    pub fn oldest_changes(&self, after: Position, most: usize) -> Result<Vec<BareChange>> {
        let mut changes = Vec::new();
        self.each_change(after, |_, change| {
            if changes.len() == most {
                return Ok(ControlFlow::Break(()));
            }
            changes.push(change);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(changes)
    }

    /// Walks the runs of a resource, the newest first or from before one on: order and id.
    pub fn each_run_of(
        &self,
        kind: &Name,
        name: &Name,
        before: Option<u64>,
        mut see: impl FnMut(u64, RunId) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let runs = Prefix::ResourceRuns(kind, name);
        let from = before.map(|order| Key::ResourceRun(kind, name, order).encode().1);
        walk(
            &self.db,
            &runs,
            from.as_deref(),
            Order::Down,
            |key, stored| {
                let no_order = || damaged(Family::Indexes, key, "no order");
                let order = last_number(key).ok_or_else(no_order)?;
                see(order, runs::run_id(stored.bytes(), Family::Indexes, key)?)
            },
        )
    }

    /// The names of resources of a definition after one, up to `most`: of those that stand, or of those with runs.
    pub fn names_after(
        &self,
        kind: &Name,
        with_runs: bool,
        after: Option<&Name>,
        most: usize,
    ) -> Result<Vec<Name>> {
        let prefix = if with_runs {
            Prefix::RunsByName(kind)
        } else {
            Prefix::Resources(Some(kind))
        };
        let start = prefix.encode().1.len();
        let mut names: Vec<Name> = after.cloned().into_iter().collect();
        let first = names.len();
        while names.len() < first + most {
            let from = names.last().map(|name| {
                if with_runs {
                    [&*Prefix::ResourceRuns(kind, name).encode().1, &LAST].concat()
                } else {
                    Key::ResourceHead(kind, name).encode().1
                }
            });
            let before = names.len();
            walk(&self.db, &prefix, from.as_deref(), Order::Up, |key, _| {
                let no_name = || damaged(prefix.encode().0, key, "no name");
                names.push(first_name(&key[start - 1..]).ok_or_else(no_name)?);
                Ok(ControlFlow::Break(()))
            })?;
            if names.len() == before {
                break;
            }
        }
        Ok(names.split_off(first))
    }

    /// Every definition, one after the other.
    pub fn each_definition(&self, mut see: impl FnMut(Definition)) -> Result<()> {
        self.each(&Prefix::Definitions, None, Order::Up, |_, definition| {
            see(definition);
            ControlFlow::Continue(())
        })
    }

    /// Reads a definition.
    pub fn read_definition(&self, name: &Name) -> Result<Option<Definition>> {
        Ok(self.read(&Key::Definition(name))?.map(|(it, _)| it))
    }

    /// Reads a run and where it was last written.
    pub fn read_run(&self, id: RunId) -> Result<Option<(Run, Position)>> {
        self.read(&Key::Run(id))
    }

    /// Reads one revision of a resource.
    pub fn read_revision(&self, id: ObjectId, revision: i64) -> Result<Option<Resource>> {
        let revision = self.read(&Key::ResourceRevision(id, revision))?;
        Ok(revision.map(|(resource, _)| resource))
    }
}

fn wrong(key: &[u8], what: &str) -> super::Error {
    damaged(Family::Indexes, key, what)
}

fn time_at(key: &[u8], at: usize) -> Result<Timestamp> {
    let nanos = key.get(at..).and_then(|rest| rest.first_chunk::<8>());
    let nanos = i64::from_be_bytes(*nanos.ok_or_else(|| wrong(key, "no time"))?);
    codec::time(nanos).map_err(|what| wrong(key, &what))
}

fn revision_at(key: &[u8], at: usize) -> Result<(ObjectId, i64)> {
    let id = key.get(at..at + 16).ok_or_else(|| wrong(key, "no id"))?;
    let id = codec::uuid(id).map_err(|what| wrong(key, &what))?;
    let revision = last_number(key).ok_or_else(|| wrong(key, "no revision"))?;
    Ok((ObjectId(id), revision.cast_signed()))
}
