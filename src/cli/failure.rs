//! What a person reads when a command fails.

use std::error::Error;
use std::fmt::{self, Write};
use std::io;

use tonic::{Code, Status};
use tonic_types::{FieldViolation, StatusExt};

use super::apply::InputError;
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
    /// A resource was named without its type.
    #[error("a resource is TYPE/NAME, such as pipeline/{0}; `conveyor get resources` lists them")]
    NoResourceName(String),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// The server or a driver ended with an error.
    #[error("{0}")]
    Ended(String),
}

impl Failure {
    /// Whether the reader of the output went away, as `head` does. That is no failure.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
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
