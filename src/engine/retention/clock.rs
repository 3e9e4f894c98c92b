//! The time that ages are counted by: the time of day, unless it jumps.
//!
//! What a wrong clock makes old is gone for good when the clock is set right. So a jump ahead is believed only when
//! it has lasted for a while. A jump back needs no care: nothing is too old then.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::engine::world::World;

/// A clock that gains more than this between two looks has jumped.
const JUMP: SignedDuration = SignedDuration::from_hours(1);
/// How long a jump has to last.
const DOUBT: Duration = Duration::from_secs(60 * 60);

/// The time of day at the last look, and how it is to go on.
#[derive(Clone, Copy, Default)]
pub(super) struct Clock {
    last: Option<(Timestamp, Duration)>,
    /// While a jump is doubted: since when.
    doubted: Option<Duration>,
}

impl Clock {
    /// The time to count ages by.
    pub(super) fn now(&mut self, world: &dyn World) -> Timestamp {
        let (now, elapsed) = (world.now(), world.elapsed());
        let believed = self.believe(now, elapsed);
        self.last = Some((believed, elapsed));
        believed
    }

    fn believe(&mut self, now: Timestamp, elapsed: Duration) -> Timestamp {
        let Some((last, at)) = self.last else {
            return now;
        };
        let passed = SignedDuration::try_from(elapsed.saturating_sub(at)).unwrap_or_default();
        let expected = last.saturating_add(passed).unwrap_or(last);
        if now.duration_since(expected) <= JUMP {
            self.doubted = None;
            return now;
        }
        if self.doubted.is_none() {
            tracing::warn!(%expected, %now, "the clock jumped: if that lasts for an hour, ages are counted by it");
        }
        let since = *self.doubted.get_or_insert(elapsed);
        if elapsed.saturating_sub(since) < DOUBT {
            return expected;
        }
        self.doubted = None;
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn clock() -> Clock {
        Clock {
            last: Some((at(1_000_000), seconds(0))),
            doubted: None,
        }
    }

    /// Looks at a clock that is so far ahead of what passed.
    fn look(clock: &mut Clock, elapsed: u64, ahead: i64) -> i64 {
        let now = at(1_000_000 + i64::try_from(elapsed).unwrap() + ahead);
        let believed = clock.believe(now, seconds(elapsed));
        clock.last = Some((believed, seconds(elapsed)));
        believed.as_second() - 1_000_000
    }

    #[test]
    fn a_jump_ahead_is_believed_when_it_has_lasted_for_an_hour() {
        let mut clock = clock();
        let year = 365 * 24 * 3600;
        assert_eq!(look(&mut clock, 10, year), 10);
        assert_eq!(look(&mut clock, 3600, year), 3600);
        assert_eq!(look(&mut clock, 3611, year), 3611 + year);
        assert_eq!(look(&mut clock, 3621, year), 3621 + year);
    }

    #[test]
    fn a_jump_that_is_taken_back_leaves_no_trace() {
        let mut clock = clock();
        assert_eq!(look(&mut clock, 10, 86_400), 10);
        assert_eq!(look(&mut clock, 20, 0), 20);
        assert_eq!(look(&mut clock, 5_000, 86_400), 5_000);
    }

    #[test]
    fn a_clock_that_is_set_back_or_drifts_is_followed() {
        let mut clock = clock();
        assert_eq!(look(&mut clock, 10, -500), -490);
        assert_eq!(look(&mut clock, 20, 600), 620);
    }
}
