//! What goes by its age: finished runs and their logs, old revisions; and old revisions of pipelines, which nothing
//! but runs can show.

use jiff::Timestamp;

use super::{Duty, LOOK_AT, Left, Sweeper, is_full};
use crate::model::name::Name;
use crate::store::keys::LogState;
use crate::store::{Removal, Result};

/// A round through the definitions: each gets its turn, so that one with work without end does not hold up the others.
#[derive(Default)]
pub(super) struct Turn {
    /// The definition that had its turn last.
    last: Option<Name>,
    /// Whether any of this round had work.
    found: bool,
}

impl Sweeper {
    /// Finished runs, and logs of finished runs.
    pub(super) fn runs(&mut self, log: LogState, removal: &mut Removal) -> Result<Left> {
        self.in_turn(
            Duty::Runs(log),
            |it, after| it.store().next_with_ended_runs(log, after),
            |it, kind| it.runs_of(kind, log, removal),
        )
    }

    /// Goes on with the definition behind the one that had its turn.
    fn in_turn(
        &mut self,
        duty: Duty,
        next: impl Fn(&Self, Option<&Name>) -> Result<Option<Name>>,
        mut look: impl FnMut(&mut Self, &Name) -> Result<Left>,
    ) -> Result<Left> {
        let mut turn = self.turns.remove(&duty).unwrap_or_default();
        while let Some(kind) = next(self, turn.last.as_ref())? {
            let left = look(self, &kind)?;
            turn.last = Some(kind);
            if let Left::More = left {
                turn.found = true;
                self.turns.insert(duty, turn);
                return Ok(Left::More);
            }
        }
        Ok(if turn.found {
            Left::More
        } else {
            Left::Nothing
        })
    }

    fn runs_of(&mut self, kind: &Name, log: LogState, removal: &mut Removal) -> Result<Left> {
        let policy = self.policy_of(kind)?;
        let run_cutoff = policy.runs.cutoff(self.now);
        let log_cutoff = match log {
            LogState::Kept => policy.logs.cutoff(self.now),
            LogState::Gone => None,
        };
        let Some(cutoff) = run_cutoff.max(log_cutoff) else {
            return Ok(Left::Nothing);
        };
        let place = (log, kind.clone());
        let so_far = self.read_so_far.get(&place).copied();
        let due = self
            .store()
            .ended_before(log, kind, so_far, cutoff, LOOK_AT)?;
        for entry in &due {
            let removed = if policy.runs.is_too_old(entry.ended, self.now) {
                removal.run(entry.id)?
            } else {
                removal.log(entry.id)?
            };
            if !removed {
                removal.stray(log, kind, entry);
            }
            self.read_so_far.insert(place.clone(), *entry);
            if is_full(removal) {
                break;
            }
        }
        Ok(more_than_none(due.len()))
    }

    /// Revisions of resources that newer ones replaced.
    pub(super) fn revisions(&mut self, removal: &mut Removal) -> Result<Left> {
        self.in_turn(
            Duty::Revisions,
            |it, after| it.store().next_with_old_revisions(after),
            |it, kind| it.revisions_of(kind, removal),
        )
    }

    fn revisions_of(&self, kind: &Name, removal: &mut Removal) -> Result<Left> {
        let cutoff: Option<Timestamp> = self.policy_of(kind)?.revisions.cutoff(self.now);
        let Some(cutoff) = cutoff else {
            return Ok(Left::Nothing);
        };
        let due = self.store().replaced_before(kind, cutoff, LOOK_AT)?;
        for old in &due {
            removal.revision(old)?;
        }
        Ok(more_than_none(due.len()))
    }

    /// Revisions of pipelines that newer ones replaced, or that were deleted: only runs show them, whatever the age.
    pub(super) fn pipelines(&mut self, removal: &mut Removal) -> Result<Left> {
        let due = self.store().old_pipelines(LOOK_AT)?;
        for (id, revision) in &due {
            removal.pipeline_revision(*id, *revision)?;
        }
        Ok(more_than_none(due.len()))
    }
}

fn more_than_none(due: usize) -> Left {
    if due == 0 { Left::Nothing } else { Left::More }
}
