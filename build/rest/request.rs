//! Writes how a handler fills the typed request: the body, then path, query and headers.

use std::fmt::Write;

use prost_reflect::{FieldDescriptor, Kind};

use super::binding::Binding;

impl Binding {
    /// The request as the body gives it.
    pub(super) fn message(&self) -> String {
        match self.body.as_str() {
            "" => "Default::default()".to_owned(),
            "*" if self.is_body_optional() => "call.body_if_any()?".to_owned(),
            "*" => "call.body()?".to_owned(),
            field => format!(
                "proto::{} {{ {field}: Some(call.body()?), ..Default::default() }}",
                self.method.input().name()
            ),
        }
    }

    /// What stands before a field's path in the request but not in the body.
    pub(super) fn body_prefix(&self) -> String {
        match self.body.as_str() {
            "" | "*" => String::new(),
            field => format!("{field}."),
        }
    }

    /// Statements that put path, query and headers into the request.
    pub(super) fn fill(&self) -> String {
        let mut code = String::new();
        let prefix = self.body_prefix();
        for (place, field) in self.path_fields().enumerate() {
            let name = field.strip_prefix(&prefix).unwrap_or(field);
            let rust = field.replace('.', ".get_or_insert_default().");
            let _ = writeln!(
                code,
                "    call.path({place}, {name:?}, &mut message.{rust})?;"
            );
        }
        for field in self.query_fields() {
            let _ = writeln!(code, "    {}?;", query(&field));
        }
        for field in self.method.input().fields() {
            let header = match field.name() {
                "expected_revision" => "if_match",
                "request_id" => "idempotency_key",
                "after_position" => "last_event_id",
                _ => continue,
            };
            let _ = writeln!(code, "    call.{header}(&mut message.{})?;", field.name());
        }
        code
    }
}

/// Puts what the query says of a field into the request.
fn query(field: &FieldDescriptor) -> String {
    let name = field.name();
    let into = format!("{name:?}, &mut message.{name}");
    match field.kind() {
        Kind::Enum(of) if field.is_list() => {
            format!(
                "call.query_names({into}, proto::{}::from_str_name)",
                of.name()
            )
        }
        Kind::Enum(of) => panic!("{} in a query needs a form here", of.full_name()),
        _ if field.is_list() => panic!("{} in a query needs a form here", field.full_name()),
        _ if field.supports_presence() => format!("call.query_if_any({into})"),
        _ => format!("call.query({into})"),
    }
}
