//! The answer of `TailLogs`, which is written here and not generated: lines stay encoded from the store to the wire,
//! since nothing on the way to a gRPC client needs to look into them.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes};
use prost::encoding::{DecodeContext, WireType, skip_field};
use prost::{DecodeError, Message};
use prost_types::Timestamp;

use super::LogGap;

/// The next lines of a log, encoded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TailLogsResponse(pub Bytes);

/// What a [`TailLogsResponse`] holds.
#[derive(Clone, PartialEq, Message)]
pub struct TailedLines {
    /// The lines in order.
    #[prost(message, repeated, tag = "1")]
    pub entries: Vec<TailedLine>,
    /// Set when lines before these are no longer kept.
    #[prost(message, optional, tag = "2")]
    pub gap: Option<LogGap>,
}

/// A `LogEntry` whose texts are slices of what was read.
#[derive(Clone, PartialEq, Message)]
pub struct TailedLine {
    #[prost(bytes = "bytes", tag = "1")]
    run_id: Bytes,
    /// Place in the run's log.
    #[prost(uint64, tag = "2")]
    pub seq: u64,
    #[prost(bytes = "bytes", tag = "3")]
    step: Bytes,
    /// Which attempt at the step wrote it.
    #[prost(int32, tag = "4")]
    pub attempt: i32,
    #[prost(bytes = "bytes", tag = "5")]
    driver: Bytes,
    #[prost(bytes = "bytes", tag = "6")]
    pipeline: Bytes,
    /// When it was written.
    #[prost(message, optional, tag = "7")]
    pub time: Option<Timestamp>,
    #[prost(bytes = "bytes", tag = "8")]
    stream: Bytes,
    /// The driver's own pairs.
    #[prost(btree_map = "string, string", tag = "9")]
    pub labels: BTreeMap<String, String>,
    #[prost(bytes = "bytes", tag = "10")]
    message: Bytes,
}

/// Reads a field that is a text.
macro_rules! texts {
    ($($name:ident: $what:literal),+) => {
        impl TailedLine {
            $(#[doc = $what]
            pub fn $name(&self) -> &str {
                // It was a text when it was stored.
                std::str::from_utf8(&self.$name).unwrap_or_default()
            })+
        }
    };
}

texts!(
    run_id: "The run.",
    step: "The step that wrote it.",
    driver: "The driver that wrote it.",
    pipeline: "The pipeline of the run.",
    stream: "Where it was written.",
    message: "The line."
);

impl TailLogsResponse {
    /// Reads the lines.
    pub fn read(&self) -> Result<TailedLines, DecodeError> {
        TailedLines::decode(self.0.clone())
    }
}

impl Message for TailLogsResponse {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(&self.0);
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    /// A server never reads an answer.
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        skip_field(wire_type, tag, buffer, context)
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}
