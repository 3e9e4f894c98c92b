//! What the exit code of a command says. This is the one table of them; `--help` and the README show it.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did its work.
    Done = 0,
    /// It failed, or the run that was waited for did, or `diff` found a difference.
    Failed = 1,
    /// It was called wrongly.
    Usage = 2,
    /// What was named is not there.
    NotFound = 3,
    /// The time was over before what was waited for.
    TimedOut = 4,
    /// No server answers, or the connection to it broke.
    Unreachable = 5,
    /// What was to be written exists already, or changed meanwhile.
    Conflict = 6,
    /// The run that was waited for was cancelled.
    Cancelled = 7,
}

/// The table as people read it.
pub(super) const TABLE: &str = "\
Exit codes:
  0  it worked
  1  it failed, or the run did, or diff found a difference
  2  it was called wrongly
  3  what was named is not there
  4  the time was over (wait --timeout)
  5  no server answers, or the connection broke
  6  it exists already, or changed meanwhile
  7  the run was cancelled";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
