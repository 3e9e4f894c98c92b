//! Drain, from either side, and messages to all drivers.

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{
    AttemptState, BroadcastMessageRequest, GetDriverRequest, RunState, TaskVerdict,
};
use rustix::process::Signal;
use tonic::Code;

use crate::support::{Scripted, Server, eventually, held};

#[tokio::test]
async fn draining_driver_gets_no_new_offers_and_ends_its_task() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create("image", "a").await;
    let task = builder.take().await;
    builder.drain().await;
    builder.hears_nothing(&[&task]).await;
    let driver = server
        .drivers()
        .get_driver(GetDriverRequest {
            name: "builder".into(),
        })
        .await
        .unwrap()
        .into_inner();
    assert!(driver.instances[0].draining);
    let next = server.create("image", "b").await;
    builder.succeed(&task).await;
    builder.hears_nothing(&[]).await;
    builder.close().await;
    let mut other = Scripted::new(&server, "builder", "image").await;
    assert_eq!(other.take().await.run_id, next);
}

#[tokio::test]
async fn clean_close_after_its_own_drain_gives_back_at_once() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    builder.drain().await;
    builder.hears_nothing(&[&task]).await;
    assert_eq!(builder.close().await.code(), Code::Ok);
    // The lease would have been 30 s.
    let mut other = Scripted::new(&server, "builder", "image").await;
    let again = other.take().await;
    assert_eq!((again.run_id.as_str(), again.attempt), (run.as_str(), 2));
    assert_eq!(
        server.run(&run).await.steps[0].attempts[0].state(),
        AttemptState::Lost
    );
}

#[tokio::test]
async fn close_without_drain_keeps_the_lease() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    server.run_is(&run, RunState::Running).await;
    builder.close().await;
    let mut other = Scripted::new(&server, "builder", "image").await;
    other.hears_nothing(&[]).await;
    let back = builder
        .next_stream(&server, vec![held(&task, 0, false)])
        .await;
    assert_eq!(back.welcome.tasks[0].verdict(), TaskVerdict::GoOn);
}

#[tokio::test]
async fn drain_does_not_hold_over_a_new_hello() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    builder.drain().await;
    builder.hears_nothing(&[]).await;
    let mut back = builder.next_stream(&server, vec![]).await;
    server.create("image", "a").await;
    back.take().await;
}

#[tokio::test]
async fn draining_server_says_so_commits_what_arrived_and_ends_the_streams() {
    let mut server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["a", "b"]).await;
    builder.logged(2).await;
    server.signal(Signal::TERM);
    loop {
        match builder.hear().await {
            Hear::Drain(_) => break,
            Hear::LogAck(_) => {}
            other => panic!("expected Drain, heard {other:?}"),
        }
    }
    assert_eq!(builder.ended().await.code(), Code::Unavailable);
    assert_eq!(server.exit_code().await, Some(0));
    server.start_again().await;
    let mut back = builder
        .next_stream(&server, vec![held(&task, 2, false)])
        .await;
    let fate = &back.welcome.tasks[0];
    assert_eq!((fate.verdict(), fate.next_line), (TaskVerdict::GoOn, 2));
    let ack = back.report(Scripted::success(&task, 2)).await;
    assert_eq!(ack.next, 0);
    assert_eq!(
        server.run_is(&run, RunState::Succeeded).await.steps[0]
            .attempts
            .len(),
        1
    );
}

#[tokio::test]
async fn broadcast_goes_to_those_connected_now() {
    let server = Server::start().await;
    let message = BroadcastMessageRequest {
        event: "reload".into(),
        payload: r#"{"a":1}"#.into(),
        id: "7".into(),
        run_id: "r".into(),
    };
    let none = server
        .drivers()
        .broadcast_message(message.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(none.delivered, 0);
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let mut tester = Scripted::new(&server, "tester", "image").await;
    let mut gone = Scripted::new(&server, "gone", "image").await;
    gone.close().await;
    eventually("the one that left is not counted", async || {
        let answer = server
            .drivers()
            .broadcast_message(message.clone())
            .await
            .unwrap()
            .into_inner();
        (answer.delivered == 2).then_some(())
    })
    .await;
    for driver in [&mut builder, &mut tester] {
        let Hear::Message(got) = driver.hear().await else {
            panic!("expected Message")
        };
        assert_eq!(
            (got.event, got.payload),
            (message.event.clone(), message.payload.clone())
        );
        assert_eq!(
            (got.id, got.run_id),
            (message.id.clone(), message.run_id.clone())
        );
    }
    let late = BroadcastMessageRequest {
        payload: "x".repeat((64 << 10) + 1),
        ..message
    };
    let refused = server.drivers().broadcast_message(late).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn deaf_driver_costs_bounded_memory_and_its_stream_but_nobody_elses_messages() {
    let server = Server::start().await;
    // It is welcomed, and then reads nothing more.
    let _deaf = Scripted::new(&server, "deaf", "image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let before = server.resident_bytes();
    for n in 0..1000 {
        let message = BroadcastMessageRequest {
            id: n.to_string(),
            payload: "x".repeat(60 << 10),
            ..Default::default()
        };
        server.drivers().broadcast_message(message).await.unwrap();
        builder.heartbeat(&[]).await;
        let Hear::Message(got) = builder.hear().await else {
            panic!("expected Message");
        };
        assert_eq!(got.id, n.to_string());
    }
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 40 << 20, "58 MiB were sent, {grown} bytes are held");
    let patience = tokio::time::Instant::now() + std::time::Duration::from_secs(50);
    loop {
        let request = GetDriverRequest {
            name: "deaf".into(),
        };
        let deaf = server.drivers().get_driver(request).await.unwrap();
        if deaf.into_inner().instances.is_empty() {
            break;
        }
        assert!(
            tokio::time::Instant::now() < patience,
            "a stream that takes no write ends"
        );
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}
