//! Pipelines, printed.

use std::collections::BTreeMap;

use comfy_table::Cell;
use conveyor_client::proto::{Pipeline, Step};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Shown, json, rfc3339, time};

/// A pipeline in the form that `apply` takes.
#[derive(Serialize)]
pub(super) struct PipelineDocument<'a> {
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    resource: &'a str,
    steps: Vec<StepDocument<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, &'a str>,
    id: &'a str,
    revision: i64,
    create_time: Option<String>,
    update_time: Option<String>,
}

#[derive(Serialize)]
struct StepDocument<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    driver: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'a str, &'a str>,
}

impl<'a> From<&'a Pipeline> for PipelineDocument<'a> {
    fn from(pipeline: &'a Pipeline) -> Self {
        PipelineDocument {
            kind: "Pipeline",
            name: &pipeline.name,
            description: &pipeline.description,
            version: &pipeline.version,
            resource: &pipeline.resource,
            steps: pipeline.steps.iter().map(StepDocument::from).collect(),
            metadata: super::sorted(&pipeline.metadata),
            id: &pipeline.id,
            revision: pipeline.revision,
            create_time: rfc3339(pipeline.create_time.as_ref()),
            update_time: rfc3339(pipeline.update_time.as_ref()),
        }
    }
}

impl<'a> From<&'a Step> for StepDocument<'a> {
    fn from(step: &'a Step) -> Self {
        StepDocument {
            id: &step.id,
            name: &step.name,
            driver: &step.driver,
            params: json::raw(&step.params_json),
            timeout: step.timeout.as_ref().map(time::seconds),
            labels: super::sorted(&step.labels),
        }
    }
}

impl Shown for Pipeline {
    const COLUMNS: &'static [&'static str] = &["NAME", "RESOURCE", "STEPS", "REVISION", "AGE"];

    fn row(&self, now: Timestamp) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            Cell::new(&self.resource),
            Cell::new(self.steps.len()),
            Cell::new(self.revision),
            Cell::new(time::age(self.create_time.as_ref(), now)),
        ]
    }

    fn document(&self) -> impl Serialize + '_ {
        PipelineDocument::from(self)
    }
}
