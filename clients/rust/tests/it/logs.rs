//! Log lines: in order, each once, kept until they are on disk.

use std::sync::Arc;

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::*;
use conveyor_client::{CancelReason as Why, Driver, Outcome, Task};
use tokio::sync::Notify;

use crate::script::{Link, Script, fate, offer, soon, welcome};
use crate::support::{InHand, Running, Wire, by_hand};

/// Plays the server's store for one task: takes what follows, drops what begins past its end.
#[derive(Default)]
struct Store {
    lines: Vec<LogLine>,
    batches: usize,
}

impl Store {
    fn take(&mut self, log: &Log) -> u64 {
        self.batches += 1;
        let next = self.lines.len() as u64;
        if log.first_line <= next {
            let known = (next - log.first_line) as usize;
            self.lines.extend(log.lines.iter().skip(known).cloned());
        }
        self.lines.len() as u64
    }

    /// Takes and acks lines until the result comes.
    async fn serve(&mut self, link: &mut Link) -> conveyor_client::proto::Result {
        loop {
            match link.heed().await.expect("the stream lives") {
                FromDriver::Log(log) => {
                    let next = self.take(&log);
                    link.stored(&log, next).await;
                }
                FromDriver::Result(result) => return result,
                other => panic!("{other:?} is not due"),
            }
        }
    }
}

fn counting(lines: u32) -> Driver {
    Driver::new("counter", move |task: Task| async move {
        for number in 0..lines {
            task.log.line("stdout", format!("line {number}")).await;
        }
        Outcome::success("counted")
    })
}

#[tokio::test]
async fn stream_cut_in_the_middle_of_10_000_lines_loses_and_doubles_none() {
    let mut server = Script::start().await;
    let wire = Wire::to(server.address).await;
    let _running = Running::start(wire.url(), counting(10_000));
    // Small batches, so that each cut is in the middle.
    let limits = Limits {
        log_batch_lines: 100,
        ..Limits::default()
    };
    let welcome = Welcome {
        limits: Some(limits),
        ..welcome()
    };
    let (mut link, _) = server.welcome_with(welcome.clone()).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let mut store = Store::default();
    // Cut three times, each time with a batch stored whose ack never arrives.
    for _ in 0..3 {
        for _ in 0..5 {
            let log = link.log().await;
            let next = store.take(&log);
            link.stored(&log, next).await;
        }
        store.take(&link.log().await);
        wire.cut();
        let next = store.lines.len() as u64;
        assert!(next < 10_000);
        let tasks = vec![fate("t", 1, TaskVerdict::GoOn, next)];
        let hello;
        (link, hello) = server
            .welcome_with(Welcome {
                tasks,
                ..welcome.clone()
            })
            .await;
        assert!(hello.tasks[0].next_line >= next);
    }
    let result = store.serve(&mut link).await;
    assert_eq!((result.success, result.lines), (true, 10_000));
    let texts: Vec<_> = store
        .lines
        .iter()
        .map(|line| line.message.clone())
        .collect();
    let expected: Vec<_> = (0..10_000).map(|number| format!("line {number}")).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn lines_are_kept_until_acked_and_sent_again_from_next() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let held = InHand::next(&mut tasks).await;
    held.task.log.line("stdout", "zero\none\ntwo").await;
    let mut store = Store::default();
    while store.lines.len() < 3 {
        store.take(&link.log().await);
    }
    // The server lost all but the first line and answers the batch after it with the same `next`.
    link.log_ack("t", 1, 1, LogAckStatus::Stored).await;
    held.task.log.line("stdout", "three").await;
    let past = link.log().await;
    assert_eq!(past.first_line, 3);
    link.log_ack("t", 1, 1, LogAckStatus::Stored).await;
    let again = link.log().await;
    assert_eq!(again.first_line, 1);
    let texts: Vec<_> = again.lines.iter().map(|line| &*line.message).collect();
    assert_eq!(texts, ["one", "two", "three"]);
}

#[tokio::test]
async fn lines_missing_brings_the_lines_and_then_the_result_again() {
    let mut server = Script::start().await;
    let _running = Running::start(server.url(), counting(5));
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    loop {
        match link.heed().await.unwrap() {
            FromDriver::Log(_) => {}
            FromDriver::Result(result) => break assert_eq!(result.lines, 5),
            other => panic!("{other:?} is not due"),
        }
    }
    link.result_ack("t", 1, ResultOutcome::LinesMissing, 2)
        .await;
    let log = link.log().await;
    assert_eq!((log.first_line, log.lines.len()), (2, 3));
    assert_eq!(link.result().await.lines, 5);
    link.result_ack("t", 1, ResultOutcome::Applied, 0).await;
    assert!(link.heartbeat().await.is_empty());
}

#[tokio::test]
async fn fenced_lines_are_dropped_and_the_task_is_told() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let held = InHand::next(&mut tasks).await;
    held.task.log.info("hello").await;
    link.log().await;
    link.log_ack("t", 1, 0, LogAckStatus::Fenced).await;
    assert_eq!(
        soon("the fence", held.task.cancel.cancelled()).await.reason,
        Why::Fenced
    );
    // A log that nobody wants neither blocks nor fills memory.
    let flood = async {
        for _ in 0..300 {
            held.task.log.line("stdout", "x".repeat(60 << 10)).await;
        }
    };
    soon("the end of the flood", flood).await;
    drop(link);
    assert!(server.welcome(vec![]).await.1.tasks.is_empty());
}

