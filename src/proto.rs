//! The generated wire types and service traits of `proto/conveyor/v1`.

#![allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]

tonic::include_proto!("conveyor.v1");

pub mod json;
mod moment;
mod tail;

pub use tail::{TailLogsResponse, TailedLine, TailedLines};

/// The compiled `proto/conveyor/v1` with all it imports, annotations and comments included.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/api.bin"));
