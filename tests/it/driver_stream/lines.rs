//! Log batches on the stream: numbered, acked when on disk, stored once.

use std::collections::HashMap;

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::{Log, LogAckStatus, LogLine, Reconcile, RunState};
use tonic::Code;

use crate::support::{Scripted, Server};

async fn at_work() -> (Server, Scripted, Reconcile) {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create("image", "a").await;
    let task = builder.take().await;
    (server, builder, task)
}

async fn messages(server: &Server, run: &str) -> Vec<String> {
    server
        .stored_lines(run)
        .await
        .into_iter()
        .map(|entry| entry.message)
        .collect()
}

fn batch(task: &Reconcile, lines: Vec<LogLine>) -> Say {
    Say::Log(Log {
        task_id: task.task_id.clone(),
        token: task.token,
        first_line: 0,
        lines,
    })
}

#[tokio::test]
async fn log_ack_says_which_lines_are_on_disk() {
    let (server, mut builder, task) = at_work().await;
    builder.log(&task, 0, &["a", "b", "c"]).await;
    let ack = builder.log_ack().await;
    assert_eq!((ack.status(), ack.next), (LogAckStatus::Stored, 3));
    assert_eq!((&ack.task_id, ack.token), (&task.task_id, task.token));
    assert_eq!(messages(&server, &task.run_id).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn acked_lines_survive_kill_9() {
    let (mut server, mut builder, task) = at_work().await;
    builder.log(&task, 0, &["a", "b", "c"]).await;
    builder.logged(3).await;
    server.kill_and_start_again().await;
    assert_eq!(messages(&server, &task.run_id).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn entry_keeps_all_that_its_line_said() {
    let (server, mut builder, task) = at_work().await;
    let time = prost_types::Timestamp {
        seconds: 1_700_000_000,
        nanos: 123_456_789,
    };
    let labels: HashMap<_, _> = [("level".to_owned(), "warn".to_owned())].into();
    let line = LogLine {
        time: Some(time),
        stream: "stderr".into(),
        labels: labels.clone(),
        message: "tüt\t".into(),
    };
    builder.say(batch(&task, vec![line])).await;
    builder.logged(1).await;
    let [entry] = &server.stored_lines(&task.run_id).await[..] else {
        panic!("one entry")
    };
    assert_eq!(
        (entry.seq, entry.attempt, &entry.run_id),
        (1, 1, &task.run_id)
    );
    assert_eq!(
        (&entry.step, entry.driver.as_str()),
        (&task.step.as_ref().unwrap().id, "builder")
    );
    assert_eq!((entry.time, entry.stream.as_str()), (Some(time), "stderr"));
    assert_eq!((&entry.labels, entry.message.as_str()), (&labels, "tüt\t"));
}

#[tokio::test]
async fn resent_lines_are_stored_once() {
    let (server, mut builder, task) = at_work().await;
    builder.log(&task, 0, &["a", "b"]).await;
    builder.log(&task, 0, &["a", "b"]).await;
    builder.log(&task, 1, &["b", "c"]).await;
    builder.logged(3).await;
    builder.log(&task, 0, &["a"]).await;
    let ack = builder.log_ack().await;
    assert_eq!((ack.status(), ack.next), (LogAckStatus::Stored, 3));
    assert_eq!(messages(&server, &task.run_id).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn batch_past_next_is_dropped_and_next_repeated() {
    let (server, mut builder, task) = at_work().await;
    builder.log(&task, 0, &["a"]).await;
    builder.logged(1).await;
    builder.log(&task, 2, &["c"]).await;
    let ack = builder.log_ack().await;
    assert_eq!((ack.status(), ack.next), (LogAckStatus::Stored, 1));
    assert_eq!(messages(&server, &task.run_id).await, ["a"]);
    builder.log(&task, 1, &["b", "c"]).await;
    builder.logged(3).await;
    assert_eq!(messages(&server, &task.run_id).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn batches_may_follow_unacked() {
    let (server, mut builder, task) = at_work().await;
    for n in 0..200 {
        builder.log(&task, n, &[&format!("{n}")]).await;
    }
    builder.logged(200).await;
    let wanted: Vec<_> = (0..200).map(|n| n.to_string()).collect();
    assert_eq!(messages(&server, &task.run_id).await, wanted);
}

#[tokio::test]
async fn empty_batch_is_acked_and_stores_nothing() {
    let (server, mut builder, task) = at_work().await;
    builder.log(&task, 0, &[]).await;
    builder.log(&task, 0, &["a"]).await;
    builder.logged(1).await;
    assert_eq!(messages(&server, &task.run_id).await, ["a"]);
}

#[tokio::test]
async fn lines_after_the_end_are_fenced() {
    let (server, mut builder, task) = at_work().await;
    builder.log(&task, 0, &["a"]).await;
    builder.logged(1).await;
    let ack = builder.report(Scripted::success(&task, 1)).await;
    assert_eq!(ack.next, 0);
    builder.log(&task, 1, &["late"]).await;
    let ack = builder.log_ack().await;
    assert_eq!(
        (ack.status(), &ack.task_id),
        (LogAckStatus::Fenced, &task.task_id)
    );
    assert_eq!(messages(&server, &task.run_id).await, ["a"]);
}

#[tokio::test]
async fn lines_with_another_token_are_fenced() {
    let (server, mut builder, task) = at_work().await;
    let mut other = Scripted::new(&server, "builder", "image").await;
    for token in [task.token - 1, task.token + 1] {
        let forged = Reconcile {
            token,
            ..task.clone()
        };
        builder.log(&forged, 0, &["forged"]).await;
        let ack = builder.log_ack().await;
        assert_eq!((ack.status(), ack.token), (LogAckStatus::Fenced, token));
    }
    other.log(&task, 0, &["forged"]).await;
    assert_eq!(other.log_ack().await.status(), LogAckStatus::Fenced);
    assert_eq!(messages(&server, &task.run_id).await, Vec::<String>::new());
    assert_eq!(server.run(&task.run_id).await.state(), RunState::Running);
}

#[tokio::test]
async fn largest_allowed_batch_and_line_are_taken() {
    let (server, mut builder, task) = at_work().await;
    let line = "x".repeat(64 << 10);
    builder.log(&task, 0, &[&line]).await;
    builder.log(&task, 1, &["y"; 4096]).await;
    builder.logged(4097).await;
    let stored = messages(&server, &task.run_id).await;
    assert_eq!((stored.len(), &stored[0]), (4097, &line));
}

#[tokio::test]
async fn batch_over_a_limit_is_a_broken_rule() {
    let line = LogLine {
        message: "x".into(),
        ..LogLine::default()
    };
    let over_64_kib = LogLine {
        message: "x".repeat((64 << 10) + 1),
        ..LogLine::default()
    };
    let of_64_kib = LogLine {
        message: "x".repeat(64 << 10),
        ..LogLine::default()
    };
    let cases = [
        ("4,097 lines", vec![line; 4097]),
        ("a line over 64 KiB", vec![over_64_kib]),
        ("a batch over 1 MiB", vec![of_64_kib; 17]),
    ];
    for (what, lines) in cases {
        let (server, mut builder, task) = at_work().await;
        builder.say(batch(&task, lines)).await;
        assert_eq!(
            builder.ended().await.code(),
            Code::InvalidArgument,
            "{what}"
        );
        assert_eq!(
            messages(&server, &task.run_id).await,
            Vec::<String>::new(),
            "{what}"
        );
    }
}

#[tokio::test]
async fn thousands_of_single_lines_unread_acks_and_one_connection_that_holds() {
    let (server, mut builder, task) = at_work().await;
    // Nothing is heard until all is said: the acks fold into the newest, and nobody is cut off.
    for n in 0..6000 {
        builder.log(&task, n, &["x"]).await;
    }
    let mut last = 0;
    let mut acks = 0;
    while last < 6000 {
        let next = builder.log_ack().await.next;
        assert!(next >= last, "{last}, {next}");
        last = next;
        acks += 1;
    }
    assert!(acks < 6000, "acks fold");
    assert_eq!(server.stored_lines(&task.run_id).await.len(), 6000);
}
