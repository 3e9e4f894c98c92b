//! Logs that have lines from outside. Those of runs go with their run, or with the log of it; those of ids that are no
//! runs, and lines that came after a log was gone, go when nothing has come for as long as logs are kept.
//!
//! Invariant: the number of a line is not given out again while somebody may still follow the log.

use jiff::Timestamp;

use super::{LOOK_AT, Left, Sweeper, is_full};
use crate::model::name::RunId;
use crate::model::run::Run;
use crate::store::{OutsideLog, Removal, Result};

impl Sweeper {
    pub(super) fn outside_logs(&mut self, removal: &mut Removal) -> Result<Left> {
        let limits = self.engine.0.retention.options.policy.logs;
        let Some(cutoff) = limits.cutoff(self.now) else {
            return Ok(Left::Nothing);
        };
        let due = self.store().outside_logs_before(cutoff, LOOK_AT)?;
        for log in &due {
            self.outside_log(log, cutoff, removal)?;
            if is_full(removal) {
                break;
            }
        }
        Ok(if due.is_empty() {
            Left::Nothing
        } else {
            Left::More
        })
    }

    fn outside_log(
        &self,
        log: &OutsideLog,
        cutoff: Timestamp,
        removal: &mut Removal,
    ) -> Result<()> {
        let Some((last, _)) = log.last else {
            removal.forget_outside(log);
            return Ok(());
        };
        if last >= cutoff {
            removal.queue_again(log, last);
            return Ok(());
        }
        let run = match RunId::parse(&log.run, "run_id") {
            Ok(id) => self.store().read_run(id)?,
            Err(_) => None,
        };
        match run {
            Some((run, _)) if self.is_kept(&run, last)? => removal.queue_again(log, self.now),
            Some(_) => {
                removal.trim(&log.run)?;
                removal.forget_outside(log);
            }
            None => self.unknown_log(log, removal)?,
        }
        Ok(())
    }

    /// Whether the log of a run is kept, whose last line from outside is of this time. Its definition may keep logs
    /// for longer than the server does.
    fn is_kept(&self, run: &Run, last: Timestamp) -> Result<bool> {
        let limits = self.policy_of(&run.resource.kind)?.logs;
        let is_due = |since| limits.is_too_old(since, self.now);
        Ok(!(is_due(last) && run.ended.is_some_and(is_due)))
    }

    /// The log of what is no run. Its lines go first; the number at which it goes on is kept for as long again.
    fn unknown_log(&self, log: &OutsideLog, removal: &mut Removal) -> Result<()> {
        let has_lines = self.store().next_seq(&log.run)? > self.store().log_start(&log.run)?;
        if has_lines {
            removal.trim(&log.run)?;
        }
        if has_lines || self.engine.0.log_news.is_followed(log.run.as_str()) {
            removal.queue_again(log, self.now);
        } else {
            removal.forget_trim(&log.run);
            removal.forget_outside(log);
        }
        Ok(())
    }
}
