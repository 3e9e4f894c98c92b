//! Acks: late, absent, forged, said twice.

use std::collections::HashSet;

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::{
    Ack, CancelReason, Hello, Reconcile, ResultOutcome, RunState, StepState,
};
use tonic::Code;
use uuid::Uuid;

use crate::support::{Scripted, Server, hello};

const SHORT_ACK: [(&str, &str); 1] = [("driver.ack_time", "1s")];

#[tokio::test]
async fn late_ack_is_fenced_and_the_step_goes_to_another() {
    let server = Server::with(&SHORT_ACK).await;
    server.define("image").await;
    let mut slow = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let late = slow.offer().await;
    let mut quick = Scripted::new(&server, "builder", "image").await;
    let task = quick.take().await;
    assert!(task.token > late.token);
    slow.accept(&late).await;
    let cancel = slow.cancel().await;
    assert_eq!(
        (cancel.reason(), cancel.task_id, cancel.token),
        (CancelReason::Fenced, late.task_id.clone(), late.token)
    );
    let ack = slow.report(Scripted::success(&late, 0)).await;
    assert_eq!(ack.outcome(), ResultOutcome::Fenced);
    assert_ne!(
        server.run(&run).await.state(),
        RunState::Succeeded,
        "a dead token ends nothing"
    );
    quick.succeed(&task).await;
    let done = server.run(&run).await;
    assert_eq!(done.state(), RunState::Succeeded);
    assert_eq!(
        done.steps[0].attempts.len(),
        1,
        "a lapsed offer is no attempt"
    );
}

#[tokio::test]
async fn silent_instance_gets_nothing_until_it_acks_something() {
    let server = Server::with(&SHORT_ACK).await;
    server.define("image").await;
    let mut silent = Scripted::join(
        &server,
        Hello {
            slots: 2,
            ..hello("builder", "image")
        },
    )
    .await;
    let run = server.create("image", "a").await;
    let lapsed = silent.offer().await;
    server.step_is(&run, 0, StepState::Pending).await;
    let second = server.create("image", "b").await;
    silent.hears_nothing(&[]).await;
    assert_eq!(
        server.run(&second).await.steps[0].state(),
        StepState::Pending
    );
    // The late ack is fenced, and yet it shows that the instance is awake.
    silent.accept(&lapsed).await;
    assert_eq!(silent.cancel().await.reason(), CancelReason::Fenced);
    let runs: HashSet<_> = [silent.offer().await.run_id, silent.offer().await.run_id].into();
    assert_eq!(runs, [run, second].into());
}

#[tokio::test]
async fn silent_instance_gets_work_after_a_new_hello() {
    let server = Server::with(&SHORT_ACK).await;
    server.define("image").await;
    let mut silent = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let lapsed = silent.offer().await;
    server.step_is(&run, 0, StepState::Pending).await;
    let mut awake = silent.next_stream(&server, vec![]).await;
    let task = awake.take().await;
    assert!(task.token > lapsed.token);
    awake.succeed(&task).await;
}

#[tokio::test]
async fn ten_lapsed_offers_fail_the_step() {
    let server = Server::with(&[("driver.ack_time", "50ms")]).await;
    server.define("image").await;
    let mut silent = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let mut tokens = Vec::new();
    for _ in 0..10 {
        tokens.push(silent.offer().await.token);
        server
            .run_where(&run, "the offer lapses", |run| {
                run.steps[0].state() != StepState::Offered
            })
            .await;
        silent = silent.next_stream(&server, vec![]).await;
    }
    let failed = server.run_is(&run, RunState::Failed).await;
    assert_eq!(failed.steps[0].state(), StepState::Failed);
    assert!(!failed.steps[0].reason.is_empty(), "the reason is said");
    assert_eq!(failed.steps[0].attempts, []);
    assert!(
        tokens.is_sorted_by(|a, b| a < b),
        "each token is higher than any before it: {tokens:?}"
    );
}

#[tokio::test]
async fn ack_with_a_token_that_is_not_the_offers_is_fenced() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let offer = builder.offer().await;
    let mut other = Scripted::new(&server, "builder", "image").await;
    let forged = [
        Reconcile {
            token: offer.token + 1,
            ..offer.clone()
        },
        Reconcile {
            task_id: Uuid::now_v7().to_string(),
            ..offer.clone()
        },
    ];
    for task in forged {
        builder.accept(&task).await;
        assert_eq!(builder.cancel().await.reason(), CancelReason::Fenced);
    }
    other.accept(&offer).await;
    assert_eq!(
        other.cancel().await.reason(),
        CancelReason::Fenced,
        "the offer is another instance's"
    );
    assert_eq!(server.run(&run).await.steps[0].state(), StepState::Offered);
    builder.accept(&offer).await;
    server.run_is(&run, RunState::Running).await;
}

#[tokio::test]
async fn ack_said_twice_starts_one_attempt() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    builder.accept(&task).await;
    builder.hears_nothing(&[&task]).await;
    builder.succeed(&task).await;
    assert_eq!(server.run(&run).await.steps[0].attempts.len(), 1);
}

#[tokio::test]
async fn ack_of_nonsense_harms_nobody_else() {
    let server = Server::start().await;
    let mut tester = Scripted::new(&server, "tester", "image").await;
    for task_id in ["", "no-uuid"] {
        let mut builder = Scripted::new(&server, "builder", "image").await;
        let ack = Ack {
            task_id: task_id.into(),
            ..Ack::default()
        };
        builder.say(Say::Ack(ack)).await;
        assert_eq!(builder.ended().await.code(), Code::InvalidArgument);
        tester.hears_nothing(&[]).await;
    }
}
