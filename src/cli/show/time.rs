//! Times: RFC 3339 for programs, ages and spans for people.

use jiff::{SignedDuration, Timestamp};
use prost_types::Timestamp as Stamp;

/// The time in RFC 3339. `None` for none.
pub(in crate::cli) fn rfc3339(stamp: Option<&Stamp>) -> Option<String> {
    instant(stamp).map(|time| time.to_string())
}

/// How long ago it was. Empty for none.
pub(in crate::cli) fn age(stamp: Option<&Stamp>, now: Timestamp) -> String {
    instant(stamp)
        .map(|time| coarse(now.duration_since(time)))
        .unwrap_or_default()
}

/// The time, and how long ago it was. Empty for none.
pub(in crate::cli) fn ago(stamp: Option<&Stamp>, now: Timestamp) -> String {
    match rfc3339(stamp) {
        Some(time) => format!("{time} ({} ago)", age(stamp, now)),
        None => String::new(),
    }
}

/// From the start to the end or, without one, to now. Empty without a start.
pub(in crate::cli) fn span(start: Option<&Stamp>, end: Option<&Stamp>, now: Timestamp) -> String {
    let Some(start) = instant(start) else {
        return String::new();
    };
    fine(instant(end).unwrap_or(now).duration_since(start))
}

/// A duration as seconds, in the form that `apply` takes.
pub(super) fn seconds(duration: &prost_types::Duration) -> String {
    match duration.nanos {
        0 => format!("{}s", duration.seconds),
        nanos => format!(
            "{}.{}s",
            duration.seconds,
            format!("{nanos:09}").trim_end_matches('0')
        ),
    }
}

fn instant(stamp: Option<&Stamp>) -> Option<Timestamp> {
    stamp.and_then(|stamp| Timestamp::new(stamp.seconds, stamp.nanos).ok())
}

/// One unit: people ask whether it was minutes or days.
fn coarse(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        172_800.. => format!("{}d", seconds / 86_400),
        i64::MIN..0 => unreachable!("a span below zero was cut to zero"),
    }
}

/// Two units, or tenths of a second, or milliseconds.
fn fine(span: SignedDuration) -> String {
    let span = span.max(SignedDuration::ZERO);
    let seconds = span.as_secs();
    match seconds {
        ..1 => format!("{}ms", span.as_millis()),
        1..60 => format!("{seconds}.{}s", span.subsec_millis() / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600.. => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit_and_spans_two() {
        let ages = [-5, 0, 119, 120, 7199, 7200, 172_799, 172_800]
            .map(|s| coarse(SignedDuration::from_secs(s)));
        assert_eq!(ages, ["0s", "0s", "119s", "2m", "119m", "2h", "47h", "2d"]);
        let spans = [-5, 999, 1250, 59_999, 60_000, 3_599_000, 3_600_000]
            .map(|ms| fine(SignedDuration::from_millis(ms)));
        assert_eq!(
            spans,
            ["0ms", "999ms", "1.2s", "59.9s", "1m00s", "59m59s", "1h00m"]
        );
    }
}
