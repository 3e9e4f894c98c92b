//! Writes the schema of each message: as it is answered, and as it is taken. The two differ: what the server fills
//! in is not asked for, and `null` or an empty text will do where a field may be left out.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::comments::Commented;
use super::{Object, object, reference, texts};
use crate::json::{self, Shape};

/// The schemas of the document.
pub(super) struct Schemas<'a> {
    by_hand: &'a Value,
    /// Which schema by hand a field holds, by `Message.field`.
    held: BTreeMap<&'a str, &'a str>,
    done: BTreeMap<String, Value>,
}

/// Which way a message goes.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Taken,
    Answered,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(by_hand: &'a Value) -> Self {
        let held = object(&by_hand["fields"]).iter();
        Schemas {
            by_hand,
            held: held
                .flat_map(|(name, fields)| texts(fields).map(move |field| (field, name.as_str())))
                .collect(),
            done: BTreeMap::new(),
        }
    }

    /// All of them, by name.
    pub(super) fn finish(self) -> Object {
        let mut schemas = object(&self.by_hand["components"]["schemas"]).clone();
        schemas.extend(self.done);
        schemas.sort_keys();
        schemas
    }

    /// A message as it is answered.
    pub(super) fn answered(&mut self, message: &MessageDescriptor) -> Value {
        self.message(message, Way::Answered, &[])
    }

    /// A message as a body holds it. Fields of `elsewhere` stand in the path and are left out.
    pub(super) fn taken(&mut self, message: &MessageDescriptor, elsewhere: &[&str]) -> Value {
        self.message(message, Way::Taken, elsewhere)
    }

    /// The value of a field in a path, where it must stand.
    pub(super) fn in_path(&mut self, field: &FieldDescriptor) -> Value {
        self.field(field, Way::Taken)
    }

    /// The value of a field in a query, where an empty text says nothing.
    pub(super) fn in_query(&mut self, field: &FieldDescriptor) -> Value {
        let schema = self.field(field, Way::Taken);
        match (field.kind(), field.is_list()) {
            (Kind::String, false) => json!({ "anyOf": [schema, { "const": "" }] }),
            _ => schema,
        }
    }

    fn message(&mut self, message: &MessageDescriptor, way: Way, elsewhere: &[&str]) -> Value {
        let name = match way {
            Way::Answered => message.name().to_owned(),
            Way::Taken if message.name().ends_with("Request") => message.name().to_owned(),
            Way::Taken if elsewhere.contains(&"name") => format!("{}Replacement", message.name()),
            Way::Taken => format!("{}Input", message.name()),
        };
        let is_by_hand = self.by_hand["components"]["schemas"].get(&name).is_some();
        if !is_by_hand && !self.done.contains_key(&name) {
            // So that a message which holds itself ends.
            self.done.insert(name.clone(), Value::Null);
            let schema = self.object(message, way, elsewhere, &name);
            self.done.insert(name.clone(), schema);
        }
        reference("schemas", &name)
    }

    fn object(
        &mut self,
        message: &MessageDescriptor,
        way: Way,
        elsewhere: &[&str],
        name: &str,
    ) -> Value {
        let asked: Vec<&str> = match way {
            Way::Taken => {
                texts(&self.by_hand["required"][format!("{}Input", message.name())]).collect()
            }
            Way::Answered => texts(&self.by_hand["required"][name]).collect(),
        };
        let (mut properties, mut required) = (Object::new(), Vec::new());
        for (field, shape) in json::shown(message) {
            let comment = comment(&field);
            let is_elsewhere = elsewhere.contains(&field.name());
            if way == Way::Taken && (is_elsewhere || comment.starts_with("Output: ")) {
                continue;
            }
            let key = json::key(field.name(), &field).to_owned();
            let is_asked = asked.contains(&key.as_str());
            let is_always = json::is_documented(message.name(), field.name());
            if is_asked || (way == Way::Answered && is_always) {
                required.push(key.clone());
            }
            let mut schema = self.field(&field, way);
            if way == Way::Taken && !is_asked {
                schema = or_nothing(schema, &field, &shape);
            }
            describe(&mut schema, &comment);
            properties.insert(key, schema);
        }
        json!({
            "description": message.comment(),
            "type": "object",
            "required": required,
            "properties": properties,
        })
    }

    fn field(&mut self, field: &FieldDescriptor, way: Way) -> Value {
        let value = self.value(field, way);
        match self.held(field, way) {
            // A list is still a list of its items.
            Some(held) if field.is_list() => {
                json!({ "allOf": [value, reference("schemas", held)] })
            }
            Some(held) => reference("schemas", held),
            None => value,
        }
    }

    fn held(&self, field: &FieldDescriptor, way: Way) -> Option<&'a str> {
        if field
            .kind()
            .as_message()
            .is_some_and(|of| of.package_name() == "conveyor.v1")
            && !field.is_list()
        {
            return None;
        }
        let (message, key) = (
            field.parent_message().name().to_owned(),
            json::key(field.name(), field),
        );
        let taken = format!("{message}Input.{key}");
        let either = [format!("{message}.{key}"), format!("*.{key}")];
        let names = (way == Way::Taken)
            .then_some(&taken)
            .into_iter()
            .chain(&either);
        names
            .filter_map(|name| self.held.get(name.as_str()).copied())
            .next()
    }

    /// What the type of a field says of its value.
    fn value(&mut self, field: &FieldDescriptor, way: Way) -> Value {
        if field.is_map() {
            return json!({ "type": "object", "additionalProperties": { "type": "string" } });
        }
        let one = match field.kind() {
            _ if json::is_text(field) => user_json(field),
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::Int32 | Kind::Uint32 | Kind::Sint32 => {
                json!({ "type": "integer", "format": "int32", "minimum": 0, "maximum": i32::MAX })
            }
            Kind::Int64 | Kind::Sint64 => {
                json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": i64::MAX })
            }
            Kind::Uint64 => reference("schemas", "Whole"),
            Kind::String => json!({ "type": "string" }),
            Kind::Enum(of) => self.names(&of),
            Kind::Message(of) => match of.full_name() {
                "google.protobuf.Timestamp" => json!({ "type": "string", "format": "date-time" }),
                "google.protobuf.Duration" => {
                    json!({ "type": "string", "pattern": "^-?[0-9]{1,8}(\\.[0-9]{1,9})?s$" })
                }
                _ => self.message(&of, way, &[]),
            },
            kind => panic!("{}: {kind:?} needs a schema here", field.full_name()),
        };
        if field.is_list() {
            json!({ "type": "array", "items": one })
        } else {
            one
        }
    }

    /// The names of an enum's values. The first says that nothing is said.
    fn names(&mut self, of: &EnumDescriptor) -> Value {
        let values: Vec<_> = of.values().skip(1).collect();
        let names: Vec<_> = values.iter().map(|value| value.name()).collect();
        let told: Vec<_> = values
            .iter()
            .map(|value| format!("- `{}`: {}", value.name(), value.comment()))
            .collect();
        let schema = json!({ "description": told.join("\n"), "enum": names });
        self.done.insert(of.name().to_owned(), schema);
        reference("schemas", of.name())
    }
}

