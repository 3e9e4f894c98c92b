//! What a document is: its kind, and the message that the server is sent for it.

use conveyor_client::proto;

use super::super::show::{self, Shown};
use super::super::target::Target;
use super::fields::{Fields, Problem};

/// What a document asks for. The order is the order of work: later kinds name earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Definition,
    Pipeline,
    Resource,
}

/// One document, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli) enum Document {
    Definition(proto::ResourceDefinition),
    Pipeline(proto::Pipeline),
    Resource(proto::Resource),
}

impl Document {
    /// Reads a JSON document and checks its shape; what the values mean is for the server to check.
    pub(in crate::cli) fn parse(json: &str) -> Result<Document, Problem> {
        let mut fields = Fields::parse(json)?;
        // What the server writes. `get` prints it, so that it may stand in what is applied.
        fields.skip(&["id", "revision", "dialect", "create_time", "update_time"]);
        match kind(&mut fields)? {
            Kind::Definition => definition(fields).map(Document::Definition),
            Kind::Pipeline => pipeline(fields).map(Document::Pipeline),
            Kind::Resource => resource(fields).map(Document::Resource),
        }
    }

    /// Its kind.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Document::Definition(_) => Kind::Definition,
            Document::Pipeline(_) => Kind::Pipeline,
            Document::Resource(_) => Kind::Resource,
        }
    }

    /// How people name it.
    pub(in crate::cli) fn title(&self) -> String {
        self.target().to_string()
    }

    /// What it is of.
    pub(in crate::cli) fn target(&self) -> Target {
        match self {
            Document::Definition(definition) => Target::Definition(definition.name.clone()),
            Document::Pipeline(pipeline) => Target::Pipeline(pipeline.name.clone()),
            Document::Resource(resource) => Target::Resource {
                definition: resource.resource.clone(),
                name: resource.name.clone(),
            },
        }
    }

    /// The revision that the server gave it; 0 before that.
    pub(in crate::cli) fn revision(&self) -> i64 {
        match self {
            Document::Definition(definition) => definition.revision,
            Document::Pipeline(pipeline) => pipeline.revision,
            Document::Resource(resource) => resource.revision,
        }
    }

    /// What a person gave of it, as YAML: equal for two of which a write would change nothing.
    pub(in crate::cli) fn yaml(&self) -> String {
        match self.clone() {
            Document::Definition(mut it) => {
                (it.id, it.revision, it.dialect) = (String::new(), 0, String::new());
                (it.create_time, it.update_time) = (None, None);
                show::yaml(&it.document())
            }
            Document::Pipeline(mut it) => {
                for (step, number) in it.steps.iter_mut().zip(1..) {
                    if step.id.is_empty() {
                        step.id = number.to_string();
                    }
                }
                (it.id, it.revision) = (String::new(), 0);
                (it.create_time, it.update_time) = (None, None);
                show::yaml(&it.document())
            }
            Document::Resource(mut it) => {
                it.metadata.retain(|key, _| !show::is_servers(key));
                (it.id, it.revision) = (String::new(), 0);
                (it.create_time, it.update_time) = (None, None);
                show::yaml(&it.document())
            }
        }
    }
}

/// The field that only documents of a kind have.
const MARKS: [(&str, Kind); 3] = [
    ("schema", Kind::Definition),
    ("steps", Kind::Pipeline),
    ("spec", Kind::Resource),
];

fn kind(fields: &mut Fields<'_>) -> Result<Kind, Problem> {
    if fields.has("kind") {
        return named_kind(&fields.required("kind")?);
    }
    let marks: Vec<_> = MARKS.iter().filter(|(mark, _)| fields.has(mark)).collect();
    match marks[..] {
        [(_, kind)] => Ok(*kind),
        [] => {
            let names: Vec<_> = fields.names().collect();
            Err(Problem::NoKind(format!(
                "has neither schema (a definition), nor steps (a pipeline), nor spec (a resource), nor kind, but {}",
                if names.is_empty() {
                    "nothing".to_owned()
                } else {
                    names.join(", ")
                }
            )))
        }
        _ => {
            let names: Vec<_> = marks.iter().map(|(mark, _)| *mark).collect();
            Err(Problem::NoKind(format!(
                "has {}: say which is meant with kind: ResourceDefinition, Pipeline or Resource",
                names.join(" and ")
            )))
        }
    }
}

