//! Requests, calls, connections.

use super::page::{Label, Page, count, plain, seconds};
use crate::api::figures::{Endpoint, Figures, METHODS, Rpc, STATUSES};

pub(super) fn write(doors: &Figures, page: &mut Page<'_>) -> std::fmt::Result {
    rest(doors, page)?;
    grpc(&doors.rpcs(), page)?;
    page.gauge(
        plain(
            "conveyor_connections_open",
            "Connections that are open, of any kind.",
        ),
        count(doors.connections.get()),
    )?;
    page.counter(
        plain(
            "conveyor_connections_accepted",
            "Connections that were taken in.",
        ),
        doors.accepted.get(),
    )?;
    page.counter(
        plain(
            "conveyor_connections_failed",
            "Connections that could not be taken in, mostly for want of file descriptors.",
        ),
        doors.failed.get(),
    )?;
    page.counter(
        plain(
            "conveyor_http_requests_refused",
            "Requests refused for their origin, their host name or the size of their head.",
        ),
        doors.refused.get(),
    )?;
    page.gauges(
        plain(
            "conveyor_http_streams_open",
            "Open Server-Sent Events and websockets, by kind.",
        ),
        [
            ([("kind", "sse")], count(doors.event_streams.get())),
            ([("kind", "websocket")], count(doors.websockets.get())),
        ],
    )
}

/// The three names that Conveyor's documents give.
fn rest(doors: &Figures, page: &mut Page<'_>) -> std::fmt::Result {
    let endpoints = doors.endpoints();
    let codes = STATUSES.map(|status| status.to_string());
    let answers = endpoints.iter().flat_map(|endpoint| {
        let codes = &codes;
        verbs(endpoint).flat_map(move |(method, verb)| {
            let answers = verb.answers.iter().zip(codes);
            answers.map(move |(answers, code)| {
                let labels = [
                    ("method", method),
                    ("endpoint", endpoint.template.as_str()),
                    ("status_code", code.as_str()),
                ];
                (labels, answers.get())
            })
        })
    });
    page.counters(
        plain(
            "http_requests",
            "REST requests answered, by method, route and status code.",
        ),
        answers.filter(|(_, answers)| *answers > 0),
    )?;
    let times = endpoints.iter().flat_map(|endpoint| {
        verbs(endpoint).map(move |(method, verb)| {
            let labels = [("method", method), ("endpoint", endpoint.template.as_str())];
            (labels, verb.times.read())
        })
    });
    page.histograms(
        seconds(
            "http_request_duration",
            "Time from a REST request's head to the head of its answer.",
        ),
        times.filter(|(_, times)| times.count > 0),
    )?;
    page.gauge(
        plain("http_requests_in_flight", "REST requests being answered."),
        count(doors.in_flight.get()),
    )
}

fn verbs(endpoint: &Endpoint) -> impl Iterator<Item = (&'static str, &crate::api::figures::Verb)> {
    METHODS.into_iter().zip(&endpoint.verbs)
}

fn grpc(rpcs: &[std::sync::Arc<Rpc>], page: &mut Page<'_>) -> std::fmt::Result {
    /// The codes of gRPC, by number.
    const CODES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let codes = rpcs.iter().flat_map(|rpc| {
        let codes = rpc.codes.iter().zip(CODES);
        codes.map(move |(calls, code)| {
            let labels = [
                ("service", rpc.service.as_str()),
                ("method", rpc.method.as_str()),
                ("code", code),
            ];
            (labels, calls.get())
        })
    });
    page.counters(
        plain(
            "conveyor_grpc_requests",
            "gRPC calls that have ended, by method and code.",
        ),
        codes.filter(|(_, calls)| *calls > 0),
    )?;
    let times = rpcs.iter().map(|rpc| (named(rpc), rpc.times.read()));
    page.histograms(
        seconds(
            "conveyor_grpc_request_duration",
            "Time from a gRPC call's head to the end of its answer. Streams last as long as they are open.",
        ),
        times.filter(|(_, times)| times.count > 0),
    )?;
    let open = rpcs.iter().map(|rpc| (named(rpc), count(rpc.open.get())));
    page.gauges(
        plain(
            "conveyor_grpc_requests_in_flight",
            "gRPC calls and streams that are open, by method.",
        ),
        open.filter(|(_, open)| *open > 0),
    )
}

fn named(rpc: &Rpc) -> [Label<'_>; 2] {
    [
        ("service", rpc.service.as_str()),
        ("method", rpc.method.as_str()),
    ]
}
