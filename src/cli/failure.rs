//! What a person reads when a command fails, and the exit code that says it to programs.

use std::error::Error;
use std::fmt::{self, Write};
use std::io;
use std::path::PathBuf;

use tonic::{Code, Status};
use tonic_types::{FieldViolation, StatusExt};

use super::Exit;
use super::documents::InputError;
use super::reconnect::went_away;
use crate::config::ConfigError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Documents cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The server cannot be reached, or refuses a driver.
    #[error(transparent)]
    Client(#[from] conveyor_client::Error),
    /// The server answered with an error.
    #[error("{}", Answer(.0))]
    Answer(Box<Status>),
    /// A document was refused; what stands before it was done.
    #[error("{place}: {title}: {}\n{done} of {all} documents were applied; the rest was not sent", Answer(.status))]
    Refused {
        /// Where the document stands.
        place: String,
        /// What it is.
        title: String,
        /// What the server said.
        status: Box<Status>,
        /// How many documents were applied before it.
        done: usize,
        /// How many there are.
        all: usize,
    },
    /// The command was called wrongly.
    #[error("{0}")]
    Usage(String),
    /// What was named is not there.
    #[error("{0}")]
    Missing(String),
    /// The time was over.
    #[error("{0}")]
    TimedOut(String),
    /// What was edited changed meanwhile.
    #[error("{0} was changed by somebody else meanwhile: edit it again")]
    Changed(String),
    /// What was typed could not be written and is kept.
    #[error("{failure}\nWhat you typed is kept in {}", path.display())]
    Kept {
        /// Why it could not be written.
        failure: Box<Failure>,
        /// Where it is.
        path: PathBuf,
    },
    /// Some of several things failed, and each was told.
    #[error("{failed} of {all} failed")]
    Several {
        /// How many failed.
        failed: usize,
        /// How many there are.
        all: usize,
        /// The exit code of the first.
        exit: Exit,
    },
    /// Nothing could be compared: for `diff`, 1 means a difference.
    #[error(transparent)]
    NotCompared(Box<Failure>),
    /// It ended so, and all was said.
    #[error("it ended with code {}", *.0 as u8)]
    Said(Exit),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// The server or a driver ended with an error.
    #[error("{0}")]
    Ended(String),
}

impl Failure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            // The reader of the output went away, as `head` does. That is no failure.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Failure::Output(_) | Failure::Config(_) | Failure::Input(_) | Failure::Ended(_) => {
                Exit::Failed
            }
            Failure::Usage(_) => Exit::Usage,
            Failure::Changed(_) => Exit::Conflict,
            Failure::Kept { failure, .. } => failure.exit(),
            Failure::Missing(_) => Exit::NotFound,
            Failure::TimedOut(_) => Exit::TimedOut,
            Failure::Client(conveyor_client::Error::Unreachable { .. }) => Exit::Unreachable,
            Failure::Client(conveyor_client::Error::Address { .. }) => Exit::Usage,
            Failure::Client(_) => Exit::Failed,
            Failure::Answer(status) | Failure::Refused { status, .. } => exit_of(status),
            Failure::Several { exit, .. } | Failure::Said(exit) => *exit,
            Failure::NotCompared(failure) => match failure.exit() {
                Exit::Failed => Exit::Usage,
                other => other,
            },
        }
    }

    /// Says it on stderr, if there is anything left to say.
    pub fn tell(&self) {
        if !matches!(self, Failure::Said(_)) && self.exit() != Exit::Done {
            eprintln!("error: {self}");
        }
    }
}

fn exit_of(status: &Status) -> Exit {
    match status.code() {
        _ if went_away(status) => Exit::Unreachable,
        Code::NotFound => Exit::NotFound,
        Code::Aborted | Code::AlreadyExists => Exit::Conflict,
        Code::DeadlineExceeded => Exit::TimedOut,
        _ => Exit::Failed,
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Failure::Answer(Box::new(status))
    }
}

/// Prints a status: its message, each field violation on a line, and what to do.
struct Answer<'a>(&'a Status);

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.0;
        match status.message() {
            "" => write!(f, "the server answered {:?}", status.code())?,
            message => f.write_str(message)?,
        }
        for line in violations(status) {
            write!(f, "\n  {line}")?;
        }
        match advice(status) {
            Some(advice) => {
                f.write_char('\n')?;
                f.write_str(advice)
            }
            None => Ok(()),
        }
    }
}

/// The violations of a status, one line each; none where the message itself is the only one.
fn violations(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request();
    let line = |violation: FieldViolation| match violation.field.as_str() {
        "" => violation.description,
        field => format!("{field}: {}", violation.description),
    };
    let violations = bad.into_iter().flat_map(|bad| bad.field_violations);
    let lines: Vec<_> = violations.map(line).collect();
    match lines.as_slice() {
        [only] if status.message().contains(only) => Vec::new(),
        _ => lines,
    }
}

/// What to do next, where it is known.
fn advice(status: &Status) -> Option<&'static str> {
    match status.code() {
        // A status of tonic's own has a source: the connection broke under the call.
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal
            if status.source().is_some() =>
        {
            Some(
                "The connection to the server broke. Is it still running? What was answered before is stored.",
            )
        }
        Code::Unimplemented => {
            Some("Is this a Conveyor server, and not older than this command? Check --server.")
        }
        Code::Aborted => Some("It changed meanwhile: try again."),
        Code::OutOfRange => {
            Some("That place is no longer kept: begin without it, or at a later one.")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn an_answer_shows_every_violation_on_its_line() {
        let violations = vec![
            FieldViolation::new("spec.steps[2].command", "is required"),
            FieldViolation::new("", "and 12 more"),
        ];
        let details = ErrorDetails::with_bad_request(violations);
        let status = Status::with_error_details(
            Code::InvalidArgument,
            "the spec breaks its schema",
            details,
        );
        insta::assert_snapshot!(Failure::from(status).to_string(), @r"
        the spec breaks its schema
          spec.steps[2].command: is required
          and 12 more
        ");
    }

    #[test]
    fn an_answer_says_what_to_do() {
        let old = Failure::from(Status::unimplemented(""));
        insta::assert_snapshot!(old.to_string(), @r"
        the server answered Unimplemented
        Is this a Conveyor server, and not older than this command? Check --server.
        ");
    }
}
