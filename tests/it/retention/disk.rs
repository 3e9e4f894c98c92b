//! What is removed leaves the disk.

use std::path::Path;

use conveyor_client::proto::{AppendLogsRequest, LogEntry};
use rustix::process::Signal;

use super::OFTEN;
use crate::crash::Dice;
use crate::support::{Server, eventually};

const BATCHES: usize = 60;

/// Bytes of all files in a directory.
fn size(place: &Path) -> u64 {
    let files = std::fs::read_dir(place).unwrap().flatten();
    files
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .sum()
}

/// A mebibyte of lines that no compression makes much smaller.
fn lines(run: &str, dice: &mut Dice) -> Vec<LogEntry> {
    let mut line = |_| LogEntry {
        run_id: run.into(),
        driver: "outside".into(),
        message: (0..15)
            .map(|_| format!("{:016x}", dice.below(u64::MAX)))
            .collect(),
        ..Default::default()
    };
    (0..4000).map(&mut line).collect()
}

#[tokio::test]
async fn disk_shrinks_when_logs_go() {
    let mut server = Server::with(&[OFTEN]).await;
    let mut dice = Dice::new(7);
    for batch in 0..BATCHES {
        let entries = lines(&format!("elsewhere-{}", batch % 10), &mut dice);
        let requests = tokio_stream::iter([AppendLogsRequest { entries }]);
        server.logs().append_logs(requests).await.unwrap();
    }
    // A stop moves what is in memory to files.
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    let full = size(&server.data());
    assert!(full > 25 << 20, "{full} bytes");
    server.set("retention.logs.max_age", "1ms");
    server.start_again().await;
    eventually("the lines go", async || {
        let logs = server.get("/logs?runid=elsewhere-9").await;
        (logs.body.len() < 1000).then_some(())
    })
    .await;
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    server.start_again().await;
    eventually("the disk shrinks", async || {
        (size(&server.data()) < full / 4).then_some(())
    })
    .await;
}
