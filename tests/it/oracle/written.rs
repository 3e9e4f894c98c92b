//! How a REST request becomes a dynamic message: body, path, query and headers.

use std::borrow::Cow;

use prost_reflect::{
    DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    ReflectMessage, Value,
};
use serde_json::value::RawValue;

use super::descriptors::Route;

/// The status of a request that says nothing a service could be asked.
pub(super) type Refused = u16;

/// What is sent, with the path's parts and the query as they are meant.
pub(super) struct Sent<'a> {
    pub(super) path: &'a [String],
    pub(super) query: &'a [(String, String)],
    pub(super) headers: &'a [(String, String)],
    pub(super) body: &'a str,
}

/// The message that the route makes of it.
pub(super) fn message(route: &Route, sent: &Sent) -> Result<DynamicMessage, Refused> {
    let input = route.method.input();
    let mut message = DynamicMessage::new(input.clone());
    match route.body.as_str() {
        "" => (),
        "*" if sent.body.is_empty() && route.path.iter().any(|part| part.starts_with('{')) => (),
        "*" => object(&mut message, raw(sent.body)?)?,
        field => {
            let field = input.get_field_by_name(field).unwrap();
            let Kind::Message(of) = field.kind() else {
                panic!("{field:?}")
            };
            let mut body = DynamicMessage::new(of);
            object(&mut body, raw(sent.body)?)?;
            message.set_field(&field, Value::Message(body));
        }
    }
    let fields = route
        .path
        .iter()
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for (field, part) in fields.zip(sent.path) {
        put_path(&mut message, field, part)?;
    }
    for (name, _) in sent.query {
        if let Some(field) = in_query(route, &input, name) {
            put_query(&mut message, &field, sent.query)?;
        }
    }
    put_headers(&mut message, sent.headers)?;
    Ok(message)
}

fn raw(text: &str) -> Result<&RawValue, Refused> {
    serde_json::from_str(text).map_err(|_| 400)
}

/// Reads a JSON object into a message. Unknown keys are nothing, and of one key the last counts.
fn object(message: &mut DynamicMessage, json: &RawValue) -> Result<(), Refused> {
    let keys: indexmap::IndexMap<Cow<str>, &RawValue> =
        serde_json::from_str(json.get()).map_err(|_| 400u16)?;
    for (key, value) in keys {
        let of = message.descriptor();
        if let Some(text) = of.get_field_by_name(&format!("{key}_json")) {
            // The user's own JSON, token for token: what stands between tokens goes.
            message.set_field(&text, Value::String(value.get().to_owned()));
        } else if let Some(field) = of.get_field_by_name(&key) {
            let is_text = key
                .strip_suffix("_json")
                .is_some_and(|stem| of.get_field_by_name(stem).is_some());
            if is_text {
                continue;
            }
            match value.get() {
                "null" => message.clear_field(&field),
                text => message.set_field(&field, field_value(&field, text)?),
            }
        }
    }
    Ok(())
}

fn field_value(field: &FieldDescriptor, text: &str) -> Result<Value, Refused> {
    if field.is_map() {
        let pairs: indexmap::IndexMap<String, String> =
            serde_json::from_str(text).map_err(|_| 400u16)?;
        let pair = |(key, value)| (MapKey::String(key), Value::String(value));
        return Ok(Value::Map(pairs.into_iter().map(pair).collect()));
    }
    if field.is_list() {
        let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| 400u16)?;
        let items = items
            .into_iter()
            .map(|item| value(&field.kind(), item.get()));
        return Ok(Value::List(items.collect::<Result<_, _>>()?));
    }
    value(&field.kind(), text)
}

