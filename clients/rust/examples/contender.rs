//! The contender of the conformance suite: a driver whose reconcile function does what the spec says.
//!
//! `clients/conformance/README.md` says what each variable and each word means.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::time::{Duration, Instant};

use conveyor_client::{CancelReason, Driver, Manager, Outcome, Task};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::sleep;

/// What the work is made of.
#[derive(serde::Deserialize)]
struct Spec {
    #[serde(rename = "do")]
    ops: Vec<Op>,
}

/// One word of the spec, with all that any of them may say.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Op {
    op: String,
    text: String,
    count: Option<u64>,
    size: usize,
    stream: Option<String>,
    level: String,
    labels: HashMap<String, String>,
    command: Vec<String>,
    ms: u64,
    success: Option<bool>,
    data: Option<Value>,
    data_size: Option<usize>,
}

async fn reconcile(task: Task) -> Result<Outcome, Box<dyn Error + Send + Sync>> {
    let spec: Spec = task.spec()?;
    for op in spec.ops {
        let wait = Duration::from_millis(op.ms);
        match op.op.as_str() {
            "print" => print(&task, &op.text),
            "log" => log(&task, &op).await,
            "pipe" => pipe(&task, &op).await?,
            "echo" => task.log.line("echo", echo(&task)?.to_string()).await,
            "sleep" => tokio::select! {
                () = sleep(wait) => {}
                _ = task.cancel.cancelled() => {}
            },
            "await-cancel" => {
                let why = task.cancel.cancelled().await;
                print(&task, &format!("cancelled {}", word(why.reason)));
            }
            "linger" => sleep(wait).await,
            "block" => std::thread::sleep(wait),
            "throw" => panic!("{}", op.text),
            "error" => return Err(op.text.into()),
            "result" => return Ok(result(op)),
            other => return Err(format!("the contender does not know `{other}`").into()),
        }
    }
    Ok(Outcome::success(""))
}

fn print(task: &Task, text: &str) {
    println!("{} {text}", task.task_id);
}

async fn log(task: &Task, op: &Op) {
    let log = task.log.with_labels(op.labels.clone());
    for number in 0..op.count.unwrap_or(1) {
        let text = filled(op.text.replace("{n}", &number.to_string()), op.size);
        match op.level.as_str() {
            "" => {
                log.line(op.stream.as_deref().unwrap_or("stdout"), text)
                    .await
            }
            "debug" => log.debug(text).await,
            "info" => log.info(text).await,
            "warn" => log.warn(text).await,
            _ => log.error(text).await,
        }
    }
}

async fn pipe(task: &Task, op: &Op) -> Result<(), Box<dyn Error + Send + Sync>> {
    let [program, arguments @ ..] = &op.command[..] else {
        return Err("a pipe needs a command".into());
    };
    task.log.run(Command::new(program).args(arguments)).await?;
    Ok(())
}

fn echo(task: &Task) -> Result<Value, serde_json::Error> {
    let result = |it: &conveyor_client::proto::StepResult| {
        let data: Value = serde_json::from_str(&it.data_json).unwrap_or_default();
        json!({"step": it.step, "driver": it.driver, "success": it.success, "message": it.message, "data": data})
    };
    let left = |deadline: Instant| {
        deadline
            .saturating_duration_since(Instant::now())
            .as_millis() as u64
    };
    Ok(json!({
        "task_id": task.task_id, "run_id": task.run_id, "attempt": task.attempt,
        "event": task.event, "cause": task.cause, "definition": task.resource.definition,
        "resource": task.resource.name, "revision": task.resource.revision,
        "metadata": task.resource.metadata, "spec": task.resource.spec, "step": task.step.id,
        "params": task.params::<Value>()?, "pipeline": task.pipeline.as_ref().map(|it| &it.name),
        "results": task.results.iter().map(result).collect::<Vec<_>>(),
        "ms_left": task.deadline.map(left),
        "traceparent": task.traceparent, "tracestate": task.tracestate,
    }))
}

fn result(op: Op) -> Outcome {
    let text = filled(op.text, op.size);
    let outcome = match op.success {
        Some(false) => Outcome::failure(text),
        Some(true) | None => Outcome::success(text),
    };
    match op.data_size.map(|size| "x".repeat(size).into()).or(op.data) {
        Some(data) => outcome.data(data),
        None => outcome,
    }
}

fn filled(text: String, size: usize) -> String {
    let missing = size.saturating_sub(text.len());
    text + &"x".repeat(missing)
}

fn word(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Cancelled => "CANCELLED",
        CancelReason::Deadline => "DEADLINE",
        CancelReason::Fenced => "FENCED",
    }
}

/// A variable of the contract; what is empty is not said.
fn said(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn words(name: &str) -> Option<Vec<String>> {
    Some(said(name)?.split(',').map(str::to_owned).collect())
}

fn driver() -> Result<Driver, Box<dyn Error>> {
    let name = said("CONTENDER_DRIVER").ok_or("CONTENDER_DRIVER is missing")?;
    let mut driver = Driver::new(name, reconcile);
    if let Some(slots) = said("CONTENDER_SLOTS") {
        driver = driver.slots(slots.parse()?);
    }
    if let Some(definitions) = words("CONTENDER_DEFINITIONS") {
        driver = driver.definitions(definitions);
    }
    if let Some(events) = words("CONTENDER_EVENTS") {
        driver = driver.events(events);
    }
    for label in words("CONTENDER_LABELS").unwrap_or_default() {
        let (key, value) = label.split_once('=').ok_or("a label has no `=`")?;
        driver = driver.label(key, value);
    }
    if let Some(bytes) = said("CONTENDER_LOG_MEMORY") {
        driver = driver.log_memory(bytes.parse()?);
    }
    if let Some(bytes) = said("CONTENDER_LOG_SPILL") {
        driver = driver.log_spill(bytes.parse()?);
    }
    let stop = said("CONTENDER_STOP_AT_LEASE_END").is_some();
    Ok(driver
        .stop_at_lease_end(stop)
        .on_message(|message| println!("message {} {}", message.event, message.payload)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = said("CONTENDER_SERVER").ok_or("CONTENDER_SERVER is missing")?;
    Manager::new(server)
        .driver(driver()?)
        .run_until_signal()
        .await?;
    Ok(())
}
