//! A pipeline and its steps.
//!
//! Invariant: a [`Pipeline`] in hand has 1 to 256 steps whose ids differ, each with a driver.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::json::Json;
use super::name::{Name, ObjectId};
use super::resource::Metadata;
use crate::error::Violation;

/// Most steps of a pipeline, and of a run without one.
pub const MAX_STEPS: usize = 256;
/// Most labels of a step or of a driver instance.
pub const MAX_LABELS: usize = 32;

/// Words that a driver instance carries and a step may ask for.
pub type Labels = BTreeMap<String, String>;

/// A named order of steps over the resources of one definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Drawn at creation; one made anew has another.
    pub id: ObjectId,
    /// Unique name.
    pub name: Name,
    /// Free text for people.
    pub description: String,
    /// The user's own version text.
    pub version: String,
    /// The name of the definition it applies to.
    pub kind: Name,
    /// The steps in their order.
    pub steps: Vec<Step>,
    /// The user's key-value pairs.
    pub metadata: Metadata,
    /// Counts its writes, from 1.
    pub revision: i64,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last written.
    pub updated: Timestamp,
}

impl Pipeline {
    /// Whether a write of `other` would change nothing.
    pub fn same_as(&self, other: &PipelineInput) -> bool {
        self.description == other.description
            && self.version == other.version
            && self.kind == other.kind
            && self.steps == other.steps
            && self.metadata == other.metadata
    }
}

/// What a user gives to create or replace a pipeline.
#[derive(Clone, Debug)]
pub struct PipelineInput {
    /// Unique name.
    pub name: Name,
    /// Free text for people.
    pub description: String,
    /// The user's own version text.
    pub version: String,
    /// The name of the definition it applies to.
    pub kind: Name,
    /// The steps in their order.
    pub steps: Vec<Step>,
    /// The user's key-value pairs.
    pub metadata: Metadata,
}

impl PipelineInput {
    /// About how many bytes it takes to store it: the params of its steps can be long.
    pub fn params_bytes(&self) -> usize {
        let params = self.steps.iter().filter_map(|step| step.params.as_ref());
        params.map(|params| params.as_str().len()).sum()
    }
}

/// One step: work for one driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Unique in the pipeline.
    pub id: Name,
    /// Free text for people.
    pub name: String,
    /// The driver that does it.
    pub driver: Name,
    /// What the driver is told beside the resource.
    pub params: Option<Json>,
    /// How long one attempt may take, from its ack.
    pub timeout: Option<Duration>,
    /// What an instance must carry to take it.
    pub labels: Labels,
}

/// Adds what breaks the rules of a list of steps.
pub fn check_steps(steps: &[Step], violations: &mut Vec<Violation>) {
    if steps.is_empty() {
        violations.push(Violation::new(
            "steps",
            "a pipeline needs at least one step",
        ));
    }
    if steps.len() > MAX_STEPS {
        violations.push(Violation::new(
            "steps",
            format!("{} steps are too many: {MAX_STEPS} at most", steps.len()),
        ));
    }
    let mut seen = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        if let Some(first) = seen.insert(&step.id, at) {
            violations.push(Violation::new(
                format!("steps[{at}].id"),
                format!("steps[{first}] has the same id"),
            ));
        }
    }
}

/// Adds what breaks the rules of labels.
pub fn check_labels(labels: &Labels, field: &str, violations: &mut Vec<Violation>) {
    if labels.len() > MAX_LABELS {
        violations.push(Violation::new(
            field,
            format!("{} labels are too many: {MAX_LABELS} at most", labels.len()),
        ));
    }
    if labels
        .iter()
        .any(|(key, value)| key.is_empty() || key.len() > 128 || value.len() > 1 << 10)
    {
        violations.push(Violation::new(
            field,
            "a key is 1 to 128 bytes long, a value at most 1 KiB",
        ));
    }
}
