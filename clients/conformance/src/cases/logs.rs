//! Log lines: in order, each once, kept until they are on disk.

use std::collections::HashMap;
use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::{CancelReason, Limits, LogAckStatus, LogLine, TaskVerdict, Welcome};
use serde_json::{Value, json};
use tonic::Status;

use crate::contender::Setup;
use crate::fault::{Played, ensure, equal, fail};
use crate::offer::{Task, await_cancel, count_up, log, long_lines, pipe, print};
use crate::rules::LIMITS;
use crate::stage::{MOMENT, Stage, welcome};
use crate::store::Store;

pub(super) async fn batches(mut stage: Stage) -> Played {
    let _contender = stage.start(&Setup::slots(1))?;
    // The rules judge each batch: within these limits, and none that leaves a gap.
    let small = limited(Limits {
        log_batch_lines: 10,
        log_batch_bytes: 500,
        ..LIMITS
    });
    let (mut link, _) = stage.welcome_with(small).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[count_up(100), long_lines(100, 100)])
        .await?;
    let mut store = Store::default();
    store.serve(&mut link, &task).await?;
    equal("the lines", store.next(), 200)?;
    equal("the lines received", store.received, 200)?;
    ensure!(
        store.batches >= 10 + 20,
        "{} batches are too few for their limits",
        store.batches
    );
    let streams = store.lines.iter().all(|line| line.stream == "stdout");
    ensure!(streams, "a line has lost its stream");
    store.lines.truncate(100);
    store.counts_up(100)
}

pub(super) async fn rewind(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    // The cancel says when the last line is due: it is not to be in a batch with the others.
    link.give(&task, &[count_up(3), await_cancel(), log("line 3")])
        .await?;
    let mut store = Store::default();
    while store.next() < 3 {
        store.take(link.log(&task).await?);
    }
    // The server lost all but the first line. It drops what follows, and repeats itself.
    store.lines.truncate(1);
    link.stored(&task, 1).await;
    let grace = Duration::from_secs(60);
    link.cancel(&task, CancelReason::Cancelled, grace).await;
    while store.next() < 4 {
        match link.next().await? {
            Some(FromDriver::Log(log)) => {
                let next = store.take(log);
                link.stored(&task, next).await;
            }
            // It follows the last line when that was sent, dropped or not.
            Some(FromDriver::Result(_)) => {}
            other => fail!("lines are due again, and not: {other:?}"),
        }
    }
    store.counts_up(4)
}

pub(super) async fn slow_ack(mut stage: Stage) -> Played {
    let _contender = stage.start(&Setup::slots(1))?;
    let small = limited(Limits {
        log_batch_lines: 100,
        ..LIMITS
    });
    let (mut link, _) = stage.welcome_with(small).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[count_up(500)]).await?;
    let mut store = Store::default();
    store.serve_slowly(&mut link, &task, MOMENT).await?;
    equal("the lines received", store.received, 500)?;
    store.counts_up(500)
}

pub(super) async fn burst(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[count_up(100_000)]).await?;
    let mut store = Store::default();
    while store.next() < 100_000 {
        let next = store.take(link.log(&task).await?);
        link.stored(&task, next).await;
        let batches = store.batches;
        ensure!(batches < 10_000, "{batches} batches for {next} lines");
    }
    equal("the lines", link.result(&task).await?.lines, 100_000)?;
    store.counts_up(100_000)
}

pub(super) async fn long(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    // Two bytes each, after one: a cut at the limit would fall into the middle of a character.
    let text = format!("a{}", "\u{e9}".repeat(100_000));
    link.give(&task, &[log(&text), log("short")]).await?;
    let mut store = Store::default();
    store.serve(&mut link, &task).await?;
    equal("the pieces", store.next(), 5)?;
    equal("the last line", store.texts()[4], "short")?;
    ensure!(
        store.texts()[..4].concat() == text,
        "the pieces are not the line"
    );
    let goes_on = |line: &LogLine| line.labels.get("split").is_some_and(|it| it == "true");
    let marks: Vec<bool> = store.lines.iter().map(goes_on).collect();
    equal("which lines go on", marks, [true, true, true, false, false])
}

pub(super) async fn piped(mut stage: Stage) -> Played {
    let script = r"printf 'plain\r\n\nlast without end'; printf 'oh\nno\n' >&2; seq 0 2999 >&2";
    let lines = play_lines(&mut stage, &[pipe(script)]).await?;
    let of = |stream: &str| -> Vec<&str> {
        let lines = lines.iter().filter(|line| line.stream == stream);
        lines.map(|line| line.message.as_str()).collect()
    };
    equal(
        "the standard output",
        of("stdout"),
        ["plain", "", "last without end"],
    )?;
    let errors = of("stderr");
    equal(
        "the standard error",
        &errors[..3.min(errors.len())],
        ["oh", "no", "0"],
    )?;
    equal("the lines of standard error", errors.len(), 3002)?;
    equal("the last of them", errors[3001], "2999")
}

