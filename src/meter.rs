//! Figures that the rooms keep of themselves: counters, gauges and histograms of plain atomics.
//!
//! To count costs one or two relaxed atomic operations, no lock and no look-up. Whoever wants to show the figures reads
//! them when asked; under which names is the business of `observe`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// What only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one.
    pub fn one(&self) {
        self.add(1);
    }

    /// Counts so many.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many there are now.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Counts one more, until what is answered is dropped.
    pub fn hold(self: &Arc<Self>) -> Held {
        self.0.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(self))
    }

    /// How many there are.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of those that a gauge counts.
#[derive(Debug)]
pub struct Held(Arc<Gauge>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Upper ends of the buckets of a time, in nanoseconds: 100 µs to 10 s.
const TIMES: [u64; 16] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];
/// Upper ends of the buckets of a number of things.
const NUMBERS: [u64; 13] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/// How often a value fell into each of a few fixed ranges.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// How many of the units it counts in make one of those it is read in.
    scale: f64,
    /// One for each bound, and one for what is beyond the last.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// A histogram as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// The upper end of each range, the last infinite, and how many fell into it.
    pub buckets: Vec<(f64, u64)>,
    /// The sum of all values.
    pub sum: f64,
    /// How many values there were.
    pub count: u64,
}

impl Histogram {
    /// Of times; it is read in seconds.
    pub fn of_times() -> Self {
        Self::new(&TIMES, 1e9)
    }

    /// Of numbers of things.
    pub fn of_numbers() -> Self {
        Self::new(&NUMBERS, 1.0)
    }

    fn new(bounds: &'static [u64], scale: f64) -> Self {
        Self {
            bounds,
            scale,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Takes note of a time.
    pub fn took(&self, time: Duration) {
        self.saw(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Takes note of a number.
    pub fn saw(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What it has seen. Values that come meanwhile may be in the sum and not yet in a bucket, or the other way round.
    pub fn read(&self) -> Spread {
        let ends = self.bounds.iter().map(|bound| float(*bound) / self.scale);
        let counts = self.counts.iter().map(|it| it.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = ends.chain([f64::INFINITY]).zip(counts).collect();
        Spread {
            sum: float(self.sum.load(Ordering::Relaxed)) / self.scale,
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
        }
    }
}

/// The nearest float: a figure need not be exact beyond 2^53.
#[expect(clippy::cast_precision_loss, reason = "a figure need not be exact")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_into_the_first_range_that_reaches_it() {
        let histogram = Histogram::of_numbers();
        for value in [0, 1, 2, 3, 4096, 4097] {
            histogram.saw(value);
        }
        let spread = histogram.read();
        let at = |end: f64| {
            spread
                .buckets
                .iter()
                .find(|(it, _)| *it == end)
                .map(|(_, count)| *count)
        };
        assert_eq!((at(1.0), at(2.0), at(4.0)), (Some(2), Some(1), Some(1)));
        assert_eq!((at(4096.0), at(f64::INFINITY)), (Some(1), Some(1)));
        assert_eq!((spread.count, spread.sum), (6, 8199.0));
    }

    #[test]
    fn a_time_is_read_in_seconds() {
        let histogram = Histogram::of_times();
        histogram.took(Duration::from_millis(30));
        assert_eq!(histogram.read().sum, 0.03);
        assert!(histogram.read().buckets.contains(&(0.05, 1)));
    }

    #[test]
    fn a_gauge_goes_down_with_what_it_counts() {
        let gauge = Arc::new(Gauge::default());
        let (one, two) = (gauge.hold(), gauge.hold());
        assert_eq!(gauge.get(), 2);
        drop((one, two));
        assert_eq!(gauge.get(), 0);
    }
}
