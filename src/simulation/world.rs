//! Time and ids of a simulated server: tokio's paused clock, a time of day that can be set, and ids from the seed.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use uuid::Uuid;

use super::dice::Dice;
use crate::engine::world::World;

/// The second at which every simulation begins.
pub(super) const MORNING: i64 = 1_790_000_000;

/// The clock on the wall, which all servers of a simulation look at. It can be set.
#[derive(Clone)]
pub(super) struct WallClock {
    began: Instant,
    set_by: Arc<AtomicI64>,
}

impl WallClock {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            set_by: Arc::default(),
        }
    }

    /// Sets it ahead or back.
    pub(super) fn step(&self, seconds: i64) {
        self.set_by.fetch_add(seconds, Ordering::Relaxed);
    }

    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.began.elapsed()).expect("it is short");
        let set_by = self.set_by.load(Ordering::Relaxed);
        let morning = Timestamp::from_second(MORNING + set_by).expect("it is in range");
        morning + passed
    }
}

/// What one server sees of the world.
pub(super) struct SimulatedWorld {
    wall: WallClock,
    started: Instant,
    ids: Mutex<Ids>,
}

struct Ids {
    dice: Dice,
    /// Milliseconds of the last ordered id, and how many had them before it.
    last: (u64, u16),
}

impl SimulatedWorld {
    pub(super) fn new(wall: WallClock, dice: Dice) -> Self {
        let ids = Ids { dice, last: (0, 0) };
        Self {
            wall,
            started: Instant::now(),
            ids: Mutex::new(ids),
        }
    }
}

impl World for SimulatedWorld {
    fn now(&self) -> Timestamp {
        self.wall.now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// As `Uuid::now_v7` makes them: in order while the process lives, by the time of day beyond that.
    fn ordered_id(&self) -> Uuid {
        let now = u64::try_from(self.wall.now().as_millisecond()).expect("it is after 1970");
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, count) = ids.last;
        ids.last = if now > last {
            (now, 0)
        } else {
            (last, count + 1)
        };
        let (time, count) = ids.last;
        let mut random = [0; 10];
        random[..2].copy_from_slice(&count.to_be_bytes());
        ids.dice.fill(&mut random[2..]);
        uuid::Builder::from_unix_timestamp_millis(time, &random).into_uuid()
    }

    fn random_id(&self) -> Uuid {
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.dice.id()
    }
}
