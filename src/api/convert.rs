//! Wire to model and back: the shape of a request is checked here, once; its rules belong to the model.
//!
//! JSON of the user has two fields on the wire: a `Value` or `Struct` for people, and its exact text.

mod json;
mod retention;
mod runs;
mod structs;

use std::time::Duration;

use jiff::Timestamp;
use prost_types::value::Kind;
use serde_json::Value;

use crate::engine::resources::{Shown, Written};
use crate::error::{Error, Result, Violation};
use crate::model::json::Json;
use crate::model::name::Name;
use crate::model::pipeline::{Pipeline, PipelineInput, Step, check_labels, check_steps};
use crate::model::resource::{
    Definition, DefinitionInput, Resource, ResourceInput, SCHEMA_BYTES, SPEC_BYTES, check_text,
    user_metadata,
};
use crate::model::schema::Schema;
use crate::proto;

pub(super) use self::json::{json, json_text};
use self::retention::{retention, shown_retention};
pub(super) use self::runs::run_state;
pub(super) use self::structs::JsonForm;

/// A time on the wire.
pub(super) fn time(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.as_second(),
        nanos: time.subsec_nanosecond(),
    }
}

/// A time from the wire.
pub(super) fn time_from(
    time: prost_types::Timestamp,
    field: &str,
) -> std::result::Result<Timestamp, Violation> {
    Timestamp::new(time.seconds, time.nanos).map_err(|_| Violation::new(field, "this is no time"))
}

/// A length of time on the wire.
pub(super) fn duration(it: Duration) -> prost_types::Duration {
    let seconds = i64::try_from(it.as_secs()).unwrap_or(i64::MAX);
    prost_types::Duration {
        seconds,
        nanos: it.subsec_nanos().cast_signed(),
    }
}

/// A positive length of time from the wire, a year at most.
fn timeout(it: prost_types::Duration, field: &str) -> std::result::Result<Duration, Violation> {
    let wrong = || {
        Violation::new(
            field,
            "a timeout is longer than nothing and at most 365 days",
        )
    };
    let time = plain(it).ok_or_else(wrong)?;
    let fits = time > Duration::ZERO && time <= Duration::from_secs(365 * 24 * 60 * 60);
    if fits { Ok(time) } else { Err(wrong()) }
}

