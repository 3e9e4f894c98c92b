//! What a task asks for: commands, and the image they want to run in. Owns where these are looked
//! for and what makes them unfit; running them is left to `steps`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// The commands of one task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Work {
    /// The container image to run them in.
    pub(super) image: Option<String>,
    /// At least one, in their order.
    pub(super) steps: Vec<Step>,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Step {
    /// What people call it.
    pub(super) name: String,
    /// Shell text, given to `sh -c`.
    pub(super) command: String,
    /// Variables for this command alone.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
}

/// Why there is nothing that can be run.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
    /// The text is not of the expected form.
    #[error("{0} cannot be read: {1}")]
    Unreadable(&'static str, serde_json::Error),
    /// The file with the commands cannot be opened.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// The file with the commands is not of the expected form.
    #[error("{0}: {1}")]
    Yaml(String, Box<serde_saphyr::Error>),
    /// There are no commands.
    #[error("nothing to run: `steps`, a list of {{name, command}}, is missing or empty")]
    NoSteps,
    /// An engine would take the image for one of its options, or for nothing.
    #[error("`image` {0:?} is not the name of an image")]
    BadImage(String),
    /// No shell could read a variable of that name.
    #[error("step {step:?}: {name:?} in `env` is not the name of a variable")]
    BadVariable {
        /// The step.
        step: String,
        /// The name.
        name: String,
    },
}

/// The part of a spec, of params or of a file that concerns this driver; the rest is ignored.
#[derive(Default, Deserialize)]
struct Given {
    image: Option<String>,
    steps: Option<Vec<Step>>,
}

impl Work {
    /// The work of a task: what the step's params say, and the resource's spec where they are silent.
    pub(super) fn of_task(spec: &str, params: &str) -> Result<Self, WorkError> {
        let from_params = match params.trim_start().starts_with('{') {
            true => read("the step's params", params)?,
            // Params may be any JSON. What is no object does not speak to this driver.
            false => Given::default(),
        };
        // A field that params replace may have another shape in the spec: it is not looked at.
        let mut fields: serde_json::Map<String, serde_json::Value> = read("the spec", spec)?;
        if from_params.steps.is_some() {
            fields.remove("steps");
        }
        if from_params.image.is_some() {
            fields.remove("image");
        }
        let from_spec = Given::deserialize(serde_json::Value::Object(fields))
            .map_err(|error| WorkError::Unreadable("the spec", error))?;
        Self::checked(Given {
            image: from_params.image.or(from_spec.image),
            steps: from_params.steps.or(from_spec.steps),
        })
    }

    /// The work that a YAML or JSON file describes.
    pub(super) fn from_file(path: &Path) -> Result<Self, WorkError> {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|error| WorkError::File(name.clone(), error))?;
        let options = serde_saphyr::options! { with_snippet: false };
        let given = serde_saphyr::from_str_with_options(&text, options)
            .map_err(|error| WorkError::Yaml(name, Box::new(error)))?;
        Self::checked(given)
    }

    fn checked(given: Given) -> Result<Self, WorkError> {
        let steps = given.steps.unwrap_or_default();
        if steps.is_empty() {
            return Err(WorkError::NoSteps);
        }
        if let Some(image) = &given.image
            && (image.is_empty() || image.starts_with('-'))
        {
            return Err(WorkError::BadImage(image.clone()));
        }
        for step in &steps {
            if let Some(name) = step.env.keys().find(|name| !is_variable(name)) {
                return Err(WorkError::BadVariable {
                    step: step.name.clone(),
                    name: name.clone(),
                });
            }
        }
        Ok(Self {
            image: given.image,
            steps,
        })
    }
}

fn read<'a, T: Deserialize<'a>>(what: &'static str, json: &'a str) -> Result<T, WorkError> {
    serde_json::from_str(json).map_err(|error| WorkError::Unreadable(what, error))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = r#"{"image":"a:1","steps":[{"name":"x","command":"true"}],"other":[1]}"#;

    fn names(work: &Work) -> Vec<&str> {
        work.steps.iter().map(|step| step.name.as_str()).collect()
    }

    #[test]
    fn spec_gives_image_and_steps_and_may_say_more() {
        let work = Work::of_task(SPEC, "").unwrap();
        assert_eq!(work.image.as_deref(), Some("a:1"));
        assert_eq!(names(&work), ["x"]);
    }

    #[test]
    fn params_go_before_the_spec_field_by_field() {
        let work = Work::of_task(SPEC, r#"{"steps":[{"name":"y","command":"false"}]}"#).unwrap();
        assert_eq!(work.image.as_deref(), Some("a:1"));
        assert_eq!(names(&work), ["y"]);
        let work = Work::of_task(SPEC, r#"{"image":"b:2"}"#).unwrap();
        assert_eq!(work.image.as_deref(), Some("b:2"));
        assert_eq!(names(&work), ["x"]);
    }

    #[test]
    fn a_spec_field_that_params_replace_may_have_any_shape() {
        let params = r#"{"steps":[{"name":"y","command":"false"}]}"#;
        assert_eq!(
            names(&Work::of_task(r#"{"steps":3}"#, params).unwrap()),
            ["y"]
        );
        assert!(Work::of_task(r#"{"steps":3}"#, "").is_err());
    }

    #[test]
    fn params_that_are_no_object_are_for_others() {
        assert_eq!(names(&Work::of_task(SPEC, "[1]").unwrap()), ["x"]);
    }

    #[test]
    fn work_without_steps_says_so() {
        for spec in ["{}", r#"{"steps":[]}"#, r#"{"image":"a"}"#] {
            let error = Work::of_task(spec, "").unwrap_err();
            assert!(matches!(error, WorkError::NoSteps), "{error}");
        }
    }

    #[test]
    fn an_image_is_never_taken_for_an_option() {
        let spec = r#"{"image":"--privileged","steps":[{"name":"x","command":"true"}]}"#;
        let error = Work::of_task(spec, "").unwrap_err();
        assert!(matches!(error, WorkError::BadImage(_)), "{error}");
    }

    #[test]
    fn a_variable_has_a_name_that_shells_can_read() {
        let spec = r#"{"steps":[{"name":"x","command":"true","env":{"A=B":"c"}}]}"#;
        let error = Work::of_task(spec, "").unwrap_err();
        assert!(matches!(error, WorkError::BadVariable { .. }), "{error}");
    }
}
