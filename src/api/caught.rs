//! Panics of what answers a request: each costs its own request, which is answered as the server's fault.
//!
//! A panic has been logged and counted by the time it is caught (`observe::panics`). Those of other threads that a request
//! waits for go on in it, and end here too (`aside::joined`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures_util::FutureExt;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::Status;

use crate::error::{Error, Result};

/// Does some work of a request. What it held in the middle of it is dropped, and its locks are given back.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T> {
    let work = AssertUnwindSafe(work).catch_unwind().await;
    work.map_err(|_| Error::Panicked)
}

/// The body of a gRPC answer. One that panics ends with the trailers that say so.
pub(super) struct Caught(Option<Body>);

impl Caught {
    pub(super) fn new(body: Body) -> Self {
        Self(Some(body))
    }
}

impl HttpBody for Caught {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Self::Error>>> {
        let Some(body) = self.0.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(cx)));
        polled.unwrap_or_else(|_| {
            self.0 = None;
            let mut trailers = HeaderMap::new();
            let told = Status::from(Error::Panicked).add_header(&mut trailers);
            let trailers = told.map(|()| Frame::trailers(trailers));
            Poll::Ready(Some(trailers.map_err(axum::Error::new)))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.0.as_ref().map(HttpBody::size_hint);
        rest.unwrap_or_default()
    }
}