fn value(kind: &Kind, text: &str) -> Result<Value, Refused> {
    fn read<'de, T: serde::Deserialize<'de>>(text: &'de str) -> Result<T, Refused> {
        serde_json::from_str(text).map_err(|_| 400)
    }
    Ok(match kind {
        Kind::String => Value::String(read(text)?),
        Kind::Bool => Value::Bool(read(text)?),
        Kind::Int32 => Value::I32(read(text)?),
        Kind::Int64 => Value::I64(read(text)?),
        Kind::Uint64 => Value::U64(read(text)?),
        Kind::Message(of) if of.package_name() == "google.protobuf" => {
            let mut from = serde_json::Deserializer::from_str(text);
            let read = DynamicMessage::deserialize_with_options(
                of.clone(),
                &mut from,
                &DeserializeOptions::new(),
            );
            Value::Message(read.map_err(|_| 400u16)?)
        }
        Kind::Message(of) => {
            let mut message = DynamicMessage::new(of.clone());
            object(&mut message, raw(text)?)?;
            Value::Message(message)
        }
        other => panic!("{other:?} in a body needs a rule here"),
    })
}

/// A part of the path wins; what the body says of it must not differ.
fn put_path(message: &mut DynamicMessage, field: &str, part: &str) -> Result<(), Refused> {
    let (first, rest) = field.split_once('.').unwrap_or((field, ""));
    let descriptor = message.descriptor().get_field_by_name(first).unwrap();
    if !rest.is_empty() {
        let inner = message.get_field_mut(&descriptor);
        return put_path(inner.as_message_mut().unwrap(), rest, part);
    }
    let value = match descriptor.kind() {
        Kind::String if part.is_empty() => return Err(404),
        Kind::String => Value::String(part.to_owned()),
        Kind::Int64 => match number::<i64>(part) {
            Some(number) if number > 0 => Value::I64(number),
            _ => return Err(404),
        },
        other => panic!("{other:?} in a path needs a rule here"),
    };
    let given = message.get_field(&descriptor).into_owned();
    if message.has_field(&descriptor) && given != value {
        return Err(400);
    }
    message.set_field(&descriptor, value);
    Ok(())
}

/// What is neither in the path nor in the body may stand in the query.
fn in_query(route: &Route, input: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    let field = input.get_field_by_name(name)?;
    let in_path = route.path.iter().any(|part| *part == format!("{{{name}}}"));
    let is_scalar = !matches!(field.kind(), Kind::Message(_));
    (is_scalar && !in_path && route.body != "*").then_some(field)
}

fn put_query(
    message: &mut DynamicMessage,
    field: &FieldDescriptor,
    query: &[(String, String)],
) -> Result<(), Refused> {
    let given: Vec<&String> = query
        .iter()
        .filter(|(name, _)| name == field.name())
        .map(|(_, value)| value)
        .collect();
    let last = given.last().expect("it is in the query");
    let value = match field.kind() {
        Kind::Enum(of) if field.is_list() => {
            let values = given.iter().map(|name| {
                let value = of.get_value_by_name(name).ok_or(400u16)?;
                Ok(Value::EnumNumber(value.number()))
            });
            Value::List(values.collect::<Result<_, Refused>>()?)
        }
        Kind::String => Value::String((*last).clone()),
        Kind::Int32 => Value::I32(number(last).ok_or(400u16)?),
        Kind::Int64 => Value::I64(number(last).ok_or(400u16)?),
        other => panic!("{other:?} in a query needs a rule here"),
    };
    message.set_field(field, value);
    Ok(())
}

/// `If-Match` and `Idempotency-Key` stand for two fields wherever a request has them.
fn put_headers(message: &mut DynamicMessage, headers: &[(String, String)]) -> Result<(), Refused> {
    let fields = message.descriptor();
    for (name, value) in headers {
        match name.as_str() {
            "if-match" => {
                let Some(field) = fields.get_field_by_name("expected_revision") else {
                    continue;
                };
                let bare = value
                    .strip_prefix('"')
                    .and_then(|value| value.strip_suffix('"'));
                match bare.and_then(number::<i64>) {
                    Some(revision) if revision > 0 => {
                        message.set_field(&field, Value::I64(revision))
                    }
                    _ if value == "*" => (),
                    _ => return Err(412),
                }
            }
            "idempotency-key" => {
                if let Some(field) = fields.get_field_by_name("request_id") {
                    message.set_field(&field, Value::String(value.clone()));
                }
            }
            other => panic!("{other} needs a rule here"),
        }
    }
    Ok(())
}

/// Digits without a sign in front of them that says nothing, and without zeros.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == text && digits == "0" || !digits.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}
