//! A REST request as the generated handlers see it: path, query, headers and body, each put into the
//! fields of a typed request.

use std::sync::Arc;

use axum::RequestPartsExt;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Query, RawPathParams, Request};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, EXPECT, IF_MATCH};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};
use http_body_util::BodyExt;
use tonic::{Code, Status};

use super::super::RouterOptions;
use super::super::arriving::Share;
use super::error::Failure;
use super::value::Value;
use crate::error::Error;
use crate::proto::json::{self, Fields};

/// Where a reader of events comes back to.
pub(super) const LAST_EVENT_ID: &str = "last-event-id";

/// Most bytes over the limit that are read for nothing.
const DROPPED_BYTES: usize = 64 << 20;

/// A request, read to its end.
#[derive(Debug)]
pub(super) struct Call {
    path: Vec<String>,
    query: Vec<(String, String)>,
    head: Parts,
    body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Failure;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Failure> {
        let (mut head, body) = request.into_parts();
        let path = head.extract::<RawPathParams>().await;
        let path = path.map_err(|_| Failure::invalid("path", "not valid UTF-8"))?;
        let path = path.iter().map(|(_, part)| part.to_owned()).collect();
        let query =
            Query::try_from_uri(&head.uri).map_or_else(|_| Vec::new(), |Query(pairs)| pairs);
        let body = read(&head, body).await?;
        Ok(Call {
            path,
            query,
            head,
            body,
        })
    }
}

async fn read(head: &Parts, body: Body) -> Result<Bytes, Failure> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let options = head.extensions.get::<Arc<RouterOptions>>();
    let options = options.expect("the router adds its options");
    let (most, share) = (options.body_bytes, options.room.share());
    let asks_first = head.headers.contains_key(EXPECT);
    if asks_first && body.size_hint().lower() > most as u64 {
        return Err(too_large());
    }
    let read = tokio::time::timeout(options.arrival, read_at_most(most, share, body)).await;
    read.unwrap_or_else(|_| {
        let error = "the body did not arrive in time".to_owned();
        let status = StatusCode::REQUEST_TIMEOUT;
        Err(Failure::new(status, Code::DeadlineExceeded, error))
    })
}

/// What is over the limit is read and dropped, up to a bound: most clients send all before they listen.
async fn read_at_most(most: usize, mut share: Share, mut body: Body) -> Result<Bytes, Failure> {
    let (mut kept, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::invalid("", "it broke off"))?;
        let data = frame.into_data().unwrap_or_default();
        length += data.len();
        if length <= most {
            kept.extend_from_slice(&data);
            if !share.hold(length) {
                return Err(no_room());
            }
        } else if length > most + DROPPED_BYTES {
            break;
        }
    }
    if length > most {
        Err(too_large())
    } else {
        Ok(kept.freeze())
    }
}

pub(super) fn no_room() -> Failure {
    Failure::of(&Error::Crowded.into(), "")
}

pub(super) fn too_large() -> Failure {
    let error = "the body is too large".to_owned();
    Failure::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        Code::ResourceExhausted,
        error,
    )
}

impl Call {
    pub(super) fn uri(&self) -> &Uri {
        &self.head.uri
    }

