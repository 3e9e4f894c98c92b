//! The user's JSON outward: each conversion gives its text; here a `Value` or `Struct` is put beside it.

use prost_types::value::Kind;
use serde_json::Value;

use crate::proto;

/// Deeper JSON is answered as text only: clients cannot decode a deeper Struct.
const STRUCT_DEPTH: usize = 24;
/// Longer JSON is answered as text only: as a Struct, small numbers take six times their text.
const STRUCT_BYTES: usize = 512 << 10;

/// In which form answers give the user's JSON.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) enum JsonForm {
    /// As text, and as a `Value` or `Struct` for people.
    Both,
    /// As text only.
    Text,
}

impl JsonForm {
    /// Puts a thing into its wire message, with the user's JSON in this form.
    pub(in crate::api) fn wire<M: Structs>(self, it: impl Into<M>) -> M {
        let mut message = it.into();
        match self {
            Self::Both => message.add_structs(),
            Self::Text => {}
        }
        message
    }
}

/// A message that holds JSON of users.
pub(in crate::api) trait Structs {
    /// Puts a `Value` or `Struct` beside each text.
    fn add_structs(&mut self);
}

impl Structs for proto::ResourceDefinition {
    fn add_structs(&mut self) {
        self.schema = value(&self.schema_json);
    }
}

impl Structs for proto::Resource {
    fn add_structs(&mut self) {
        self.spec = match value(&self.spec_json).and_then(|value| value.kind) {
            Some(Kind::StructValue(map)) => Some(map),
            _ => None,
        };
    }
}

impl Structs for proto::ResourceChange {
    fn add_structs(&mut self) {
        self.resource.iter_mut().for_each(Structs::add_structs);
    }
}

impl Structs for proto::Pipeline {
    fn add_structs(&mut self) {
        for step in &mut self.steps {
            step.params = value(&step.params_json);
        }
    }
}

impl Structs for proto::Run {
    fn add_structs(&mut self) {
        for step in &mut self.steps {
            step.data = value(&step.data_json);
        }
        self.resource_snapshot
            .iter_mut()
            .for_each(Structs::add_structs);
        self.pipeline_snapshot
            .iter_mut()
            .for_each(Structs::add_structs);
    }
}

/// What a text says, where clients can decode it. No text says nothing.
fn value(text: &str) -> Option<prost_types::Value> {
    if text.len() > STRUCT_BYTES {
        return None;
    }
    let value = serde_json::from_str(text).ok()?;
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
