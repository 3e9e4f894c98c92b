//! A collector of traces, reached over OTLP as a real one is.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

use crate::support::eventually;

type Received = Arc<Mutex<Vec<ResourceSpans>>>;

/// A collector and what it has received.
pub(super) struct Collector {
    pub(super) address: String,
    received: Received,
}

struct Door(Received);

#[tonic::async_trait]
impl TraceService for Door {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request.into_inner().resource_spans;
        self.0.lock().unwrap().extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let received = Received::default();
        let service = TraceServiceServer::new(Door(Arc::clone(&received)));
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(incoming));
        Self { address, received }
    }

    /// Sends a span as a driver would that was told this place.
    pub(super) async fn receive_from_driver(&self, traceparent: &str, name: &str) {
        let parts: Vec<&str> = traceparent.split('-').collect();
        let span = Span {
            trace_id: bytes(parts[1]),
            parent_span_id: bytes(parts[2]),
            span_id: vec![1; 8],
            name: name.to_owned(),
            ..Span::default()
        };
        let name = KeyValue {
            key: "service.name".to_owned(),
            value: Some(AnyValue {
                value: Some(Value::StringValue("the driver".to_owned())),
            }),
            ..KeyValue::default()
        };
        let spans = ResourceSpans {
            resource: Some(Resource {
                attributes: vec![name],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        };
        let mut client = TraceServiceClient::connect(self.address.clone())
            .await
            .unwrap();
        let request = ExportTraceServiceRequest {
            resource_spans: vec![spans],
        };
        client.export(request).await.unwrap();
    }

    /// What came of a trace so far.
    pub(super) fn spans(&self, trace: &str) -> Spans {
        let received = self.received.lock().unwrap();
        let spans = received
            .iter()
            .flat_map(|it| &it.scope_spans)
            .flat_map(|it| &it.spans);
        Spans(
            spans
                .filter(|it| hex(&it.trace_id) == trace)
                .cloned()
                .map(Seen)
                .collect(),
        )
    }

    /// Waits until what came of a trace is enough.
    pub(super) async fn spans_when(&self, trace: &str, enough: impl Fn(&Spans) -> bool) -> Spans {
        eventually("the spans arrive", async || {
            let spans = self.spans(trace);
            enough(&spans).then_some(spans)
        })
        .await
    }

    /// How many spans came.
    pub(super) fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }

    /// Who sent something.
    pub(super) fn service_names(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        let attributes = received
            .iter()
            .filter_map(|it| it.resource.as_ref())
            .flat_map(|it| &it.attributes);
        let names: BTreeSet<String> = attributes
            .filter(|it| it.key == "service.name")
            .map(text)
            .collect();
        names.into_iter().collect()
    }
}

/// Spans of one trace.
#[derive(Debug)]
pub(super) struct Spans(Vec<Seen>);

impl Spans {
    pub(super) fn named(&self, name: &str) -> Vec<&Seen> {
        self.0.iter().filter(|it| it.0.name == name).collect()
    }

    /// The one span of this name.
    pub(super) fn only(&self, name: &str) -> &Seen {
        self.one(name, |_| true)
    }

    /// The one span of this name that is meant.
    pub(super) fn one(&self, name: &str, is_meant: impl Fn(&Seen) -> bool) -> &Seen {
        let meant: Vec<_> = self
            .named(name)
            .into_iter()
            .filter(|it| is_meant(it))
            .collect();
        assert_eq!(meant.len(), 1, "{name}: {self:?}");
        meant[0]
    }
}

/// A span as it was received.
#[derive(Debug)]
pub(super) struct Seen(pub(super) Span);

impl Seen {
    pub(super) fn id(&self) -> String {
        hex(&self.0.span_id)
    }

    pub(super) fn parent(&self) -> String {
        hex(&self.0.parent_span_id)
    }

    /// An attribute as text; empty where it is not there.
    pub(super) fn fact(&self, key: &str) -> String {
        let fact = self.0.attributes.iter().find(|it| it.key == key);
        fact.map(text).unwrap_or_default()
    }
}

fn text(attribute: &KeyValue) -> String {
    match attribute.value.as_ref().and_then(|it| it.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{}: {other:?}", attribute.key),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}
