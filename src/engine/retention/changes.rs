//! The log of changes that watches resume from: its oldest entries go, and with the entry of a delete what the deleted
//! resource left and no run shows.

use std::sync::atomic::Ordering;

use super::{LOOK_AT, Left, STEP_ROWS, Sweeper, is_full};
use crate::store::{Position, Removal, Result};

/// Most changes that one step counts.
const COUNT_AT: usize = 10_000;

/// How many changes are kept, counted on from one look to the next.
pub(super) struct ChangeCount {
    kept: u64,
    /// Those up to here are counted.
    to: Position,
}

impl Default for ChangeCount {
    fn default() -> Self {
        Self {
            kept: 0,
            to: Position(0),
        }
    }
}

impl Sweeper {
    pub(super) fn changes(&mut self, removal: &mut Removal) -> Result<Left> {
        let limits = self.engine.0.retention.options.changes;
        if self.count_changes()? == COUNT_AT {
            return Ok(Left::More);
        }
        let oldest = self
            .store()
            .oldest_changes(self.engine.0.retention.trimmed(), LOOK_AT)?;
        let mut trimmed = None;
        for change in &oldest {
            // The newest one has none newer.
            let newer = self.changes.kept.saturating_sub(1);
            if !limits.is_too_many(newer) && !limits.is_too_old(change.time, self.now) {
                break;
            }
            if !removal.change(change, STEP_ROWS)? {
                break;
            }
            self.changes.kept = newer;
            trimmed = Some(change.position);
            if is_full(removal) {
                break;
            }
        }
        if let Some(trimmed) = trimmed {
            // Before they are gone, so that no watch passes over what it did not see.
            let retention = &self.engine.0.retention;
            retention.trimmed.fetch_max(trimmed.0, Ordering::SeqCst);
        }
        Ok(if removal.batch.rows() > 0 {
            Left::More
        } else {
            Left::Nothing
        })
    }

    /// Counts changes that came since the last look. Answers how many.
    fn count_changes(&mut self) -> Result<usize> {
        let from = self.changes.to.max(self.engine.0.retention.trimmed());
        let new = self.store().oldest_changes(from, COUNT_AT)?;
        if let Some(last) = new.last() {
            self.changes.to = last.position;
            self.changes.kept += new.len() as u64;
        }
        Ok(new.len())
    }
}
