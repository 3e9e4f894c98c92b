//! Writes the OpenAPI document of the REST routes: those of the annotations with their messages and comments, and
//! those that by_hand.yaml holds.

mod comments;
mod operations;
mod schemas;

use std::error::Error;

use serde_json::{Map, Value, json};

use crate::rest::Binding;
use operations::Operations;
use schemas::Schemas;

/// An object of JSON, its keys in the order in which they were set.
type Object = Map<String, Value>;

/// The document, as JSON text.
pub(crate) fn document(bindings: &[Binding]) -> Result<String, Box<dyn Error>> {
    let by_hand: Value = serde_saphyr::from_str(include_str!("by_hand.yaml"))?;
    let mut schemas = Schemas::new(&by_hand);
    let operations = Operations::new(&by_hand);
    let mut paths = Object::new();
    for (path, verbs) in object(&by_hand["paths"]) {
        for (verb, operation) in object(verbs) {
            let whole = operations.by_hand(path, operation);
            entry(&mut paths, path).insert(verb.clone(), whole);
        }
    }
    for binding in bindings {
        let whole = operations.annotated(binding, &mut schemas);
        entry(&mut paths, &binding.template()).insert(binding.verb.to_owned(), whole);
    }
    let mut info = object(&by_hand["info"]).clone();
    info.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    let mut components = object(&by_hand["components"]).clone();
    components.insert("schemas".to_owned(), schemas.finish().into());
    components.insert("responses".to_owned(), operations.errors().into());
    let document = json!({
        "openapi": "3.1.0",
        "info": info,
        "tags": operations::tags(bindings),
        "paths": paths,
        "components": components,
    });
    Ok(document.to_string())
}

/// A reference to what stands in the components.
fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

/// The object that a value is.
fn object(value: &Value) -> &Object {
    value
        .as_object()
        .unwrap_or_else(|| panic!("by_hand.yaml has {value} where an object belongs"))
}

/// The texts of a list; nothing where there is none.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn entry<'a>(objects: &'a mut Object, key: &str) -> &'a mut Object {
    let entry = objects.entry(key).or_insert_with(|| json!({}));
    entry.as_object_mut().expect("only objects are put in")
}
