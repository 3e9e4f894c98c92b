//! Offers, acks, results and cancels.

use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::*;
use conveyor_client::{CancelReason as Why, Driver, Outcome, Task};

use crate::script::{Script, offer, soon};
use crate::support::{InHand, Running, by_hand};

#[tokio::test]
async fn task_carries_all_that_the_offer_says() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    let mut full = offer("t", 7, "build");
    full.attempt = 2;
    full.step.as_mut().unwrap().params_json = r#"{"tag": "v1"}"#.to_owned();
    full.time_left = Some(crate::script::duration(60_000));
    full.results = vec![StepResult {
        step: "clone".to_owned(),
        success: true,
        ..Default::default()
    }];
    link.offer(full).await;
    let ack = link.ack().await;
    assert_eq!((&*ack.task_id, ack.token, ack.refused), ("t", 7, false));
    let held = InHand::next(&mut tasks).await;
    let task = &held.task;
    assert_eq!(
        (&*task.run_id, &*task.task_id, task.attempt),
        ("run", "t", 2)
    );
    assert_eq!((&*task.event, &*task.cause), ("create", "create"));
    assert_eq!(
        (&*task.resource.definition, &*task.resource.name),
        ("kind", "thing")
    );
    assert_eq!(task.resource.spec, r#"{"b": 1, "a": 2.50}"#);
    assert_eq!(task.spec::<serde_json::Value>().unwrap()["a"], 2.5);
    assert_eq!(task.params::<serde_json::Value>().unwrap()["tag"], "v1");
    assert_eq!((&*task.step.id, &*task.results[0].step), ("build", "clone"));
    let left = task
        .deadline
        .unwrap()
        .saturating_duration_since(std::time::Instant::now());
    assert!(left > Duration::from_secs(30) && left <= Duration::from_secs(60));
}

#[tokio::test]
async fn offer_that_comes_twice_is_acked_again_and_started_once() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(4);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.offer(offer("t", 1, "a")).await;
    assert!(!link.ack().await.refused && !link.ack().await.refused);
    InHand::next(&mut tasks)
        .await
        .end(Outcome::success("once"))
        .await;
    assert_eq!(link.result().await.message, "once");
    link.result_ack("t", 1, ResultOutcome::Applied, 0).await;
    // Once more, after its end; the next task shows that nothing was started in between.
    link.offer(offer("t", 1, "a")).await;
    link.offer(offer("u", 2, "b")).await;
    assert_eq!(link.ack().await.task_id, "t");
    assert_eq!(link.ack().await.task_id, "u");
    assert_eq!(InHand::next(&mut tasks).await.task.task_id, "u");
    assert_eq!(link.heartbeat().await, ["u"]);
}

#[tokio::test]
async fn full_slots_refuse() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.offer(offer("u", 2, "b")).await;
    assert!(!link.ack().await.refused);
    let refused = link.ack().await;
    assert_eq!((&*refused.task_id, refused.refused), ("u", true));
    assert!(refused.reason.contains("slot"), "{}", refused.reason);
    // A task whose result was sent has left its slot, even before the server's ack of it.
    InHand::next(&mut tasks)
        .await
        .end(Outcome::success(""))
        .await;
    link.result().await;
    link.offer(offer("v", 3, "b")).await;
    assert!(!link.ack().await.refused);
}

#[tokio::test]
async fn new_offer_of_a_step_waits_for_the_old_work_to_stop() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("old", 1, "a")).await;
    link.ack().await;
    let old = InHand::next(&mut tasks).await;
    link.offer(offer("new", 2, "a")).await;
    let ack = link.ack().await;
    assert_eq!((&*ack.task_id, ack.refused), ("new", false));
    assert_eq!(
        soon("the fence", old.task.cancel.cancelled()).await.reason,
        Why::Fenced
    );
    assert_eq!(link.heartbeat().await, ["new"]);
    assert!(
        tasks.try_recv().is_err(),
        "the new work began beside the old"
    );
    old.task.log.info("said in vain").await;
    old.end(Outcome::success("in vain")).await;
    let new = InHand::next(&mut tasks).await;
    assert_eq!(new.task.task_id, "new");
    new.end(Outcome::success("counts")).await;
    let result = link.result().await;
    assert_eq!(
        (&*result.task_id, &*result.message, result.lines),
        ("new", "counts", 0)
    );
}

#[tokio::test]
async fn task_that_is_cancelled_while_it_waits_never_starts() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("old", 1, "a")).await;
    link.ack().await;
    let old = InHand::next(&mut tasks).await;
    link.offer(offer("new", 2, "a")).await;
    link.ack().await;
    // An older token than one it has already is nothing to work on.
    link.offer(offer("older", 0, "a")).await;
    assert!(link.ack().await.refused);
    link.cancel("new", 2, CancelReason::Cancelled, 10_000).await;
    let result = link.result().await;
    assert_eq!((&*result.task_id, result.success), ("new", false));
    link.result_ack("new", 2, ResultOutcome::Applied, 0).await;
    old.end(Outcome::success("")).await;
    link.offer(offer("next", 3, "a")).await;
    assert!(!link.ack().await.refused);
    assert_eq!(InHand::next(&mut tasks).await.task.task_id, "next");
}