#[tokio::test]
async fn full_memory_makes_the_logger_wait_for_acks() {
    let mut server = Script::start().await;
    let _running = Running::start(
        server.url(),
        Driver::new("chatty", |task: Task| async move {
            for _ in 0..320 {
                task.log.line("stdout", "x".repeat(64 << 10)).await;
            }
            Outcome::success("said 20 MiB")
        })
        .log_spill(0),
    );
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    // Without acks the driver keeps its window of batches under way, each within the limit.
    let mut store = Store::default();
    let mut held_back = Vec::new();
    for _ in 0..4 {
        let log = link.log().await;
        assert!(
            log.lines
                .iter()
                .map(|line| line.message.len())
                .sum::<usize>()
                <= 1 << 20
        );
        held_back.push(log);
    }
    drop(link);
    // What it wrote by now is bounded by its memory, however long it waited.
    let (mut link, hello) = server
        .welcome(vec![fate("t", 1, TaskVerdict::GoOn, 0)])
        .await;
    assert!(
        hello.tasks[0].next_line < 130,
        "{} lines were kept",
        hello.tasks[0].next_line
    );
    let result = store.serve(&mut link).await;
    assert_eq!((result.lines, store.lines.len()), (320, 320));
}

#[tokio::test]
async fn lines_beyond_memory_wait_in_a_file_and_arrive_in_order() {
    let mut server = Script::start().await;
    let said = Arc::new(Notify::new());
    let say = Arc::clone(&said);
    let driver = Driver::new("chatty", move |task: Task| {
        let say = Arc::clone(&say);
        async move {
            for number in 0..20_000 {
                task.log.line("stdout", format!("line {number}")).await;
            }
            say.notify_one();
            Outcome::success("counted")
        }
    });
    let _running = Running::start(server.url(), driver.log_memory(64 << 10));
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    // No line is acked, and yet the work comes to its end.
    soon("the end of the work", said.notified()).await;
    drop(link);
    let go_on = vec![fate("t", 1, TaskVerdict::GoOn, 0)];
    let (mut link, hello) = server.welcome(go_on).await;
    assert_eq!(hello.tasks[0].next_line, 20_000);
    let mut store = Store::default();
    assert_eq!(store.serve(&mut link).await.lines, 20_000);
    for (number, line) in store.lines.iter().enumerate() {
        assert_eq!(line.message, format!("line {number}"));
    }
}

#[tokio::test]
async fn a_command_writes_both_of_its_streams_and_gives_its_status() {
    let mut server = Script::start().await;
    let driver = Driver::new("runner", |task: Task| async move {
        let mut command = tokio::process::Command::new("sh");
        let command = command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let status = task.log.run(command).await?;
        let missing = task
            .log
            .run(&mut tokio::process::Command::new("/no/such"))
            .await;
        let missing = missing.is_err();
        Ok::<_, std::io::Error>(Outcome::success(format!("{:?} {missing}", status.code())))
    });
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let mut store = Store::default();
    assert_eq!(store.serve(&mut link).await.message, "Some(3) true");
    let mut lines: Vec<_> = store
        .lines
        .iter()
        .map(|line| (&*line.stream, &*line.message))
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, [("stderr", "err"), ("stdout", "out")]);
}

#[tokio::test]
async fn a_childs_output_is_cut_into_lines() {
    let mut server = Script::start().await;
    let driver = Driver::new("pipe", |task: Task| async move {
        let mut output = b"plain\r\n\nbad \xff byte\n".to_vec();
        output.extend("\u{e4}".repeat(50_000).bytes());
        output.extend(b"\nlast without end");
        let log = task.log.with_labels([("command", "make")]);
        log.pipe("stderr", &output[..]).await.unwrap();
        Outcome::success("")
    });
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let mut store = Store::default();
    store.serve(&mut link).await;
    let texts: Vec<_> = store.lines.iter().map(|line| &*line.message).collect();
    assert_eq!(texts[..3], ["plain", "", "bad \u{fffd} byte"]);
    assert_eq!(texts[3..5].concat(), "\u{e4}".repeat(50_000));
    assert_eq!(texts[5..], ["last without end"]);
    let split: Vec<_> = store
        .lines
        .iter()
        .map(|line| line.labels.contains_key("split"))
        .collect();
    assert_eq!(split, [false, false, false, true, false, false]);
    assert!(
        store
            .lines
            .iter()
            .all(|line| line.message.len() <= 64 << 10)
    );
    assert!(
        store
            .lines
            .iter()
            .all(|line| line.stream == "stderr" && line.time.is_some())
    );
    assert!(
        store
            .lines
            .iter()
            .all(|line| line.labels["command"] == "make")
    );
}

#[tokio::test]
async fn chatty_work_is_coalesced_into_few_batches() {
    let mut server = Script::start().await;
    let _running = Running::start(server.url(), counting(20_000));
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let mut store = Store::default();
    assert_eq!(store.serve(&mut link).await.lines, 20_000);
    assert!(
        store.batches < 2_000,
        "{} batches for 20,000 lines",
        store.batches
    );
}