fn named_kind(word: &str) -> Result<Kind, Problem> {
    match word.to_lowercase().as_str() {
        "resourcedefinition" | "resourcedefinitions" | "definition" | "definitions" => {
            Ok(Kind::Definition)
        }
        "pipeline" | "pipelines" => Ok(Kind::Pipeline),
        "resource" | "resources" => Ok(Kind::Resource),
        _ => Err(Problem::NoKind(format!(
            "kind {word} cannot be applied: kinds are ResourceDefinition, Pipeline and Resource"
        ))),
    }
}

fn definition(mut fields: Fields<'_>) -> Result<proto::ResourceDefinition, Problem> {
    fields.set_kind("definition");
    let definition = proto::ResourceDefinition {
        name: fields.required("name")?,
        description: fields.text("description")?,
        version: fields.text("version")?,
        schema_json: fields.json("schema")?,
        retention: retention(&mut fields)?,
        ..Default::default()
    };
    fields.end()?;
    if definition.schema_json.is_empty() {
        return Err(Problem::Missing("schema".to_owned()));
    }
    Ok(definition)
}

fn retention(fields: &mut Fields<'_>) -> Result<Option<proto::Retention>, Problem> {
    let Some(mut fields) = fields.object("retention")? else {
        return Ok(None);
    };
    fields.set_kind("retention");
    let retention = proto::Retention {
        runs: limits(&mut fields, "runs")?,
        logs: limits(&mut fields, "logs")?,
        revisions: limits(&mut fields, "revisions")?,
    };
    fields.end()?;
    Ok(Some(retention))
}

fn limits(
    fields: &mut Fields<'_>,
    key: &'static str,
) -> Result<Option<proto::RetentionLimits>, Problem> {
    let Some(mut fields) = fields.object(key)? else {
        return Ok(None);
    };
    fields.set_kind("limit");
    let limits = proto::RetentionLimits {
        max_age: fields.word("max_age")?,
        max_count: fields.word("max_count")?,
    };
    fields.end()?;
    Ok(Some(limits))
}

fn pipeline(mut fields: Fields<'_>) -> Result<proto::Pipeline, Problem> {
    fields.set_kind("pipeline");
    let steps = fields.objects("steps")?;
    let pipeline = proto::Pipeline {
        name: fields.required("name")?,
        description: fields.text("description")?,
        version: fields.text("version")?,
        resource: fields.required("resource")?,
        steps: steps.into_iter().map(step).collect::<Result<_, _>>()?,
        metadata: fields.texts("metadata")?,
        ..Default::default()
    };
    fields.end()?;
    if pipeline.steps.is_empty() {
        return Err(Problem::Missing("steps".to_owned()));
    }
    Ok(pipeline)
}

fn step(mut fields: Fields<'_>) -> Result<proto::Step, Problem> {
    fields.set_kind("step");
    let step = proto::Step {
        id: fields.text("id")?,
        name: fields.text("name")?,
        driver: fields.required("driver")?,
        params_json: fields.json("params")?,
        timeout: fields.duration("timeout")?,
        labels: fields.texts("labels")?,
        ..Default::default()
    };
    fields.end()?;
    Ok(step)
}

