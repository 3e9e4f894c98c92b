//! How long things of a definition are kept, printed.

use conveyor_client::proto::{Retention, RetentionLimits};
use serde::Serialize;

/// How long things of a definition are kept, for people: one sort of them a line.
pub(in crate::cli) fn kept(it: Option<&Retention>) -> String {
    let Some(it) = it else {
        return String::new();
    };
    let sorts = [
        ("runs", &it.runs),
        ("logs", &it.logs),
        ("revisions", &it.revisions),
    ];
    let mut lines = Vec::new();
    for (sort, limits) in sorts {
        let Some(limits) = limits else { continue };
        for (limit, value) in [
            ("max_age", &limits.max_age),
            ("max_count", &limits.max_count),
        ] {
            if !value.is_empty() {
                lines.push(format!("{sort}.{limit} {value}"));
            }
        }
    }
    lines.join("\n")
}

/// How long things of a definition are kept.
#[derive(Serialize)]
pub(super) struct RetentionDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<LimitsDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<LimitsDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revisions: Option<LimitsDocument<'a>>,
}

#[derive(Serialize)]
struct LimitsDocument<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    max_age: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    max_count: &'a str,
}

impl<'a> From<&'a Retention> for RetentionDocument<'a> {
    fn from(it: &'a Retention) -> Self {
        let limits = |it: &'a Option<RetentionLimits>| {
            it.as_ref().map(|it| LimitsDocument {
                max_age: &it.max_age,
                max_count: &it.max_count,
            })
        };
        Self {
            runs: limits(&it.runs),
            logs: limits(&it.logs),
            revisions: limits(&it.revisions),
        }
    }
}
