//! The log of a run: every line once and in order, by whichever door.

mod appended;
mod doors;
mod parts;
mod tails;

use conveyor_client::proto::{LogEntry, TailLogsRequest};

/// Follows a run's log from its first line on.
fn of(run: &str) -> TailLogsRequest {
    TailLogsRequest {
        run_id: run.into(),
        ..Default::default()
    }
}

fn messages(entries: &[LogEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.message.as_str()).collect()
}
