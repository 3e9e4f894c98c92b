//! JSON of the user: a `Value` or `Struct` for people, and its exact text.

use std::collections::BTreeMap;

use prost_types::value::Kind;
use serde_json::Value;

use crate::error::Violation;
use crate::model::json::Json;

/// Deeper JSON is answered as text only: clients cannot decode a deeper Struct.
const STRUCT_DEPTH: usize = 24;
/// Longer JSON is answered as text only: as a Struct, small numbers take six times their text.
const STRUCT_BYTES: usize = 512 << 10;

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

/// The wire's form of a text, where clients can decode it.
fn to_wire(json: &Json) -> Option<prost_types::Value> {
    if json.as_str().len() > STRUCT_BYTES {
        return None;
    }
    let value = json.value();
    (depth(&value) <= STRUCT_DEPTH).then(|| wire_value(value))
}

fn wire_value(value: Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(it) => Kind::BoolValue(it),
        Value::Number(it) => Kind::NumberValue(it.as_f64().unwrap_or(f64::MAX)),
        Value::String(it) => Kind::StringValue(it),
        Value::Array(items) => Kind::ListValue(prost_types::ListValue {
            values: items.into_iter().map(wire_value).collect(),
        }),
        Value::Object(map) => Kind::StructValue(wire_struct(map)),
    };
    prost_types::Value { kind: Some(kind) }
}

fn wire_struct(map: serde_json::Map<String, Value>) -> prost_types::Struct {
    prost_types::Struct {
        fields: map
            .into_iter()
            .map(|(key, value)| (key, wire_value(value)))
            .collect(),
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Both fields of a JSON text.
pub(in crate::api) fn json_fields(json: Option<&Json>) -> (Option<prost_types::Value>, String) {
    match json {
        Some(json) => (to_wire(json), json.as_str().to_owned()),
        None => (None, String::new()),
    }
}
