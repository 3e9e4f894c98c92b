//! What goes by its number: of each resource, the newest finished runs, their logs and the newest revisions stay.
//!
//! A resource is looked at when it has one more of them. At a start, and when a policy changes, all are: the store
//! says who they are, a few at a time.

use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use super::{LOOK_AT, Left, STEP_ROWS, Sweeper, is_full};
use crate::model::name::Name;
use crate::model::retention::{Limit, Policy};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};
use crate::store::keys::LogState;
use crate::store::{Removal, Result};

/// Which resources are still to be looked at.
#[derive(Default)]
pub(super) struct Pass {
    /// One by one.
    resources: VecDeque<Counted>,
    /// All of a definition: those that stand, then those that have runs, from behind a name on.
    definitions: VecDeque<(Name, bool, Option<Name>)>,
}

/// A resource to be looked at.
struct Counted {
    kind: Name,
    name: Name,
    /// Where a look before ended, since its batch was full.
    rest: Option<Rest>,
}

/// What of a resource's runs is still to be looked at.
#[derive(Clone, Copy)]
struct Rest {
    /// Those before this one.
    order: u64,
    /// How many newer finished runs stay.
    newer: u64,
}

impl Counted {
    fn whole(kind: Name, name: Name) -> Self {
        Self {
            kind,
            name,
            rest: None,
        }
    }
}

impl Sweeper {
    pub(super) fn counts(&mut self, removal: &mut Removal) -> Result<Left> {
        self.gather()?;
        for _ in 0..LOOK_AT {
            let Some(mut resource) = self.next_resource()? else {
                return Ok(Left::Nothing);
            };
            resource.rest = self.count(&resource, removal)?;
            if is_full(removal) {
                // There may be more of it than one batch takes. The others come first.
                self.pass.resources.push_back(resource);
                break;
            }
        }
        Ok(Left::More)
    }

    /// Takes in what was touched meanwhile.
    fn gather(&mut self) -> Result<()> {
        let touched = std::mem::take(&mut *self.engine.0.retention.touched());
        let resources = touched.resources.into_iter();
        self.pass
            .resources
            .extend(resources.map(|(kind, name)| Counted::whole(kind, name)));
        let mut definitions = touched.definitions;
        if touched.all {
            definitions.append(&mut self.counted_definitions()?);
        }
        for kind in definitions {
            self.pass.definitions.push_back((kind.clone(), false, None));
            self.pass.definitions.push_back((kind, true, None));
        }
        Ok(())
    }

    /// The definitions of which something goes by its number, and those that are gone and left runs.
    fn counted_definitions(&self) -> Result<BTreeSet<Name>> {
        let retention = &self.engine.0.retention;
        let server = retention.options.policy;
        let mut counted = BTreeSet::new();
        self.store().each_definition(|definition| {
            if definition.retention.over(&server).counts() {
                counted.insert(definition.name);
            }
        })?;
        if !counted.is_empty() {
            retention.counts.store(true, Ordering::Relaxed);
        }
        let left_by_others: &[_] = if server.counts() {
            &[LogState::Kept, LogState::Gone]
        } else {
            &[]
        };
        for log in left_by_others {
            let mut kind = self.store().next_with_ended_runs(*log, None)?;
            while let Some(it) = kind {
                kind = self.store().next_with_ended_runs(*log, Some(&it))?;
                counted.insert(it);
            }
        }
        Ok(counted)
    }

    fn next_resource(&mut self) -> Result<Option<Counted>> {
        while self.pass.resources.is_empty() {
            let Some((kind, with_runs, after)) = self.pass.definitions.pop_front() else {
                return Ok(None);
            };
            let names = self
                .store()
                .names_after(&kind, with_runs, after.as_ref(), LOOK_AT)?;
            if let Some(last) = names.last() {
                let rest = (kind.clone(), with_runs, Some(last.clone()));
                self.pass.definitions.push_front(rest);
            }
            let resources = names.into_iter();
            self.pass
                .resources
                .extend(resources.map(|name| Counted::whole(kind.clone(), name)));
        }
        Ok(self.pass.resources.pop_front())
    }

    /// Removes what one resource has too much of. Answers what of its runs is left where the batch is full.
    fn count(&self, resource: &Counted, removal: &mut Removal) -> Result<Option<Rest>> {
        let Counted { kind, name, rest } = resource;
        let policy = self.policy_of(kind)?;
        if let Limit::AtMost(most) = policy.revisions.max_count
            && let Some((id, current)) = self.store().current_revision(kind, name)?
        {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let newest_due = current.saturating_sub(most);
            removal.revisions_up_to(id, newest_due, STEP_ROWS)?;
        }
        if is_full(removal) {
            return Ok(*rest);
        }
        self.count_runs(resource, &policy, removal)
    }

    fn count_runs(
        &self,
        resource: &Counted,
        policy: &Policy,
        removal: &mut Removal,
    ) -> Result<Option<Rest>> {
        if policy.runs.max_count == Limit::Forever && policy.logs.max_count == Limit::Forever {
            return Ok(None);
        }
        let Counted { kind, name, rest } = resource;
        let (mut newer, mut logs_are_done) = (rest.map_or(0, |rest| rest.newer), false);
        // Read once the walk stands: what began after that is not in it, and would pass for finished.
        let mut open = None;
        let mut left = None;
        let before = rest.map(|rest| rest.order);
        self.store().each_run_of(kind, name, before, |order, id| {
            let open = open.get_or_insert_with(|| self.open_orders(kind, name));
            #[cfg(test)]
            if planted(Sabotage::RemovesTheUnfinished) {
                open.clear();
            }
            if open.contains(&order) {
                return Ok(ControlFlow::Continue(()));
            }
            if policy.runs.is_too_many(newer) {
                removal.run(id)?;
            } else {
                if policy.logs.is_too_many(newer) && !logs_are_done {
                    // Those of older runs went before it.
                    logs_are_done = !removal.log(id)?;
                }
                newer += 1;
            }
            let is_done = logs_are_done && policy.runs.max_count == Limit::Forever;
            left = is_full(removal).then_some(Rest { order, newer });
            Ok(if is_done || left.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(left)
    }

    /// The places of the runs of a resource that have not ended.
    fn open_orders(&self, kind: &Name, name: &Name) -> BTreeSet<u64> {
        let board = self.engine.0.board();
        let line = board.lines.get(&(kind.clone(), name.clone()));
        line.into_iter()
            .flat_map(|line| line.keys().copied())
            .collect()
    }
}
