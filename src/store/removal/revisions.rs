//! Old revisions, and what a deleted resource leaves.
//!
//! Invariant: a current revision is never removed, nor one that a kept run shows, nor the last one of a deleted
//! resource while the log of changes tells of it.

use std::ops::ControlFlow;

use super::Removal;
use crate::model::name::{Name, ObjectId};
use crate::model::pipeline::Pipeline;
use crate::model::run::Run;
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};
use crate::store::changes::BareChange;
use crate::store::keys::{Family, Key, Prefix, last_number};
use crate::store::read::{Order, damaged, walk};
use crate::store::retention::OldRevision;
use crate::store::{Result, codec, records};

impl Removal {
    /// Takes a revision whose time is over out of its queue, and removes it unless a run shows it.
    pub fn revision(&mut self, old: &OldRevision) -> Result<()> {
        let replaced = codec::nanos(old.replaced);
        self.batch
            .delete(&Key::OldRevision(&old.kind, replaced, old.id, old.revision));
        let deletion = self
            .store
            .record::<records::Deletion>(&Key::Deletion(old.id))?;
        let told_of = deletion.is_some_and(|(it, _)| it.revision == old.revision);
        if !told_of && !self.is_shown(old.id, old.revision)? {
            self.resource_revision(old.id, old.revision)?;
        }
        Ok(())
    }

    /// Takes revisions of a resource that are beyond its number out of their queue, the oldest first, and removes those
    /// that no run shows. So where `newest` was taken out before, all older ones were.
    pub fn revisions_up_to(&mut self, id: ObjectId, newest: i64, most_rows: usize) -> Result<()> {
        let mut due = Vec::new();
        let mut revision = newest;
        while revision > 0
            && let Some(old) = self.queued_revision(id, revision)?
        {
            due.push(old);
            if due.len() == most_rows {
                // More than one batch takes: from the other end, then.
                due = self.oldest_queued(id, newest, most_rows)?;
                break;
            }
            revision -= 1;
        }
        due.sort_by_key(|old| old.revision);
        for old in &due {
            if self.batch.rows() >= most_rows {
                break;
            }
            self.revision(old)?;
        }
        Ok(())
    }

