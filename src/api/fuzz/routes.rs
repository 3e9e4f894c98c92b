//! Requests by REST that are nearly right: bytes pick a route of the API document, and what stands in its path, query,
//! headers and body.

use std::fmt::Write;
use std::sync::LazyLock;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::words::{Known, Picks};
use crate::api::rest::openapi::DOCUMENT;

/// How deep bodies are nested.
const DEPTH: usize = 8;

/// Headers that any request may have, beside those of its route.
const HEADERS: [&str; 8] = [
    "content-type: application/json",
    "accept: text/event-stream",
    "content-type: text/plain",
    "accept: application/openmetrics-text; version=1.0.0",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "host: evil.example",
    "origin: http://localhost",
    "connection: upgrade\nupgrade: websocket\nsec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// A route with one of its methods.
pub(super) struct Route {
    pub(super) verb: String,
    /// With names in braces.
    pub(super) path: String,
    query: Vec<String>,
    headers: Vec<String>,
    /// The schema of its body.
    body: Option<Value>,
    /// Whether the body is lines, each of this schema.
    takes_lines: bool,
}

struct Api {
    routes: Vec<Route>,
    schemas: Map<String, Value>,
}

static API: LazyLock<Api> = LazyLock::new(|| {
    let document: Value = serde_json::from_str(DOCUMENT).expect("the API document is JSON");
    let mut routes = Vec::new();
    for (path, verbs) in document["paths"].as_object().into_iter().flatten() {
        for (verb, operation) in verbs.as_object().into_iter().flatten() {
            routes.push(Route::read(path, verb, operation, &document));
        }
    }
    let schemas = document["components"]["schemas"].as_object().cloned();
    Api {
        routes,
        schemas: schemas.unwrap_or_default(),
    }
});

impl Route {
    fn read(path: &str, verb: &str, operation: &Value, document: &Value) -> Self {
        let (mut query, mut headers) = (Vec::new(), Vec::new());
        let parameters = operation["parameters"].as_array();
        for it in parameters.into_iter().flatten() {
            let it = match it["$ref"].as_str() {
                Some(place) => document.pointer(&place[1..]).unwrap_or(it),
                None => it,
            };
            let name = it["name"].as_str().unwrap_or_default().to_owned();
            match it["in"].as_str() {
                Some("query") => query.push(name),
                Some("header") => headers.push(name),
                _ => {}
            }
        }
        let content = &operation["requestBody"]["content"];
        let json = content.get("application/json");
        let lines = content.get("application/x-ndjson");
        let body = json.map(|it| it["schema"].clone());
        Self {
            verb: verb.to_uppercase(),
            path: path.to_owned(),
            query,
            headers,
            body: body.or_else(|| Some(lines?["schema"]["items"].clone())),
            takes_lines: lines.is_some(),
        }
    }
}

/// The routes that there are to pick from.
pub(super) fn routes() -> &'static [Route] {
    &API.routes
}

/// The route that a byte picks, and the text of the request that the others make for it.
pub(super) fn request(input: &[u8], known: &Known) -> (&'static Route, String) {
    let mut picks = Picks::new(input, known);
    let routes = routes();
    let route = &routes[picks.next() % routes.len()];
    let mut text = format!("{} {}", route.verb, path(&route.path, &mut picks));
    let mut separator = '?';
    for name in &route.query {
        if picks.next() % 3 == 1 {
            let value = escaped(&picks.text(name), &mut picks);
            let _ = write!(text, "{separator}{name}={value}");
            separator = '&';
        }
    }
    for name in &route.headers {
        if picks.next() % 3 == 1 {
            let _ = write!(text, "\n{name}: {}", picks.text(name));
        }
    }
    let more = picks.next();
    if more.is_multiple_of(5) {
        let _ = write!(text, "\n{}", HEADERS[more / 5 % HEADERS.len()]);
    }
    let Some(schema) = &route.body else {
        return (route, text);
    };
    text.push_str("\n\n");
    json("", schema, &mut picks, DEPTH, &mut text);
    while route.takes_lines && !picks.are_over() {
        text.push('\n');
        json("", schema, &mut picks, DEPTH, &mut text);
    }
    (route, text)
}

