//! What fuzzing calls in this room: documents that are applied, templates, and names on the command line.

use serde_json::value::RawValue;

use super::documents::{Document, yaml};
use super::{show, target};

/// Reads a text as documents in YAML, and writes those down again.
pub(crate) fn yaml(text: &str) {
    let texts = yaml::texts(text).unwrap_or_default();
    for document in texts.iter().filter_map(|json| Document::parse(json).ok()) {
        drop(document.yaml());
    }
}

/// Reads a template, and fills it from a document.
pub(crate) fn template(text: &str) {
    if let Ok(template) = text.parse::<show::Template>() {
        let document: Box<RawValue> = serde_json::from_str(DOCUMENT).expect("the document is JSON");
        template.fill(&document);
    }
}

const DOCUMENT: &str = r#"{"items":[{"name":"a","spec":{"n":1.10,"a-b":{"c.d":true}}},{"name":"b","spec":[1e2,{"x":"y"}]}]}"#;

/// Reads the words of a command line that name things.
pub(crate) fn words(text: &str) {
    let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
    drop(target::one(&words));
}
