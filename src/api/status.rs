//! One table: what kind of error is which gRPC code, with `google.rpc` details. REST maps the code on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::error::{Error, Kind};

/// Most violations in one status: they travel in trailers, which are small in most clients.
const VIOLATIONS: usize = 50;
/// Most bytes of all violations in one status.
const VIOLATION_BYTES: usize = 4 << 10;

/// When to try again what there was no room for.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The gRPC code of a kind of error.
fn code(kind: Kind) -> Code {
    match kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::FailedPrecondition => Code::FailedPrecondition,
        Kind::Aborted => Code::Aborted,
        Kind::OutOfRange => Code::OutOfRange,
        Kind::Exhausted => Code::ResourceExhausted,
        Kind::Unavailable => Code::Unavailable,
        Kind::Deadline => Code::DeadlineExceeded,
        Kind::Internal => Code::Internal,
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let mut details = ErrorDetails::new();
        details.set_error_info(error.reason(), "conveyor", HashMap::new());
        if matches!(error, Error::Overloaded | Error::Crowded) {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        let violations = shown(&error);
        if !violations.is_empty() {
            details.set_bad_request(violations);
        }
        let mut status = Self::with_error_details(code(error.kind()), error.to_string(), details);
        // REST has room for all violations and takes them from here.
        status.set_source(Arc::new(error));
        status
    }
}

/// As many violations as trailers hold, then one that counts the rest.
fn shown(error: &Error) -> Vec<FieldViolation> {
    let all = error.violations();
    let mut bytes = 0;
    let fits = all.iter().take(VIOLATIONS).take_while(|it| {
        bytes += it.field.len() + it.description.len();
        bytes <= VIOLATION_BYTES
    });
    let mut shown: Vec<FieldViolation> = fits
        .map(|it| FieldViolation::new(it.field.clone(), it.description.clone()))
        .collect();
    if shown.len() < all.len() {
        shown.push(FieldViolation::new(
            "",
            format!("and {} more", all.len() - shown.len()),
        ));
    }
    shown
}
