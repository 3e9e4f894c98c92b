//! What the work is told of its task, as the op `echo` logs it.

use std::time::Duration;

use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::{Pipeline, Reconcile, StepResult};
use serde_json::{Value, json};

use crate::fault::{Fault, Played, ensure, equal};
use crate::offer::{Task, span};
use crate::stage::Stage;

pub(super) async fn carries_all(mut stage: Stage) -> Played {
    // Text of JSON that does not survive being read and written again.
    const SPEC: &str = r#"{"do": [{"op": "echo"}],  "z": 2.50, "a": 12345678901234567890}"#;
    let task = Task::new(7, "deploy");
    let mut offer = task.offer_spec(SPEC);
    offer.event = "process".to_owned();
    offer.cause = "update".to_owned();
    offer.attempt = 2;
    offer.time_left = Some(span(Duration::from_secs(60)));
    offer.pipeline = Some(Pipeline {
        name: "release".to_owned(),
        ..Pipeline::default()
    });
    offer.results = vec![result("clone", r#"{"commit":"abc"}"#), result("lint", "")];
    if let Some(step) = &mut offer.step {
        step.params_json = r#"{"tag": "v1"}"#.to_owned();
    }
    if let Some(resource) = &mut offer.resource {
        resource.revision = 7;
        resource.metadata = [("team".to_owned(), "red".to_owned())].into();
    }
    let run_id = offer.run_id.clone();
    let mut said = echoed(&mut stage, &task, offer).await?;
    let left = said["ms_left"].take().as_f64().unwrap_or_default();
    ensure!(
        left > 30_000.0 && left <= 60_000.0,
        "of 60 s there are {left} ms left"
    );
    let earlier = |step: &str, data: Value| json!({"step": step, "driver": "builder", "success": true, "message": "done", "data": data});
    let due = json!({
        "task_id": task.id, "run_id": run_id, "attempt": 2, "event": "process", "cause": "update",
        "definition": "kind", "resource": "thing", "revision": 7, "metadata": {"team": "red"},
        "spec": SPEC, "step": "deploy", "params": {"tag": "v1"}, "pipeline": "release",
        "results": [earlier("clone", json!({"commit": "abc"})), earlier("lint", Value::Null)],
        "ms_left": null, "traceparent": "", "tracestate": "",
    });
    equal("what the task says of itself", said, due)
}

pub(super) async fn trace_context(mut stage: Stage) -> Played {
    let task = Task::new(1, "a");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut offer = task.offer(&[json!({"op": "echo"})]);
    offer.traceparent = parent.to_owned();
    offer.tracestate = "vendor=1,other=two".to_owned();
    let said = echoed(&mut stage, &task, offer).await?;
    let context = (&said["traceparent"], &said["tracestate"]);
    equal(
        "the place in a trace",
        context,
        (&json!(parent), &json!("vendor=1,other=two")),
    )
}

/// What the task of `offer` says of itself.
async fn echoed(stage: &mut Stage, task: &Task, offer: Reconcile) -> Played<Value> {
    let (_contender, mut link) = stage.open(1).await?;
    link.send(FromServer::Reconcile(offer)).await;
    link.accepted(task).await?;
    let log = link.log(task).await?;
    equal("the stream", &*log.lines[0].stream, "echo")?;
    let said = serde_json::from_str(&log.lines[0].message);
    said.map_err(|error| Fault(format!("what the task echoes is no JSON: {error}")))
}

fn result(step: &str, data: &str) -> StepResult {
    StepResult {
        step: step.to_owned(),
        driver: "builder".to_owned(),
        success: true,
        message: "done".to_owned(),
        data_json: data.to_owned(),
    }
}
