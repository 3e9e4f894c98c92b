//! What a definition says of how long things are kept: limits as text, as people write them.

use super::Decoded;
use crate::model::retention::{GivenLimits, Retention};
use crate::store::records;

impl From<&Retention> for records::Retention {
    fn from(it: &Retention) -> Self {
        Self {
            runs: Some((&it.runs).into()),
            logs: Some((&it.logs).into()),
            revisions: Some((&it.revisions).into()),
        }
    }
}

impl From<&GivenLimits> for records::Limits {
    fn from(it: &GivenLimits) -> Self {
        Self {
            max_age: it.max_age.map(|age| age.to_string()).unwrap_or_default(),
            max_count: it
                .max_count
                .map(|count| count.to_string())
                .unwrap_or_default(),
        }
    }
}

impl TryFrom<records::Retention> for Retention {
    type Error = String;

    fn try_from(it: records::Retention) -> Decoded<Self> {
        Ok(Self {
            runs: limits(it.runs)?,
            logs: limits(it.logs)?,
            revisions: limits(it.revisions)?,
        })
    }
}

fn limits(it: Option<records::Limits>) -> Decoded<GivenLimits> {
    let it = it.unwrap_or_default();
    let mut wrong = None;
    let limits = GivenLimits::read(&it.max_age, &it.max_count, |field, expected| {
        wrong = Some(format!("{field} is not {expected}"));
    });
    wrong.map_or(Ok(limits), Err)
}
