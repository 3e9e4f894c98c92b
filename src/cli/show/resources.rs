//! Resource definitions and resources, printed.

use std::collections::BTreeMap;

use comfy_table::Cell;
use conveyor_client::proto::{Resource, ResourceDefinition};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Shown, json, rfc3339, table, time};

/// A definition in the form that `apply` takes.
#[derive(Serialize)]
struct DefinitionDocument<'a> {
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    schema: Option<Box<RawValue>>,
    id: &'a str,
    revision: i64,
    dialect: &'a str,
    create_time: Option<String>,
    update_time: Option<String>,
}

impl Shown for ResourceDefinition {
    const COLUMNS: &'static [&'static str] = &["NAME", "VERSION", "DIALECT", "REVISION", "AGE"];

    fn row(&self, now: Timestamp) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            table::text(&self.version),
            Cell::new(&self.dialect),
            Cell::new(self.revision),
            Cell::new(time::age(self.create_time.as_ref(), now)),
        ]
    }

    fn document(&self) -> impl Serialize + '_ {
        DefinitionDocument {
            kind: "ResourceDefinition",
            name: &self.name,
            description: &self.description,
            version: &self.version,
            schema: json::raw(&self.schema_json),
            id: &self.id,
            revision: self.revision,
            dialect: &self.dialect,
            create_time: rfc3339(self.create_time.as_ref()),
            update_time: rfc3339(self.update_time.as_ref()),
        }
    }
}

/// A resource in the form that `apply` takes.
#[derive(Serialize)]
pub(super) struct ResourceDocument<'a> {
    kind: &'static str,
    resource: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pipeline: &'a str,
    metadata: BTreeMap<&'a str, &'a str>,
    spec: Option<Box<RawValue>>,
    id: &'a str,
    revision: i64,
    create_time: Option<String>,
    update_time: Option<String>,
}

impl<'a> From<&'a Resource> for ResourceDocument<'a> {
    fn from(resource: &'a Resource) -> Self {
        ResourceDocument {
            kind: "Resource",
            resource: &resource.resource,
            name: &resource.name,
            pipeline: &resource.pipeline,
            metadata: super::sorted(&resource.metadata),
            spec: json::raw(&resource.spec_json),
            id: &resource.id,
            revision: resource.revision,
            create_time: rfc3339(resource.create_time.as_ref()),
            update_time: rfc3339(resource.update_time.as_ref()),
        }
    }
}

impl Shown for Resource {
    const COLUMNS: &'static [&'static str] = &["RESOURCE", "PIPELINE", "REVISION", "AGE"];

    fn row(&self, now: Timestamp) -> Vec<Cell> {
        vec![
            Cell::new(format!("{}/{}", self.resource, self.name)),
            Cell::new(&self.pipeline),
            Cell::new(self.revision),
            Cell::new(time::age(self.create_time.as_ref(), now)),
        ]
    }

    fn document(&self) -> impl Serialize + '_ {
        ResourceDocument::from(self)
    }
}
