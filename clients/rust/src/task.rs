//! What a reconcile function is given.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::cancel::CancelSignal;
use crate::logger::Logger;
use crate::proto;

/// One step to carry out, with everything that is known about it.
#[derive(Debug)]
pub struct Task {
    /// The run, a UUID.
    pub run_id: String,
    /// This offer of the step, a UUID.
    pub task_id: String,
    /// Which attempt at the step this is, from 1.
    pub attempt: u32,
    /// What happened: `create`, `update`, `process` or `delete`.
    pub event: String,
    /// What caused the run: `create`, `update` or `delete`.
    pub cause: String,
    /// The resource as it was when the run was written.
    pub resource: TaskResource,
    /// The pipeline as it was, if there is one.
    pub pipeline: Option<proto::Pipeline>,
    /// The step.
    pub step: TaskStep,
    /// The results of earlier steps, in their order.
    pub results: Vec<proto::StepResult>,
    /// When its time is over, if it has a timeout. The server then cancels it.
    pub deadline: Option<Instant>,
    /// Its place in a trace, as W3C's `traceparent` header has it: spans of the driver belong below it. Empty: the run
    /// belongs to no trace.
    pub traceparent: String,
    /// What other systems pass on with it, as the `tracestate` header has it. May be empty.
    pub tracestate: String,
    /// Where it logs.
    pub log: Logger,
    /// How it learns that it is to stop.
    pub cancel: CancelSignal,
}

/// The resource that a task is about.
#[derive(Clone, Debug, Default)]
pub struct TaskResource {
    /// The definition's name.
    pub definition: String,
    /// The resource's name.
    pub name: String,
    /// The revision that this is.
    pub revision: i64,
    /// The specification, as the JSON text that its user wrote.
    pub spec: String,
    /// Its metadata.
    pub metadata: HashMap<String, String>,
}

/// The step that a task carries out.
#[derive(Clone, Debug, Default)]
pub struct TaskStep {
    /// Its id, unique in the run.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its parameters as JSON text. Empty: none.
    pub params: String,
}

impl Task {
    /// Reads the resource's spec.
    ///
    /// # Errors
    /// When the spec does not have the shape of `T`.
    pub fn spec<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.resource.spec)
    }

    /// Reads the step's parameters; a step without any has `null`.
    ///
    /// # Errors
    /// When the parameters do not have the shape of `T`.
    pub fn params<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let none = self.step.params.is_empty();
        serde_json::from_str(if none { "null" } else { &self.step.params })
    }

    /// The task of an offer that came at `now`.
    pub(crate) fn new(
        offer: proto::Reconcile,
        log: Logger,
        cancel: CancelSignal,
        now: Instant,
    ) -> Self {
        let resource = offer.resource.unwrap_or_default();
        let step = offer.step.unwrap_or_default();
        let time_left = offer
            .time_left
            .and_then(|left| Duration::try_from(left).ok());
        Self {
            run_id: offer.run_id,
            task_id: offer.task_id,
            attempt: u32::try_from(offer.attempt).unwrap_or_default(),
            event: offer.event,
            cause: offer.cause,
            resource: TaskResource {
                definition: resource.resource,
                name: resource.name,
                revision: resource.revision,
                spec: resource.spec_json,
                metadata: resource.metadata,
            },
            pipeline: offer.pipeline,
            step: TaskStep {
                id: step.id,
                name: step.name,
                params: step.params_json,
            },
            results: offer.results,
            deadline: time_left.and_then(|left| now.checked_add(left)),
            traceparent: offer.traceparent,
            tracestate: offer.tracestate,
            log,
            cancel,
        }
    }
}
