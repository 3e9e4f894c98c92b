//! Logs: the lines of a run follow each other from the first to the last, and are as many as was acked.
//!
//! A log whose beginning retention took away is whole from where its trim says. That of what is no run begins anywhere:
//! a run may have been removed, and its trim with it, while lines from outside were on their way. Chunks come in the order of their keys,
//! so that the counts of one log are all that is kept.

use std::collections::HashMap;

use prost::Message;
use uuid::Uuid;

use super::{Doctor, Fault};
use crate::model::name::RunId;
use crate::model::run::Run;
use crate::store::keys::{Key, Prefix};
use crate::store::logs::StoredChunk;
use crate::store::read::Stored;
use crate::store::records;

/// The log that is being read.
#[derive(Default)]
pub(super) struct LogCheck {
    run: String,
    first: u64,
    next: u64,
    /// Lines of each step and attempt.
    lines: HashMap<(String, u32), u64>,
}

impl Doctor<'_> {
    /// Takes the next chunk, of this log or of another.
    pub(super) fn chunk(&mut self, run: &str, first: u64, stored: Stored) -> Result<(), String> {
        let (_, prefix) = Prefix::Log(run).encode();
        let key = [&prefix[..], &first.to_be_bytes()].concat();
        let chunk = StoredChunk::read(&key, stored).map_err(|error| error.to_string())?;
        for line in chunk.lines.iter() {
            records::LogLine::decode(line).map_err(|error| format!("a line: {error}"))?;
        }
        if self.logs.run != run {
            self.end_log();
            self.begin_log(run, first);
        }
        let (expected, end) = (self.logs.next, first + chunk.count);
        if first > expected {
            let what = format!("lines {expected} to {} are missing", first - 1);
            self.find(Fault::Log, place(run), what);
        } else if first < expected {
            let what = format!(
                "lines {first} to {} stand twice",
                expected.min(end).saturating_sub(1)
            );
            self.find(Fault::Log, place(run), what);
        }
        self.logs.next = end.max(expected);
        *self
            .logs
            .lines
            .entry((chunk.step, chunk.attempt))
            .or_default() += chunk.count;
        Ok(())
    }

    fn begin_log(&mut self, run: &str, first: u64) {
        let trim = self.get::<records::LogTrim>(&Key::LogTrim(run));
        // A trim that cannot be read is found where it stands.
        let begin = match trim.ok().flatten() {
            Some(trim) => trim.first.max(1),
            None if self.is_run(run) => 1,
            None => first,
        };
        self.logs = LogCheck {
            run: run.to_owned(),
            first: begin.min(first),
            next: begin,
            lines: HashMap::new(),
        };
    }

    /// Whether there is a run of this id, readable or not.
    fn is_run(&mut self, run: &str) -> bool {
        let id = Uuid::parse_str(run).map(RunId);
        id.is_ok_and(|id| !matches!(self.get::<records::Run>(&Key::Run(id)), Ok(None)))
    }

    /// Holds the counts of a log that is over against what drivers were told.
    pub(super) fn end_log(&mut self) {
        let log = std::mem::take(&mut self.logs);
        // Lines may come from outside for what is no run; a trimmed log has fewer lines than were acked.
        let Ok(id) = Uuid::parse_str(&log.run) else {
            return;
        };
        let Ok(Some(record)) = self.get::<records::Run>(&Key::Run(RunId(id))) else {
            return;
        };
        let Ok(run) = Run::try_from(record) else {
            return;
        };
        if log.first > 1 {
            return;
        }
        for (at, step) in (0..).zip(&run.steps) {
            let progress = self.get::<records::LogProgress>(&Key::LogProgress(run.id, at));
            let Ok(Some(progress)) = progress else {
                continue;
            };
            let tokens = step.attempts.iter().map(|attempt| attempt.offer.token);
            let attempt = (1..)
                .zip(tokens)
                .find(|(_, token)| *token == progress.token);
            let Some((attempt, _)) = attempt else {
                continue;
            };
            let lines = log.lines.get(&(step.id.to_string(), attempt)).copied();
            let lines = lines.unwrap_or_default();
            if lines != progress.next_line {
                let what = format!(
                    "step {}, attempt {attempt}: {lines} lines are there, and {} were acked",
                    step.id, progress.next_line
                );
                self.find(Fault::Log, place(&log.run), what);
            }
        }
    }
}

fn place(run: &str) -> String {
    format!("logs/{run}")
}
