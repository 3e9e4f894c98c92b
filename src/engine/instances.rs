//! The instances of one driver, and which of them can take work, the freest first.
//!
//! Invariant: an instance stands in the order exactly while it can take a task, leaving aside how long it has been
//! silent: time passes without a change. So a step finds its instance without a look at all of them.

use std::collections::btree_set::{self, BTreeSet};
use std::collections::hash_map::{self, HashMap};
use std::iter::{Peekable, Rev};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use super::board::Instance;
use crate::model::name::InstanceId;

/// Processes of one driver: connected, or away with open tasks.
#[derive(Default)]
pub(super) struct Instances {
    all: HashMap<InstanceId, Instance>,
    /// How many tasks each can take, if any.
    free: BTreeSet<(usize, InstanceId)>,
}

impl Instances {
    pub(super) fn get(&self, id: InstanceId) -> Option<&Instance> {
        self.all.get(&id)
    }

    /// An instance that is about to change.
    pub(super) fn get_mut(&mut self, id: InstanceId) -> Option<Changing<'_>> {
        let instance = self.all.get_mut(&id)?;
        Some(Changing::new(id, instance, &mut self.free))
    }

    /// An instance that is about to change. One that is not there is away.
    pub(super) fn entry(&mut self, id: InstanceId, now: Duration) -> Changing<'_> {
        let instance = match self.all.entry(id) {
            hash_map::Entry::Occupied(it) => it.into_mut(),
            hash_map::Entry::Vacant(it) => it.insert(Instance::away(now)),
        };
        Changing::new(id, instance, &mut self.free)
    }

    /// Forgets an instance that is away.
    pub(super) fn remove(&mut self, id: InstanceId) {
        if let Some(instance) = self.all.remove(&id) {
            self.free.remove(&(instance.free_slots(), id));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn iter(&self) -> hash_map::Iter<'_, InstanceId, Instance> {
        self.all.iter()
    }

    pub(super) fn values(&self) -> hash_map::Values<'_, InstanceId, Instance> {
        self.all.values()
    }

    /// Those that can take a task and were heard lately.
    pub(super) fn candidates(&self, now: Duration, patience: Duration) -> Candidates<'_> {
        Candidates {
            all: &self.all,
            near: BTreeSet::new(),
            rest: self.free.iter().rev().peekable(),
            now,
            patience,
        }
    }
}

/// Who can take what, while tasks are given out. Instances are looked at only as far as they are needed.
pub(super) struct Candidates<'a> {
    all: &'a HashMap<InstanceId, Instance>,
    /// Those that were looked at, with the slots that they have left.
    near: BTreeSet<(usize, InstanceId)>,
    /// Those that were not, the freest first.
    rest: Peekable<Rev<btree_set::Iter<'a, (usize, InstanceId)>>>,
    now: Duration,
    patience: Duration,
}

impl Candidates<'_> {
    /// Whether any of them will do.
    pub(super) fn any(&self, suits: impl Fn(&Instance) -> bool) -> bool {
        let will_do = |(_, id): &(usize, InstanceId)| self.suiting(*id, &suits);
        self.near.iter().any(will_do) || self.rest.clone().any(will_do)
    }

    /// Takes a slot of the freest that will do.
    pub(super) fn take(&mut self, suits: impl Fn(&Instance) -> bool) -> Option<InstanceId> {
        let near = self.near.iter().rev();
        let mut best = near.copied().find(|(_, id)| self.suiting(*id, &suits));
        while let Some(next) = self
            .rest
            .next_if(|(slots, _)| best.is_none_or(|(most, _)| *slots > most))
        {
            self.near.insert(*next);
            if self.suiting(next.1, &suits) {
                best = Some(*next);
            }
        }
        let (slots, id) = best?;
        self.near.remove(&(slots, id));
        if slots > 1 {
            self.near.insert((slots - 1, id));
        }
        Some(id)
    }

    fn suiting(&self, id: InstanceId, suits: impl Fn(&Instance) -> bool) -> bool {
        let instance = self.all.get(&id);
        instance.is_some_and(|it| it.was_heard(self.now, self.patience) && suits(it))
    }
}

/// An instance that is about to change; its place in the order follows when this is dropped.
pub(super) struct Changing<'a> {
    id: InstanceId,
    instance: &'a mut Instance,
    /// How many tasks it could take before.
    slots: usize,
    free: &'a mut BTreeSet<(usize, InstanceId)>,
}

impl<'a> Changing<'a> {
    fn new(
        id: InstanceId,
        instance: &'a mut Instance,
        free: &'a mut BTreeSet<(usize, InstanceId)>,
    ) -> Self {
        let slots = instance.free_slots();
        Self {
            id,
            instance,
            slots,
            free,
        }
    }
}

impl Deref for Changing<'_> {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        self.instance
    }
}

impl DerefMut for Changing<'_> {
    fn deref_mut(&mut self) -> &mut Instance {
        self.instance
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let slots = self.instance.free_slots();
        if slots == self.slots {
            return;
        }
        self.free.remove(&(self.slots, self.id));
        if slots > 0 {
            self.free.insert((slots, self.id));
        }
    }
}
