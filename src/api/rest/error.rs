//! What a route answers when something is wrong: `{"error","code","details"}`.

use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::{Serialize, Serializer};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::answer;
use crate::error::{Error, Violation};

/// Most violations shown; one more counts the rest.
const VIOLATIONS: usize = 1000;

/// After how many seconds to try again what cannot be done now.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// An error answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    code: Code,
    pub(super) error: String,
    pub(super) details: Vec<Violation>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, code: Code, error: String) -> Self {
        Failure {
            status,
            code,
            error,
            details: Vec::new(),
        }
    }

    /// A field of the request is wrong. An empty field stands for the body as a whole.
    pub(super) fn invalid(field: &str, description: &str) -> Self {
        let subject = if field.is_empty() { "the body" } else { field };
        let error = format!("{subject}: {description}");
        Failure {
            details: vec![Violation::new(field, description)],
            ..Failure::new(StatusCode::BAD_REQUEST, Code::InvalidArgument, error)
        }
    }

    /// The same for one line of a body, the first that is not stored.
    pub(super) fn on_line(mut self, number: u64) -> Self {
        self.error = format!(
            "line {number}: {}. The lines before it are stored",
            self.error
        );
        for violation in &mut self.details {
            violation.field = match violation.field.as_str() {
                "" => format!("line {number}"),
                field => format!("line {number}: {field}"),
            };
        }
        if self.details.is_empty() {
            let place = format!("line {number}");
            self.details
                .push(Violation::new(place, "not stored, nor what follows"));
        }
        self
    }

    /// What a service answered. `body` is what stands before the body's fields in the names of the
    /// request's, such as `resource.`.
    pub(super) fn of(status: &Status, body: &str) -> Self {
        let (code, error) = (status.code(), status.message().to_owned());
        let mut failure = Failure {
            details: violations(status),
            ..Failure::new(http_status(code), code, error)
        };
        failure.rename(|field| field.strip_prefix(body));
        failure
    }

    /// Names fields as REST has them, in the text too, which begins with the first of them.
    pub(super) fn rename(&mut self, name: impl Fn(&str) -> Option<&str>) {
        for (at, violation) in self.details.iter_mut().enumerate() {
            let Some(new) = name(&violation.field) else {
                continue;
            };
            let rest = self.error.strip_prefix(&violation.field);
            if let (0, Some(rest)) = (at, rest) {
                self.error = format!("{new}{rest}");
            }
            violation.field = new.to_owned();
        }
    }
}

/// From the error itself where it is at hand: the details of a `Status` are cut to what trailers hold.
fn violations(status: &Status) -> Vec<Violation> {
    let source =
        std::error::Error::source(status).and_then(|source| source.downcast_ref::<Error>());
    if let Some(error) = source {
        let all = error.violations();
        let mut shown: Vec<_> = all.iter().take(VIOLATIONS).cloned().collect();
        if all.len() > VIOLATIONS {
            let rest = all.len() - VIOLATIONS;
            shown.push(Violation::new("", format!("and {rest} more")));
        }
        return shown;
    }
    let details = status.get_details_bad_request();
    let details = details
        .into_iter()
        .flat_map(|details| details.field_violations);
    details
        .map(|violation| Violation::new(violation.field, violation.description))
        .collect()
}

fn http_status(code: Code) -> StatusCode {
    let status = match code {
        Code::Ok => 200,
        Code::InvalidArgument => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => 409,
        // A position of a watch that is not, or no longer, one of this store.
        Code::OutOfRange => 410,
        Code::ResourceExhausted => 429,
        Code::Cancelled => 499,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
    };
    StatusCode::from_u16(status).expect("all of these are between 100 and 999")
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a str,
            code: &'a str,
            details: Vec<Detail<'a>>,
        }
        #[derive(Serialize)]
        struct Detail<'a> {
            field: &'a str,
            description: &'a str,
        }
        let details = self.details.iter();
        let body = Body {
            error: &self.error,
            code: name(self.code),
            details: details
                .map(|Violation { field, description }| Detail { field, description })
                .collect(),
        };
        body.serialize(to)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = answer::json(self.status, &self);
        if let StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE = self.status {
            response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
        }
        response
    }
}