/// What is said of a field. Of the two that hold JSON of the user it is said at the one that people read; that they
/// are two is the business of gRPC.
fn comment(field: &FieldDescriptor) -> String {
    let beside = json::is_text(field).then(|| beside(field));
    let comment = beside.as_ref().unwrap_or(field).comment();
    let both = comment.find(" Give this or ").unwrap_or(comment.len());
    comment[..both].to_owned()
}

/// The `Value` or `Struct` beside a text.
fn beside(text: &FieldDescriptor) -> FieldDescriptor {
    let stem = text.name().trim_end_matches("_json");
    let beside = text.parent_message().get_field_by_name(stem);
    beside.expect("the text stands beside it")
}

/// JSON of the user's own: an object where the field beside its text is a `Struct`, else anything.
fn user_json(text: &FieldDescriptor) -> Value {
    match beside(text)
        .kind()
        .as_message()
        .map(MessageDescriptor::full_name)
    {
        Some("google.protobuf.Struct") => json!({ "type": "object" }),
        _ => json!({}),
    }
}

/// What else stands for a field that may be left out.
fn or_nothing(schema: Value, field: &FieldDescriptor, shape: &Shape) -> Value {
    if matches!(shape, Shape::Text) {
        return schema;
    }
    match (field.kind(), field.is_list() || field.is_map()) {
        (Kind::String, false) => json!({ "anyOf": [schema, { "enum": ["", null] }] }),
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

fn describe(schema: &mut Value, comment: &str) {
    if let (false, Some(schema)) = (comment.is_empty(), schema.as_object_mut()) {
        schema.insert("description".to_owned(), comment.into());
    }
}
