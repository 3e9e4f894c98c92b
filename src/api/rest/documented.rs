//! What the documents promise and annotations cannot say: the answers of some methods, `/` and `/health`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Extension;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde::Serialize;

use super::super::{RouterOptions, Services};
use super::answer::json;
use super::routes::Routes;
use crate::proto::{BroadcastMessageResponse, ResourceChange};

/// The routes that belong to no service.
pub(super) fn routes<S: Services>() -> Routes<Arc<S>> {
    Routes::new()
        .route("/", get(root))
        .route("/health", get(health))
}

async fn root() -> &'static str {
    concat!(
        "Conveyor ",
        env!("CARGO_PKG_VERSION"),
        ": the API of a CI/CD control plane.\n",
        "REST: /resource-definitions, /resources, /pipelines, /runs, /drivers, /logs, /watch, /health;\n",
        "all of it is in /openapi.json, which /swagger/index.html shows.\n",
        "gRPC with reflection on the same port: grpcurl -plaintext <address> list\n",
    )
}

async fn health(Extension(options): Extension<Arc<RouterOptions>>) -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
        time: u64,
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (code, status) = match *options.serving.borrow() {
        true => (StatusCode::OK, "healthy"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
    };
    json(
        code,
        &Health {
            status,
            time: now.as_secs(),
        },
    )
}

pub(super) fn create_resource(answer: &ResourceChange) -> Response {
    #[derive(Serialize)]
    struct Created<'a> {
        message: &'static str,
        name: &'a str,
        runid: &'a str,
        version: String,
    }
    let resource = answer.resource.clone().unwrap_or_default();
    let created = Created {
        message: "Resource created successfully",
        name: &resource.name,
        runid: &answer.run_id,
        version: resource.revision.to_string(),
    };
    json(StatusCode::CREATED, &created)
}

pub(super) fn broadcast_message(_answer: &BroadcastMessageResponse) -> Response {
    #[derive(Serialize)]
    struct Published {
        message: &'static str,
    }
    json(
        StatusCode::OK,
        &Published {
            message: "message published",
        },
    )
}
