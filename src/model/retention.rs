//! How long things are kept: limits by age and by count, for the whole server and for one definition.
//!
//! Pure: time is an argument. Invariant: of two things, the newer one is never due while the older is kept, and
//! what lies in the future, since a clock was set back, is never too old.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// The word for no limit.
const FOREVER: &str = "forever";
/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<T> {
    /// None.
    Forever,
    /// So much and no more.
    AtMost(T),
}

/// How long things of one sort are kept. What is over one of the limits is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How old a thing may become.
    pub max_age: Limit<Duration>,
    /// How many of them there may be.
    pub max_count: Limit<u64>,
}

/// How long everything is kept that belongs to resources. Counts are of each resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Finished runs; their age counts from their end.
    pub runs: Limits,
    /// Logs of finished runs; their age counts from the end of the run.
    pub logs: Limits,
    /// Revisions of a resource, the current one counted; their age counts from the write that replaced them.
    pub revisions: Limits,
}

/// Limits that may be left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenLimits {
    /// How old a thing may become.
    pub max_age: Option<Limit<Duration>>,
    /// How many of them there may be.
    pub max_count: Option<Limit<u64>>,
}

/// What a definition says of how long things of its resources are kept. What it leaves open is as the server's
/// settings have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Finished runs.
    pub runs: GivenLimits,
    /// Logs of finished runs.
    pub logs: GivenLimits,
    /// Revisions.
    pub revisions: GivenLimits,
}

impl Limits {
    /// The time before which everything is too old; `None` where nothing is.
    pub fn cutoff(&self, now: Timestamp) -> Option<Timestamp> {
        match self.max_age {
            Limit::Forever => None,
            #[cfg(test)]
            Limit::AtMost(age) if planted(Sabotage::RemovesTooSoon) => now
                .checked_sub(SignedDuration::try_from(age / 2).ok()?)
                .ok(),
            Limit::AtMost(age) => now.checked_sub(SignedDuration::try_from(age).ok()?).ok(),
        }
    }

    /// Whether something is too old that stands as it is since then.
    pub fn is_too_old(&self, since: Timestamp, now: Timestamp) -> bool {
        self.cutoff(now).is_some_and(|cutoff| since < cutoff)
    }

    /// Whether something is one too many that has so many newer ones before it.
    pub fn is_too_many(&self, newer: u64) -> bool {
        match self.max_count {
            Limit::Forever => false,
            #[cfg(test)]
            Limit::AtMost(most) if planted(Sabotage::RemovesOneMore) => newer + 1 >= most,
            Limit::AtMost(most) => newer >= most,
        }
    }
}

impl GivenLimits {
    /// Reads limits; an empty text leaves one open. `wrong` is told of each text that is no limit: its field, and
    /// what it must be.
    pub fn read(
        max_age: &str,
        max_count: &str,
        mut wrong: impl FnMut(&'static str, &'static str),
    ) -> Self {
        Self {
            max_age: given(max_age, || wrong("max_age", AGE)),
            max_count: given(max_count, || wrong("max_count", COUNT)),
        }
    }

    fn or(self, server: Limits) -> Limits {
        Limits {
            max_age: self.max_age.unwrap_or(server.max_age),
            max_count: self.max_count.unwrap_or(server.max_count),
        }
    }
}

impl Retention {
    /// Whether it leaves everything open.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What holds for the definition on a server of this policy.
    pub fn over(&self, server: &Policy) -> Policy {
        Policy {
            runs: self.runs.or(server.runs),
            logs: self.logs.or(server.logs),
            revisions: self.revisions.or(server.revisions),
        }
    }
}

impl Policy {
    /// Whether anything goes by its number.
    pub fn counts(&self) -> bool {
        [self.runs, self.logs, self.revisions]
            .iter()
            .any(|limits| limits.max_count != Limit::Forever)
    }
}

/// What an age looks like, for error texts.
pub const AGE: &str = "a time above zero such as 90d or 12h, or forever";
/// What a count looks like, for error texts.
pub const COUNT: &str = "a number from 1 on, or forever";

fn given<T>(text: &str, wrong: impl FnOnce()) -> Option<Limit<T>>
where
    Limit<T>: FromStr<Err = ()>,
{
    if text.is_empty() {
        return None;
    }
    let limit = text.parse();
    if limit.is_err() {
        wrong();
    }
    limit.ok()
}

impl FromStr for Limit<Duration> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == FOREVER {
            return Ok(Self::Forever);
        }
        let span: Span = text.parse().map_err(drop)?;
        let age = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(drop)?;
        let age = Duration::try_from(age).map_err(drop)?;
        if age.is_zero() {
            Err(())
        } else {
            Ok(Self::AtMost(age))
        }
    }
}

