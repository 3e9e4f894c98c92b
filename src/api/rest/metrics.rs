//! `GET /metrics`: the server's figures, as Prometheus text or as OpenMetrics where the caller takes that.

use std::sync::Arc;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use tonic::Code;

use super::super::{ExpositionFormat, RouterOptions, Services};
use super::error::Failure;
use super::routes::Routes;

pub(super) fn routes<S: Services>() -> Routes<Arc<S>> {
    Routes::new().route("/metrics", get(metrics))
}

async fn metrics(
    Extension(options): Extension<Arc<RouterOptions>>,
    headers: HeaderMap,
) -> Response {
    let format = wanted(&headers);
    let exposition = Arc::clone(&options.watch.exposition);
    // Some figures are looked up on the disk.
    match tokio::task::spawn_blocking(move || exposition.write(format)).await {
        Ok(text) => ([(CONTENT_TYPE, media_type(format))], text).into_response(),
        Err(_) => {
            let error = "the figures could not be written down".to_owned();
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, error).into_response()
        }
    }
}

fn wanted(headers: &HeaderMap) -> ExpositionFormat {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
        ExpositionFormat::OpenMetrics
    } else {
        ExpositionFormat::Prometheus
    }
}

fn media_type(format: ExpositionFormat) -> &'static str {
    match format {
        ExpositionFormat::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        ExpositionFormat::OpenMetrics => {
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }
}
