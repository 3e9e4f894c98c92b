//! How long a simulated server keeps things: for ever, or so short that much goes while others look at it.

use std::ops::Range;
use std::time::Duration;

use conveyor_client::proto::{self, RetentionLimits};

use super::client::KIND;
use super::dice::Dice;
use crate::engine::RetentionOptions;
use crate::model::retention::{GivenLimits, Limit, Limits, Policy, Retention};

/// Nothing goes.
const FOR_EVER: Limits = Limits {
    max_age: Limit::Forever,
    max_count: Limit::Forever,
};
/// Ages in seconds that things may become: less than a storm lasts.
const AGES: Range<u64> = 5..90;

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeping {
    server: Policy,
    /// What the definition of most resources says.
    own: Retention,
    pub(super) changes: Limits,
    /// How often the server looks for what is due.
    pub(super) period: Duration,
}

impl Keeping {
    /// Everything for ever.
    pub(super) fn for_ever() -> Self {
        Self {
            server: Policy {
                runs: FOR_EVER,
                logs: FOR_EVER,
                revisions: FOR_EVER,
            },
            own: Retention::default(),
            changes: FOR_EVER,
            period: Duration::from_secs(3600),
        }
    }

    /// Finished runs for so many seconds, and the rest for ever.
    pub(super) fn runs_for(seconds: u64) -> Self {
        let mut keeping = Self::for_ever();
        keeping.server.runs.max_age = Limit::AtMost(Duration::from_secs(seconds));
        keeping.period = Duration::from_secs(1);
        keeping
    }

    /// By chance: each thing by its age, by its number, by both or for ever.
    pub(super) fn drawn(dice: &mut Dice) -> Self {
        let server = Policy {
            runs: limits(dice, 1..6),
            logs: limits(dice, 1..4),
            revisions: limits(dice, 1..5),
        };
        let mut own = Retention::default();
        if dice.percent(30) {
            own.runs = given(limits(dice, 1..6));
            own.logs = given(limits(dice, 1..4));
        }
        Self {
            server,
            own,
            changes: limits(dice, 3..20),
            period: dice.millis(500..8000),
        }
    }

    /// What holds for things of a definition.
    pub(super) fn of(&self, kind: &str) -> Policy {
        if kind == KIND {
            self.own.over(&self.server)
        } else {
            self.server
        }
    }

    /// What the definition says.
    pub(super) fn own(&self) -> proto::Retention {
        let said = |it: GivenLimits| {
            Some(RetentionLimits {
                max_age: it.max_age.map(|it| it.to_string()).unwrap_or_default(),
                max_count: it.max_count.map(|it| it.to_string()).unwrap_or_default(),
            })
        };
        proto::Retention {
            runs: said(self.own.runs),
            logs: said(self.own.logs),
            revisions: said(self.own.revisions),
        }
    }

    /// As the server is told.
    pub(super) fn options(&self) -> RetentionOptions {
        RetentionOptions {
            period: self.period,
            policy: self.server,
            changes: self.changes,
        }
    }
}

fn limits(dice: &mut Dice, counts: Range<u64>) -> Limits {
    Limits {
        max_age: match dice.percent(60) {
            true => Limit::AtMost(Duration::from_secs(dice.of(AGES))),
            false => Limit::Forever,
        },
        max_count: match dice.percent(50) {
            true => Limit::AtMost(dice.of(counts)),
            false => Limit::Forever,
        },
    }
}

fn given(limits: Limits) -> GivenLimits {
    GivenLimits {
        max_age: Some(limits.max_age),
        max_count: Some(limits.max_count),
    }
}
