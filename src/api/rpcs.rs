//! Counts gRPC calls: each method is known from the descriptors before the first call.
//!
//! A call lasts until its answer has been read to the end or dropped: an open stream is an open call.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::response::Response;
use http_body_util::BodyExt;
use prost::Message;
use prost_types::FileDescriptorSet;

use super::caught::Caught;
use super::exchange::Called;
use super::figures::{Figures, Rpc};
use crate::trace;

/// What all services are described by.
pub(super) const DESCRIPTOR_SETS: [&[u8]; 4] = [
    crate::proto::FILE_DESCRIPTOR_SET,
    tonic_health::pb::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
];

/// The methods of all services: they are part of the program, and are read once in a process.
static METHODS: LazyLock<Vec<Method>> =
    LazyLock::new(|| DESCRIPTOR_SETS.into_iter().flat_map(methods).collect());

struct Method {
    service: String,
    name: String,
    path: String,
    takes_stream: bool,
}

/// The methods of an encoded descriptor set.
fn methods(set: &[u8]) -> Vec<Method> {
    let set = FileDescriptorSet::decode(set).expect("descriptors of our own build decode");
    let mut methods = Vec::new();
    for file in set.file {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            methods.extend(service.method.iter().map(|method| Method {
                path: format!("/{name}/{}", method.name()),
                service: name.clone(),
                name: method.name().to_owned(),
                takes_stream: method.client_streaming(),
            }));
        }
    }
    methods
}

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
    /// Knows every method.
    pub(super) fn new(figures: &Figures) -> Self {
        let streaming = METHODS.iter().filter(|it| it.takes_stream);
        let by_path = METHODS
            .iter()
            .map(|it| (it.path.clone(), figures.rpc(&it.service, &it.name)));
        Self {
            by_path: Arc::new(by_path.collect()),
            streaming: Arc::new(streaming.map(|it| it.path.clone()).collect()),
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
