//! How long a definition says that things are kept.

use crate::error::Violation;
use crate::model::retention::{GivenLimits, Retention};
use crate::proto;

/// Reads what a definition says; nothing is left open to the server's settings.
pub(super) fn retention(
    it: Option<&proto::Retention>,
    violations: &mut Vec<Violation>,
) -> Retention {
    let Some(it) = it else {
        return Retention::default();
    };
    let mut limits = |it: &Option<proto::RetentionLimits>, name: &str| {
        let it = it.as_ref()?;
        let wrong = |field: &str, expected: &str| {
            let field = format!("retention.{name}.{field}");
            violations.push(Violation::new(field, format!("must be {expected}")));
        };
        Some(GivenLimits::read(&it.max_age, &it.max_count, wrong))
    };
    Retention {
        runs: limits(&it.runs, "runs").unwrap_or_default(),
        logs: limits(&it.logs, "logs").unwrap_or_default(),
        revisions: limits(&it.revisions, "revisions").unwrap_or_default(),
    }
}

/// What a definition says, without what it leaves open.
pub(super) fn shown_retention(it: &Retention) -> Option<proto::Retention> {
    (!it.is_empty()).then(|| proto::Retention {
        runs: shown_limits(&it.runs),
        logs: shown_limits(&it.logs),
        revisions: shown_limits(&it.revisions),
    })
}

fn shown_limits(it: &GivenLimits) -> Option<proto::RetentionLimits> {
    (*it != GivenLimits::default()).then(|| proto::RetentionLimits {
        max_age: it.max_age.map(|age| age.to_string()).unwrap_or_default(),
        max_count: it
            .max_count
            .map(|count| count.to_string())
            .unwrap_or_default(),
    })
}
