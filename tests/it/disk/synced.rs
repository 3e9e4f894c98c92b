//! The order of write, fdatasync and answer, and what follows a failed fdatasync.

use std::collections::HashMap;

use conveyor_client::proto::GetResourceRequest;
use tonic::Code;

use crate::support::{Scripted, Server, eventually, resource};

/// What the trace shows of one call, by the line where it began or ended.
struct Trace {
    lines: Vec<String>,
}

impl Trace {
    fn of(text: &str) -> Self {
        Self {
            lines: text.lines().map(str::to_owned).collect(),
        }
    }

    /// The first line from `from` on that begins a write to the WAL which holds `mark`.
    fn wal_write(&self, mark: &str) -> usize {
        self.position(0, |line| {
            is_call(line, &["write", "pwrite64", "writev"])
                && line.contains(".log>")
                && line.contains(mark)
        })
        .unwrap_or_else(|| panic!("no write of {mark} to the WAL"))
    }

    /// The line that begins the write of the answer which holds `mark`.
    fn answer(&self, mark: &str) -> usize {
        let sends = ["write", "writev", "sendto", "sendmsg"];
        self.position(0, |line| {
            is_call(line, &sends) && is_socket(line) && line.contains(mark)
        })
        .unwrap_or_else(|| panic!("no answer that holds {mark}"))
    }

    /// Whether an fdatasync of the WAL began after `from` and ended well before `to`.
    fn synced_between(&self, from: usize, to: usize) -> bool {
        let mut pending = HashMap::new();
        for (at, line) in self.lines.iter().enumerate().take(to).skip(from + 1) {
            let thread = line.split_whitespace().next().unwrap_or_default();
            let begins = is_call(line, &["fdatasync", "fsync"]) && line.contains(".log>");
            if begins && line.contains("<unfinished") {
                pending.insert(thread, at);
            }
            let resumed = line.contains("sync resumed>") && pending.remove(thread).is_some();
            if (begins || resumed) && line.ends_with("= 0") {
                return true;
            }
        }
        false
    }

    fn position(&self, from: usize, holds: impl Fn(&str) -> bool) -> Option<usize> {
        (from..self.lines.len()).find(|&at| holds(&self.lines[at]))
    }
}

fn is_call(line: &str, names: &[&str]) -> bool {
    names.iter().any(|name| {
        line.split_whitespace()
            .nth(1)
            .is_some_and(|call| call.starts_with(&format!("{name}(")))
    })
}

fn is_socket(line: &str) -> bool {
    line.contains("<socket:") || line.contains("<TCP")
}

#[tokio::test]
async fn wal_is_synced_between_each_write_and_its_answer() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let calls = "trace=write,pwrite64,writev,sendto,sendmsg,fdatasync,fsync";
    let mut server = Server::traced(&["-y", "-s", "16384", "-e", calls, "-o", path], &[]).await;
    server.define("image").await;
    let mut marks = Vec::new();
    for n in 0..20 {
        let mark = format!("traced-by-grpc-{n}-");
        server.create("image", &mark).await;
        marks.push(mark);
        let mark = format!("traced-by-rest-{n}-");
        let body = format!(r#"{{"name":"{mark}","resource":"image","spec":{{}}}}"#);
        assert_eq!(server.post("/resources/", &body).await.status, 201);
        marks.push(mark);
    }
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    let pid = format!("{} ", server.pid());
    // The tracer is a process of its own and may write its last lines after the server has ended.
    let text = eventually("the trace is whole", async || {
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let last = |line: &str| line.starts_with(&pid) && line.contains("+++ exited with");
        text.lines().any(last).then_some(text)
    })
    .await;
    let trace = Trace::of(&text);
    for mark in &marks {
        let (written, answered) = (trace.wal_write(mark), trace.answer(mark));
        assert!(
            written < answered,
            "{mark} was answered before it was written"
        );
        assert!(
            trace.synced_between(written, answered),
            "{mark}: no fdatasync between write and answer"
        );
    }
}

