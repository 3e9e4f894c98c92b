//! Counts gRPC calls: each method is known from the descriptors before the first call.
//!
//! A call lasts until its answer has been read to the end or dropped: an open stream is an open call.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http_body_util::BodyExt;
use prost::Message;
use prost_types::FileDescriptorSet;

use super::caught::Caught;
use super::exchange::Called;
use super::figures::{Figures, Rpc};
use crate::trace;

/// What calls are counted under, by their path.
#[derive(Clone, Debug)]
pub(super) struct Rpcs {
    by_path: Arc<HashMap<String, Arc<Rpc>>>,
    /// The paths of methods that take a stream.
    streaming: Arc<HashSet<String>>,
    /// For methods that nobody serves.
    unmatched: Arc<Rpc>,
}

impl Rpcs {
    /// Knows the methods of these descriptor sets.
    pub(super) fn new(sets: &[&[u8]], figures: &Figures) -> Self {
        let (mut by_path, mut streaming) = (HashMap::new(), HashSet::new());
        for set in sets {
            let set = FileDescriptorSet::decode(*set).expect("descriptors of our own build decode");
            for file in set.file {
                for service in &file.service {
                    let name = format!("{}.{}", file.package(), service.name());
                    for method in &service.method {
                        let path = format!("/{name}/{}", method.name());
                        if method.client_streaming() {
                            streaming.insert(path.clone());
                        }
                        by_path.insert(path, figures.rpc(&name, method.name()));
                    }
                }
            }
        }
        Self {
            by_path: Arc::new(by_path),
            streaming: Arc::new(streaming),
            unmatched: figures.rpc("unmatched", "unmatched"),
        }
    }

    /// Whether a method takes many messages, so that the next may come at any time.
    pub(super) fn takes_stream(&self, path: &str) -> bool {
        self.streaming.contains(path)
    }

    /// A call begins.
    pub(super) fn begin(&self, path: &str, trace: trace::Request) -> Called {
        Called::begin(self.by_path.get(path).unwrap_or(&self.unmatched), trace)
    }
}

/// Ends the call where its answer ends.
pub(super) fn until_end(mut call: Called, response: Response) -> Response {
    call.see(response.headers());
    response.map(|body| {
        Body::new(Caught::new(body).map_frame(move |frame| {
            if let Some(trailers) = frame.trailers_ref() {
                call.see(trailers);
            }
            frame
        }))
    })
}
