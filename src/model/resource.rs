//! A resource definition and the resources of it: what they hold and which rules they keep.
//!
//! Invariant: a [`Definition`] or [`Resource`] in hand has kept every rule but the schema's, which
//! [`Definition::schema`] checks at each write.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::json::Json;
use super::name::{Name, ObjectId};
use super::retention::Retention;
use super::schema::{Dialect, Schema};
use crate::error::{Result, Violation};

/// Most bytes of a schema's text.
pub const SCHEMA_BYTES: usize = 256 << 10;
/// Most bytes of a spec's text.
pub const SPEC_BYTES: usize = 4 << 20;
/// Most bytes of a description or of a user's version text.
pub const TEXT_BYTES: usize = 4 << 10;

/// Key-value pairs of the user.
pub type Metadata = BTreeMap<String, String>;

/// The type of resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Drawn at creation.
    pub id: ObjectId,
    /// Unique name.
    pub name: Name,
    /// Free text for people.
    pub description: String,
    /// The user's own version text.
    pub version: String,
    /// The JSON Schema.
    pub schema: Json,
    /// The draft it is read as.
    pub dialect: Dialect,
    /// How long things of its resources are kept.
    pub retention: Retention,
    /// Counts its writes, from 1.
    pub revision: i64,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last written.
    pub updated: Timestamp,
}

impl Definition {
    /// Compiles its schema.
    pub fn schema(&self) -> Result<Schema> {
        Schema::compile_as(&self.schema.value(), self.dialect)
    }

    /// Whether a write of `other` would change nothing.
    pub fn same_as(&self, other: &DefinitionInput) -> bool {
        self.description == other.description
            && self.version == other.version
            && self.schema.says_the_same(&other.schema)
            && self.retention == other.retention
    }
}

/// What a user gives to define a type.
#[derive(Clone, Debug)]
pub struct DefinitionInput {
    /// Unique name.
    pub name: Name,
    /// Free text for people.
    pub description: String,
    /// The user's own version text.
    pub version: String,
    /// The JSON Schema.
    pub schema: Json,
    /// The draft it is read as.
    pub dialect: Dialect,
    /// How long things of its resources are kept.
    pub retention: Retention,
}

/// A named object of one definition, at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Drawn at creation; one made anew has another.
    pub id: ObjectId,
    /// The name of its definition.
    pub kind: Name,
    /// Its name, unique in its definition.
    pub name: Name,
    /// The pipeline that carries out its events.
    pub pipeline: Option<Name>,
    /// The user's key-value pairs, without those that the server adds.
    pub metadata: Metadata,
    /// What the drivers are to do: an object.
    pub spec: Json,
    /// Counts its writes, from 1.
    pub revision: i64,
    /// When it was created.
    pub created: Timestamp,
    /// When this revision was written.
    pub updated: Timestamp,
}

impl Resource {
    /// Whether a write of `other` would change nothing.
    pub fn same_as(&self, other: &ResourceInput) -> bool {
        self.pipeline == other.pipeline
            && self.metadata == other.metadata
            && self.spec.says_the_same(&other.spec)
    }
}

/// What a user gives to create or replace a resource.
#[derive(Clone, Debug)]
pub struct ResourceInput {
    /// The name of its definition.
    pub kind: Name,
    /// Its name.
    pub name: Name,
    /// The pipeline that carries out its events.
    pub pipeline: Option<Name>,
    /// The user's key-value pairs.
    pub metadata: Metadata,
    /// What the drivers are to do: an object.
    pub spec: Json,
}

/// What a driver last said about a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverResult {
    /// The driver.
    pub driver: Name,
    /// Whether its work succeeded.
    pub success: bool,
    /// What it said.
    pub message: String,
    /// Its data, if it gave any.
    pub data: Option<Json>,
    /// When it was said.
    pub time: Timestamp,
}

/// Keeps what the user owns of some metadata: keys that the server owns are left out. Adds what breaks a rule.
pub fn user_metadata(
    sent: impl IntoIterator<Item = (String, String)>,
    violations: &mut Vec<Violation>,
) -> Metadata {
    let metadata: Metadata = sent
        .into_iter()
        .filter(|(key, _)| key != "version" && !key.starts_with("driverresults."))
        .collect();
    if metadata.len() > 64 {
        violations.push(Violation::new(
            "metadata",
            format!("{} entries are too many: 64 at most", metadata.len()),
        ));
    }
    for (key, value) in &metadata {
        if key.is_empty() || key.len() > 128 {
            violations.push(Violation::new("metadata", "a key is 1 to 128 bytes long"));
        }
        if value.len() > 4 << 10 {
            let field = format!("metadata.{}", crate::error::cut(key, 40));
            violations.push(Violation::new(field, "a value is at most 4 KiB long"));
        }
    }
    metadata
}

/// Adds a violation where a free text is too long.
pub fn check_text(text: &str, field: &str, violations: &mut Vec<Violation>) {
    if text.len() > TEXT_BYTES {
        violations.push(Violation::new(
            field,
            format!("{} bytes are too many: {TEXT_BYTES} at most", text.len()),
        ));
    }
}