/// The path, with a word for each name in braces.
fn path(template: &str, picks: &mut Picks<'_>) -> String {
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        path.push_str(before);
        let name = match (name, template) {
            // What a name is of, the path says before it.
            ("name", it) if it.starts_with("/drivers") => "drivers",
            ("name", it) if it.starts_with("/resource-definitions") => "definitions",
            ("name", it) if it.starts_with("/pipelines") => "pipelines",
            (name, _) => name,
        };
        let word = picks.text(name);
        path.push_str(&escaped(&word, picks));
        rest = after;
    }
    path + rest
}

/// A word as it stands in an address: escaped as it must be, in full, twice, or not at all.
fn escaped(word: &str, picks: &mut Picks<'_>) -> String {
    let once = utf8_percent_encode(word, NON_ALPHANUMERIC);
    match picks.next() {
        0..200 => once.to_string(),
        200..220 => word.bytes().map(|it| format!("%{it:02x}")).collect(),
        220..240 => utf8_percent_encode(&once.to_string(), NON_ALPHANUMERIC).to_string(),
        _ => word.to_owned(),
    }
}

/// Writes JSON of a schema, more or less, for a field of this name.
fn json(field: &str, schema: &Value, picks: &mut Picks<'_>, depth: usize, out: &mut String) {
    if depth == 0 {
        return out.push_str("null");
    }
    if let Some(place) = schema["$ref"].as_str() {
        let name = place.rsplit('/').next().unwrap_or_default();
        let schema = API.schemas.get(name).unwrap_or(&Value::Null);
        return json(field, schema, picks, depth - 1, out);
    }
    for one_of in ["anyOf", "allOf"] {
        if let Some(first) = schema[one_of].get(0) {
            return json(field, first, picks, depth - 1, out);
        }
    }
    match (schema["type"].as_str(), picks.next()) {
        // Now and then it is of another type.
        (_, 250..) => out.push_str(&Value::from(picks.text(field)).to_string()),
        (Some("object"), _) => object(schema, picks, depth, out),
        (Some("array"), pick) => {
            out.push('[');
            for nth in 0..pick % 4 {
                out.push_str(if nth == 0 { "" } else { "," });
                json(field, &schema["items"], picks, depth - 1, out);
            }
            out.push(']');
        }
        (Some("integer" | "number"), _) => {
            let _ = write!(out, "{}", picks.number());
        }
        (Some("boolean"), pick) => out.push_str(["true", "false"][pick % 2]),
        // Any JSON at all: what fits is JSON already.
        (None, 0..240) if matches!(field, "spec" | "schema" | "params" | "data") => {
            out.push_str(&picks.text(field));
        }
        _ => out.push_str(&Value::from(picks.text(field)).to_string()),
    }
}

fn object(schema: &Value, picks: &mut Picks<'_>, depth: usize, out: &mut String) {
    let required = schema["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|it| it == name));
    let mut separator = '{';
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let pick = picks.next();
        let is_there = if is_required(name) {
            pick < 240
        } else {
            pick % 3 == 1
        };
        if is_there {
            let _ = write!(out, "{separator}\"{name}\":");
            json(name, schema, picks, depth - 1, out);
            separator = ',';
        }
    }
    if let Some(schema) = schema
        .get("additionalProperties")
        .filter(|it| it.is_object())
    {
        for _ in 0..picks.next() % 3 {
            let key = Value::from(picks.text("key"));
            let _ = write!(out, "{separator}{key}:");
            json("value", schema, picks, depth - 1, out);
            separator = ',';
        }
    }
    out.push_str(if separator == '{' { "{}" } else { "}" });
}
