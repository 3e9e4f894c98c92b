//! The Rust client of Conveyor and a runtime for its drivers.

/// The generated messages and clients of `proto/conveyor/v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
pub mod proto {
    tonic::include_proto!("conveyor.v1");
}