#[tokio::test]
async fn cancel_within_its_grace_still_gives_a_result() {
    let mut server = Script::start().await;
    let driver = Driver::new("polite", |task: Task| async move {
        let why = task.cancel.cancelled().await;
        Outcome::failure(format!("stopped: {:?}", why.reason))
    });
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    // A cancel with another token means another task.
    link.cancel("t", 9, CancelReason::Deadline, 10_000).await;
    link.cancel("t", 1, CancelReason::Cancelled, 10_000).await;
    let result = link.result().await;
    assert_eq!(
        (result.success, &*result.message),
        (false, "stopped: Cancelled")
    );
}

#[tokio::test]
async fn work_that_ignores_its_cancel_is_dropped_when_the_grace_is_over() {
    let mut server = Script::start().await;
    let driver = Driver::new("deaf", |_: Task| async {
        std::future::pending::<()>().await;
        Outcome::success("never")
    });
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    link.cancel("t", 1, CancelReason::Cancelled, 100).await;
    let result = link.result().await;
    assert!(
        !result.success && result.message.contains("did not stop"),
        "{}",
        result.message
    );
    link.result_ack("t", 1, ResultOutcome::Applied, 0).await;
    link.offer(offer("u", 2, "b")).await;
    assert!(!link.ack().await.refused, "its slot is free again");
}

#[tokio::test]
async fn late_ack_is_answered_fenced_and_the_task_forgotten() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let held = InHand::next(&mut tasks).await;
    link.cancel("t", 1, CancelReason::Fenced, 10_000).await;
    assert_eq!(
        soon("the fence", held.task.cancel.cancelled()).await.reason,
        Why::Fenced
    );
    held.end(Outcome::success("in vain")).await;
    assert!(link.heartbeat().await.is_empty());
    link.offer(offer("u", 2, "a")).await;
    // The next message is the ack: nothing of the fenced task comes.
    assert_eq!(link.ack().await.task_id, "u");
}

#[tokio::test]
async fn panic_becomes_a_failed_result_with_its_text_and_its_place_in_the_log() {
    let mut server = Script::start().await;
    let driver = Driver::new("clumsy", |task: Task| async move {
        assert_ne!(task.step.id, "a", "tripped over {}", task.step.id);
        Outcome::success("fine")
    });
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let mut lines = Vec::new();
    let result = loop {
        match link.heed().await.unwrap() {
            FromDriver::Log(log) => lines.extend(log.lines.into_iter().map(|line| line.message)),
            FromDriver::Result(result) => break result,
            other => panic!("{other:?} is not due"),
        }
    };
    let says = |text: &str| lines.iter().any(|line| line.contains(text));
    assert!(lines[0].contains("the driver panicked"), "{lines:?}");
    assert!(
        says("tripped over a") && says("tests/it/tasks.rs:"),
        "{lines:?}"
    );
    assert_eq!((result.success, result.lines), (false, lines.len() as u64));
    link.result_ack("t", 1, ResultOutcome::Applied, 0).await;
    link.offer(offer("u", 2, "b")).await;
    assert!(!link.ack().await.refused);
    assert_eq!(link.result().await.message, "fine");
}

#[tokio::test]
async fn results_are_brought_within_the_limits() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(4);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    for (token, task) in ["data", "broken", "message", "error"]
        .into_iter()
        .enumerate()
    {
        link.offer(offer(task, token as u64 + 1, task)).await;
        link.ack().await;
        let held = InHand::next(&mut tasks).await;
        let outcome = match task {
            "data" => Outcome::success("much").data("x".repeat(256 << 10)),
            "broken" => Outcome {
                data_json: "{".to_owned(),
                ..Outcome::success("made by hand")
            },
            "message" => Outcome::success("\u{e4}".repeat(9000)),
            _ => Outcome::failure("no"),
        };
        held.end(outcome).await;
        let result = link.result().await;
        match task {
            "data" => {
                assert!(!result.success && result.data_json.is_empty());
                assert!(
                    result.message.contains("262146 bytes"),
                    "{}",
                    result.message
                );
            }
            "broken" => {
                assert!(!result.success && result.data_json.is_empty());
                assert!(result.message.contains("no JSON"), "{}", result.message);
            }
            "message" => assert_eq!(result.message.len(), 16 << 10),
            _ => assert_eq!((result.success, &*result.message), (false, "no")),
        }
    }
}

#[tokio::test]
async fn error_of_the_function_is_a_failed_result() {
    let mut server = Script::start().await;
    let driver = Driver::new("failing", |task: Task| async move {
        let number: u32 = task.spec()?;
        Ok::<_, serde_json::Error>(Outcome::success(number.to_string()))
    });
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let result = link.result().await;
    assert!(
        !result.success && result.message.contains("invalid type"),
        "{}",
        result.message
    );
}

#[tokio::test]
async fn result_is_sent_until_it_is_applied_and_dropped_when_fenced() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    InHand::next(&mut tasks)
        .await
        .end(Outcome::success(""))
        .await;
    link.result().await;
    assert_eq!(link.heartbeat().await, ["t"]);
    link.result_ack("t", 1, ResultOutcome::Fenced, 0).await;
    drop(link);
    let (mut link, hello) = server.welcome(vec![]).await;
    assert!(hello.tasks.is_empty());
    assert!(matches!(link.next().await, Some(FromDriver::Heartbeat(_))));
}
