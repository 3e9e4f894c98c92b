//! Watches are ordered, unique, reliable, atomic, resumable and bookmarked.
//!
//! | property | what it says |
//! |---|---|
//! | ordered | changes come by their positions |
//! | unique | none comes twice, nor what the list has shown already |
//! | reliable | none is left out |
//! | atomic | each is seen whole: position, revision and spec are of one write |
//! | resumable | who goes on after a position sees the next one first |
//! | bookmarked | everything up to a bookmark was seen |

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use crate::simulation::history::{Change, Event};

/// What a watch has seen since its list began.
#[derive(Default)]
struct Seen<'a> {
    listed: BTreeSet<(&'a str, i64)>,
    /// Whether its list has ended.
    has_listed: bool,
    shown: BTreeSet<u64>,
    last: u64,
    /// It went on after a break, and has seen nothing since.
    resumed: bool,
}

/// All of them, for each watch.
pub(super) fn watches_hold(facts: &Facts<'_>, broken: &mut Vec<String>) {
    revisions_are_changes(facts, broken);
    let mut watches: BTreeMap<u64, Seen<'_>> = BTreeMap::new();
    for (place, (_, event)) in facts.events.iter().enumerate() {
        let (watch, wrong) = match event {
            Event::Lists { watch } => {
                watches.insert(*watch, Seen::default());
                continue;
            }
            Event::Resumes { watch, .. } => {
                watches.entry(*watch).or_default().resumed = true;
                continue;
            }
            Event::Watched { watch, change } => {
                let seen = watches.entry(*watch).or_default();
                let wrong = if change.position == 0 {
                    seen.lists(facts, change)
                } else {
                    seen.sees(facts, place, change)
                };
                (watch, wrong)
            }
            Event::Bookmarked { watch, position } => {
                let seen = watches.entry(*watch).or_default();
                (watch, seen.is_told(facts, place, *position))
            }
            Event::Refused { watch, after } => (watch, was_kept(facts, place, *after)),
            _ => continue,
        };
        if let Some(wrong) = wrong {
            broken.push(format!("watch {watch}, {wrong}"));
        }
    }
    let mut last = facts.changes.iter().rev();
    let last = last.find(|it| !facts.is_passed_over(it, usize::MAX));
    let newest = last.map_or(0, |it| it.position);
    for (watch, seen) in watches.iter().filter(|(_, seen)| seen.last < newest) {
        broken.push(format!(
            "watch {watch}, reliable: it came to {} of {newest}",
            seen.last
        ));
    }
}

/// Each revision that is there came with a change.
fn revisions_are_changes(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let changes = facts.changes.iter();
    let changes: BTreeSet<_> = changes.map(|it| (it.id.as_str(), it.revision)).collect();
    for (id, revision) in facts.revisions.keys() {
        if !changes.contains(&(*id, *revision)) {
            broken.push(format!(
                "watch, reliable: revision {revision} of {id} is no change"
            ));
        }
    }
}

/// A position is refused when a change after it is no longer kept, and only then.
fn was_kept(facts: &Facts<'_>, place: usize, after: u64) -> Option<String> {
    let mut behind = facts.gone_changes.range(after + 1..);
    let gone = behind.any(|(_, gone)| *gone < place);
    (!gone).then(|| format!("resumable: position {after} was refused, and all behind it is kept"))
}

impl<'a> Seen<'a> {
    /// An object is listed as it stands.
    fn lists(&mut self, facts: &Facts<'_>, it: &'a Change) -> Option<String> {
        if !self.listed.insert((&it.id, it.revision)) {
            return Some(format!("unique: {it:?} is listed twice"));
        }
        let whole = |change: &&Change| {
            (&change.id, change.revision, &change.spec) == (&it.id, it.revision, &it.spec)
        };
        let is_whole = facts.changes.iter().any(whole);
        (!is_whole).then(|| format!("atomic: {it:?} is listed, and was never written"))
    }

    /// A change is shown.
    fn sees(&mut self, facts: &Facts<'_>, place: usize, it: &'a Change) -> Option<String> {
        let is_due = |due: &&&Change| {
            due.position > self.last
                && (due.position == it.position || !facts.is_passed_over(due, place))
        };
        let due = facts.changes.iter().find(is_due);
        let was_listed = !it.deleted && self.listed.contains(&(it.id.as_str(), it.revision));
        let resumed = std::mem::take(&mut self.resumed);
        let property = if !self.shown.insert(it.position) || was_listed {
            "unique"
        } else if it.position < self.last {
            "ordered"
        } else if due == Some(&it) {
            self.last = it.position;
            return None;
        } else if due.is_some_and(|due| due.position == it.position) {
            "atomic"
        } else if resumed {
            "resumable"
        } else {
            "reliable"
        };
        let wrong = format!(
            "{property}: {it:?} after {}, and {due:?} was due",
            self.last
        );
        self.last = self.last.max(it.position);
        Some(wrong)
    }

    /// Nothing up to here is left to see.
    fn is_told(&mut self, facts: &Facts<'_>, place: usize, position: u64) -> Option<String> {
        self.resumed = false;
        let before = self.last;
        self.last = before.max(position);
        let missed = if std::mem::replace(&mut self.has_listed, true) {
            let passed = |it: &&&Change| {
                let behind = it.position > before && it.position <= position;
                behind && !facts.is_passed_over(it, place)
            };
            facts.changes.iter().find(|it| passed(it)).copied()
        } else {
            self.not_listed(facts, position)
        };
        missed.map(|it| format!("bookmarked: at {position}, and {it:?} was not shown"))
    }

    /// An object that stood at a position, was not listed, and does not come as a change.
    fn not_listed<'b>(&self, facts: &Facts<'b>, position: u64) -> Option<&'b Change> {
        let mut stands: BTreeMap<&str, &Change> = BTreeMap::new();
        for change in &facts.changes {
            let is_new = change.position > position;
            if change.deleted || is_new {
                stands.remove(change.id.as_str());
            } else {
                stands.insert(&change.id, change);
            }
        }
        let listed = |it: &&Change| self.listed.contains(&(it.id.as_str(), it.revision));
        stands.into_values().find(|it| !listed(it))
    }
}
