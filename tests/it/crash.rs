//! Crashes: of the server at random points, of a driver in the middle of a step, and all at once.

mod chaos;
mod driver;
mod misbehaving;
#[cfg(feature = "crash-points")]
mod points;
mod server;
mod users;

/// A small generator, so that a failure can be had again from its seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

pub(crate) fn seed() -> u64 {
    let given = std::env::var("CRASH_SEED")
        .ok()
        .map(|seed| seed.parse().unwrap());
    given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 | 1)
}
