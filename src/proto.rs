//! The generated wire types and service traits of `proto/conveyor/v1`.

#![allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]

tonic::include_proto!("conveyor.v1");
