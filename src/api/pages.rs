//! Keeps web pages out, of REST and gRPC alike: a browser on this machine must not drive the server for a
//! page from elsewhere.
//!
//! An `Origin` must be our own host or a configured one. On a loopback listener the `Host` must be a
//! loopback name too, since a foreign name may be made to resolve to 127.0.0.1 (DNS rebinding): its page is
//! at home then, for the browser, and may send what it likes.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::Request;
use http::HeaderValue;
use http::header::{HOST, ORIGIN};
use http::uri::Authority;

use super::RouterOptions;

/// Why a request is not let in. `None`: it is.
pub(super) fn refusal(options: &RouterOptions, request: &Request) -> Option<&'static str> {
    let host = host(request);
    let is_known = host
        .as_ref()
        .is_none_or(|host| is_ours(options, host.host()));
    if options.loopback && !is_known {
        return Some("this host name is not served: see the setting api.hosts");
    }
    let origin = request.headers().get(ORIGIN)?;
    let is_let_in = is_own(origin, host.as_ref()) || is_configured(options, origin);
    (!is_let_in)
        .then_some("calls from this web origin are not allowed: see the setting api.origins")
}

/// Whether the settings name the origin.
pub(super) fn is_configured(options: &RouterOptions, origin: &HeaderValue) -> bool {
    options
        .origins
        .iter()
        .any(|known| known.as_bytes() == origin.as_bytes())
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
