//! Errors of the disk in what goes on behind the writes: tables that are made, the list of tables, a new log of writes.

use std::path::Path;

use conveyor_client::proto::BackupRequest;
use conveyor_client::proto::server_service_client::ServerServiceClient;
use futures_util::future::join_all;
use tonic::Status;

use crate::support::{Server, resource};

/// A way in which the disk fails, in the words of strace.
struct Fault {
    files: Files,
    inject: &'static str,
    /// Words in the line that says why the server ended; empty where it need not.
    words: &'static str,
}

/// Files that are made after the start.
#[derive(Clone, Copy)]
enum Files {
    Tables,
    Manifests,
    Logs,
}

const NO_SPACE: &str = "No space left on device";
const BROKEN: &str = "Input/output error";

/// Writes, each with a backup, in which a fault must show.
const ROUNDS: usize = 60;

/// The same for a fault that need not show.
const HARMLESS_ROUNDS: usize = 10;

/// Calls are counted for each thread. The one that starts the server makes 30 or so writes to `MANIFEST`, and one log.
const FAULTS: [Fault; 9] = [
    fault(Files::Tables, "openat:error=ENOSPC", NO_SPACE),
    fault(Files::Tables, "openat:error=EIO", BROKEN),
    fault(Files::Tables, "write,pwrite64:error=ENOSPC", NO_SPACE),
    fault(Files::Tables, "write,pwrite64:error=EIO", BROKEN),
    fault(Files::Tables, "fdatasync,fsync:error=EIO", BROKEN),
    fault(Files::Tables, "fallocate,ftruncate:error=EIO", ""),
    fault(
        Files::Manifests,
        "write,pwrite64:error=ENOSPC:when=40+",
        NO_SPACE,
    ),
    fault(
        Files::Manifests,
        "fdatasync,fsync:error=EIO:when=12+",
        BROKEN,
    ),
    fault(Files::Logs, "openat:error=EIO:when=2+", BROKEN),
];

const fn fault(files: Files, inject: &'static str, words: &'static str) -> Fault {
    Fault {
        files,
        inject,
        words,
    }
}

/// A server that was stopped, and starts next on a disk with this fault.
async fn with(fault: &Fault) -> Server {
    let mut server = Server::with(&[("log", "error")]).await;
    server.define("image").await;
    server.stop().await;
    let from = newest(&server.data()) + 1;
    let mut tracer: Vec<String> = ["strace", "-D", "-f", "-o", "/dev/null"]
        .map(String::from)
        .into();
    for number in from..from + 200 {
        let file = match fault.files {
            Files::Tables => format!("{number:06}.sst"),
            Files::Manifests => format!("MANIFEST-{number:06}"),
            Files::Logs => format!("{number:06}.log"),
        };
        tracer.push("-P".to_owned());
        tracer.push(server.data().join(file).to_str().unwrap().to_owned());
    }
    let (calls, _) = fault.inject.split_once(':').unwrap();
    tracer.extend(["-e".to_owned(), format!("trace={calls}")]);
    tracer.extend(["-e".to_owned(), format!("inject={}", fault.inject)]);
    server.start_next_under(&tracer.iter().map(String::as_str).collect::<Vec<_>>());
    server.start_again().await;
    server
}

/// The highest number of a file.
fn newest(data: &Path) -> u64 {
    let names = std::fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let numbers = names.filter_map(|name| {
        let name = name.to_str()?.to_owned();
        let digits = name.trim_start_matches(|it: char| !it.is_ascii_digit());
        digits.split('.').next()?.parse::<u64>().ok()
    });
    numbers.max().unwrap()
}

/// A backup moves what is in memory to tables.
async fn back_up(server: &Server) -> Result<(), Status> {
    let mut client = ServerServiceClient::new(server.channel.clone());
    let mut pieces = client.backup(BackupRequest::default()).await?.into_inner();
    while pieces.message().await?.is_some() {}
    Ok(())
}

#[tokio::test]
async fn nothing_is_answered_ok_after_a_fault_behind_the_writes_and_nothing_is_lost() {
    join_all(FAULTS.iter().map(async |fault| {
        let mut server = with(fault).await;
        let mut answered = Vec::new();
        let harmless = fault.words.is_empty();
        let rounds = if harmless { HARMLESS_ROUNDS } else { ROUNDS };
        while answered.len() < rounds {
            let name = format!("r{}", answered.len());
            match server.try_create(resource("image", &name)).await {
                Ok(_) => answered.push(name),
                Err(_) => break,
            }
            let saved = back_up(&server).await;
            println!("{} after {}: {saved:?}", fault.inject, answered.len());
        }
        if harmless {
            assert_eq!(answered.len(), rounds, "{} harms nobody", fault.inject);
            server.kill();
        } else {
            assert_eq!(server.exit_code().await, Some(1), "{}", fault.inject);
            let stderr = server.stderr();
            assert_eq!(
                stderr.lines().count(),
                1,
                "{}: one line, not {stderr}",
                fault.inject
            );
            assert!(stderr.contains(fault.words), "{}: {stderr}", fault.inject);
        }
        let (_, said) = server.doctor().await;
        assert!(!said.contains("FILE:"), "{}: {said}", fault.inject);
        server.start_next_under(&[]);
        server.start_again().await;
        for name in &answered {
            let there = server.read("image", name, 0).await;
            assert!(there.is_ok(), "{}: {name}: {there:?}", fault.inject);
        }
    }))
    .await;
}

#[tokio::test]
async fn a_server_to_which_nobody_writes_ends_as_well() {
    let mut server = with(&FAULTS[3]).await;
    server.create("image", "a").await;
    back_up(&server).await.unwrap_err();
    assert_eq!(server.exit_code().await, Some(1));
    let stderr = server.stderr();
    assert_eq!(stderr.lines().count(), 1, "one line why, not: {stderr}");
    assert!(stderr.contains(BROKEN), "{stderr}");
}

#[tokio::test]
async fn a_start_that_cannot_write_its_lists_is_refused_and_changes_nothing() {
    let mut server = Server::with(&[("log", "error")]).await;
    server.define("image").await;
    server.create("image", "a").await;
    server.kill();
    for inject in ["rename:error=EIO", "ftruncate,fallocate:error=EOPNOTSUPP"] {
        let (calls, _) = inject.split_once(':').unwrap();
        let (trace, inject) = (format!("trace={calls}"), format!("inject={inject}"));
        let tracer = [
            "strace",
            "-D",
            "-f",
            "-o",
            "/dev/null",
            "-e",
            &trace,
            "-e",
            &inject,
        ];
        server.start_next_under(&tracer);
        match server.try_start_again().await {
            Ok(()) => {
                assert!(calls.contains("fallocate"), "no start without CURRENT");
                server.kill();
            }
            Err(why) => {
                assert!(calls.contains("rename"), "{calls}: {why}");
                assert!(why.contains(server.data().to_str().unwrap()), "{why}");
                assert!(why.contains(BROKEN), "{why}");
            }
        }
        server.start_next_under(&[]);
        server.start_again().await;
        server.read("image", "a", 0).await.unwrap();
        server.kill();
    }
}