impl FromStr for Limit<u64> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.parse() {
            _ if text == FOREVER => Ok(Self::Forever),
            Ok(0) | Err(_) => Err(()),
            Ok(most) => Ok(Self::AtMost(most)),
        }
    }
}

impl fmt::Display for Limit<Duration> {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Forever => to.write_str(FOREVER),
            Self::AtMost(age) if age.subsec_nanos() == 0 && age.as_secs() % DAY == 0 => {
                write!(to, "{}d", age.as_secs() / DAY)
            }
            Self::AtMost(age) => {
                let age = SignedDuration::try_from(*age).unwrap_or(SignedDuration::MAX);
                write!(to, "{age:#}")
            }
        }
    }
}

impl fmt::Display for Limit<u64> {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Forever => to.write_str(FOREVER),
            Self::AtMost(most) => most.fmt(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> impl Strategy<Value = Limits> {
        let age = prop_oneof![
            Just(Limit::Forever),
            (1..1_000_000_u64).prop_map(|secs| Limit::AtMost(Duration::from_secs(secs))),
        ];
        let count = prop_oneof![Just(Limit::Forever), (1..100_u64).prop_map(Limit::AtMost),];
        (age, count).prop_map(|(max_age, max_count)| Limits { max_age, max_count })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    proptest! {
        #[test]
        fn the_newer_is_never_due_before_the_older(
            limits in limits(), now in 0_i64..2_000_000, old in 0_i64..2_000_000, by in 0_i64..1_000, rank in 0_u64..200,
        ) {
            if limits.is_too_old(at(old + by), at(now)) {
                prop_assert!(limits.is_too_old(at(old), at(now)));
            }
            if limits.is_too_many(rank) {
                prop_assert!(limits.is_too_many(rank + 1));
            }
        }

        #[test]
        fn a_clock_that_is_set_back_makes_nothing_due(
            limits in limits(), now in 0_i64..2_000_000, ahead in 0_i64..2_000_000, back in 0_i64..2_000_000,
        ) {
            prop_assert!(!limits.is_too_old(at(now + ahead), at(now)));
            if !limits.is_too_old(at(0), at(now)) {
                prop_assert!(!limits.is_too_old(at(0), at(now - back)));
            }
        }

        #[test]
        fn what_is_due_is_older_than_the_limit_or_beyond_the_count(
            limits in limits(), now in 0_i64..2_000_000, since in 0_i64..2_000_000, newer in 0_u64..200,
        ) {
            let age = match limits.max_age {
                Limit::Forever => false,
                Limit::AtMost(most) => now - since > most.as_secs() as i64,
            };
            prop_assert_eq!(limits.is_too_old(at(since), at(now)), age);
            let count = match limits.max_count {
                Limit::Forever => false,
                Limit::AtMost(most) => newer + 1 > most,
            };
            prop_assert_eq!(limits.is_too_many(newer), count);
        }

        #[test]
        fn what_a_definition_says_wins_and_the_rest_is_the_servers(server in limits(), own in limits(), says in any::<(bool, bool)>()) {
            let given = GivenLimits {
                max_age: says.0.then_some(own.max_age),
                max_count: says.1.then_some(own.max_count),
            };
            let policy = Policy { runs: server, logs: server, revisions: server };
            let holds = Retention { runs: given, ..Retention::default() }.over(&policy);
            prop_assert_eq!(holds.runs.max_age, if says.0 { own.max_age } else { server.max_age });
            prop_assert_eq!(holds.runs.max_count, if says.1 { own.max_count } else { server.max_count });
            prop_assert_eq!((holds.logs, holds.revisions), (server, server));
        }

        #[test]
        fn a_limit_is_read_as_it_is_shown(limits in limits(), millis in 1_u64..10_000_000_000) {
            prop_assert_eq!(limits.max_age.to_string().parse(), Ok(limits.max_age));
            prop_assert_eq!(limits.max_count.to_string().parse(), Ok(limits.max_count));
            let odd = Limit::AtMost(Duration::from_millis(millis));
            prop_assert_eq!(odd.to_string().parse(), Ok(odd));
        }
    }

    #[test]
    fn what_is_no_limit_is_told() {
        for (age, count) in [("0s", "0"), ("-1d", "-1"), ("soon", "many"), ("5", "1.5")] {
            let mut wrong = Vec::new();
            let given = GivenLimits::read(age, count, |field, _| wrong.push(field));
            assert_eq!(given, GivenLimits::default(), "{age} {count}");
            assert_eq!(wrong, ["max_age", "max_count"], "{age} {count}");
        }
        let given = GivenLimits::read("90d", "forever", |field, _| panic!("{field}"));
        let days = Duration::from_secs(90 * DAY);
        assert_eq!(given.max_age, Some(Limit::AtMost(days)));
        assert_eq!(given.max_count, Some(Limit::Forever));
    }
}
