//! A disk that is really full: a small file system, filled to the last byte and emptied again.

use conveyor_client::proto::{AppendLogsRequest, LogEntry, TailLogsRequest};
use tonic::Code;

use crate::support::{Mount, Server, eventually, resource, soon};

const DISK_BYTES: u64 = 64 << 20;

/// A server whose data is on a disk of its own.
async fn on_a_small_disk(min_free: &str) -> Option<(Server, Mount)> {
    let settings = [("store.min_free_bytes", min_free), ("log", "error")];
    let mut server = Server::with(&settings).await;
    server.kill();
    let mount = Mount::of_size(&server.data(), DISK_BYTES)?;
    let enter = mount.enter();
    server.start_next_under(&enter.iter().map(String::as_str).collect::<Vec<_>>());
    server.start_again().await;
    server.define("image").await;
    Some((server, mount))
}

/// Fills the disk until so many KiB are free.
fn fill(server: &Server, mount: &Mount, leave_kib: u64) {
    let line = format!(
        "free=$(df --output=avail -k \"$0\" | tail -n 1); \
         head -c $(((free - {leave_kib}) * 1024)) /dev/zero >>\"$0/filler\""
    );
    assert!(mount.shell(&server.data(), &line), "the disk is filled");
}

fn empty(server: &Server, mount: &Mount) {
    assert!(mount.shell(&server.data(), "rm \"$0/filler\""));
}

#[tokio::test]
async fn new_work_waits_for_room_while_reads_and_tails_go_on_and_is_taken_again() {
    let Some((mut server, mount)) = on_a_small_disk("8 MiB").await else {
        return;
    };
    let run = server.create("image", "before").await;
    let append = async |message: &str| {
        let entry = LogEntry {
            run_id: run.clone(),
            message: message.into(),
            ..Default::default()
        };
        let entries = tokio_stream::iter([AppendLogsRequest {
            entries: vec![entry],
        }]);
        server.logs().append_logs(entries).await
    };
    append("one").await.unwrap();
    let tail = TailLogsRequest {
        run_id: run.clone(),
        ..Default::default()
    };
    let mut tail = server.logs().tail_logs(tail).await.unwrap().into_inner();
    let first = soon("a line", tail.message()).await.unwrap().unwrap();
    assert_eq!(first.entries[0].message, "one");

    fill(&server, &mount, 4 << 10);
    let mut answered = vec!["before".to_owned()];
    let refused = eventually("new work is refused", async || {
        let name = format!("r{}", answered.len());
        match server.try_create(resource("image", &name)).await {
            Ok(_) => {
                answered.push(name);
                None
            }
            Err(status) => Some(status),
        }
    })
    .await;
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("nearly full"), "{refused:?}");
    assert_eq!(append("no").await.unwrap_err().code(), Code::Unavailable);
    server.read("image", "before", 0).await.unwrap();
    assert_eq!(server.stored_lines(&run).await.len(), 1);

    empty(&server, &mount);
    eventually("new work is taken", async || append("two").await.ok()).await;
    let second = soon("a line", tail.message()).await.unwrap().unwrap();
    assert_eq!(second.entries[0].message, "two");
    server.create("image", "after").await;
    answered.push("after".to_owned());
    drop(tail);
    server.kill_and_start_again().await;
    for name in answered {
        server.read("image", &name, 0).await.unwrap();
    }
}

#[tokio::test]
async fn a_disk_filled_to_the_last_byte_ends_the_server_and_loses_nothing_that_was_answered() {
    let Some((mut server, mount)) = on_a_small_disk("0").await else {
        return;
    };
    fill(&server, &mount, 0);
    let mut answered = Vec::new();
    // What is left of the last page of the log of writes is still taken.
    loop {
        let name = format!("r{}", answered.len());
        match server.try_create(resource("image", &name)).await {
            Ok(_) => answered.push(name),
            Err(_) => break,
        }
        assert!(answered.len() < 1000, "the disk is full");
    }
    assert_eq!(server.exit_code().await, Some(1));
    let stderr = server.stderr();
    assert_eq!(stderr.lines().count(), 1, "one line why, not: {stderr}");
    assert!(stderr.contains("No space left on device"), "{stderr}");
    // What the log of writes had reserved is free again.
    fill(&server, &mount, 0);
    let why = server.try_start_again().await.unwrap_err();
    assert!(why.contains("No space left on device"), "{why}");
    assert!(why.contains(server.data().to_str().unwrap()), "{why}");

    empty(&server, &mount);
    server.start_again().await;
    for name in &answered {
        server.read("image", name, 0).await.unwrap();
    }
    server.create("image", "after").await;
}
