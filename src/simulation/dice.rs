//! Chance, from a seed: whoever throws dice has dice of his own, so that a throw more of one changes nobody else's.

use std::ops::Range;
use std::time::Duration;

use uuid::Uuid;

/// Dice.
pub(super) struct Dice(fastrand::Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Dice for another.
    pub(super) fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }

    /// Whether something happens that happens so many times in a hundred.
    pub(super) fn percent(&mut self, chance: u32) -> bool {
        self.0.u32(0..100) < chance
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.usize(0..end)
    }

    /// One of a range of numbers.
    pub(super) fn of(&mut self, range: Range<u64>) -> u64 {
        self.0.u64(range)
    }

    /// A time of so many milliseconds.
    pub(super) fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.of(range))
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    /// A random id.
    pub(super) fn id(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
