//! Lets requests in whose head is of a sane size and whose page, if they come from one, may call; and tells
//! browsers so (CORS). Which pages may call is for [`pages`] to say.

use std::convert::Infallible;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::{HeaderValue, Method, StatusCode};
use tonic::Code;
use tower::Service;

use super::super::pages;
use super::RouterOptions;
use super::error::Failure;

/// Most bytes of request line and headers.
const HEAD_BYTES: usize = 16 << 10;
/// Most headers: as many as hyper takes over HTTP/1.
const HEADERS: usize = 100;

/// Refuses a request that is too large at its head or comes from where it should not; else `next` answers.
pub(super) async fn check<N>(options: &RouterOptions, request: Request, mut next: N) -> Response
where
    N: Service<Request, Response = Response, Error = Infallible>,
{
    if let Err(failure) = admit(options, &request) {
        options.watch.figures.refused.one();
        return failure.into_response();
    }
    let origin = request.headers().get(ORIGIN);
    let foreign = origin
        .filter(|origin| pages::is_configured(options, origin))
        .cloned();
    let preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let response = if foreign.is_some() && preflight {
        allowed()
    } else {
        let Ok(response) = next.call(request).await;
        response
    };
    match foreign {
        Some(origin) => share(response, origin),
        None => response,
    }
}

fn admit(options: &RouterOptions, request: &Request) -> Result<(), Failure> {
    if head_bytes(request) > HEAD_BYTES || request.headers().len() > HEADERS {
        let error = "request line and headers are over 16 KiB, or there are more than 100 headers"
            .to_owned();
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Failure::new(status, Code::ResourceExhausted, error));
    }
    match pages::refusal(options, request) {
        Some(why) => Err(forbidden(why)),
        None => Ok(()),
    }
}

fn head_bytes(request: &Request) -> usize {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let line = request.method().as_str().len() + target + " HTTP/1.1\r\n ".len();
    let headers = request.headers().iter();
    line + headers
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum::<usize>()
}

fn forbidden(error: &str) -> Failure {
    Failure::new(
        StatusCode::FORBIDDEN,
        Code::PermissionDenied,
        error.to_owned(),
    )
}

/// Answers a browser that asks before it sends.
fn allowed() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, DELETE"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "content-type, idempotency-key, if-match, last-event-id",
        ),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Lets a page of a configured origin read the answer.
fn share(mut response: Response, origin: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, HeaderValue::from_static("origin"));
    let exposed = HeaderValue::from_static("conveyor-run-id, link");
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    response
}
