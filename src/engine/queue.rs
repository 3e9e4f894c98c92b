//! The steps that wait for a driver, the oldest first.
//!
//! Steps that ask for the same labels stand in one line, so that those nobody can take cost nothing while others are
//! given out. Invariant: no line is empty.

use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;

use crate::model::name::RunId;
use crate::model::pipeline::Labels;

/// Where a step stands: the order of its run, and its index there.
pub(super) type Place = (u64, usize);

/// The queue of one driver.
#[derive(Default)]
pub(super) struct Queue {
    lines: BTreeMap<Labels, BTreeMap<Place, RunId>>,
    len: usize,
}

impl Queue {
    pub(super) fn insert(&mut self, labels: &Labels, place: Place, run: RunId) {
        let line = match self.lines.get_mut(labels) {
            Some(line) => line,
            None => self.lines.entry(labels.clone()).or_default(),
        };
        self.len += usize::from(line.insert(place, run).is_none());
    }

    pub(super) fn remove(&mut self, labels: &Labels, place: Place) {
        let Some(line) = self.lines.get_mut(labels) else {
            return;
        };
        self.len -= usize::from(line.remove(&place).is_some());
        if line.is_empty() {
            self.lines.remove(labels);
        }
    }

    /// How many steps wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Walks the steps, the oldest first over all lines.
    pub(super) fn walk(&self) -> Walk<'_> {
        Walk(
            self.lines
                .iter()
                .map(|(labels, line)| (labels, line.iter().peekable()))
                .collect(),
        )
    }
}

/// A walk over the steps of a queue.
pub(super) struct Walk<'a>(Vec<(&'a Labels, Line<'a>)>);

type Line<'a> = Peekable<btree_map::Iter<'a, Place, RunId>>;

impl<'a> Walk<'a> {
    /// The next step. A line is left for good once nobody can take what asks for its labels.
    pub(super) fn next(
        &mut self,
        can_take: impl Fn(&Labels) -> bool,
    ) -> Option<(&'a Labels, Place, RunId)> {
        self.0
            .retain_mut(|(labels, line)| line.peek().is_some() && can_take(labels));
        let places = self.0.iter_mut().enumerate();
        let heads =
            places.filter_map(|(at, (_, line))| line.peek().map(|(place, _)| (**place, at)));
        let (_, oldest) = heads.min()?;
        let oldest = &mut self.0[oldest];
        let (place, run) = oldest.1.next()?;
        Some((oldest.0, *place, *run))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_oldest_goes_first_over_all_lines_and_lines_nobody_can_take_are_left() {
        let labels = |word: &str| Labels::from([("is".to_owned(), word.to_owned())]);
        let run = RunId(Uuid::nil());
        let mut queue = Queue::default();
        for (word, place) in [
            ("big", (3, 0)),
            ("small", (1, 1)),
            ("big", (1, 0)),
            ("small", (2, 0)),
        ] {
            queue.insert(&labels(word), place, run);
        }
        let places = |can_take: &dyn Fn(&Labels) -> bool| {
            let mut walk = queue.walk();
            std::iter::from_fn(|| walk.next(can_take))
                .map(|(_, place, _)| place)
                .collect::<Vec<_>>()
        };
        assert_eq!(places(&|_| true), [(1, 0), (1, 1), (2, 0), (3, 0)]);
        assert_eq!(places(&|asked| *asked == labels("big")), [(1, 0), (3, 0)]);
        queue.remove(&labels("big"), (3, 0));
        queue.remove(&labels("big"), (3, 0));
        assert_eq!(queue.len(), 3);
    }
}
