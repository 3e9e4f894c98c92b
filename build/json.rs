//! Writes the JSON form of the messages that REST carries: how each is read (`Fields`) and shown
//! (`Serialize`). What the generated code leans on is in src/proto/json.rs.

use std::collections::BTreeMap;
use std::fmt::Write;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::rest::Binding;

/// The fields of documented objects, which are shown even when empty; all others only when not.
const DOCUMENTED: [(&str, &[&str]); 4] = [
    (
        "ResourceDefinition",
        &["id", "name", "description", "version", "schema_json"],
    ),
    (
        "Resource",
        &["id", "name", "resource", "metadata", "spec_json"],
    ),
    (
        "Pipeline",
        &[
            "name",
            "description",
            "version",
            "resource",
            "steps",
            "metadata",
        ],
    ),
    ("Step", &["id", "name", "driver"]),
];

/// Messages that are a text in JSON.
const PARSED: [&str; 2] = ["google.protobuf.Timestamp", "google.protobuf.Duration"];

/// How a field looks in JSON.
enum Shape {
    /// A scalar, or a list or map of scalars.
    Plain,
    Message,
    Messages,
    /// A time or a duration, as text.
    Parsed,
    /// The exact text of a JSON value, shown as that value.
    Text,
}

/// The impls for every message of ours that a route takes or answers.
pub(crate) fn messages(bindings: &[Binding]) -> String {
    let mut reached = BTreeMap::new();
    for binding in bindings {
        let carried = binding
            .body_message()
            .into_iter()
            .chain([binding.answer_message()]);
        carried.for_each(|message| reach(message, &mut reached));
    }
    let mut code = String::new();
    for message in reached.values() {
        write_read(message, &mut code);
        write_show(message, &mut code);
    }
    code
}

fn reach(message: MessageDescriptor, reached: &mut BTreeMap<String, MessageDescriptor>) {
    if message.package_name() != "conveyor.v1" || reached.contains_key(message.full_name()) {
        return;
    }
    reached.insert(message.full_name().to_owned(), message.clone());
    for field in message.fields() {
        if let Kind::Message(inner) = field.kind()
            && !inner.is_map_entry()
        {
            reach(inner, reached);
        }
    }
}

fn write_read(message: &MessageDescriptor, code: &mut String) {
    let arms: String = shown(message)
        .map(|(field, shape)| {
            let read = match shape {
                Shape::Plain => "plain(map)".to_owned(),
                Shape::Message => "message(map)".to_owned(),
                Shape::Messages => "messages(map)".to_owned(),
                Shape::Parsed => "parsed(map)".to_owned(),
                Shape::Text => "text(map)".to_owned(),
            };
            let name = field.name();
            format!(
                "            {:?} => self.{name} = {read}?,\n",
                key(name, &field)
            )
        })
        .collect();
    let _ = write!(
        code,
        "impl Fields for super::{} {{
    fn read<'de, A: MapAccess<'de>>(&mut self, field: &str, map: &mut A) -> Result<(), A::Error> {{
        match field {{
{arms}            _ => ignore(map)?,
        }}
        Ok(())
    }}
}}
",
        message.name()
    );
}

fn write_show(message: &MessageDescriptor, code: &mut String) {
    let entries: String = shown(message)
        .map(|(field, shape)| {
            let name = field.name();
            let value = match shape {
                Shape::Plain | Shape::Message | Shape::Messages => format!("&self.{name}"),
                Shape::Parsed => format!("&Shown(&self.{name})"),
                Shape::Text => format!("&Text(&self.{name})"),
            };
            let entry = format!("map.serialize_entry({:?}, {value})?;", key(name, &field));
            if is_documented(message.name(), name) {
                format!("        {entry}\n")
            } else {
                format!("        if is_given(&self.{name}) {{ {entry} }}\n")
            }
        })
        .collect();
    let _ = write!(
        code,
        "impl Serialize for super::{} {{
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {{
        let mut map = to.serialize_map(None)?;
{entries}        map.end()
    }}
}}
",
        message.name()
    );
}

/// The fields in their order, without those whose exact text is shown in their place.
fn shown(message: &MessageDescriptor) -> impl Iterator<Item = (FieldDescriptor, Shape)> {
    message
        .fields()
        .filter(|field| text_field(field).is_none())
        .map(|field| {
            let shape = shape(&field);
            (field, shape)
        })
}

fn shape(field: &FieldDescriptor) -> Shape {
    match field.kind() {
        _ if field.is_map() => Shape::Plain,
        Kind::Message(of) if PARSED.contains(&of.full_name()) => Shape::Parsed,
        Kind::Message(_) if field.is_list() => Shape::Messages,
        Kind::Message(_) => Shape::Message,
        Kind::Enum(of) => panic!("{} in REST needs a JSON form here", of.full_name()),
        _ if is_text(field) => Shape::Text,
        _ => Shape::Plain,
    }
}

/// The name in JSON: the proto's own, but `spec` for `spec_json`.
fn key<'a>(name: &'a str, field: &FieldDescriptor) -> &'a str {
    match name.strip_suffix("_json") {
        Some(stem) if is_text(field) => stem,
        _ => name,
    }
}

/// The `X_json` beside a `Value` or `Struct` field `X`.
fn text_field(field: &FieldDescriptor) -> Option<FieldDescriptor> {
    let name = format!("{}_json", field.name());
    field.parent_message().get_field_by_name(&name)
}

/// Whether this is the `X_json` beside a field `X`.
fn is_text(field: &FieldDescriptor) -> bool {
    let stem = field.name().strip_suffix("_json");
    stem.is_some_and(|stem| field.parent_message().get_field_by_name(stem).is_some())
}

fn is_documented(message: &str, field: &str) -> bool {
    DOCUMENTED
        .iter()
        .any(|(name, fields)| *name == message && fields.contains(&field))
}