    pub(super) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.head
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    }

    /// The path parts that stand for fields.
    pub(super) fn path_parts(&self) -> &[String] {
        &self.path
    }

    /// The value in the query; the last of several.
    pub(super) fn query_value(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rfind(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The message in the body.
    pub(super) fn body<T: Fields>(&self) -> Result<T, Failure> {
        check_content_type(&self.head.headers)?;
        let message = json::from_slice(&self.body);
        message.map_err(|invalid| Failure::invalid(&invalid.field, &invalid.description))
    }

    /// The message in the body, empty where there is no body.
    pub(super) fn body_if_any<T: Fields>(&self) -> Result<T, Failure> {
        if self.body.is_empty() {
            return Ok(T::default());
        }
        self.body()
    }

    /// Puts a path part into a field. What the body gave for it must not differ.
    pub(super) fn path<T>(&self, place: usize, field: &str, into: &mut T) -> Result<(), Failure>
    where
        T: Value + Default + PartialOrd,
    {
        let part = self.path.get(place).map(String::as_str).unwrap_or_default();
        let value = T::read(part).ok().filter(|value| *value > T::default());
        let Some(value) = value else {
            let error = format!("there is no {field} {part:.40}");
            return Err(Failure::new(StatusCode::NOT_FOUND, Code::NotFound, error));
        };
        if *into != T::default() && *into != value {
            return Err(Failure::invalid(field, "differs from the one in the path"));
        }
        *into = value;
        Ok(())
    }

    /// Puts a value of the query into a field, if it is there.
    pub(super) fn query<T: Value>(&self, field: &str, into: &mut T) -> Result<(), Failure> {
        if let Some(value) = self.query_value(field) {
            *into = T::read(value).map_err(|what| Failure::invalid(field, what))?;
        }
        Ok(())
    }

    /// Puts a value of the query into a field that may be absent.
    pub(super) fn query_if_any<T: Value + Default>(
        &self,
        field: &str,
        into: &mut Option<T>,
    ) -> Result<(), Failure> {
        match self.query_value(field) {
            Some(_) => self.query(field, into.get_or_insert_default()),
            None => Ok(()),
        }
    }

    /// Puts the names of an enum's values that the query gives into a field.
    pub(super) fn query_names<E: Into<i32>>(
        &self,
        field: &str,
        into: &mut Vec<i32>,
        read: impl Fn(&str) -> Option<E>,
    ) -> Result<(), Failure> {
        for (_, name) in self.query.iter().filter(|(key, _)| key == field) {
            let value = read(name).ok_or_else(|| {
                let what = format!("{name:.40} is not one of its names");
                Failure::invalid(field, &what)
            })?;
            into.push(value.into());
        }
        Ok(())
    }

    /// Puts the revision that `If-Match` names into a field.
    pub(super) fn if_match(&self, into: &mut i64) -> Result<(), Failure> {
        let Some(tag) = self.head.headers.get(IF_MATCH) else {
            return Ok(());
        };
        let tag = tag.to_str().unwrap_or_default();
        let revision = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        match revision.and_then(|revision| i64::read(revision).ok()) {
            Some(revision) if revision > 0 => *into = revision,
            _ if tag == "*" => (),
            _ => {
                let error = "If-Match names no revision, such as \"3\"".to_owned();
                return Err(Failure::new(
                    StatusCode::PRECONDITION_FAILED,
                    Code::Aborted,
                    error,
                ));
            }
        }
        Ok(())
    }

    /// Puts the position of `Last-Event-ID` into a field. It wins over the query: a browser sends it by
    /// itself when it comes back with the address it knows.
    pub(super) fn last_event_id(&self, into: &mut Option<u64>) -> Result<(), Failure> {
        if let Some(id) = self.header(LAST_EVENT_ID) {
            let id = u64::read(id).map_err(|what| Failure::invalid("Last-Event-ID", what))?;
            *into = Some(id);
        }
        Ok(())
    }

    /// Puts `Idempotency-Key` into a field.
    pub(super) fn idempotency_key(&self, into: &mut String) -> Result<(), Failure> {
        let Some(key) = self.head.headers.get("idempotency-key") else {
            return Ok(());
        };
        let key = key
            .to_str()
            .map_err(|_| Failure::invalid("Idempotency-Key", "must be ASCII"))?;
        key.clone_into(into);
        Ok(())
    }

    /// What a service answered to the request, whose body is the field `body` (with its dot).
    pub(super) fn failure(&self, status: &Status, body: &str) -> Failure {
        let mut failure = Failure::of(status, body);
        if status.code() == Code::Aborted && self.head.headers.contains_key(IF_MATCH) {
            failure.status = StatusCode::PRECONDITION_FAILED;
        }
        failure
    }
}

/// Anything that ends in `json` will do, and so does nothing at all: some clients send none.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Failure> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let value = value.to_str().unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default();
    if essence.trim().to_ascii_lowercase().ends_with("json") {
        return Ok(());
    }
    let error = "the body must be JSON, with Content-Type: application/json".to_owned();
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Err(Failure::new(status, Code::InvalidArgument, error))
}
