//! Writes the operations: what a route takes, what it answers, and every error it can answer.

use std::collections::BTreeSet;

use prost_reflect::FieldDescriptor;
use serde_json::{Value, json};

use super::comments::{Commented, first_sentence};
use super::schemas::Schemas;
use super::{Object, object, reference, texts};
use crate::rest::{Binding, Form};

/// Fields that headers put into the request. Where they can stand in the query or the body too, that is not told: of
/// two values the header's wins, and nobody should have to know.
const HEADERS: [(&str, &str); 2] = [
    ("expected_revision", "If-Match"),
    ("request_id", "Idempotency-Key"),
];

/// What all operations are made with.
pub(super) struct Operations<'a> {
    by_hand: &'a Value,
}

impl<'a> Operations<'a> {
    pub(super) fn new(by_hand: &'a Value) -> Self {
        Operations { by_hand }
    }

    /// The answers of all routes that are errors, by their status.
    pub(super) fn errors(&self) -> Object {
        let errors = object(&self.by_hand["errors"]).iter();
        errors
            .map(|(status, description)| {
                let content =
                    json!({ "application/json": { "schema": reference("schemas", "Error") } });
                let mut error = json!({ "description": description, "content": content });
                let header = match status.as_str() {
                    "405" => Some("Allow"),
                    "429" | "503" => Some("Retry-After"),
                    _ => None,
                };
                if let Some(name) = header {
                    error["headers"] = json!({ name: reference("headers", name) });
                }
                (status.clone(), error)
            })
            .collect()
    }

    /// An operation by hand, with its errors.
    pub(super) fn by_hand(&self, path: &str, operation: &Value) -> Value {
        let mut operation = object(operation).clone();
        let is_call = operation.shift_remove("call").is_some();
        let has_body = operation.contains_key("requestBody");
        let mut answers = object(&operation["responses"]).clone();
        let mut errors = self.statuses(is_call, has_body, has_body);
        if path.contains('{') {
            errors.insert("404");
        }
        add_errors(
            &mut answers,
            errors.into_iter().map(str::to_owned).collect(),
        );
        operation.insert("responses".to_owned(), answers.into());
        operation.into()
    }

    /// The operation of an annotated method.
    pub(super) fn annotated(&self, binding: &Binding, schemas: &mut Schemas) -> Value {
        let comment = binding.method.comment();
        let summary = first_sentence(&comment);
        let rest = comment[summary.len()..].trim();
        let mut operation = json!({
            "tags": [tag(binding)],
            "operationId": self.operation_id(binding),
            "summary": summary,
        });
        if !rest.is_empty() {
            operation["description"] = rest.into();
        }
        operation["parameters"] = parameters(binding, schemas).into();
        if let Some(mut body) = request_body(binding, schemas) {
            if let Some(example) = self.table(binding).get("example") {
                body["content"]["application/json"]["example"] = example.clone();
            }
            operation["requestBody"] = body;
        }
        operation["responses"] = self.answers(binding, schemas).into();
        operation
    }

    fn answers(&self, binding: &Binding, schemas: &mut Schemas) -> Object {
        let table = self.table(binding);
        let mut answer = json!({ "description": "All went well." });
        if let Some(content) = content(binding, table, schemas) {
            answer["content"] = content;
        }
        let headers = headers(binding);
        if !headers.is_empty() {
            answer["headers"] = headers.into();
        }
        if let Some(links) = table["links"].as_object() {
            answer["links"] = links
                .iter()
                .map(|(to, with)| (to.clone(), json!({ "operationId": to, "parameters": with })))
                .collect();
        }
        let mut answers = Object::new();
        answers.insert(binding.status().to_string(), answer);
        if let Form::Events = binding.form() {
            let description =
                "What is followed has ended, and `Last-Event-ID` is at or past its end.";
            answers.insert("204".to_owned(), json!({ "description": description }));
        }
        add_errors(&mut answers, self.annotated_errors(binding, table));
        answers
    }

    /// What by_hand.yaml says of the method.
    fn table(&self, binding: &Binding) -> &Value {
        &self.by_hand["methods"][binding.method.name()]
    }

    fn annotated_errors(&self, binding: &Binding, table: &Value) -> BTreeSet<String> {
        let writes = binding.verb != "get" && table["writes"] != false;
        let mut errors = self.statuses(true, binding.body_message().is_some(), writes);
        let input = binding.method.input();
        if binding.path_fields().next().is_some() {
            errors.insert("404");
        }
        if input.get_field_by_name("expected_revision").is_some() {
            errors.extend(["409", "412"]);
        }
        if input.get_field_by_name("after_position").is_some() {
            errors.insert("410");
        }
        errors.extend(texts(&table["errors"]));
        errors.into_iter().map(str::to_owned).collect()
    }

    /// The method's name; one of its own for a second binding.
    fn operation_id(&self, binding: &Binding) -> String {
        let number = binding.handler.rsplit('_').next().unwrap_or_default();
        match number.parse::<u32>() {
            Ok(number) => {
                let numbered = format!("{}{number}", binding.method.name());
                let name = self.by_hand["names"][&numbered].as_str();
                name.map_or(numbered, str::to_owned)
            }
            Err(_) => binding.method.name().to_owned(),
        }
    }

