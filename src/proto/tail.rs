//! The answer of `TailLogs`, which is written here and not generated: its lines stay encoded from the store to the
//! wire, since nothing on the way to a gRPC client needs to look into them.

use bytes::Bytes;
use prost::Message;

use super::LogGap;

/// The next lines of a log.
#[derive(Clone, PartialEq, Message)]
pub struct TailLogsResponse {
    /// The lines in order, each an encoded [`LogEntry`](super::LogEntry).
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub entries: Vec<Bytes>,
    /// Set when lines before these are no longer kept.
    #[prost(message, optional, tag = "2")]
    pub gap: Option<LogGap>,
}
