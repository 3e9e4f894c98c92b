//! The API document that build/openapi writes, and the page that shows it. Neither needs anything from elsewhere.

use std::sync::Arc;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Method, StatusCode};
use utoipa_swagger_ui::Config;

use super::super::Services;
use super::call::Call;
use super::error::Failure;
use super::not_found;
use super::routes::Routes;

/// The API document.
pub(in crate::api) const DOCUMENT: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
const TAG: HeaderValue =
    HeaderValue::from_static(include_str!(concat!(env!("OUT_DIR"), "/openapi.etag")));
const PAGE: &str = "/swagger/index.html";

/// What the page may do: its own scripts, styles and calls, and the pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document under its new name and its old one, and the files of the page.
pub(super) fn routes<S: Services>() -> Routes<Arc<S>> {
    let config = Config::new(["/openapi.json"])
        .use_base_layout()
        .validator_url("none")
        .display_request_duration(true);
    Routes::new()
        .route("/openapi.json", get(document))
        .route("/swagger/doc.json", get(document))
        .route("/swagger", get(page))
        .route(
            "/swagger/{file}",
            get(file).layer(Extension(Arc::new(config))),
        )
}

async fn document(call: Call) -> Response {
    if call.header(IF_NONE_MATCH).is_some_and(names_ours) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, TAG)]).into_response();
    }
    let json = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, json), (ETAG, TAG)], DOCUMENT).into_response()
}

/// Whether one of the tags is the document's. A proxy that packs answers marks them as weak.
fn names_ours(tags: &str) -> bool {
    let tags = tags.split(',').map(str::trim);
    let mut tags = tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag));
    tags.any(|tag| tag == "*" || tag.as_bytes() == TAG.as_bytes())
}

async fn page() -> Response {
    (StatusCode::MOVED_PERMANENTLY, [(LOCATION, PAGE)]).into_response()
}

async fn file(
    Extension(config): Extension<Arc<Config<'static>>>,
    call: Call,
) -> Result<Response, Failure> {
    let name = call.path_parts().concat();
    let Ok(Some(file)) = utoipa_swagger_ui::serve(&name, config) else {
        return Err(not_found(Method::GET, call.uri().clone()).await);
    };
    let headers = [
        (CONTENT_TYPE, file.content_type.as_str()),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, file.bytes.into_owned()).into_response())
}