    /// The oldest revisions up to `newest` that stand in their queue.
    fn oldest_queued(&self, id: ObjectId, newest: i64, most: usize) -> Result<Vec<OldRevision>> {
        let mut queued = Vec::new();
        let revisions = Prefix::ResourceRevisions(id);
        walk(&self.store.db, &revisions, None, Order::Up, |key, _| {
            let no_number = || damaged(Family::Revisions, key, "no revision");
            let revision = last_number(key).ok_or_else(no_number)?.cast_signed();
            if revision > newest || queued.len() == most {
                return Ok(ControlFlow::Break(()));
            }
            queued.extend(self.queued_revision(id, revision)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(queued)
    }

    /// Takes a revision of a pipeline that is no longer current out of its queue, and removes it unless a run shows it.
    pub fn pipeline_revision(&mut self, id: ObjectId, revision: i64) -> Result<()> {
        self.batch.delete(&Key::OldPipeline(id, revision));
        if !self.is_shown(id, revision)? {
            self.old_pipeline(id, revision)?;
        }
        Ok(())
    }

    /// Forgets the oldest change. Where it tells of a deletion, what the deleted resource left goes first: false says
    /// that there is more of that than the batch takes.
    pub fn change(&mut self, change: &BareChange, most_rows: usize) -> Result<bool> {
        if change.deleted && !self.deleted_resource(change, most_rows)? {
            return Ok(false);
        }
        self.batch.delete_change(change);
        self.removed.changes += 1;
        Ok(true)
    }

    /// Removes the revisions that a removed run showed, where nothing else keeps them.
    pub(super) fn shown_by(&mut self, run: &Run) -> Result<()> {
        let (id, revision) = (run.resource.id, run.resource.revision);
        if !self.is_shown(id, revision)? && !self.is_kept(run)? {
            self.resource_revision(id, revision)?;
        }
        let Some(pipeline) = &run.pipeline else {
            return Ok(());
        };
        let current: Option<(Pipeline, _)> = self.store.read(&Key::Pipeline(&pipeline.name))?;
        let is_current =
            current.is_some_and(|(it, _)| it.id == pipeline.id && it.revision == pipeline.revision);
        if !is_current && !self.is_shown(pipeline.id, pipeline.revision)? {
            self.batch
                .delete(&Key::OldPipeline(pipeline.id, pipeline.revision));
            self.old_pipeline(pipeline.id, pipeline.revision)?;
        }
        Ok(())
    }

    /// Whether the revision that a run showed is kept without it: it is current, its time is not over, or the log of
    /// changes tells of it.
    fn is_kept(&mut self, run: &Run) -> Result<bool> {
        let (id, revision) = (run.resource.id, run.resource.revision);
        let (kind, name) = (&run.resource.kind, &run.resource.name);
        let head = self
            .store
            .record::<records::ResourceHead>(&Key::ResourceHead(kind, name))?;
        match head {
            Some((head, _)) if head.id == id.0.as_bytes() => {
                Ok(head.revision == revision || self.queued_revision(id, revision)?.is_some())
            }
            Some(_) | None => {
                self.results_of(id, kind, name)?;
                if let Some(old) = self.queued_revision(id, revision)? {
                    let replaced = codec::nanos(old.replaced);
                    self.batch
                        .delete(&Key::OldRevision(kind, replaced, id, revision));
                }
                Ok(self.store.position_of(&Key::Deletion(id))?.is_some())
            }
        }
    }

    /// What a deleted resource left and no run shows. False where the batch is full before the end.
    fn deleted_resource(&mut self, change: &BareChange, most_rows: usize) -> Result<bool> {
        let id = change.id;
        let mut revisions = Vec::new();
        walk(
            &self.store.db,
            &Prefix::ResourceRevisions(id),
            None,
            Order::Up,
            |key, _| {
                let no_number = || damaged(Family::Revisions, key, "no revision");
                revisions.push(last_number(key).ok_or_else(no_number)?.cast_signed());
                Ok(ControlFlow::Continue(()))
            },
        )?;
        let last = self.store.read_revision(id, change.revision)?;
        for revision in revisions {
            if self.batch.rows() >= most_rows {
                return Ok(false);
            }
            if let Some(old) = self.queued_revision(id, revision)? {
                let replaced = codec::nanos(old.replaced);
                self.batch
                    .delete(&Key::OldRevision(&old.kind, replaced, id, revision));
            }
            if !self.is_shown(id, revision)? {
                self.resource_revision(id, revision)?;
            }
        }
        if let Some(last) = last {
            self.results_of(id, &last.kind, &last.name)?;
        }
        self.batch.delete(&Key::Deletion(id));
        Ok(true)
    }

    /// What drivers said about a resource after it was deleted.
    fn results_of(&mut self, id: ObjectId, kind: &Name, name: &Name) -> Result<()> {
        let mut late = Vec::new();
        let results = Prefix::DriverResults(kind, name);
        walk(&self.store.db, &results, None, Order::Up, |key, stored| {
            let record: records::DriverResult = stored.record_at(Family::Objects, key)?;
            if record.resource == id.0.as_bytes() {
                let wrong = |_| damaged(Family::Objects, key, "no driver");
                let driver = Name::parse(&record.driver, "driver").map_err(wrong)?;
                late.push((driver, stored.position));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for (driver, at) in late {
            let result = Key::DriverResult(kind, name, &driver);
            // It may have one of a new resource of that name by now.
            self.batch.expect_at(&result, at);
            self.batch.delete(&result);
        }
        Ok(())
    }

    /// The place of a revision in the queue, where its time is not over yet. The write of the next one put it there.
    fn queued_revision(&self, id: ObjectId, revision: i64) -> Result<Option<OldRevision>> {
        let Some(next) = self.store.read_revision(id, revision + 1)? else {
            return Ok(None);
        };
        let replaced = codec::nanos(next.updated);
        let key = Key::OldRevision(&next.kind, replaced, id, revision);
        let stands = self.store.position_of(&key)?.is_some();
        Ok(stands.then_some(OldRevision {
            kind: next.kind,
            replaced: next.updated,
            id,
            revision,
        }))
    }

    /// Whether a run shows a revision that this batch does not remove. The newest runs go last, so that a look from
    /// there finds one at once.
    fn is_shown(&self, id: ObjectId, revision: i64) -> Result<bool> {
        #[cfg(test)]
        if planted(Sabotage::RemovesWhatIsShown) {
            return Ok(false);
        }
        let mut shown = false;
        let runs = Prefix::ShownBy(id, revision);
        walk(&self.store.db, &runs, None, Order::Down, |key, _| {
            let no_order = || damaged(Family::Indexes, key, "no order");
            shown = !self
                .orders
                .contains(&last_number(key).ok_or_else(no_order)?);
            Ok(if shown {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(shown)
    }

    fn resource_revision(&mut self, id: ObjectId, revision: i64) -> Result<()> {
        self.gone_revision(id, revision, &Key::ResourceRevision(id, revision))
    }

    fn old_pipeline(&mut self, id: ObjectId, revision: i64) -> Result<()> {
        self.gone_revision(id, revision, &Key::PipelineRevision(id, revision))
    }

    fn gone_revision(&mut self, id: ObjectId, revision: i64, key: &Key<'_>) -> Result<()> {
        if self.store.position_of(key)?.is_some() && self.gone.insert((id, revision)) {
            self.batch.delete(key);
            self.removed.revisions += 1;
        }
        Ok(())
    }
}
