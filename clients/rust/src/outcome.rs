//! What a reconcile function gives back.

use std::fmt::Display;

use serde::Serialize;

/// How a task ended: whether it succeeded, what to tell people, and data for later steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the work succeeded. A failed outcome is final: the step is not tried again.
    pub success: bool,
    /// What to tell people. Over 16 KiB it is cut.
    pub message: String,
    /// Data for later steps, as JSON text. Empty: none. Over 256 KiB the outcome becomes a failed one.
    pub data_json: String,
}

impl Outcome {
    /// The work succeeded.
    #[must_use]
    pub fn success(message: impl Into<String>) -> Self {
        Self {
            success: true,
            message: message.into(),
            data_json: String::new(),
        }
    }

    /// The work failed.
    #[must_use]
    pub fn failure(message: impl Into<String>) -> Self {
        Self {
            success: false,
            message: message.into(),
            data_json: String::new(),
        }
    }

    /// The same with `data` for later steps. Data that has no JSON form makes it a failed outcome.
    #[must_use]
    pub fn data(mut self, data: impl Serialize) -> Self {
        match serde_json::to_string(&data) {
            Ok(text) => self.data_json = text,
            Err(error) => self = Self::failure(format!("the result's data is no JSON: {error}")),
        }
        self
    }
}

/// What a reconcile function may return: an [`Outcome`], or a `Result` whose error is a failure.
pub trait IntoOutcome {
    /// The outcome that goes to the server.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl<E: Display> IntoOutcome for Result<Outcome, E> {
    fn into_outcome(self) -> Outcome {
        // `{:#}` shows the whole chain of an anyhow-like error, and changes nothing for others.
        self.unwrap_or_else(|error| Outcome::failure(format!("{error:#}")))
    }
}