    fn statuses(&self, is_call: bool, has_body: bool, writes: bool) -> BTreeSet<&'a str> {
        let mut statuses: BTreeSet<&str> = texts(&self.by_hand["everywhere"]).collect();
        if is_call {
            statuses.extend(texts(&self.by_hand["call"]));
        }
        if has_body {
            statuses.extend(texts(&self.by_hand["body"]));
        }
        if writes {
            statuses.extend(texts(&self.by_hand["write"]));
        }
        statuses
    }
}

/// What operations are grouped by: the services.
pub(super) fn tags(bindings: &[Binding]) -> Vec<Value> {
    let mut tags = Vec::new();
    for binding in bindings {
        let service = binding.method.parent_service();
        let tag = json!({ "name": tag(binding), "description": service.comment() });
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// Adds errors to the answers that are there, which win.
fn add_errors(answers: &mut Object, errors: BTreeSet<String>) {
    for status in errors {
        let error = reference("responses", &status);
        answers.entry(status).or_insert(error);
    }
}

fn parameters(binding: &Binding, schemas: &mut Schemas) -> Vec<Value> {
    let mut parameters = Vec::new();
    for path in binding.path_fields() {
        let field = field_at(binding, path);
        parameters.push(json!({
            "name": last(path),
            "in": "path",
            "required": true,
            "description": field.comment(),
            "schema": schemas.in_path(&field),
        }));
    }
    for field in binding.query_fields().filter(|field| !is_header(field)) {
        parameters.push(json!({
            "name": field.name(),
            "in": "query",
            "description": field.comment(),
            "schema": schemas.in_query(&field),
        }));
    }
    let input = binding.method.input();
    for (field, header) in HEADERS {
        if input.get_field_by_name(field).is_some() {
            parameters.push(reference("parameters", header));
        }
    }
    if let Form::Events = binding.form() {
        let has_position = input.get_field_by_name("after_position").is_some();
        let header = if has_position { "Last-Event-ID" } else { "End" };
        parameters.push(reference("parameters", header));
    }
    parameters
}

fn is_header(field: &FieldDescriptor) -> bool {
    HEADERS.iter().any(|(name, _)| *name == field.name())
}

/// The field that a place of the path fills, such as `pipeline.name`.
fn field_at(binding: &Binding, path: &str) -> FieldDescriptor {
    let (fields, last) = path.rsplit_once('.').unwrap_or(("", path));
    let mut message = binding.method.input();
    for field in fields.split('.').filter(|field| !field.is_empty()) {
        let field = message.get_field_by_name(field);
        let kind = field.expect("an annotation names a field").kind();
        message = kind.as_message().expect("it holds more fields").clone();
    }
    let found = message.get_field_by_name(last);
    found.expect("an annotation names a field")
}

fn request_body(binding: &Binding, schemas: &mut Schemas) -> Option<Value> {
    let message = binding.body_message()?;
    let in_path = binding.path_fields().map(last);
    let elsewhere: Vec<&str> = in_path.chain(HEADERS.map(|(field, _)| field)).collect();
    let schema = schemas.taken(&message, &elsewhere);
    let content = match binding.form() {
        Form::Unary | Form::Events => json!({ "application/json": { "schema": schema } }),
        // One on each line: as OpenAPI 3.2 has it, such a text has the schema of the list of its lines.
        Form::Lines => {
            json!({ "application/x-ndjson": { "schema": { "type": "array", "items": schema } } })
        }
    };
    let is_optional = binding.is_body_optional() || matches!(binding.form(), Form::Lines);
    Some(json!({ "required": !is_optional, "content": content }))
}

fn content(binding: &Binding, table: &Value, schemas: &mut Schemas) -> Option<Value> {
    if binding.status() == 204 {
        return None;
    }
    if binding.is_by_hand() {
        let name = table["answer"].as_str();
        let name = name.unwrap_or_else(|| panic!("by_hand.yaml: {}", binding.method.name()));
        return Some(json!({ "application/json": { "schema": reference("schemas", name) } }));
    }
    let schema = schemas.answered(&binding.answer_message());
    let schema = match binding
        .method
        .output()
        .get_field_by_name(&binding.response_body)
    {
        Some(field) if field.is_list() => json!({ "type": "array", "items": schema }),
        _ => schema,
    };
    Some(match binding.form() {
        Form::Unary | Form::Lines => json!({ "application/json": { "schema": schema } }),
        // The schema is each event's, as a reader has it: `event`, `id` and the joined lines of `data`.
        Form::Events => json!({ "text/event-stream": { "schema": { "oneOf": [
            { "required": ["data"], "properties": {
                "event": { "const": "message" },
                "data": { "type": "string", "contentMediaType": "application/json", "contentSchema": schema },
            } },
            reference("schemas", "End"),
        ] } } }),
    })
}

/// What the body does not show of the answer.
fn headers(binding: &Binding) -> Object {
    let output = binding.method.output();
    let known = [("next_page_token", "Link"), ("run_id", "Conveyor-Run-Id")];
    known
        .into_iter()
        .filter(|(field, _)| output.get_field_by_name(field).is_some())
        .map(|(_, header)| (header.to_owned(), reference("headers", header)))
        .collect()
}

fn tag(binding: &Binding) -> String {
    let service = binding.method.parent_service();
    service.name().trim_end_matches("Service").to_owned()
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
