//! grpc.health.v1: one state for the whole server and for each of its services.

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::RouterOptions;
use crate::proto::driver_service_server::SERVICE_NAME as DRIVERS;
use crate::proto::log_service_server::SERVICE_NAME as LOGS;
use crate::proto::pipeline_service_server::SERVICE_NAME as PIPELINES;
use crate::proto::resource_service_server::SERVICE_NAME as RESOURCES;
use crate::proto::run_service_server::SERVICE_NAME as RUNS;
use crate::proto::server_service_server::SERVICE_NAME as SERVER;

/// The empty name stands for the server as a whole.
const SERVICES: [&str; 7] = ["", RESOURCES, PIPELINES, RUNS, DRIVERS, LOGS, SERVER];

/// The health service of a server with these options.
pub(super) fn service(options: &RouterOptions) -> HealthServer<impl Health> {
    HealthServer::new(ServerHealth {
        serving: options.serving.clone(),
        stop: options.stop.clone(),
    })
}

struct ServerHealth {
    serving: watch::Receiver<bool>,
    stop: CancellationToken,
}

#[tonic::async_trait]
impl Health for ServerHealth {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        known(&request)?;
        Ok(Response::new(response(*self.serving.borrow())))
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        known(&request)?;
        let states = WatchStream::new(self.serving.clone());
        let stop = self.stop.clone().cancelled_owned();
        let states = states.map(|serving| Ok(response(serving))).take_until(stop);
        Ok(Response::new(states.boxed()))
    }
}

fn known(request: &Request<HealthCheckRequest>) -> Result<(), Status> {
    if SERVICES.contains(&request.get_ref().service.as_str()) {
        Ok(())
    } else {
        Err(Status::not_found("no such service"))
    }
}

fn response(serving: bool) -> HealthCheckResponse {
    let status = if serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    HealthCheckResponse {
        status: status.into(),
    }
}
