//! What a follower asks for, and which lines that is.

use jiff::Timestamp;

use crate::store::{PackedLines, StoredChunk};

/// What a follower asks for.
#[derive(Clone, Debug, Default)]
pub struct TailQuery {
    /// The run, or what else the log is kept under.
    pub run: String,
    /// Only lines of this driver; empty: of all.
    pub driver: String,
    /// Only lines of this step; empty: of all.
    pub step: String,
    /// Go on after this sequence number.
    pub after: u64,
    /// Begin at the last so many of the stored lines that are wanted.
    pub last_lines: Option<u64>,
    /// Only lines written at this time or later.
    pub since: Option<Timestamp>,
    /// Whether to wait for more until the run has ended.
    pub follow: bool,
    /// Whether to wait for a run that is not known.
    pub wait_for_unknown: bool,
}

impl TailQuery {
    pub(super) fn wants(&self, chunk: &StoredChunk) -> bool {
        let is = |wanted: &str, it: &str| wanted.is_empty() || wanted == it;
        is(&self.driver, &chunk.driver) && is(&self.step, &chunk.step)
    }

    /// How many lines at the front are too old, and how many after those are wanted together.
    pub(super) fn by_time(&self, lines: &PackedLines) -> (u64, u64) {
        let Some(since) = self.since else {
            return (0, u64::MAX);
        };
        let mut times = lines.times().map(|time| time >= since).peekable();
        let mut count = |wanted| {
            let mut count = 0;
            while times.next_if_eq(&wanted).is_some() {
                count += 1;
            }
            count
        };
        (count(false), count(true))
    }

    /// The places of the wanted lines in a chunk.
    pub(super) fn places_in(&self, chunk: &StoredChunk) -> Vec<u64> {
        match self.since {
            _ if !self.wants(chunk) => Vec::new(),
            None => (0..chunk.count).collect(),
            Some(since) => (0..)
                .zip(chunk.lines.times())
                .filter_map(|(place, time)| (time >= since).then_some(place))
                .collect(),
        }
    }
}