/// A length of time that is not negative, in parts that are as the proto rules have them. prost's own conversion negates
/// without a look, and overflows with the smallest numbers.
fn plain(it: prost_types::Duration) -> Option<Duration> {
    let seconds = u64::try_from(it.seconds).ok()?;
    let nanos = u32::try_from(it.nanos).ok()?;
    (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

/// Gathers what is wrong with a request, so that all of it is answered at once.
#[derive(Default)]
struct Check(Vec<Violation>);

impl Check {
    fn take<T>(&mut self, result: std::result::Result<T, Violation>) -> Option<T> {
        result.map_err(|violation| self.0.push(violation)).ok()
    }

    fn name(&mut self, text: &str, field: &str) -> Option<Name> {
        self.take(Name::check(text, field))
    }

    /// A name that no route has taken.
    fn free_name(&mut self, text: &str) -> Option<Name> {
        if text == "apply" {
            let what = "\"apply\" is the name of a route";
            self.0.push(Violation::new("name", what));
        }
        self.name(text, "name")
    }

    /// A name that may be left out: `Some(None)` where it is.
    fn some_name(&mut self, text: &str, field: &str) -> Option<Option<Name>> {
        if text.is_empty() {
            Some(None)
        } else {
            self.name(text, field).map(Some)
        }
    }

    /// What was gathered, where nothing is wrong.
    fn finish<T>(self, it: Option<T>) -> Result<T> {
        match it {
            Some(it) if self.0.is_empty() => Ok(it),
            _ => Err(Error::Invalid(self.0)),
        }
    }
}

fn missing(field: &str) -> Error {
    Error::invalid(field, "is required")
}

/// What a request gives to define a type.
pub(super) fn definition_input(it: Option<proto::ResourceDefinition>) -> Result<DefinitionInput> {
    let it = it.ok_or_else(|| missing("resource_definition"))?;
    let mut check = Check::default();
    let name = check.free_name(&it.name);
    check_text(&it.description, "description", &mut check.0);
    check_text(&it.version, "version", &mut check.0);
    let retention = retention(it.retention.as_ref(), &mut check.0);
    let schema = check.take(json(&it.schema_json, it.schema, "schema", SCHEMA_BYTES));
    let compiled = match schema {
        Some(Some((text, value))) => match Schema::compile(&value) {
            Ok(schema) => Some((text, schema.dialect())),
            Err(error) => {
                check.0.extend(error.violations().iter().cloned());
                None
            }
        },
        Some(None) => {
            check.0.push(Violation::new("schema", "is required"));
            None
        }
        None => None,
    };
    let input = name
        .zip(compiled)
        .map(|(name, (schema, dialect))| DefinitionInput {
            name,
            description: it.description,
            version: it.version,
            schema,
            dialect,
            retention,
        });
    check.finish(input)
}

/// What a request gives to create or replace a resource.
pub(super) fn resource_input(it: Option<proto::Resource>) -> Result<ResourceInput> {
    let it = it.ok_or_else(|| missing("resource"))?;
    let mut check = Check::default();
    let name = check.name(&it.name, "name");
    let kind = check.name(&it.resource, "resource");
    let pipeline = check.some_name(&it.pipeline, "pipeline");
    let metadata = user_metadata(it.metadata, &mut check.0);
    let value = it.spec.map(|map| prost_types::Value {
        kind: Some(Kind::StructValue(map)),
    });
    let spec = match check.take(json(&it.spec_json, value, "spec", SPEC_BYTES)) {
        Some(None) => Some(Json::empty_object()),
        Some(Some((text, Value::Object(_)))) => Some(text),
        Some(Some(_)) => {
            check.0.push(Violation::new("spec", "a spec is an object"));
            None
        }
        None => None,
    };
    let input = match (name, kind, pipeline, spec) {
        (Some(name), Some(kind), Some(pipeline), Some(spec)) => Some(ResourceInput {
            kind,
            name,
            pipeline,
            metadata,
            spec,
        }),
        _ => None,
    };
    check.finish(input)
}

/// What a request gives to create or replace a pipeline.
pub(super) fn pipeline_input(it: Option<proto::Pipeline>) -> Result<PipelineInput> {
    let it = it.ok_or_else(|| missing("pipeline"))?;
    let mut check = Check::default();
    let name = check.free_name(&it.name);
    let kind = check.name(&it.resource, "resource");
    check_text(&it.description, "description", &mut check.0);
    check_text(&it.version, "version", &mut check.0);
    let metadata = user_metadata(it.metadata, &mut check.0);
    let count = it.steps.len();
    let steps: Vec<Step> = it
        .steps
        .into_iter()
        .enumerate()
        .filter_map(|(at, step_in)| step(at, step_in, &mut check))
        .collect();
    if steps.len() == count {
        check_steps(&steps, &mut check.0);
    }
    let input = name.zip(kind).map(|(name, kind)| PipelineInput {
        name,
        description: it.description,
        version: it.version,
        kind,
        steps,
        metadata,
    });
    check.finish(input)
}

fn step(at: usize, it: proto::Step, check: &mut Check) -> Option<Step> {
    let field = |name: &str| format!("steps[{at}].{name}");
    let number = (at + 1).to_string();
    let id = check.name(
        if it.id.is_empty() { &number } else { &it.id },
        &field("id"),
    );
    let driver = check.name(&it.driver, &field("driver"));
    check_text(&it.name, &field("name"), &mut check.0);
    let params = check.take(json(
        &it.params_json,
        it.params,
        &field("params"),
        SPEC_BYTES,
    ));
    let timeout = check.take(
        it.timeout
            .map(|it| timeout(it, &field("timeout")))
            .transpose(),
    );
    let labels = it.labels.into_iter().collect();
    check_labels(&labels, &field("labels"), &mut check.0);
    Some(Step {
        id: id?,
        name: it.name,
        driver: driver?,
        params: params?.map(|(text, _)| text),
        timeout: timeout?,
        labels,
    })
}

impl From<Definition> for proto::ResourceDefinition {
    fn from(it: Definition) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.to_string(),
            description: it.description,
            version: it.version,
            schema: None,
            schema_json: it.schema.as_str().to_owned(),
            dialect: it.dialect.to_string(),
            revision: it.revision,
            create_time: Some(time(it.created)),
            update_time: Some(time(it.updated)),
            retention: shown_retention(&it.retention),
        }
    }
}

