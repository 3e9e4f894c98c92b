//! What goes by its age: finished runs and their logs, old revisions; and old revisions of pipelines, which nothing
//! but runs can show.

use jiff::Timestamp;

use super::{LOOK_AT, Left, Sweeper, is_full};
use crate::model::name::Name;
use crate::store::keys::LogState;
use crate::store::{Removal, Result};

impl Sweeper {
    /// Finished runs, and logs of finished runs.
    pub(super) fn runs(&mut self, removal: &mut Removal) -> Result<Left> {
        for log in [LogState::Kept, LogState::Gone] {
            let mut kind = self.store().next_with_ended_runs(log, None)?;
            while let Some(it) = kind {
                if let Left::More = self.runs_of(&it, log, removal)? {
                    return Ok(Left::More);
                }
                kind = self.store().next_with_ended_runs(log, Some(&it))?;
            }
        }
        Ok(Left::Nothing)
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
        let mut kind = self.store().next_with_old_revisions(None)?;
        while let Some(it) = kind {
            let cutoff: Option<Timestamp> = self.policy_of(&it)?.revisions.cutoff(self.now);
            if let Some(cutoff) = cutoff {
                let due = self.store().replaced_before(&it, cutoff, LOOK_AT)?;
                for old in &due {
                    removal.revision(old)?;
                }
                if !due.is_empty() {
                    return Ok(Left::More);
                }
            }
            kind = self.store().next_with_old_revisions(Some(&it))?;
        }
        Ok(Left::Nothing)
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
