//! Whether everything that is named is there: for checks of a store that nobody writes to.
//!
//! Every key that names something else is followed, one way and back. [`super::removal`] promises that nothing dangles
//! after any of its batches.

use std::ops::ControlFlow;

use super::keys::{Family, Key, LogState, Prefix};
use super::read::{Order, walk};
use super::{Result, Store, codec, records, runs};
use crate::model::name::{Name, ObjectId, RunId};
use crate::model::pipeline::Pipeline;
use crate::model::run::Run;

impl Store {
    /// Follows every reference, and tells of each that leads nowhere.
    pub fn follow_references(&self, mut fault: impl FnMut(String)) -> Result<()> {
        self.check_runs(&mut fault)?;
        self.check_run_indexes(&mut fault)?;
        self.check_resources(&mut fault)?;
        self.check_queues(&mut fault)?;
        self.check_changes(&mut fault)
    }

    /// Every run stands in the indexes that lead to it, and what it shows is there.
    fn check_runs(&self, fault: &mut impl FnMut(String)) -> Result<()> {
        self.all(&Prefix::Runs, |run: Run| {
            let mut missing = |what: &str| fault(format!("run {}: {what}", run.id));
            let (kind, name) = (&run.resource.kind, &run.resource.name);
            if !self.is_there(&Key::ResourceRun(kind, name, run.order))? {
                missing("it is not among the runs of its resource");
            }
            if !self.is_there(&Key::DefinitionRun(kind, run.order))? {
                missing("it is not among the runs of its definition");
            }
            for (id, revision) in run.shows() {
                if !self.is_there(&Key::ShownBy(id, revision, run.order))? {
                    missing("it is not noted what it shows");
                }
            }
            let (id, revision) = (run.resource.id, run.resource.revision);
            if !self.is_there(&Key::ResourceRevision(id, revision))? {
                missing("the resource as it was is gone");
            }
            if let Some(it) = &run.pipeline
                && !self.is_there(&Key::PipelineRevision(it.id, it.revision))?
            {
                missing("the pipeline as it was is gone");
            }
            let queues = [LogState::Kept, LogState::Gone].map(|log| {
                let ended = run.ended.map_or(0, codec::nanos);
                self.is_there(&Key::EndedRun(log, kind, ended, run.order))
            });
            let [kept, gone] = queues;
            if self.is_there(&Key::OpenRun(run.order))? == run.ended.is_some() {
                missing("it has ended and is open, or neither");
            }
            if (kept? != gone?) != run.ended.is_some() {
                missing("it does not stand in one queue of finished runs, as one that ended does");
            }
            Ok(())
        })
    }

    /// Every index of runs leads to a run.
    fn check_run_indexes(&self, fault: &mut impl FnMut(String)) -> Result<()> {
        for prefix in [
            Prefix::OpenRuns,
            Prefix::AllResourceRuns,
            Prefix::AllDefinitionRuns,
            Prefix::AllShownBy,
            Prefix::EndedRuns(LogState::Kept, None),
            Prefix::EndedRuns(LogState::Gone, None),
        ] {
            walk(&self.db, &prefix, None, Order::Up, |key, stored| {
                let run = runs::run_id(stored.bytes(), Family::Indexes, key)?;
                self.leads_to_run(run, &format!("{prefix:?}"), fault)
            })?;
        }
        walk(&self.db, &Prefix::Tasks, None, Order::Up, |key, stored| {
            let task: records::TaskRef = stored.record_at(Family::Indexes, key)?;
            let run = runs::run_id(&task.run, Family::Indexes, key)?;
            self.leads_to_run(run, "a task", fault)
        })?;
        for prefix in [Prefix::AllStepData, Prefix::AllLogProgress] {
            walk(&self.db, &prefix, None, Order::Up, |key, _| {
                let id = key.get(1..17).unwrap_or_default();
                let run = runs::run_id(id, Family::Runs, key)?;
                self.leads_to_run(run, &format!("{prefix:?}"), fault)
            })?;
        }
        Ok(())
    }

    fn leads_to_run(
        &self,
        run: RunId,
        what: &str,
        fault: &mut impl FnMut(String),
    ) -> Result<ControlFlow<()>> {
        if !self.is_there(&Key::Run(run))? {
            fault(format!("{what} leads to run {run}, which is gone"));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Every resource has its current revision, and every pipeline its own.
    fn check_resources(&self, fault: &mut impl FnMut(String)) -> Result<()> {
        let family = Family::Objects;
        walk(
            &self.db,
            &Prefix::Resources(None),
            None,
            Order::Up,
            |key, stored| {
                let head: records::ResourceHead = stored.record_at(family, key)?;
                let id = runs::run_id(&head.id, family, key)?.0;
                let revision = Key::ResourceRevision(ObjectId(id), head.revision);
                if !self.is_there(&revision)? {
                    fault(format!("resource {id}: its current revision is gone"));
                }
                Ok(ControlFlow::Continue(()))
            },
        )?;
        self.all(&Prefix::Pipelines, |it: Pipeline| {
            if !self.is_there(&Key::PipelineRevision(it.id, it.revision))? {
                fault(format!("pipeline {}: its revision is gone", it.name));
            }
            Ok(())
        })
    }

    /// Every revision that waits for its time is there.
    fn check_queues(&self, fault: &mut impl FnMut(String)) -> Result<()> {
        for (id, revision) in self.old_pipelines(usize::MAX)? {
            if !self.is_there(&Key::PipelineRevision(id, revision))? {
                fault(format!(
                    "pipeline {id}: its old revision {revision} is gone"
                ));
            }
        }
        let mut kind: Option<Name> = self.next_with_old_revisions(None)?;
        while let Some(it) = kind {
            for old in self.replaced_before(&it, jiff::Timestamp::MAX, usize::MAX)? {
                if !self.is_there(&Key::ResourceRevision(old.id, old.revision))? {
                    fault(format!(
                        "resource {}: its old revision {} is gone",
                        old.id, old.revision
                    ));
                }
            }
            kind = self.next_with_old_revisions(Some(&it))?;
        }
        Ok(())
    }

    /// Every delete that is told of can be shown.
    fn check_changes(&self, fault: &mut impl FnMut(String)) -> Result<()> {
        for change in self.oldest_changes(super::Position(0), usize::MAX)? {
            let revision = Key::ResourceRevision(change.id, change.revision);
            if change.deleted && !self.is_there(&revision)? {
                fault(format!(
                    "change {}: the deleted resource is gone",
                    change.position.0
                ));
            }
        }
        Ok(())
    }

    fn is_there(&self, key: &Key<'_>) -> Result<bool> {
        Ok(self.position_of(key)?.is_some())
    }

    fn all<T: super::read::Kept>(
        &self,
        prefix: &Prefix<'_>,
        mut see: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        let mut seen = Ok(());
        self.each(prefix, None, Order::Up, |_, it| {
            seen = see(it);
            if seen.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        seen
    }
}