#[tokio::test]
async fn nothing_is_answered_ok_after_a_failed_fdatasync() {
    // The count is kept for each thread; whichever thread writes fails from its 25th fdatasync on.
    let inject = [
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync",
        "-e",
        "inject=fdatasync:error=EIO:when=25+",
    ];
    let mut server = Server::traced(&inject, &[("log", "error")]).await;
    server.define("image").await;
    let mut driver = Scripted::new(&server, "builder", "image").await;
    let mut answered = Vec::new();
    let refused = loop {
        let name = format!("r{}", answered.len());
        match server.try_create(resource("image", &name)).await {
            Ok(_) => answered.push(name),
            Err(status) => break status,
        }
        assert!(answered.len() < 1000, "the disk fails");
    };
    assert!(
        matches!(
            refused.code(),
            Code::Unavailable | Code::Internal | Code::Unknown
        ),
        "{refused:?}"
    );
    for n in 0..20 {
        let late = server
            .try_create(resource("image", &format!("late-{n}")))
            .await;
        assert!(late.is_err(), "nothing more is answered OK");
    }
    assert_ne!(driver.ended().await.code(), Code::Ok);
    assert_eq!(server.exit_code().await, Some(1));
    let stderr = server.stderr();
    assert_eq!(stderr.lines().count(), 1, "one line why, not: {stderr}");

    server.start_next_under(&[]);
    server.start_again().await;
    for name in answered {
        let request = GetResourceRequest {
            resource: "image".into(),
            name: name.clone(),
            revision: 0,
        };
        server
            .resources()
            .get_resource(request)
            .await
            .unwrap_or_else(|status| panic!("{name}: {status:?}"));
    }
    let late = server.read("image", "late-0", 0).await;
    assert_eq!(late.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn nothing_is_answered_ok_after_a_failed_write() {
    writes_fail_with("ENOSPC", "No space left on device").await;
}

/// Writes of the log of writes fail from some time on; `words` stand in the line that says why the server ended.
pub(super) async fn writes_fail_with(error: &str, words: &str) {
    let mut server = Server::with(&[("log", "error")]).await;
    server.define("image").await;
    server.kill();
    // Only writes of the WAL fail, whatever number it has by now.
    let wals: Vec<String> = (1..40)
        .map(|n| format!("{}/{n:06}.log", server.data().display()))
        .collect();
    let mut tracer = vec!["strace", "-D", "-f", "-o", "/dev/null"];
    wals.iter().for_each(|wal| tracer.extend(["-P", wal]));
    let inject = format!("inject=write,pwrite64,writev:error={error}:when=15+");
    tracer.extend(["-e", &inject]);
    server.start_next_under(&tracer);
    server.start_again().await;
    let mut answered = Vec::new();
    loop {
        let name = format!("r{}", answered.len());
        match server.try_create(resource("image", &name)).await {
            Ok(_) => answered.push(name),
            Err(_) => break,
        }
        assert!(answered.len() < 1000, "the disk fails");
    }
    assert_eq!(server.exit_code().await, Some(1));
    let stderr = server.stderr();
    assert_eq!(stderr.lines().count(), 1, "one line why, not: {stderr}");
    assert!(stderr.contains(words), "{stderr}");
    server.start_next_under(&[]);
    server.start_again().await;
    for name in &answered {
        server.read("image", name, 0).await.unwrap();
    }
    let next = format!("r{}", answered.len());
    // The write that failed may be whole, or not there; its run is there if it is.
    if server.read("image", &next, 0).await.is_err() {
        server.create("image", &next).await;
    }
}

#[tokio::test]
async fn writers_side_by_side_share_syncs() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    // A slow disk, so that many writers wait for it at once.
    let slow = "inject=fdatasync:delay_exit=20000";
    let trace = ["-y", "-e", "trace=fdatasync", "-e", slow, "-o", path];
    let server = Server::traced(&trace, &[]).await;
    server.define("image").await;
    let syncs = || {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().filter(|line| line.contains(".log>")).count()
    };
    let before = syncs();
    let names: Vec<_> = (0..200).map(|n| format!("r{n}")).collect();
    let writers = names.iter().map(|name| server.create("image", name));
    futures_util::future::join_all(writers).await;
    let shared = syncs() - before;
    assert!(shared < 100, "200 writers at once took {shared} syncs");
}

#[tokio::test]
async fn hello_that_changes_nothing_writes_nothing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let trace = ["-y", "-e", "trace=fdatasync,fsync", "-o", path];
    let server = Server::traced(&trace, &[]).await;
    let syncs = || {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().filter(|line| line.contains(".log>")).count()
    };
    let before = syncs();
    let mut first = Scripted::new(&server, "builder", "image").await;
    let known = syncs();
    assert!(known > before, "a new driver is written down");
    let mut back = first.next_stream(&server, vec![]).await;
    let mut second = Scripted::new(&server, "builder", "image").await;
    back.hears_nothing(&[]).await;
    second.hears_nothing(&[]).await;
    assert_eq!(syncs(), known);
}