impl From<Resource> for proto::Resource {
    fn from(it: Resource) -> Self {
        let mut metadata = it.metadata;
        metadata.insert("version".to_owned(), it.revision.to_string());
        Self {
            id: it.id.to_string(),
            name: it.name.to_string(),
            pipeline: it.pipeline.map(|name| name.to_string()).unwrap_or_default(),
            resource: it.kind.to_string(),
            metadata,
            spec: None,
            spec_json: it.spec.as_str().to_owned(),
            revision: it.revision,
            create_time: Some(time(it.created)),
            update_time: Some(time(it.updated)),
        }
    }
}

impl From<Shown> for proto::Resource {
    fn from(it: Shown) -> Self {
        let mut resource = Self::from(it.resource);
        for result in it.results {
            let data = result.data.as_ref().map_or("null", Json::as_str);
            let shown = format!(
                r#"{{"success":{},"message":{},"data":{data},"driver":{}}}"#,
                result.success,
                Value::from(result.message),
                Value::from(result.driver.as_str()),
            );
            resource
                .metadata
                .insert(format!("driverresults.{}", result.driver), shown);
        }
        resource
    }
}

impl From<Written> for proto::ResourceChange {
    fn from(it: Written) -> Self {
        Self {
            resource: Some(it.resource.into()),
            run_id: it.run.map(|run| run.to_string()).unwrap_or_default(),
        }
    }
}

impl From<Pipeline> for proto::Pipeline {
    fn from(it: Pipeline) -> Self {
        Self {
            name: it.name.to_string(),
            description: it.description,
            version: it.version,
            resource: it.kind.to_string(),
            steps: it.steps.into_iter().map(proto::Step::from).collect(),
            metadata: it.metadata.into_iter().collect(),
            id: it.id.to_string(),
            revision: it.revision,
            create_time: Some(time(it.created)),
            update_time: Some(time(it.updated)),
        }
    }
}

impl From<Step> for proto::Step {
    fn from(it: Step) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name,
            driver: it.driver.to_string(),
            params: None,
            params_json: json_text(it.params.as_ref()),
            timeout: it.timeout.map(duration),
            labels: it.labels.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_of_any_numbers_is_taken_or_refused() {
        let year = 365 * 24 * 60 * 60;
        let ends = [i64::MIN, -1, 0, 1, year, year + 1, i64::MAX];
        let parts = [i32::MIN, -1, 0, 1, 999_999_999, 1_000_000_000, i32::MAX];
        for seconds in ends {
            for nanos in parts {
                let taken = timeout(prost_types::Duration { seconds, nanos }, "timeout");
                let whole = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
                let is_plain = seconds >= 0 && (0..1_000_000_000).contains(&nanos);
                let fits = is_plain && whole > 0 && whole <= i128::from(year) * 1_000_000_000;
                assert_eq!(taken.is_ok(), fits, "{seconds} s and {nanos} ns");
            }
        }
    }
}
