//! Writes the JSON form of the messages that REST carries: how each is read (`Fields`) and shown
//! (`Serialize`). What the generated code leans on is in src/proto/json.rs.

use std::collections::BTreeMap;
use std::fmt::Write;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};

use crate::rest::{Binding, snake};

/// The fields of documented objects, which are shown even when empty; all others only when not.
const DOCUMENTED: [(&str, &[&str]); 5] = [
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
    ("AppendLogsResponse", &["count"]),
];

/// The names that the documents have for fields of a log line. Lines come in under either.
const ALIASES: [(&str, &str, &str); 2] = [
    ("LogEntry", "run_id", "runid"),
    ("LogEntry", "time", "timestamp"),
];

/// Messages that are a text in JSON.
const PARSED: [&str; 2] = ["google.protobuf.Timestamp", "google.protobuf.Duration"];

/// How a field looks in JSON.
pub(crate) enum Shape {
    /// A scalar, or a list or map of scalars.
    Plain,
    Message,
    Messages,
    /// A time or a duration, as text.
    Parsed,
    /// The exact text of a JSON value, shown as that value.
    Text,
    /// The name of an enum's value.
    Name,
    /// One of several messages.
    OneOf(OneofDescriptor),
}

/// The impls for every message of ours that a route takes or answers.
pub(crate) fn messages(bindings: &[Binding]) -> String {
    let (mut taken, mut answered) = (BTreeMap::new(), BTreeMap::new());
    for binding in bindings {
        if let Some(message) = binding.body_message() {
            reach(message, &mut taken);
        }
        reach(binding.answer_message(), &mut answered);
    }
    let mut code = String::new();
    for message in taken.values() {
        write_read(message, &mut code);
    }
    for message in answered.values() {
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
                Shape::Plain => "plain(map)",
                Shape::Message => "message(map)",
                Shape::Messages => "messages(map)",
                Shape::Parsed if alias(&field).is_some() => "moment(map)",
                Shape::Parsed => "parsed(map)",
                Shape::Text => "text(map)",
                Shape::Name | Shape::OneOf(_) => {
                    panic!("{} in a body needs a form here", field.full_name())
                }
            };
            let name = field.name();
            let keys = match alias(&field) {
                Some(alias) => format!("{name:?} | {alias:?}"),
                None => format!("{:?}", key(name, &field)),
            };
            format!("            {keys} => self.{name} = {read}?,\n")
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
        .map(|(field, shape)| show(message, &field, &shape))
        .collect();
    let _ = write!(
        code,
        "impl Serialize for super::{} {{
    #[allow(unused_mut)] // for one without fields
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {{
        let mut map = to.serialize_map(None)?;
{entries}        map.end()
    }}
}}
",
        message.name()
    );
}

/// The statement that shows a field.
fn show(message: &MessageDescriptor, field: &FieldDescriptor, shape: &Shape) -> String {
    let name = field.name();
    let value = match shape {
        Shape::Plain | Shape::Message | Shape::Messages => format!("&self.{name}"),
        Shape::Parsed => format!("&Shown(&self.{name})"),
        Shape::Text => format!("&Text(&self.{name})"),
        Shape::Name => format!("self.{name}().as_str_name()"),
        Shape::OneOf(of) => {
            let variant = format!(
                "super::{}::{}::{}",
                snake(message.name()),
                camel(of.name()),
                camel(name)
            );
            return format!(
                "        if let Some({variant}(it)) = &self.{} {{ map.serialize_entry({name:?}, it)?; }}\n",
                of.name()
            );
        }
    };
    let entry = format!("map.serialize_entry({:?}, {value})?;", key(name, field));
    if is_documented(message.name(), name) {
        format!("        {entry}\n")
    } else {
        format!("        if is_given(&self.{name}) {{ {entry} }}\n")
    }
}

/// The fields in their order, without those whose exact text is shown in their place.
pub(crate) fn shown(message: &MessageDescriptor) -> impl Iterator<Item = (FieldDescriptor, Shape)> {
    message
        .fields()
        .filter(|field| text_field(field).is_none())
        .map(|field| {
            let shape = shape(&field);
            (field, shape)
        })
}

fn shape(field: &FieldDescriptor) -> Shape {
    let choice = field.containing_oneof();
    if let Some(choice) = choice.filter(|choice| !choice.is_synthetic()) {
        return Shape::OneOf(choice);
    }
    match field.kind() {
        _ if field.is_map() => Shape::Plain,
        Kind::Message(of) if PARSED.contains(&of.full_name()) => Shape::Parsed,
        Kind::Message(_) if field.is_list() => Shape::Messages,
        Kind::Message(_) => Shape::Message,
        Kind::Enum(of) if field.is_list() => panic!("a list of {} needs a form", of.full_name()),
        Kind::Enum(_) => Shape::Name,
        _ if is_text(field) => Shape::Text,
        _ => Shape::Plain,
    }
}

/// The name in JSON: the proto's own, but `spec` for `spec_json`.
pub(crate) fn key<'a>(name: &'a str, field: &FieldDescriptor) -> &'a str {
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
pub(crate) fn is_text(field: &FieldDescriptor) -> bool {
    let stem = field.name().strip_suffix("_json");
    stem.is_some_and(|stem| field.parent_message().get_field_by_name(stem).is_some())
}

pub(crate) fn is_documented(message: &str, field: &str) -> bool {
    DOCUMENTED
        .iter()
        .any(|(name, fields)| *name == message && fields.contains(&field))
}

pub(crate) fn alias(field: &FieldDescriptor) -> Option<&'static str> {
    let message = field.parent_message();
    let mut aliases = ALIASES.iter();
    let found = aliases.find(|(of, name, _)| *of == message.name() && *name == field.name());
    found.map(|(_, _, alias)| *alias)
}

/// `watch_resources` as `WatchResources`.
fn camel(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect()
}
