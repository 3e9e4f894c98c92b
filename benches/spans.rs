//! Times taken one by one, their quantiles, and the clock that all processes of a host share.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::Result;

/// Times in microseconds.
#[derive(Default)]
pub(crate) struct Spans(Vec<f64>);

impl Spans {
    /// Does something again and again for a time, and keeps how long each took.
    pub(crate) async fn of(
        time: Duration,
        mut call: impl AsyncFnMut() -> Result<()>,
    ) -> Result<Self> {
        let mut spans = Self::default();
        let end = Instant::now() + time;
        while Instant::now() < end {
            let start = Instant::now();
            call().await?;
            spans.add(start.elapsed());
        }
        Ok(spans)
    }

    /// Adds one time.
    pub(crate) fn add(&mut self, span: Duration) {
        self.0.push(span.as_secs_f64() * 1e6);
    }

    /// Adds those of another.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The middle of them.
    pub(crate) fn p50(&self) -> f64 {
        self.quantile(0.5)
    }

    /// What 99 of 100 do not exceed.
    pub(crate) fn p99(&self) -> f64 {
        self.quantile(0.99)
    }

    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(at).copied().unwrap_or(f64::NAN)
    }
}

/// What many did at once.
pub(crate) struct Crowd {
    /// How often all of them together did it in a second.
    pub(crate) rate: f64,
    /// How long each took.
    pub(crate) spans: Spans,
}

impl Crowd {
    /// A crowd that began at a time and ends now, with the times of each of its members.
    pub(crate) fn since(start: Instant, members: impl IntoIterator<Item = Spans>) -> Self {
        let time = start.elapsed();
        let mut spans = Spans::default();
        members.into_iter().for_each(|it| spans.extend(it));
        let rate = spans.count() as f64 / time.as_secs_f64();
        Self { rate, spans }
    }
}

/// Now, on the clock that every process of this host reads.
pub(crate) fn host_clock() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).expect("the clock starts at zero");
    let nanoseconds = u32::try_from(now.tv_nsec).expect("less than a second");
    Duration::new(seconds, nanoseconds)
}

/// The clock's reading as text that fits into a log line.
pub(crate) fn stamp() -> String {
    host_clock().as_nanos().to_string()
}

/// How long ago a stamp was made.
pub(crate) fn since(stamp: &str) -> Result<Duration> {
    let then = Duration::from_nanos(stamp.parse()?);
    Ok(host_clock().saturating_sub(then))
}
