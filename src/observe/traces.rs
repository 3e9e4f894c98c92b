//! Sends spans to a collector by OTLP over gRPC.
//!
//! They wait in a bounded queue and go out in batches from a thread of their own. A collector that is slow or away costs
//! spans, never a request: what does not fit the queue is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, SpanId, TraceId, Value};
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::EnvResourceDetector;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample,
    SpanData, SpanExporter, SpanProcessor,
};

use crate::trace::{Fact, Recorder, Role, Span, TraceContext, Tracer};

/// Variables of OpenTelemetry that name a collector.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("setting trace.otlp: spans cannot be sent to {endpoint}: {reason}")]
pub struct Error {
    endpoint: String,
    reason: String,
}

/// Sends spans to a collector.
pub struct Traces {
    ids: RandomIdGenerator,
    /// The share of new traces that are recorded, from 0 to 1.
    ratio: f64,
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl Traces {
    /// Sends to the collector at `endpoint`; where that is empty, to the one that OpenTelemetry's variables name. `None`
    /// where none of them does.
    pub fn start(endpoint: &str, ratio: f64) -> Result<Option<Arc<Self>>, Error> {
        let named = ENDPOINTS.iter().any(|name| is_set(name));
        if (endpoint.is_empty() && !named)
            || std::env::var("OTEL_SDK_DISABLED").as_deref() == Ok("true")
        {
            return Ok(None);
        }
        let mut builder = OtlpExporter::builder().with_tonic();
        if !endpoint.is_empty() {
            builder = builder.with_endpoint(endpoint);
        }
        let exporter = builder.build().map_err(|error| Error {
            endpoint: endpoint.to_owned(),
            reason: error.to_string(),
        })?;
        let mut processor = BatchSpanProcessor::builder(Watched::new(exporter)).build();
        processor.set_resource(&resource());
        let version = env!("CARGO_PKG_VERSION");
        Ok(Some(Arc::new(Self {
            ids: RandomIdGenerator::default(),
            ratio,
            processor,
            scope: InstrumentationScope::builder("conveyor")
                .with_version(version)
                .build(),
        })))
    }

    /// Records with this.
    pub fn tracer(self: &Arc<Self>) -> Tracer {
        Tracer::new(Arc::clone(self) as Arc<dyn Recorder>)
    }

    /// Sends what waits, for no longer than this.
    pub async fn flush(self: Arc<Self>, within: Duration) {
        let flush = move || self.processor.shutdown_with_timeout(within);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(flush).await {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

/// What the spans are of: a name, unless OpenTelemetry's variables give another, and what else they give.
fn resource() -> Resource {
    let name = std::env::var("OTEL_SERVICE_NAME")
        .ok()
        .filter(|name| !name.is_empty());
    let builder = Resource::builder_empty()
        .with_service_name("conveyor")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_detector(Box::new(EnvResourceDetector::new()));
    match name {
        Some(name) => builder.with_service_name(name),
        None => builder,
    }
    .build()
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

impl Recorder for Traces {
    fn new_trace(&self) -> TraceContext {
        let id = self.ids.new_trace_id();
        TraceContext {
            trace: u128::from_be_bytes(id.to_bytes()),
            span: self.new_span(),
            recorded: is_sampled(self.ratio, id),
            state: None,
        }
    }

    fn new_span(&self) -> u64 {
        u64::from_be_bytes(self.ids.new_span_id().to_bytes())
    }

    fn record(&self, span: Span) {
        let (parent, remote) = span.parent;
        let state = span.place.tracestate().parse().unwrap_or(TraceState::NONE);
        let ids = (
            TraceId::from(span.place.trace),
            SpanId::from(span.place.span),
        );
        self.processor.on_end(SpanData {
            span_context: SpanContext::new(ids.0, ids.1, TraceFlags::SAMPLED, false, state),
            parent_span_id: SpanId::from(parent),
            parent_span_is_remote: remote,
            span_kind: match span.role {
                Role::Server => SpanKind::Server,
                Role::Producer => SpanKind::Producer,
                Role::Internal => SpanKind::Internal,
            },
            name: span.name.into(),
            start_time: span.began,
            end_time: span.ended,
            attributes: span.facts.into_iter().map(attribute).collect(),
            dropped_attributes_count: 0,
            events: Default::default(),
            links: Default::default(),
            status: span.failure.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        });
    }
}

fn attribute((key, fact): (&'static str, Fact)) -> KeyValue {
    let value = match fact {
        Fact::Text(text) => Value::from(text),
        Fact::Number(number) => Value::from(number),
    };
    KeyValue::new(key, value)
}

/// Whether a trace that begins here is recorded. By its id, as every OpenTelemetry SDK decides.
fn is_sampled(ratio: f64, id: TraceId) -> bool {
    let sampler = Sampler::TraceIdRatioBased(ratio);
    let result = sampler.should_sample(None, id, "", &SpanKind::Server, &[], &[]);
    result.decision == SamplingDecision::RecordAndSample
}

/// An exporter whose failures are told, once each time that it begins to fail.
#[derive(Debug)]
struct Watched {
    exporter: OtlpExporter,
    failing: AtomicBool,
}

impl Watched {
    fn new(exporter: OtlpExporter) -> Self {
        Self {
            exporter,
            failing: AtomicBool::new(false),
        }
    }
}

impl SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        match (&sent, self.failing.swap(sent.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => tracing::warn!(%error, "spans cannot be sent; they are dropped"),
            (Ok(()), true) => tracing::info!("spans are sent again"),
            (Err(_), true) | (Ok(()), false) => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
