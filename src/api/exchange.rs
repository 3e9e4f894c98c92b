//! A request from its head to its answer: counted, recorded in its trace and logged when it is over.
//!
//! It is over when its answer begins, or when its caller has left; a gRPC call when its answer has been read to the end or
//! dropped.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, Method, StatusCode};
use tonic::Code;

use super::figures::{Endpoint, Figures, METHODS, Rpc, place, verb};
use crate::meter::Held;
use crate::trace::{Request, TraceContext};

/// The status of a request whose caller left before the answer.
const LEFT: u16 = 499;

/// The place in a trace that a caller names.
pub(super) fn place_of_caller(headers: &HeaderMap) -> Option<TraceContext> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let traceparent = text("traceparent")?;
    TraceContext::parse(traceparent, text("tracestate").unwrap_or_default())
}

/// A REST request. Dropped before its end it counts as one whose caller left.
pub(super) struct Asked {
    endpoint: Arc<Endpoint>,
    verb: usize,
    status: u16,
    began: Instant,
    trace: Request,
    _in_flight: Held,
}

impl Asked {
    pub(super) fn begin(
        figures: &Figures,
        endpoint: &Arc<Endpoint>,
        method: &Method,
        trace: Request,
    ) -> Self {
        Self {
            endpoint: Arc::clone(endpoint),
            verb: verb(method),
            status: LEFT,
            began: Instant::now(),
            trace,
            _in_flight: figures.in_flight.hold(),
        }
    }

    /// The answer begins.
    pub(super) fn answered(mut self, status: StatusCode) {
        self.status = status.as_u16();
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let figures = &self.endpoint.verbs[self.verb];
        figures.answers[place(self.status)].one();
        figures.times.took(took);
        let (method, route, status) = (METHODS[self.verb], &self.endpoint.template, self.status);
        tracing::debug!(
            method,
            route,
            status,
            ?took,
            trace_id = self
                .trace
                .place()
                .map(|it| tracing::field::display(it.trace_id())),
            "request"
        );
        self.trace.end(|| {
            let facts = vec![
                ("http.request.method", method.into()),
                ("http.route", route.as_str().into()),
                ("http.response.status_code", i64::from(status).into()),
            ];
            let failed = (status >= 500).then(String::new);
            (format!("{method} {route}"), facts, failed)
        });
    }
}

/// A gRPC call. Dropped without a code it was cancelled by its caller.
pub(super) struct Called {
    rpc: Arc<Rpc>,
    code: Code,
    began: Instant,
    trace: Request,
    _open: Held,
}

impl Called {
    pub(super) fn begin(rpc: &Arc<Rpc>, trace: Request) -> Self {
        Self {
            rpc: Arc::clone(rpc),
            code: Code::Cancelled,
            began: Instant::now(),
            trace,
            _open: rpc.open.hold(),
        }
    }

    /// Takes the code from where gRPC puts it: in the trailers, or in the head of an answer that has no more.
    pub(super) fn see(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get(tonic::Status::GRPC_STATUS) {
            self.code = Code::from_bytes(code.as_bytes());
        }
    }
}

impl Drop for Called {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let code = self.code;
        self.rpc.codes[code as usize].one();
        self.rpc.times.took(took);
        let (service, method) = (&self.rpc.service, &self.rpc.method);
        tracing::debug!(
            service,
            method,
            ?code,
            ?took,
            trace_id = self
                .trace
                .place()
                .map(|it| tracing::field::display(it.trace_id())),
            "call"
        );
        self.trace.end(|| {
            let facts = vec![
                ("rpc.system", "grpc".into()),
                ("rpc.service", service.as_str().into()),
                ("rpc.method", method.as_str().into()),
                ("rpc.grpc.status_code", i64::from(code as i32).into()),
            ];
            let own_fault = [
                Code::Unknown,
                Code::DeadlineExceeded,
                Code::Unimplemented,
                Code::Internal,
                Code::Unavailable,
                Code::DataLoss,
            ];
            let failed = own_fault.contains(&code).then(|| format!("{code:?}"));
            (format!("{service}/{method}"), facts, failed)
        });
    }
}
