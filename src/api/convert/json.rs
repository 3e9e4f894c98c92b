//! The user's JSON inward: from its text, or from the `Value` or `Struct` in its place.

use std::collections::BTreeMap;

use prost_types::value::Kind;
use serde_json::Value;

use crate::error::Violation;
use crate::model::json::Json;

/// The user's JSON from its two fields; `None` where neither is given.
pub(in crate::api) fn json(
    text: &str,
    value: Option<prost_types::Value>,
    field: &str,
    most: usize,
) -> std::result::Result<Option<(Json, Value)>, Violation> {
    let written;
    let text = match (text.is_empty(), value) {
        (true, None) => return Ok(None),
        (false, Some(_)) => {
            return Err(Violation::new(
                field,
                format!("give either {field} or {field}_json, not both"),
            ));
        }
        (false, None) => text,
        (true, Some(value)) => {
            written = from_wire(value, 0)
                .map_err(|what| Violation::new(field, what))?
                .to_string();
            &written
        }
    };
    if text.len() > most {
        return Err(Violation::new(
            field,
            format!("{} bytes are too many: {most} at most", text.len()),
        ));
    }
    Json::parse(text, field).map(Some)
}

/// Keys come out sorted, and whole numbers whole.
fn from_wire(value: prost_types::Value, depth: usize) -> std::result::Result<Value, String> {
    if depth > crate::model::json::MAX_DEPTH {
        return Err(format!(
            "JSON is nested deeper than {}",
            crate::model::json::MAX_DEPTH
        ));
    }
    Ok(match value.kind {
        None => return Err("a value without a kind says nothing".to_owned()),
        Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(it)) => Value::Bool(it),
        Some(Kind::StringValue(it)) => Value::String(it),
        Some(Kind::NumberValue(it)) => number(it)?,
        Some(Kind::ListValue(list)) => {
            let items = list
                .values
                .into_iter()
                .map(|item| from_wire(item, depth + 1));
            Value::Array(items.collect::<std::result::Result<_, _>>()?)
        }
        Some(Kind::StructValue(map)) => {
            let fields: BTreeMap<_, _> = map.fields.into_iter().collect();
            let fields = fields
                .into_iter()
                .map(|(key, value)| Ok((key, from_wire(value, depth + 1)?)));
            Value::Object(fields.collect::<std::result::Result<_, String>>()?)
        }
    })
}

#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
fn number(it: f64) -> std::result::Result<Value, String> {
    /// Above this, a double no longer holds every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if it.fract() == 0.0 && it.abs() <= EXACT {
        return Ok(Value::from(it as i64));
    }
    serde_json::Number::from_f64(it)
        .map(Value::Number)
        .ok_or_else(|| format!("{it} is no number of JSON"))
}

/// The text of JSON that may not be there.
pub(in crate::api) fn json_text(json: Option<&Json>) -> String {
    json.map(|json| json.as_str().to_owned())
        .unwrap_or_default()
}
