//! What fuzzing calls in this room: documents that are applied, templates, names on the command line, the file of contexts,
//! and what a server answers.

use std::path::Path;
use std::sync::LazyLock;

use conveyor_client::proto;
use prost::Message;
use serde_json::value::RawValue;

use super::contexts::Contexts;
use super::documents::{Document, input, yaml};
use super::{show, target};

/// Reads a text as documents in YAML, and writes those down again.
pub(crate) fn yaml(text: &str) {
    let texts = yaml::texts(text).unwrap_or_default();
    for document in texts.iter().filter_map(|json| Document::parse(json).ok()) {
        comes_back(&document);
    }
}

/// Reads a text as documents that come by standard input, and writes those down.
pub(crate) fn documents(text: &str) {
    let found = input::documents("stdin", Path::new("-"), text);
    for found in found.unwrap_or_default() {
        comes_back(&found.document);
    }
}

/// What `edit` shows of a document reads as the same document.
fn comes_back(document: &Document) {
    let shown = document.yaml();
    let texts = yaml::texts(&shown).expect("what is shown is YAML");
    let again = Document::parse(&texts[0]).expect("what is shown is a document");
    assert_eq!(again.yaml(), shown);
}

/// Reads a template, and fills it from a document.
pub(crate) fn template(text: &str) {
    if let Ok(template) = text.parse::<show::Template>() {
        let document: Box<RawValue> = serde_json::from_str(DOCUMENT).expect("the document is JSON");
        template.fill(&document);
    }
}

const DOCUMENT: &str = r#"{"items":[{"name":"a","spec":{"n":1.10,"a-b":{"c.d":true}}},{"name":"b","spec":[1e2,{"x":"y"}]}]}"#;

/// Reads the words of a command line that name things, and a form of output.
pub(crate) fn words(text: &str) {
    let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
    drop(target::one(&words));
    drop(text.parse::<show::Format>());
}

/// Reads the file of contexts.
pub(crate) fn contexts(text: &str) {
    if let Ok(contexts) = Contexts::parse(text) {
        let again = Contexts::parse(&show::yaml(&contexts));
        let again = again.expect("what is written can be read");
        assert_eq!(again.contexts.len(), contexts.contexts.len());
        drop(contexts.choose(None));
    }
}

/// Shows what a server answers in each form; the first byte picks what it is.
pub(crate) fn answer(input: &[u8]) {
    let Some((pick, bytes)) = input.split_first() else {
        return;
    };
    match pick % 5 {
        0 => shown::<proto::ResourceDefinition>(bytes),
        1 => shown::<proto::Resource>(bytes),
        2 => shown::<proto::Pipeline>(bytes),
        3 => shown::<proto::Driver>(bytes),
        _ => {
            shown::<proto::Run>(bytes);
            if let Ok(run) = proto::Run::decode(bytes) {
                show::steps(&run);
                show::attempts(&run);
            }
        }
    }
}

static EVERYTHING: LazyLock<show::Template> =
    LazyLock::new(|| "{.name} {$..*}".parse().expect("it is a template"));

fn shown<T: Message + Default + show::Shown>(bytes: &[u8]) {
    if let Ok(it) = T::decode(bytes) {
        show::all_forms(&it, &EVERYTHING);
    }
}

/// An answer of each kind.
pub(crate) fn answers() -> Vec<Vec<u8>> {
    let time = Some(prost_types::Timestamp {
        seconds: 1,
        nanos: 5,
    });
    let resource = proto::Resource {
        name: "a".into(),
        resource: "app".into(),
        spec_json: "{\"n\":1.10,\"t\":\"two\\nlines\"}".into(),
        metadata: [("k".to_owned(), "v".to_owned())].into(),
        create_time: time,
        ..Default::default()
    };
    let pipeline = proto::Pipeline {
        name: "p".into(),
        steps: vec![proto::Step {
            driver: "builder".into(),
            params_json: "[1]".into(),
            timeout: Some(prost_types::Duration {
                seconds: 1,
                nanos: 7,
            }),
            ..Default::default()
        }],
        ..Default::default()
    };
    let run = proto::Run {
        id: "0198f3c1-7d7e-7000-8000-000000000001".into(),
        state: 1,
        steps: vec![proto::StepRun {
            data_json: "{}".into(),
            message: "said".into(),
            attempts: vec![proto::Attempt {
                start_time: time,
                ..Default::default()
            }],
            ..Default::default()
        }],
        resource_snapshot: Some(resource.clone()),
        pipeline_snapshot: Some(pipeline.clone()),
        ..Default::default()
    };
    let definition = proto::ResourceDefinition {
        schema_json: "{\"type\":\"object\"}".into(),
        retention: Some(proto::Retention::default()),
        ..Default::default()
    };
    let driver = proto::Driver {
        name: "builder".into(),
        instances: vec![proto::DriverInstance {
            connect_time: time,
            ..Default::default()
        }],
        ..Default::default()
    };
    let all = [
        definition.encode_to_vec(),
        resource.encode_to_vec(),
        pipeline.encode_to_vec(),
        driver.encode_to_vec(),
        run.encode_to_vec(),
    ];
    let seed = |(bytes, pick): (Vec<u8>, u8)| [vec![pick], bytes].concat();
    all.into_iter().zip(0..).map(seed).collect()
}
