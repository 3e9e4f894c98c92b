//! Times as people and programs write them, for log lines from outside.

use prost_types::Timestamp;
use serde::de::{Deserialize, Deserializer, Error};

/// A time in any form that is taken. An empty text is none: clients in Go send one for a field not set.
pub(super) struct Moment(pub(super) Option<Timestamp>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.is_empty() {
            return Ok(Moment(None));
        }
        let expected = "expected unix seconds or nanoseconds, or a time as in RFC 3339";
        let time = read(&text).ok_or_else(|| D::Error::custom(expected))?;
        Ok(Moment(Some(time)))
    }
}

/// Unix seconds, nanoseconds, or text. Seconds have at most 12 digits, until the year 9999; a number of 16
/// or more is nanoseconds. One between is neither, and neither has a sign.
fn read(text: &str) -> Option<Timestamp> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let time = match text.len() {
        ..=12 if is_number => jiff::Timestamp::from_second(text.parse().ok()?),
        16.. if is_number => jiff::Timestamp::from_nanosecond(text.parse().ok()?),
        _ if is_number => return None,
        _ => text.parse(),
    };
    let nanos = time.ok()?.as_nanosecond();
    Some(Timestamp {
        seconds: i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?,
        nanos: i32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?,
    })
}
