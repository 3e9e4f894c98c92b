//! How a dynamic answer is shown by REST: the status, the headers and the text of the body.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::descriptors::Route;

/// What REST is to answer.
#[derive(Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) status: u16,
    pub(super) body: String,
    /// The run that a header names.
    pub(super) run: Option<String>,
    /// Whether a header points to a next page.
    pub(super) has_next: bool,
}

/// Fields that the documents show even where they are empty.
fn is_always_shown(field: &FieldDescriptor) -> bool {
    let fields = match field.parent_message().name() {
        "ResourceDefinition" => &["id", "name", "description", "version", "schema"][..],
        "Resource" => &["id", "name", "resource", "metadata", "spec"],
        "Pipeline" => &[
            "name",
            "description",
            "version",
            "resource",
            "steps",
            "metadata",
        ],
        "Step" => &["id", "name", "driver"],
        _ => &[],
    };
    fields.contains(&field.name())
}

/// The answer of a call that went well.
pub(super) fn answer(route: &Route, answer: &DynamicMessage) -> Shown {
    let text = |name: &str| {
        let value = answer.get_field_by_name(name)?;
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let status = match (route.verb.as_str(), route.method.name()) {
        ("DELETE", _) => 204,
        (_, "CreateResourceDefinition" | "ApplyResourceDefinition" | "CreateResource") => 201,
        (_, "CreatePipeline" | "StartRun") => 201,
        _ => 200,
    };
    Shown {
        status,
        body: if status == 204 {
            String::new()
        } else {
            body(route, answer)
        },
        run: text("run_id"),
        has_next: text("next_page_token").is_some(),
    }
}

fn body(route: &Route, answer: &DynamicMessage) -> String {
    match (route.method.name(), route.response_body.as_str()) {
        ("CreateResource", _) => {
            let run = answer.get_field_by_name("run_id").unwrap();
            let resource = answer.get_field_by_name("resource").unwrap();
            let resource = resource.as_message().unwrap();
            let name = resource.get_field_by_name("name").unwrap();
            let revision = resource.get_field_by_name("revision").unwrap();
            format!(
                r#"{{"message":"Resource created successfully","name":{},"runid":{},"version":"{}"}}"#,
                quoted(name.as_str().unwrap()),
                quoted(run.as_str().unwrap()),
                revision.as_i64().unwrap()
            )
        }
        ("BroadcastMessage", _) => r#"{"message":"message published"}"#.to_owned(),
        (_, "") => object(answer),
        (_, field) => match answer.get_field_by_name(field).as_deref().unwrap() {
            Value::List(items) => format!("[{}]", join(items.iter().map(scalar))),
            one => scalar(one),
        },
    }
}

fn object(message: &DynamicMessage) -> String {
    let of = message.descriptor();
    let shown = of.fields().filter_map(|field| {
        if of
            .get_field_by_name(&format!("{}_json", field.name()))
            .is_none()
        {
            return member(message, &field);
        }
        None
    });
    format!("{{{}}}", join(shown))
}

/// A field with its key, where it is shown.
fn member(message: &DynamicMessage, field: &FieldDescriptor) -> Option<String> {
    let of = message.descriptor();
    let stem = field.name().strip_suffix("_json");
    let stem = stem.and_then(|stem| of.get_field_by_name(stem));
    let always = is_always_shown(stem.as_ref().unwrap_or(field));
    if !message.has_field(field) && !always {
        return None;
    }
    let value = message.get_field(field);
    let (name, text) = match stem {
        Some(stem) => {
            let text = value.as_str().unwrap().to_owned();
            (
                stem.name().to_owned(),
                if text.is_empty() { "null".into() } else { text },
            )
        }
        None => (field.name().to_owned(), shown(field, &value)),
    };
    Some(format!("{}:{text}", quoted(&name)))
}

fn shown(field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::Map(pairs) => {
            let mut pairs: Vec<_> = pairs
                .iter()
                .map(|(key, value)| match key {
                    MapKey::String(key) => (key, scalar(value)),
                    other => panic!("{other:?} as a key needs a rule here"),
                })
                .collect();
            pairs.sort();
            format!(
                "{{{}}}",
                join(
                    pairs
                        .into_iter()
                        .map(|(key, value)| format!("{}:{value}", quoted(key)))
                )
            )
        }
        Value::List(items) => format!("[{}]", join(items.iter().map(scalar))),
        Value::EnumNumber(number) => {
            let Kind::Enum(of) = field.kind() else {
                panic!("{field:?}")
            };
            quoted(of.get_value(*number).unwrap().name())
        }
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Bool(it) => it.to_string(),
        Value::I32(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::U32(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        Value::Message(message) if message.descriptor().package_name() == "google.protobuf" => {
            // Times and durations are texts in the JSON mapping of protobuf.
            serde_json::to_string(message).unwrap()
        }
        Value::Message(message) => object(message),
        other => panic!("{other:?} in an answer needs a rule here"),
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// The answer of a call that went wrong. `conditional` says whether the request had `If-Match`.
pub(super) fn failure(route: &Route, status: &Status, conditional: bool) -> Shown {
    let (http, code) = match status.code() {
        Code::InvalidArgument => (400, "INVALID_ARGUMENT"),
        Code::OutOfRange => (400, "OUT_OF_RANGE"),
        Code::NotFound => (404, "NOT_FOUND"),
        Code::AlreadyExists => (409, "ALREADY_EXISTS"),
        Code::Aborted if conditional => (412, "ABORTED"),
        Code::Aborted => (409, "ABORTED"),
        Code::FailedPrecondition => (409, "FAILED_PRECONDITION"),
        other => panic!("{other:?} is not expected: {status}"),
    };
    let prefix = format!("{}.", route.body);
    let violations = status.get_details_bad_request().into_iter();
    let details = violations
        .flat_map(|details| details.field_violations)
        .map(|violation| {
            let field = violation
                .field
                .strip_prefix(&prefix)
                .unwrap_or(&violation.field);
            format!(
                r#"{{"field":{},"description":{}}}"#,
                quoted(field),
                quoted(&violation.description)
            )
        });
    Shown {
        status: http,
        body: format!(
            r#"{{"error":{},"code":"{code}","details":[{}]}}"#,
            quoted(status.message()),
            join(details)
        ),
        run: None,
        has_next: false,
    }
}
