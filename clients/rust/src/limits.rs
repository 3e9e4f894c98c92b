//! What the server takes at most, as its Welcome says.

use crate::proto;

/// The server's limits in the form that the ledger uses. What a Welcome leaves out is the documented
/// default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of one Log message, all told.
    pub(crate) batch_bytes: usize,
    /// Lines in one Log message.
    pub(crate) batch_lines: usize,
    /// Bytes of one line.
    pub(crate) line_bytes: usize,
    /// Bytes of a result's data.
    pub(crate) data_bytes: usize,
    /// Bytes of a result's message.
    pub(crate) message_bytes: usize,
}

/// What a Log message needs besides its lines.
const LOG_HEAD_BYTES: usize = 256;

impl Default for Limits {
    fn default() -> Self {
        Self::from(proto::Limits::default())
    }
}

impl From<proto::Limits> for Limits {
    fn from(said: proto::Limits) -> Self {
        let message = or(said.message_bytes, 8 << 20);
        let batch = or(said.log_batch_bytes, 1 << 20);
        Self {
            batch_bytes: batch.min(message.saturating_sub(LOG_HEAD_BYTES)),
            batch_lines: or(said.log_batch_lines.into(), 4096),
            line_bytes: or(said.log_line_bytes.into(), 64 << 10),
            data_bytes: or(said.result_data_bytes, 256 << 10),
            message_bytes: or(said.result_message_bytes.into(), 16 << 10),
        }
    }
}

fn or(said: u64, default: usize) -> usize {
    if said == 0 {
        default
    } else {
        usize::try_from(said).unwrap_or(usize::MAX)
    }
}
