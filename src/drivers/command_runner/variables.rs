//! What a command is told about its task, as environment variables. Owns their names and meaning,
//! which are public: scripts of users read them.

use std::collections::BTreeMap;

use conveyor_client::Task;
use serde_json::{Value, json};

/// No variable may be longer: Linux takes 128 KiB of one, and refuses to start a program with more.
const VALUE_BYTES: usize = 96 * 1024;

/// Variables by name.
pub(super) type Variables = BTreeMap<String, String>;

/// All that a command is told about its task.
pub(super) fn of_task(task: &Task) -> Variables {
    let mut variables = Variables::new();
    let mut tell = |name, value: &str| tell(&mut variables, name, value);
    tell("CONVEYOR_RUN_ID", &task.run_id);
    tell("CONVEYOR_STEP", &task.step.id);
    tell("CONVEYOR_ATTEMPT", &task.attempt.to_string());
    tell("CONVEYOR_EVENT", &task.event);
    let resource = &task.resource;
    tell(
        "CONVEYOR_RESOURCE",
        &format!("{}/{}", resource.definition, resource.name),
    );
    tell("CONVEYOR_PARAMS", &task.step.params);
    tell("CONVEYOR_RESULTS", &results(task).to_string());
    tell_spec(&mut variables, &resource.spec);
    variables
}

/// The results of earlier steps: `[{"step", "driver", "success", "message", "data"}]`.
fn results(task: &Task) -> Value {
    let results = task.results.iter().map(|result| {
        let data: Value = serde_json::from_str(&result.data_json).unwrap_or_default();
        json!({
            "step": result.step,
            "driver": result.driver,
            "success": result.success,
            "message": result.message,
            "data": data,
        })
    });
    results.collect()
}

/// Says one thing of the task. What is too long for a variable is left out.
fn tell(variables: &mut Variables, name: &str, value: impl Into<String>) {
    let value = value.into();
    // No variable can hold a NUL either; a program would not start with one.
    if value.len() <= VALUE_BYTES && !value.contains('\0') {
        variables.insert(name.to_owned(), value);
    }
}

/// Says what the spec holds: all of it in `CONVEYOR_SPEC` as JSON, and each text, number and truth
/// value at its top as `CONVEYOR_SPEC_<FIELD>`, so that a script needs no JSON parser.
fn tell_spec(variables: &mut Variables, spec: &str) {
    tell(variables, "CONVEYOR_SPEC", spec);
    let Ok(Value::Object(fields)) = serde_json::from_str(spec) else {
        return;
    };
    for (field, value) in fields {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => continue,
        };
        tell(variables, &format!("CONVEYOR_SPEC_{}", upper(&field)), text);
    }
}

fn upper(field: &str) -> String {
    let letter = |c: char| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    };
    field.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_fields_of_the_spec_become_variables() {
        let spec = r#"{"repository":"/a b","git-ref":"main","deep":{"x":1},"port":80,"push":true,"none":null}"#;
        let mut variables = Variables::new();
        tell_spec(&mut variables, spec);
        let told: Vec<_> = variables.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            told,
            [
                format!("CONVEYOR_SPEC={spec}"),
                "CONVEYOR_SPEC_GIT_REF=main".to_owned(),
                "CONVEYOR_SPEC_PORT=80".to_owned(),
                "CONVEYOR_SPEC_PUSH=true".to_owned(),
                "CONVEYOR_SPEC_REPOSITORY=/a b".to_owned(),
            ]
        );
    }

    #[test]
    fn what_no_variable_can_hold_is_left_out() {
        let mut variables = Variables::new();
        tell(&mut variables, "LONG", "x".repeat(VALUE_BYTES + 1));
        tell(&mut variables, "NUL", "a\0b");
        assert_eq!(variables, Variables::new());
    }
}
