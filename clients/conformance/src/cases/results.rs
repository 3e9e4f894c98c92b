//! Results: sent until they are on disk, and within the server's limits.

use conveyor_client::proto::{Limits, ResultOutcome, TaskVerdict, Welcome};
use serde_json::json;
use tonic::Status;

use crate::contender::Setup;
use crate::fault::{Played, ensure, equal};
use crate::offer::{Task, count_up, log, succeed};
use crate::rules::LIMITS;
use crate::stage::{MOMENT, Stage, welcome};
use crate::store::Store;

pub(super) async fn until_acked(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    let work = [
        log("one"),
        json!({"op": "result", "text": "built", "data": {"b": 1, "a": [2.5, "x"]}}),
    ];
    link.give(&task, &work).await?;
    link.log(&task).await?;
    link.stored(&task, 1).await;
    let first = link.result(&task).await?;
    equal("the data", &*first.data_json, r#"{"b":1,"a":[2.5,"x"]}"#)?;
    equal("the lines", first.lines, 1)?;
    for _ in 0..2 {
        link.end(Status::unavailable("again")).await;
        let hello;
        (link, hello) = stage.welcome(vec![task.fate(TaskVerdict::GoOn, 1)]).await?;
        let waits = hello
            .tasks
            .first()
            .is_some_and(|held| held.result_waits && held.next_line == 1);
        ensure!(
            waits,
            "the Hello does not say that a result waits: {:?}",
            hello.tasks
        );
        equal("the result", &link.result(&task).await?, &first)?;
    }
    link.applied(&task).await;
    link.heartbeat(&[]).await?;
    link.quiet(MOMENT).await
}

pub(super) async fn lines_missing(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[count_up(5), succeed("")]).await?;
    let mut store = Store::default();
    while store.next() < 5 {
        store.take(link.log(&task).await?);
    }
    link.stored(&task, 2).await;
    equal("the lines", link.result(&task).await?.lines, 5)?;
    // Three of them never came to the disk.
    store.lines.truncate(2);
    link.result_ack(&task, ResultOutcome::LinesMissing, 2).await;
    store.serve(&mut link, &task).await?;
    store.counts_up(5)?;
    link.applied(&task).await;
    link.heartbeat(&[]).await
}

pub(super) async fn fenced(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[succeed("in vain")]).await?;
    link.result(&task).await?;
    link.result_ack(&task, ResultOutcome::Fenced, 0).await;
    link.heartbeat(&[]).await?;
    link.end(Status::unavailable("again")).await;
    let (mut link, hello) = stage.welcome(vec![]).await?;
    ensure!(
        hello.tasks.is_empty(),
        "the Hello names a task whose result was refused"
    );
    link.quiet(MOMENT).await
}

pub(super) async fn data_limit(mut stage: Stage) -> Played {
    let _contender = stage.start(&Setup::slots(1))?;
    let small = Welcome {
        limits: Some(Limits {
            result_data_bytes: 1000,
            ..LIMITS
        }),
        ..welcome()
    };
    let (mut link, _) = stage.welcome_with(small).await?;
    // Two quotes stand around the data.
    for (token, size, fits) in [(1, 998, true), (2, 999, false), (3, 300_000, false)] {
        let task = Task::new(token, "a");
        let result = json!({"op": "result", "text": "built", "data_size": size});
        link.give(&task, &[result]).await?;
        let result = link.result(&task).await?;
        equal("the result's success", result.success, fits)?;
        let bytes = if fits { size + 2 } else { 0 };
        equal("the bytes of data", result.data_json.len(), bytes)?;
        let says = fits || (result.message.contains("1000") && result.message.contains("data"));
        ensure!(
            says,
            "the failed result does not name the limit: {}",
            result.message
        );
        link.applied(&task).await;
    }
    Ok(())
}

pub(super) async fn message_cut(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    // Two bytes each, after one: a cut at the limit would fall into the middle of a character.
    let text = format!("a{}", "\u{e9}".repeat(20_000));
    link.give(&task, &[succeed(&text)]).await?;
    let result = link.result(&task).await?;
    ensure!(
        result.success,
        "a long message makes a failed result: {}",
        result.message
    );
    ensure!(
        text.starts_with(&result.message),
        "the message is not the beginning of the text"
    );
    equal(
        "the bytes of the message",
        result.message.len(),
        (16 << 10) - 1,
    )
}

pub(super) async fn thrown(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let (task, next) = (Task::new(1, "a"), Task::new(2, "b"));
    link.give(
        &task,
        &[
            log("before"),
            json!({"op": "throw", "text": "out of cheese"}),
        ],
    )
    .await?;
    let mut store = Store::default();
    let result = store.serve(&mut link, &task).await?;
    ensure!(!result.success, "what threw has succeeded");
    ensure!(
        result.message.contains("out of cheese"),
        "the message is {:?}",
        result.message
    );
    let trace = store.texts().join("\n");
    let whole = trace.contains("out of cheese") && trace.to_lowercase().contains("contender");
    ensure!(
        whole,
        "the log does not tell where `out of cheese` was thrown: {trace}"
    );
    link.applied(&task).await;
    link.give(&next, &[succeed("alive")]).await?;
    equal(
        "the next message",
        &*link.result(&next).await?.message,
        "alive",
    )
}

pub(super) async fn returned_error(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[json!({"op": "error", "text": "no such branch"})])
        .await?;
    let result = Store::default().serve(&mut link, &task).await?;
    ensure!(!result.success, "an error has succeeded");
    ensure!(
        result.message.contains("no such branch"),
        "the message is {:?}",
        result.message
    );
    Ok(())
}
