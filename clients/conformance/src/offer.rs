//! Tasks to offer, and the words of their specs. `README.md` says what each word means.

use std::time::Duration;

use conveyor_client::proto::*;
use serde_json::{Value, json};

/// A task as the script knows it.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) token: u64,
    pub(crate) step: String,
}

impl Task {
    /// The task with `token`, which is its number too, of `step` in the one run.
    pub(crate) fn new(token: u64, step: &str) -> Self {
        Self {
            id: format!("0192f000-0000-7000-8000-{token:012}"),
            token,
            step: step.to_owned(),
        }
    }

    /// Its offer, with `ops` as the work.
    pub(crate) fn offer(&self, ops: &[Value]) -> Reconcile {
        self.offer_spec(&json!({ "do": ops }).to_string())
    }

    /// Its offer, with the exact text of a spec.
    pub(crate) fn offer_spec(&self, spec: &str) -> Reconcile {
        Reconcile {
            task_id: self.id.clone(),
            token: self.token,
            run_id: "0192f000-0000-7000-8000-00000000000a".to_owned(),
            event: "create".to_owned(),
            cause: "create".to_owned(),
            resource: Some(Resource {
                name: "thing".to_owned(),
                resource: "kind".to_owned(),
                revision: 1,
                spec_json: spec.to_owned(),
                ..Resource::default()
            }),
            step: Some(Step {
                id: self.step.clone(),
                name: self.step.clone(),
                ..Step::default()
            }),
            attempt: 1,
            ..Reconcile::default()
        }
    }

    /// A verdict on it, for a Welcome.
    pub(crate) fn fate(&self, verdict: TaskVerdict, next_line: u64) -> TaskFate {
        let mut fate = TaskFate {
            task_id: self.id.clone(),
            token: self.token,
            next_line,
            ..TaskFate::default()
        };
        fate.set_verdict(verdict);
        fate
    }
}

/// A duration of the wire.
pub(crate) fn span(time: Duration) -> prost_types::Duration {
    time.try_into().expect("the script's times are short")
}

/// Prints `text` with the task's id.
pub(crate) fn print(text: &str) -> Value {
    json!({"op": "print", "text": text})
}

/// Logs `count` lines: `line 0`, `line 1` and so on.
pub(crate) fn count_up(count: u64) -> Value {
    json!({"op": "log", "text": "line {n}", "count": count})
}

/// Logs `count` lines of `size` bytes, which begin as those of [`count_up`].
pub(crate) fn long_lines(count: u64, size: usize) -> Value {
    json!({"op": "log", "text": "line {n} ", "count": count, "size": size})
}

/// Logs one line.
pub(crate) fn log(text: &str) -> Value {
    json!({"op": "log", "text": text})
}

/// Pipes the output of a shell's script.
pub(crate) fn pipe(script: &str) -> Value {
    json!({"op": "pipe", "command": ["sh", "-c", script]})
}

/// Waits, but for the signal.
pub(crate) fn sleep(time: Duration) -> Value {
    json!({"op": "sleep", "ms": time.as_millis() as u64})
}

/// Waits for the signal.
pub(crate) fn await_cancel() -> Value {
    json!({"op": "await-cancel"})
}

/// Waits, whatever the signal says.
pub(crate) fn linger(time: Duration) -> Value {
    json!({"op": "linger", "ms": time.as_millis() as u64})
}

/// Blocks its thread.
pub(crate) fn block(time: Duration) -> Value {
    json!({"op": "block", "ms": time.as_millis() as u64})
}

/// Succeeds with a message.
pub(crate) fn succeed(text: &str) -> Value {
    json!({"op": "result", "text": text})
}
