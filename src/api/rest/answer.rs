//! What a route answers when all went well.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tonic::Code;

use super::call::Call;
use super::error::Failure;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const RUN_ID: HeaderName = HeaderName::from_static("conveyor-run-id");

/// A JSON body.
pub(super) fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, JSON);
            response
        }
        Err(error) => {
            let error = format!("the answer is not JSON: {error}");
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, error).into_response()
        }
    }
}

/// No body.
pub(super) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Names the run that a write started.
pub(super) fn run_id(response: &mut Response, id: &str) {
    if let (false, Ok(id)) = (id.is_empty(), HeaderValue::from_str(id)) {
        response.headers_mut().insert(RUN_ID, id);
    }
}

/// Points to the next page of a list, as RFC 8288 has it.
pub(super) fn link_next(response: &mut Response, call: &Call, token: &str) {
    if token.is_empty() {
        return;
    }
    let others = call.uri().query().unwrap_or_default().split('&');
    let mut query: String = others
        .filter(|pair| !pair.is_empty() && !pair.starts_with("page_token="))
        .map(|pair| format!("{pair}&"))
        .collect();
    query += "page_token=";
    for byte in token.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                query.push(byte.into());
            }
            _ => query += &format!("%{byte:02X}"),
        }
    }
    let link = format!("<{}?{query}>; rel=\"next\"", call.uri().path());
    if let Ok(link) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(LINK, link);
    }
}
