//! How the server is reached: gRPC, REST, SSE and websocket on one port.
//!
//! A request with gRPC's content type goes to the services, anything else to REST, which calls the same
//! services in process. [`listen`] takes the connections.

mod arriving;
mod caught;
mod convert;
mod exchange;
pub mod figures;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
pub mod grpc;
pub mod health;
pub mod listen;
mod pages;
mod reflection;
pub mod rest;
mod rpcs;
mod status;
mod stream;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::Routes;
use tower::Service;

use self::arriving::Arriving;
pub use self::arriving::Room;
use self::caught::caught;
use self::exchange::place_of_caller;
use self::figures::Figures;
use self::reflection::{Reflection, v1, v1alpha};
use self::rest::Rest;
use self::rpcs::Rpcs;
use crate::proto::driver_service_server::{DriverService, DriverServiceServer};
use crate::proto::log_service_server::{LogService, LogServiceServer};
use crate::proto::pipeline_service_server::{PipelineService, PipelineServiceServer};
use crate::proto::resource_service_server::{ResourceService, ResourceServiceServer};
use crate::proto::run_service_server::{RunService, RunServiceServer};
use crate::proto::server_service_server::{ServerService, ServerServiceServer};
use crate::trace::{self, Tracer};

/// Largest gRPC message taken in, in bytes.
const MESSAGE_BYTES: usize = 8 << 20;

/// Everything the API calls, as one type.
pub trait Services:
    ResourceService + PipelineService + RunService + DriverService + LogService + ServerService + Clone
{
}

impl<T> Services for T where
    T: ResourceService
        + PipelineService
        + RunService
        + DriverService
        + LogService
        + ServerService
        + Clone
{
}

/// What the API needs to know of the server around it.
#[derive(Clone, Debug)]
pub struct RouterOptions {
    /// Whether the server serves: shown by /health and grpc.health.v1.
    pub serving: watch::Receiver<bool>,
    /// Ends every stream.
    pub stop: CancellationToken,
    /// Holds the tasks of websockets.
    pub tracker: TaskTracker,
    /// Largest body of a REST request, in bytes.
    pub body_bytes: usize,
    /// Whether the listener is reached from this machine only: then the `Host` of a request is checked.
    pub loopback: bool,
    /// Host names that a loopback listener answers to beside the loopback ones.
    pub hosts: Vec<String>,
    /// Web origins that may call beside our own.
    pub origins: Vec<String>,
    /// How long a message of a call, or the body of a REST request, may take to arrive.
    pub arrival: Duration,
    /// Room for requests that are not whole yet.
    pub room: Room,
    /// How the doors are watched.
    pub watch: Watch,
}

/// How the doors are watched.
#[derive(Clone, Debug)]
pub struct Watch {
    /// What they count of themselves.
    pub figures: Arc<Figures>,
    /// Records what is asked and answered.
    pub tracer: Tracer,
    /// Writes down all figures, for GET /metrics.
    pub exposition: Arc<dyn Exposition>,
}

/// Writes down the server's figures for those who collect them.
pub trait Exposition: std::fmt::Debug + Send + Sync {
    /// All figures. May look at the disk.
    fn write(&self, format: ExpositionFormat) -> String;
}

/// How figures are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpositionFormat {
    /// Prometheus text, version 0.0.4.
    Prometheus,
    /// OpenMetrics text, version 1.0.0.
    OpenMetrics,
}

/// Everything that is served. No stack of layers, each of which would box a future for each request.
#[derive(Clone, Debug)]
pub struct Doors {
    grpc: Router,
    rpcs: Rpcs,
    rest: Rest,
    options: Arc<RouterOptions>,
}

impl Doors {
    /// REST calls services of its own, so that they need not answer what it does not show.
    pub fn new<S: Services>(grpc: S, rest: S, options: RouterOptions) -> Self {
        let options = Arc::new(options);
        Self {
            rpcs: Rpcs::new(&options.watch.figures),
            grpc: self::grpc(grpc, &options),
            rest: Rest::new(rest, Arc::clone(&options)),
            options,
        }
    }

    /// What the doors count of themselves.
    pub(crate) fn figures(&self) -> &Arc<Figures> {
        self.rest.figures()
    }

    /// Answers a request.
    pub async fn call(&self, request: Request) -> Response {
        let trace = self
            .options
            .watch
            .tracer
            .begin(place_of_caller(request.headers()));
        let place = trace.place().cloned();
        trace::within(place, self.answer(request, trace)).await
    }

    async fn answer(&self, request: Request, trace: trace::Request) -> Response {
        if !is_grpc(request.headers()) {
            return self.rest.call(request, trace).await;
        }
        let path = request.uri().path();
        let (call, takes_stream) = (self.rpcs.begin(path, trace), self.rpcs.takes_stream(path));
        let response = match pages::refusal(&self.options, &request) {
            Some(why) => self.refuse(why),
            None => {
                let arriving = |body| Body::new(Arriving::new(body, &self.options, takes_stream));
                match caught(self.grpc.clone().call(request.map(arriving))).await {
                    Ok(Ok(response)) => response,
                    Err(panicked) => Status::from(panicked).into_http(),
                }
            }
        };
        rpcs::until_end(call, response)
    }

    fn refuse(&self, why: &'static str) -> Response {
        self.figures().refused.one();
        Status::permission_denied(why).into_http()
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// The gRPC services, and what tells clients of them. Answers may be as large as they are: what keeps
/// them small are the limits on what is stored and listed.
fn grpc<S: Services>(api: S, options: &RouterOptions) -> Router {
    macro_rules! service {
        ($server:ident) => {
            $server::new(api.clone())
                .max_decoding_message_size(MESSAGE_BYTES)
                .accept_compressed(Gzip)
        };
    }
    let reflection = Reflection::new(&options.stop);
    Routes::new(service!(ResourceServiceServer))
        .add_service(service!(PipelineServiceServer))
        .add_service(service!(RunServiceServer))
        .add_service(service!(DriverServiceServer))
        .add_service(service!(LogServiceServer))
        .add_service(service!(ServerServiceServer))
        .add_service(health::service(options).accept_compressed(Gzip))
        .add_service(v1::ServerReflectionServer::new(reflection.clone()).accept_compressed(Gzip))
        .add_service(v1alpha::ServerReflectionServer::new(reflection).accept_compressed(Gzip))
        .prepare()
        .into_axum_router()
}
