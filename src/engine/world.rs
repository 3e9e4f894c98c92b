//! Time and ids come in through this door alone, so that the engine can run on a simulated clock with a seed.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use uuid::Uuid;

/// Where the engine gets time and ids from.
pub trait World: Send + Sync + 'static {
    /// The time of day, for people.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment; never goes back.
    fn elapsed(&self) -> Duration;

    /// A new id that sorts after earlier ones.
    fn ordered_id(&self) -> Uuid;

    /// A new id that nobody can guess.
    fn random_id(&self) -> Uuid;
}

/// The real world.
pub struct SystemWorld(Instant);

impl SystemWorld {
    /// Starts counting now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl World for SystemWorld {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn ordered_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn random_id(&self) -> Uuid {
        Uuid::new_v4()
    }
}
