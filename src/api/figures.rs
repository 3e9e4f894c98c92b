//! What the API counts of itself: requests of REST and of gRPC, connections, streams to people.
//!
//! What a request is counted under is resolved before the server serves: a route's [`Endpoint`], a method's [`Rpc`]. All
//! there can be of them is known then, so that no caller can make more.

use std::sync::{Arc, Mutex, PoisonError};

use http::Method;

use crate::meter::{Counter, Gauge, Histogram};

/// The words for methods. Any other is counted as the last.
pub const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "other",
];
/// The status codes that are told apart: those we answer with. 499 is a caller who left before the answer. Any other is
/// counted as the first of its hundred, which is what it means to one who does not know it.
pub const STATUSES: [u16; 33] = [
    100, 101, 200, 201, 202, 204, 206, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 406,
    408, 409, 411, 412, 413, 415, 422, 426, 429, 431, 499, 500, 503, 504,
];

/// All that is counted at the doors.
#[derive(Debug, Default)]
pub struct Figures {
    endpoints: Mutex<Vec<Arc<Endpoint>>>,
    rpcs: Mutex<Vec<Arc<Rpc>>>,
    /// REST requests that are being answered.
    pub in_flight: Arc<Gauge>,
    /// Connections of any kind that are open.
    pub connections: Arc<Gauge>,
    /// Connections that were taken in.
    pub accepted: Counter,
    /// Connections that could not be taken in.
    pub failed: Counter,
    /// Requests that the guard refused: of a foreign origin or host, or with too large a head.
    pub refused: Counter,
    /// Open websockets.
    pub websockets: Arc<Gauge>,
    /// Open streams of Server-Sent Events.
    pub event_streams: Arc<Gauge>,
}

/// What is counted of the requests to one route.
#[derive(Debug)]
pub struct Endpoint {
    /// The route's template, such as `/pipelines/{name}`.
    pub template: String,
    /// By the place of the method in [`METHODS`].
    pub verbs: [Verb; METHODS.len()],
}

/// What is counted of the requests to one route with one method.
#[derive(Debug)]
pub struct Verb {
    /// How many were answered, by the place of the status in [`STATUSES`].
    pub answers: [Counter; STATUSES.len()],
    /// How long the answers took to begin.
    pub times: Histogram,
}

/// What is counted of the calls of one gRPC method.
#[derive(Debug)]
pub struct Rpc {
    /// The full name of the service.
    pub service: String,
    /// The name of the method.
    pub method: String,
    /// How many ended, by code.
    pub codes: [Counter; 17],
    /// How long they took to their end.
    pub times: Histogram,
    /// Calls that go on.
    pub open: Arc<Gauge>,
}

impl Figures {
    /// Adds a route. Called while the doors are built.
    pub(super) fn endpoint(&self, template: &str) -> Arc<Endpoint> {
        let mut endpoints = self
            .endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = endpoints.iter().find(|it| it.template == template) {
            return Arc::clone(known);
        }
        let endpoint = Arc::new(Endpoint {
            template: template.to_owned(),
            verbs: std::array::from_fn(|_| Verb {
                answers: std::array::from_fn(|_| Counter::default()),
                times: Histogram::of_times(),
            }),
        });
        endpoints.push(Arc::clone(&endpoint));
        endpoint
    }

    /// Adds a gRPC method. Called while the doors are built.
    pub(super) fn rpc(&self, service: &str, method: &str) -> Arc<Rpc> {
        let rpc = Arc::new(Rpc {
            service: service.to_owned(),
            method: method.to_owned(),
            codes: Default::default(),
            times: Histogram::of_times(),
            open: Arc::default(),
        });
        let mut rpcs = self.rpcs.lock().unwrap_or_else(PoisonError::into_inner);
        rpcs.push(Arc::clone(&rpc));
        rpc
    }

    /// All routes.
    pub fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        let endpoints = self.endpoints.lock();
        endpoints.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All gRPC methods.
    pub fn rpcs(&self) -> Vec<Arc<Rpc>> {
        let rpcs = self.rpcs.lock();
        rpcs.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The place of a method in [`METHODS`].
pub(super) fn verb(method: &Method) -> usize {
    let known = METHODS.iter().position(|word| method.as_str() == *word);
    known.unwrap_or(METHODS.len() - 1)
}

/// The place of a status in [`STATUSES`].
pub(super) fn place(status: u16) -> usize {
    let first = || STATUSES.partition_point(|known| *known < status / 100 * 100);
    let known = STATUSES.binary_search(&status);
    known.unwrap_or_else(|_| first().min(STATUSES.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_we_do_not_know_is_counted_in_its_hundred() {
        let counted = [200, 226, 404, 418, 599, 308].map(|status| STATUSES[place(status)]);
        assert_eq!(counted, [200, 200, 404, 400, 500, 308]);
    }

    #[test]
    fn methods_nobody_knows_fold_into_one() {
        let garbled = Method::from_bytes(b"GETT").unwrap();
        assert_eq!(METHODS[verb(&garbled)], "other");
        assert_eq!(METHODS[verb(&Method::DELETE)], "DELETE");
    }
}
