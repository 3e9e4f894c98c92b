//! Keeps web pages out: a browser on this machine must not drive the server for a page from elsewhere.
//!
//! An `Origin` must be our own host or a configured one. On a loopback listener the `Host` must be a
//! loopback name too, since a foreign name may be made to resolve to 127.0.0.1 (DNS rebinding).

use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HOST,
    ORIGIN, VARY,
};
use http::uri::Authority;
use http::{HeaderValue, Method, StatusCode};
use tonic::Code;
use tower::Service;

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
        .filter(|origin| is_configured(options, origin))
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
    let host = host(request);
    if options.loopback
        && !host
            .as_ref()
            .is_none_or(|host| is_ours(options, host.host()))
    {
        return Err(forbidden(
            "this host name is not served: see the setting api.hosts",
        ));
    }
    match request.headers().get(ORIGIN) {
        Some(origin) if !is_own(origin, host.as_ref()) && !is_configured(options, origin) => Err(
            forbidden("calls from this web origin are not allowed: see the setting api.origins"),
        ),
        _ => Ok(()),
    }
}

fn is_ours(options: &RouterOptions, host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
        || bare.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback())
        || options
            .hosts
            .iter()
            .any(|name| host.eq_ignore_ascii_case(name))
}

fn is_configured(options: &RouterOptions, origin: &HeaderValue) -> bool {
    options
        .origins
        .iter()
        .any(|known| known.as_bytes() == origin.as_bytes())
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

/// HTTP/2 has the host in the target, HTTP/1 in a header. `None`: not given.
fn host(request: &Request) -> Option<Authority> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.clone());
    }
    let host = request.headers().get(HOST)?;
    let unreadable = || Authority::from_static("unreadable.invalid");
    Some(Authority::try_from(host.as_bytes()).unwrap_or_else(|_| unreadable()))
}

fn is_own(origin: &HeaderValue, host: Option<&Authority>) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let origin = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    origin
        .zip(host)
        .is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host.as_str()))
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
