//! How long things are kept, where their definition does not say otherwise.

use std::time::Duration;

use super::sources::Sources;
use super::{ConfigError, DURATION, duration};
use crate::model::retention::{AGE, COUNT, Limits, Policy};

/// How long things are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct RetentionSettings {
    /// How often what is due is looked for.
    pub period: Duration,
    /// What belongs to resources.
    pub policy: Policy,
    /// The changes that watches resume from.
    pub changes: Limits,
}

impl RetentionSettings {
    pub(super) fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let limits = |age, count| {
            Ok(Limits {
                max_age: sources.read(age, AGE, |text| text.parse().ok())?,
                max_count: sources.read(count, COUNT, |text| text.parse().ok())?,
            })
        };
        Ok(Self {
            period: sources.read("retention.period", DURATION, duration)?,
            policy: Policy {
                runs: limits("retention.runs.max_age", "retention.runs.max_count")?,
                logs: limits("retention.logs.max_age", "retention.logs.max_count")?,
                revisions: limits(
                    "retention.revisions.max_age",
                    "retention.revisions.max_count",
                )?,
            },
            changes: limits("retention.changes.max_age", "retention.changes.max_count")?,
        })
    }
}
