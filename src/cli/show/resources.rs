//! Resource definitions and resources, printed.

use std::collections::BTreeMap;

use comfy_table::Cell;
use conveyor_client::proto::{Resource, ResourceDefinition};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::retention::RetentionDocument;
use super::{Rows, Shown, json, on_terminal, rfc3339, table, time};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    retention: Option<RetentionDocument<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "is_none")]
    revision: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    dialect: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<String>,
}

/// Whether the server has not yet given a revision.
pub(super) fn is_none(revision: &i64) -> bool {
    *revision == 0
}

impl Shown for ResourceDefinition {
    const COLUMNS: &'static [&'static str] = &["NAME", "VERSION", "DIALECT", "REVISION", "AGE"];
    const WIDE: &'static [&'static str] = &["ID", "DESCRIPTION"];

    fn row(&self, now: Timestamp) -> Vec<Cell> {
        vec![
            Cell::new(&self.name),
            table::text(&self.version),
            Cell::new(&self.dialect),
            Cell::new(self.revision),
            Cell::new(time::age(self.create_time.as_ref(), now)),
        ]
    }

    fn wide(&self) -> Vec<Cell> {
        vec![Cell::new(&self.id), table::text(&self.description)]
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn document(&self) -> impl Serialize + '_ {
        DefinitionDocument {
            kind: "ResourceDefinition",
            name: &self.name,
            description: &self.description,
            version: &self.version,
            schema: json::raw(&self.schema_json),
            retention: self.retention.as_ref().map(RetentionDocument::from),
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
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    #[serde(skip_serializing_if = "is_none")]
    revision: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<String>,
}

/// The revisions of a resource as a table.
pub(in crate::cli) fn revisions(revisions: &[Resource]) -> String {
    let now = Timestamp::now();
    let row = |it: &Resource| {
        vec![
            Cell::new(it.revision),
            Cell::new(&it.pipeline),
            Cell::new(time::age(it.update_time.as_ref(), now)),
        ]
    };
    let columns = vec!["REVISION", "PIPELINE", "AGE"];
    Rows::new(columns).render(revisions.iter().map(row).collect(), on_terminal())
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

/// Whether the server writes this key of a resource's metadata.
pub(in crate::cli) fn is_servers(key: &str) -> bool {
    key == "version" || key.starts_with("driverresults.")
}

impl Shown for Resource {
    const COLUMNS: &'static [&'static str] = &["RESOURCE", "PIPELINE", "REVISION", "AGE"];
    const WIDE: &'static [&'static str] = &["ID", "WRITTEN", "METADATA"];

    fn row(&self, now: Timestamp) -> Vec<Cell> {
        vec![
            Cell::new(format!("{}/{}", self.resource, self.name)),
            Cell::new(&self.pipeline),
            Cell::new(self.revision),
            Cell::new(time::age(self.create_time.as_ref(), now)),
        ]
    }

    fn wide(&self) -> Vec<Cell> {
        let own = super::sorted(&self.metadata);
        let own = own.into_iter().filter(|(key, _)| !is_servers(key));
        let pairs: Vec<_> = own.map(|(key, value)| format!("{key}={value}")).collect();
        vec![
            Cell::new(&self.id),
            Cell::new(rfc3339(self.update_time.as_ref()).unwrap_or_default()),
            table::text(&pairs.join(",")),
        ]
    }

    fn name(&self) -> String {
        format!("{}/{}", self.resource, self.name)
    }

    fn document(&self) -> impl Serialize + '_ {
        ResourceDocument::from(self)
    }
}