fn resource(mut fields: Fields<'_>) -> Result<proto::Resource, Problem> {
    fields.set_kind("resource");
    let resource = proto::Resource {
        name: fields.required("name")?,
        resource: fields.required("resource")?,
        pipeline: fields.text("pipeline")?,
        metadata: fields.texts("metadata")?,
        spec_json: fields.json("spec")?,
        ..Default::default()
    };
    fields.end()?;
    Ok(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        Document::parse(json).unwrap_err().to_string()
    }

    #[test]
    fn marks_tell_the_kind() {
        let definition = Document::parse(r#"{"name":"a","schema":{}}"#).unwrap();
        assert_eq!(definition.kind(), Kind::Definition);
        let pipeline = r#"{"name":"p","resource":"a","steps":[{"driver":"d"}]}"#;
        assert_eq!(Document::parse(pipeline).unwrap().kind(), Kind::Pipeline);
        let resource = Document::parse(r#"{"name":"r","resource":"a","spec":{}}"#).unwrap();
        assert_eq!(resource.kind(), Kind::Resource);
    }

    #[test]
    fn kind_tells_the_kind_in_any_case() {
        for word in [
            "ResourceDefinition",
            "definition",
            "DEFINITIONS",
            "resourcedefinitions",
        ] {
            let json = format!(r#"{{"kind":"{word}","name":"a","schema":true}}"#);
            assert_eq!(
                Document::parse(&json).unwrap().kind(),
                Kind::Definition,
                "{word}"
            );
        }
        let resource = Document::parse(r#"{"kind":"resource","name":"r","resource":"a"}"#).unwrap();
        assert_eq!(resource.title(), "resource a/r");
    }

    #[test]
    fn user_json_is_kept_as_written() {
        let spec = "{ \"z\": 9007199254740993,\n \"a\": 1.10, \"z\": [1e2] }";
        let json = format!(r#"{{"name":"r","resource":"a","spec":{spec}}}"#);
        let Document::Resource(resource) = Document::parse(&json).unwrap() else {
            panic!()
        };
        assert_eq!(resource.spec_json, spec);
        let json = r#"{"name":"p","resource":"a","steps":[{"id":"1","driver":"d","params":[ 1.0 ],"timeout":"90s"}]}"#;
        let Document::Pipeline(pipeline) = Document::parse(json).unwrap() else {
            panic!()
        };
        assert_eq!(pipeline.steps[0].params_json, "[ 1.0 ]");
        assert_eq!(pipeline.steps[0].timeout.unwrap().seconds, 90);
    }

    /// Found by fuzzing: `diff` of such a document ended in a panic, or in a stack that was not deep enough.
    #[test]
    fn user_json_that_nobody_can_read_is_refused_by_its_field() {
        let resource = |spec: &str| format!(r#"{{"name":"r","resource":"a","spec":{spec}}}"#);
        insta::assert_snapshot!(refusal(&resource(r#"{"k":"\ud800"}"#)), @"spec: unexpected end of hex escape at line 1 column 13");
        let deep = |levels: usize| resource(&("[".repeat(levels) + &"]".repeat(levels)));
        insta::assert_snapshot!(refusal(&deep(100_000)), @"spec: recursion limit exceeded at line 1 column 128");
        insta::assert_snapshot!(refusal(&deep(128)), @"spec: recursion limit exceeded at line 1 column 128");
        let whole = Document::parse(&deep(127)).unwrap();
        assert!(whole.yaml().contains("- []"), "{}", whole.yaml());
        let step = r#"{"name":"p","resource":"a","steps":[{"driver":"d","params":1e999}]}"#;
        insta::assert_snapshot!(refusal(step), @"steps[0].params: number out of range at line 1 column 5");
    }

    #[test]
    fn problems_name_the_field() {
        insta::assert_snapshot!(refusal("[1]"), @"expected an object, found [1]");
        insta::assert_snapshot!(refusal("{}"), @"has neither schema (a definition), nor steps (a pipeline), nor spec (a resource), nor kind, but nothing");
        insta::assert_snapshot!(refusal(r#"{"name":"x","image":"y"}"#), @"has neither schema (a definition), nor steps (a pipeline), nor spec (a resource), nor kind, but image, name");
        insta::assert_snapshot!(refusal(r#"{"name":"x","spec":{},"schema":{}}"#), @"has schema and spec: say which is meant with kind: ResourceDefinition, Pipeline or Resource");
        insta::assert_snapshot!(refusal(r#"{"kind":"Run","name":"x"}"#), @"kind Run cannot be applied: kinds are ResourceDefinition, Pipeline and Resource");
        insta::assert_snapshot!(refusal(r#"{"spec":{},"resource":"a"}"#), @"name is missing or empty");
        insta::assert_snapshot!(refusal(r#"{"name":"x","schema":{},"version":1.0}"#), @"version: expected text in quotes, found 1.0");
        insta::assert_snapshot!(refusal(r#"{"name":"x","resource":"a","spec":{},"pipelin":"p"}"#), @"there is no field pipelin; a resource has name, resource, pipeline, metadata, spec");
        insta::assert_snapshot!(refusal(r#"{"name":"x","resource":"a","spec":{},"metadata":{"n":1}}"#), @"metadata.n: expected text in quotes, found 1");
        insta::assert_snapshot!(refusal(r#"{"name":"x","resource":"a","steps":[]}"#), @"steps is missing or empty");
        insta::assert_snapshot!(refusal(r#"{"name":"x","resource":"a","steps":["build"]}"#), @r#"steps[0]: expected an object, found "build""#);
        insta::assert_snapshot!(refusal(r#"{"name":"x","resource":"a","steps":[{"id":"1"}]}"#), @"steps[0].driver is missing or empty");
        insta::assert_snapshot!(refusal(r#"{"name":"x","resource":"a","steps":[{"driver":"d","timeout":30}]}"#), @r#"steps[0].timeout: expected a time in quotes, such as "30s", found 30"#);
        insta::assert_snapshot!(refusal(r#"{"name":"x","resource":"a","steps":[{"driver":"d","timeout":"soon"}]}"#), @"steps[0].timeout: expected a time such as 30s, 500ms or 2m, found soon");
    }
}
