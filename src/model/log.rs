//! Log lines, as a driver sends them and as a run keeps them.

use jiff::Timestamp;
use uuid::Uuid;

use super::pipeline::{Labels, MAX_LABELS};

/// Most bytes of one line.
pub const LINE_BYTES: usize = 64 << 10;
/// Most lines of one batch.
pub const BATCH_LINES: usize = 4096;
/// Most bytes of the messages and labels of one batch.
pub const BATCH_BYTES: usize = 1 << 20;

/// One line, without its end-of-line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was written, by the clock of its writer.
    pub time: Timestamp,
    /// Where it was written: stdout, stderr, or a word of the driver's own.
    pub stream: String,
    /// The driver's own key-value pairs.
    pub labels: Labels,
    /// The line.
    pub message: String,
}

/// Lines that were written together: one row of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The step that wrote them; empty for lines appended from outside.
    pub step: String,
    /// The attempt that wrote them, from 1; 0 for lines appended from outside.
    pub attempt: u32,
    /// The driver that wrote them.
    pub driver: String,
    /// The pipeline of the run.
    pub pipeline: String,
    /// The lines in order.
    pub lines: Vec<Line>,
}

/// What breaks the limits of a line, in words.
pub fn check_line(line: &Line) -> Result<(), &'static str> {
    if line.message.len() > LINE_BYTES {
        return Err("a line is at most 64 KiB long");
    }
    if line.stream.len() > 128 {
        return Err("the name of a stream is at most 128 bytes long");
    }
    let label = |(key, value): (&String, &String)| key.len() <= 128 && value.len() <= 1 << 10;
    if line.labels.len() > MAX_LABELS || !line.labels.iter().all(label) {
        return Err("a line has at most 32 labels, a key at most 128 bytes, a value at most 1 KiB");
    }
    Ok(())
}

/// The id that a log is kept under. A run's is its UUID, however that is written; lines from outside may come under any
/// id of 1 to 128 bytes.
pub fn log_id(id: &str) -> Result<String, &'static str> {
    match Uuid::parse_str(id) {
        Ok(run) => Ok(run.to_string()),
        Err(_) if (1..=128).contains(&id.len()) => Ok(id.to_owned()),
        Err(_) => Err("a run id is 1 to 128 bytes long"),
    }
}

/// Adds up what a line weighs against the limit of a batch.
pub fn weight(line: &Line) -> usize {
    let labels: usize = line
        .labels
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    line.message.len() + line.stream.len() + labels
}
