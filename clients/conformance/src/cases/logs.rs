//! Log lines: in order, each once, kept until they are on disk.

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::{Limits, TaskVerdict, Welcome};

use crate::contender::Setup;
use crate::fault::{Played, ensure};
use crate::offer::{Task, count_up};
use crate::rules::LIMITS;
use crate::stage::{Stage, welcome};
use crate::store::Store;

pub(super) async fn cut_mid_batch(mut stage: Stage) -> Played {
    let _contender = stage.start(&Setup::slots(1))?;
    // Small batches, so that there are many to cut.
    let small = Welcome {
        limits: Some(Limits {
            log_batch_lines: 100,
            ..LIMITS
        }),
        ..welcome()
    };
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
