//! Pipelines, printed.

use std::collections::BTreeMap;

use comfy_table::Cell;
use conveyor_client::proto::{Pipeline, Step};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Rows, Shown, json, on_terminal, rfc3339, table, time};

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
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "super::resources::is_none")]
    revision: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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

/// The steps of a pipeline as a table.
pub(in crate::cli) fn pipeline_steps(pipeline: &Pipeline) -> String {
    let row = |it: &Step| {
        vec![
            Cell::new(&it.id),
            table::text(&it.name),
            Cell::new(&it.driver),
            Cell::new(it.timeout.as_ref().map(time::seconds).unwrap_or_default()),
            table::text(&super::pairs(&it.labels)),
            table::text(&it.params_json),
        ]
    };
    let columns = vec!["STEP", "NAME", "DRIVER", "TIMEOUT", "LABELS", "PARAMS"];
    Rows::new(columns).render(pipeline.steps.iter().map(row).collect(), on_terminal())
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
    const WIDE: &'static [&'static str] = &["ID", "DRIVERS", "DESCRIPTION"];

    fn row(&self, now: Timestamp) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            Cell::new(&self.resource),
            Cell::new(self.steps.len()),
            Cell::new(self.revision),
            Cell::new(time::age(self.create_time.as_ref(), now)),
        ]
    }

    fn wide(&self) -> Vec<Cell> {
        let drivers: Vec<_> = self.steps.iter().map(|step| step.driver.as_str()).collect();
        vec![
            Cell::new(&self.id),
            Cell::new(drivers.join(",")),
            table::text(&self.description),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn document(&self) -> impl Serialize + '_ {
        PipelineDocument::from(self)
    }
}
