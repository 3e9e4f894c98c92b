//! Offers and their acks.

use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::{CancelReason, Pipeline, StepResult};
use serde_json::{Value, json};

use crate::fault::{Fault, Played, ensure, equal, fail};
use crate::offer::{Task, await_cancel, linger, print, span, succeed};
use crate::stage::{PERIOD, Stage};
use crate::store::Store;

pub(super) async fn acked(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let task = Task::new(7, "build");
    link.give(&task, &[print("started"), succeed("built")])
        .await?;
    contender.says(&task, "started").await?;
    let result = link.result(&task).await?;
    equal("the result's success", result.success, true)?;
    equal("the result's message", &*result.message, "built")?;
    equal("the result's lines", result.lines, 0)?;
    equal("the result's data", &*result.data_json, "")?;
    link.applied(&task).await;
    link.heartbeat(&[]).await
}

pub(super) async fn duplicate(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(4).await?;
    let task = Task::new(1, "a");
    let work = [print("started"), succeed("once")];
    link.offer(&task, &work).await;
    link.offer(&task, &work).await;
    let mut acks = 0;
    let mut result = None;
    // The result of such quick work may come between the two acks.
    while acks < 2 || result.is_none() {
        match link.next().await? {
            Some(FromDriver::Ack(ack)) => {
                ensure!(!ack.refused, "ack {acks} refuses: {}", ack.reason);
                acks += 1;
            }
            Some(FromDriver::Result(said)) => {
                ensure!(result.is_none(), "a second result came");
                result = Some(said);
            }
            other => fail!("acks and a result are due, and not: {other:?}"),
        }
    }
    link.applied(&task).await;
    // Once more after its end. The next task shows that nothing was started in between.
    link.give(&task, &work).await?;
    let next = Task::new(2, "b");
    link.give(&next, &[print("started"), await_cancel()])
        .await?;
    contender.says(&next, "started").await?;
    equal(
        "the starts of the task",
        contender.said(&task, "started"),
        1,
    )?;
    link.heartbeat(&[&next]).await
}

pub(super) async fn slots_full(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(2).await?;
    let (one, two, three) = (Task::new(1, "a"), Task::new(2, "b"), Task::new(3, "c"));
    let work = [print("started"), await_cancel(), succeed("")];
    link.give(&one, &work).await?;
    link.give(&two, &work).await?;
    contender.says(&one, "started").await?;
    contender.says(&two, "started").await?;
    link.offer(&three, &work).await;
    link.refused(&three).await?;
    equal(
        "the starts beyond the slots",
        contender.said(&three, "started"),
        0,
    )?;
    // A result that was sent has left its slot, even before the server's ack of it.
    let grace = Duration::from_secs(10);
    link.cancel(&one, CancelReason::Cancelled, grace).await;
    link.result(&one).await?;
    let four = Task::new(4, "c");
    link.give(&four, &work).await?;
    contender.says(&four, "started").await
}

pub(super) async fn side_by_side(mut stage: Stage) -> Played {
    const LINES: usize = 500;
    let (_contender, mut link) = stage.open(4).await?;
    let tasks = [1, 2, 3, 4].map(|token| Task::new(token, &format!("step-{token}")));
    for task in &tasks {
        let text = format!("{} {{n}}", task.step);
        let work = [
            json!({"op": "log", "text": text, "count": LINES}),
            succeed(&task.step),
        ];
        link.offer(task, &work).await;
    }
    let mut stores = [(); 4].map(|()| Store::default());
    let (mut acks, mut results) = (0, 0);
    while acks < tasks.len() || results < tasks.len() {
        match link.next().await? {
            Some(FromDriver::Ack(ack)) if !ack.refused => acks += 1,
            Some(FromDriver::Log(log)) => {
                let of = tasks.iter().position(|task| task.id == log.task_id);
                let of = of.ok_or_else(|| Fault(format!("lines of {}", log.task_id)))?;
                let next = stores[of].take(log);
                link.stored(&tasks[of], next).await;
            }
            Some(FromDriver::Result(result)) => {
                let of = tasks.iter().find(|task| task.id == result.task_id);
                equal(
                    "the message",
                    of.map(|task| &*task.step),
                    Some(&*result.message),
                )?;
                results += 1;
            }
            other => fail!("reports of four tasks are due, and not: {other:?}"),
        }
    }
    for (task, store) in tasks.iter().zip(&stores) {
        let due: Vec<_> = (0..LINES).map(|n| format!("{} {n}", task.step)).collect();
        ensure!(
            store.texts() == due,
            "the lines of {} are not its own",
            task.step
        );
    }
    Ok(())
}

pub(super) async fn second_of_a_step(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let (old, new) = (Task::new(1, "a"), Task::new(2, "a"));
    let work = [
        print("started"),
        await_cancel(),
        linger(PERIOD * 3 / 2),
        print("stopped"),
        succeed("in vain"),
    ];
    link.give(&old, &work).await?;
    contender.says(&old, "started").await?;
    link.give(&new, &[print("started"), succeed("counts")])
        .await?;
    equal(
        "the ends of the old work at the ack",
        contender.said(&old, "stopped"),
        0,
    )?;
    contender.says(&old, "cancelled FENCED").await?;
    link.heartbeat(&[&new]).await?;
    equal("the message", &*link.result(&new).await?.message, "counts")?;
    let (stopped, started) = (
        contender.place(&old, "stopped"),
        contender.place(&new, "started"),
    );
    ensure!(
        stopped.is_some() && stopped < started,
        "the new work began beside the old"
    );
    Ok(())
}

pub(super) async fn carries_all(mut stage: Stage) -> Played {
    // Text of JSON that does not survive being read and written again.
    const SPEC: &str = r#"{"do": [{"op": "echo"}],  "z": 2.50, "a": 12345678901234567890}"#;
    let (_contender, mut link) = stage.open(1).await?;
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
    link.send(FromServer::Reconcile(offer)).await;
    link.accepted(&task).await?;
    let log = link.log(&task).await?;
    equal("the stream", &*log.lines[0].stream, "echo")?;
    let mut said: Value = serde_json::from_str(&log.lines[0].message)
        .map_err(|error| Fault(format!("what the task echoes is no JSON: {error}")))?;
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
        "ms_left": null,
    });
    equal("what the task says of itself", said, due)
}

pub(super) async fn spec_of_another_shape(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let (odd, next) = (Task::new(1, "a"), Task::new(2, "b"));
    link.send(FromServer::Reconcile(odd.offer_spec(r#"{"do": 7}"#)))
        .await;
    link.accepted(&odd).await?;
    let result = loop {
        match link.next().await? {
            Some(FromDriver::Log(log)) => {
                link.stored(&odd, log.first_line + log.lines.len() as u64)
                    .await
            }
            Some(FromDriver::Result(result)) => break result,
            other => fail!("a failed result is due, and not: {other:?}"),
        }
    };
    ensure!(!result.success, "a spec that cannot be read has succeeded");
    ensure!(!result.message.is_empty(), "the failed result says nothing");
    link.applied(&odd).await;
    link.give(&next, &[succeed("")]).await?;
    link.result(&next).await.map(drop)
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