pub(super) async fn no_text(mut stage: Stage) -> Played {
    let script = r"printf 'bad \377 byte\n'; printf '\303\251 is whole, \303\n'";
    let lines = play_lines(&mut stage, &[pipe(script)]).await?;
    let texts: Vec<_> = lines.iter().map(|line| line.message.as_str()).collect();
    equal(
        "the lines",
        texts,
        ["bad \u{fffd} byte", "\u{e9} is whole, \u{fffd}"],
    )
}

pub(super) async fn words(mut stage: Stage) -> Played {
    let mut work: Vec<Value> = ["debug", "info", "warn", "error"]
        .map(|level| json!({"op": "log", "level": level, "text": level}))
        .into();
    work.push(json!({"op": "log", "stream": "build", "text": "own", "labels": {"arch": "arm64"}}));
    work.push(log("one\ntwo\r\n"));
    work.push(log(""));
    let lines = play_lines(&mut stage, &work).await?;
    equal("the lines", lines.len(), 8)?;
    for (line, level) in lines.iter().zip(["debug", "info", "warn", "error"]) {
        equal(
            "a line of a level",
            (&*line.stream, &*line.message),
            ("driver", level),
        )?;
        let said = line.labels.get("level").map(String::as_str);
        equal("its label", said, Some(level))?;
    }
    equal("the stream", &*lines[4].stream, "build")?;
    let labels = HashMap::from([("arch".to_owned(), "arm64".to_owned())]);
    equal("the labels", &lines[4].labels, &labels)?;
    let texts: Vec<_> = lines[5..]
        .iter()
        .map(|line| line.message.as_str())
        .collect();
    equal(
        "text of two lines, and an empty line",
        texts,
        ["one", "two", ""],
    )
}

pub(super) async fn fenced(mut stage: Stage) -> Played {
    let contender = stage.start(&Setup {
        log_room: Some((1 << 20, 1)),
        ..Setup::slots(1)
    })?;
    let (mut link, _) = stage.welcome(vec![]).await?;
    let task = Task::new(1, "a");
    // More than there is room for: a log that nobody wants must not make the work wait.
    let work = [
        log("hello"),
        await_cancel(),
        long_lines(4000, 1000),
        print("through"),
    ];
    link.give(&task, &work).await?;
    link.log(&task).await?;
    link.log_ack(&task, 0, LogAckStatus::Fenced).await;
    contender.says(&task, "cancelled FENCED").await?;
    contender.says(&task, "through").await?;
    link.heartbeat(&[]).await?;
    link.quiet(MOMENT).await?;
    link.end(Status::unavailable("again")).await;
    let (_link, hello) = stage.welcome(vec![]).await?;
    ensure!(
        hello.tasks.is_empty(),
        "the Hello names a task whose lines were refused"
    );
    Ok(())
}

/// The lines of a task that does `work`.
async fn play_lines(stage: &mut Stage, work: &[Value]) -> Played<Vec<LogLine>> {
    let (_contender, mut link) = stage.open(1).await?;
    let task = Task::new(1, "a");
    link.give(&task, work).await?;
    let mut store = Store::default();
    let result = store.serve(&mut link, &task).await?;
    ensure!(result.success, "the work failed: {}", result.message);
    link.applied(&task).await;
    Ok(store.lines)
}

/// The usual Welcome with other limits.
fn limited(limits: Limits) -> Welcome {
    Welcome {
        limits: Some(limits),
        ..welcome()
    }
}

pub(super) async fn cut_mid_batch(mut stage: Stage) -> Played {
    let _contender = stage.start(&Setup::slots(1))?;
    // Small batches, so that there are many to cut.
    let small = limited(Limits {
        log_batch_lines: 100,
        ..LIMITS
    });
    let (mut link, _) = stage.welcome_with(small.clone()).await?;
    let task = Task::new(1, "a");
    link.give(&task, &[count_up(10_000)]).await?;
    let mut store = Store::default();
    for cut in 1..=3 {
        store.take_lines(&mut link, &task, cut * 1000).await?;
        // What is under way is stored; its acks never arrive.
        stage.wire.cut_after(10_000);
        while let Some(message) = link.next().await? {
            if let FromDriver::Log(log) = message {
                store.take(log);
                link.stored(&task, store.next().min(cut * 1000)).await;
            }
        }
        ensure!(store.next() < 10_000, "all lines came before cut {cut}");
        let tasks = vec![task.fate(TaskVerdict::GoOn, store.next())];
        let again = Welcome {
            tasks,
            ..small.clone()
        };
        let hello;
        (link, hello) = stage.welcome_with(again).await?;
        let next = hello.tasks.first().map_or(0, |held| held.next_line);
        ensure!(
            next >= store.next(),
            "the Hello says that line {next} is next, and {} came",
            store.next()
        );
    }
    store.serve(&mut link, &task).await?;
    store.counts_up(10_000)
}
