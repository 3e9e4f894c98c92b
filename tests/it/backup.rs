//! Backup while serving, and restore: nothing that was answered before is missing, and nothing half is ever taken for
//! a store.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use conveyor_client::proto::server_service_client::ServerServiceClient;
use conveyor_client::proto::{BackupRequest, BackupResponse};
use rustix::process::Signal;
use tonic::{Code, Status, Streaming};

use crate::support::{Server, conveyor, eventually, refused_start, soon};

async fn run(arguments: &[&str]) -> Output {
    let mut command = conveyor(arguments);
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    soon("the command ends", run).await.unwrap()
}

async fn backup(server: &Server, name: &str) -> PathBuf {
    let file = server.place().join(name);
    let url = format!("http://{}", server.address);
    let output = run(&["backup", file.to_str().unwrap(), "--server", &url]).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr, "", "no progress line in a pipe");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.starts_with("saved ") && said.lines().count() == 1,
        "{said}"
    );
    file
}

async fn restore(archive: &Path, directory: &Path) -> Result<String, String> {
    let (archive, directory) = (archive.to_str().unwrap(), directory.to_str().unwrap());
    let output = run(&["restore", archive, "--data", directory]).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    match output.status.code() {
        Some(0) => Ok(text(output.stdout)),
        Some(1) => Err(text(output.stderr)),
        other => panic!("exit code {other:?}: {}", text(output.stderr)),
    }
}

/// Bytes that do not pack, as a JSON object.
fn large_spec(seed: u64) -> String {
    let mut state = seed | 1;
    let digits = (0..60_000).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("{state:016x}")
    });
    format!(r#"{{"x":"{}"}}"#, digits.collect::<String>())
}

async fn with_much_data() -> Server {
    let server = Server::start().await;
    server.define("image").await;
    for n in 0..8 {
        let spec = large_spec(n + 7);
        let body = format!(r#"{{"name":"r{n}","resource":"image","spec":{spec}}}"#);
        assert_eq!(server.post("/resources", &body).await.status, 201);
    }
    server
}

fn checkpoints(server: &Server) -> usize {
    let entries = std::fs::read_dir(server.data()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.starts_with(".checkpoint-"))
        .count()
}

/// A backup that is asked for and not read.
async fn held(server: &Server) -> Result<Streaming<BackupResponse>, Status> {
    let mut client = ServerServiceClient::new(server.new_channel());
    let asked = client.backup(BackupRequest {});
    Ok(soon("an answer to Backup", asked).await?.into_inner())
}

#[tokio::test]
async fn all_that_was_answered_before_is_in_a_backup_taken_under_writes() {
    let mut server = Server::start().await;
    server.define("image").await;
    let answered = AtomicUsize::new(0);
    let write = async {
        loop {
            let name = format!("r{}", answered.load(Ordering::SeqCst));
            let run = server.create("image", &name).await;
            let line = format!(
                r#"{{"runid":"{run}","driver":"d","pipeline":"","timestamp":"1","message":"{name}"}}"#
            );
            assert_eq!(server.post("/logs", &line).await.status, 201);
            answered.fetch_add(1, Ordering::SeqCst);
        }
    };
    let mut before = 0;
    let save = async {
        eventually("some writes", async || {
            (answered.load(Ordering::SeqCst) >= 50).then_some(())
        })
        .await;
        before = answered.load(Ordering::SeqCst);
        let file = backup(&server, "b.tar.zst").await;
        assert!(answered.load(Ordering::SeqCst) > before, "writes went on");
        file
    };
    let file = tokio::select! {
        file = save => file,
        () = write => unreachable!("it writes on"),
    };
    let mut wanted = Vec::new();
    for n in 0..before {
        wanted.push(whole(&server, n).await);
    }
    server.kill();
    std::fs::rename(server.data(), server.place().join("old")).unwrap();
    let said = restore(&file, &server.data()).await.unwrap();
    assert!(said.starts_with("restored "), "{said}");
    server.start_again().await;
    for (n, wanted) in wanted.iter().enumerate() {
        assert_eq!(&whole(&server, n).await, wanted);
    }
    server.create("image", "after").await;
}

/// A resource, its runs and their logs, as they are shown.
async fn whole(server: &Server, n: usize) -> Vec<String> {
    let resource = server.get(&format!("/resources/image/r{n}")).await;
    assert_eq!(resource.status, 200, "r{n}");
    let runs = server.get(&format!("/runs?resource=image&name=r{n}")).await;
    let run = runs.json()[0]["id"].as_str().unwrap_or_default().to_owned();
    let logs = server.get(&format!("/logs?runid={run}")).await;
    assert!(
        logs.body.contains(&format!("\"r{n}\"")),
        "{runs:?}, {logs:?}"
    );
    vec![resource.body, runs.body, logs.body]
}

#[tokio::test]
async fn a_damaged_or_cut_backup_restores_nothing_and_says_so() {
    let server = with_much_data().await;
    let file = backup(&server, "b.tar.zst").await;
    let whole = std::fs::read(&file).unwrap();
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("data");
    let wrong = place.path().join("wrong");
    let mut broken = Vec::new();
    for keep in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        broken.push(whole[..keep].to_vec());
    }
    for at in [whole.len() / 3, whole.len() / 2, whole.len() - 2] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        broken.push(bytes);
    }
    broken.push(b"not a backup at all".to_vec());
    for bytes in broken {
        std::fs::write(&wrong, &bytes).unwrap();
        let said = restore(&wrong, &directory).await.unwrap_err();
        assert!(
            said.starts_with("error: nothing was restored: it is "),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(
            std::fs::read_dir(&directory).unwrap().count(),
            0,
            "nothing is left"
        );
    }
    restore(&file, &directory).await.unwrap();
    let said = restore(&file, &directory).await.unwrap_err();
    assert!(
        said.contains("is not empty: name a directory that is empty"),
        "{said}"
    );
    let said = restore(&place.path().join("gone"), &directory)
        .await
        .unwrap_err();
    assert!(said.contains("cannot read"), "{said}");
}

#[tokio::test]
async fn a_restore_that_was_killed_is_never_taken_for_a_store() {
    let server = with_much_data().await;
    let whole = std::fs::read(backup(&server, "b.tar.zst").await).unwrap();
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let directory = data.to_str().unwrap();
    let mut child = conveyor(&["restore", "-", "--data", directory])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&whole[..whole.len() / 2]).unwrap();
    eventually("it has begun", async || {
        data.join(".restoring").exists().then_some(())
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    let line = refused_start(&["--listen", "127.0.0.1:0", "--data", directory]);
    assert!(line.contains("has not come to its end"), "{line}");
    let said = restore(&server.place().join("b.tar.zst"), &data)
        .await
        .unwrap_err();
    assert!(
        said.contains("was cut short: remove what is in that directory"),
        "{said}"
    );
    std::fs::remove_dir_all(&data).unwrap();
    restore(&server.place().join("b.tar.zst"), &data)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_backup_that_is_stopped_before_a_server_answers_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    // It takes connections, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let file = place.path().join("b.tar.zst");
    let child = conveyor(&["backup", file.to_str().unwrap(), "--server", &url])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let left = || std::fs::read_dir(place.path()).unwrap().count();
    eventually("it has begun", async || (left() == 1).then_some(())).await;
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::INT).unwrap();
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let output = soon("the end of the backup", ended).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "error: stopped: there is no backup\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(left(), 0);
}

#[tokio::test]
async fn a_restore_that_is_stopped_leaves_nothing() {
    let server = with_much_data().await;
    let whole = std::fs::read(backup(&server, "b.tar.zst").await).unwrap();
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut child = conveyor(&["restore", "-", "--data", data.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The rest never comes: it waits for its input when it is stopped.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&whole[..whole.len() / 2]).unwrap();
    eventually("it has begun", async || {
        data.join(".restoring").exists().then_some(())
    })
    .await;
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::INT).unwrap();
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let output = soon("the end of the restore", ended).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "error: stopped: nothing was restored\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
    drop(stdin);
    restore(&server.place().join("b.tar.zst"), &data)
        .await
        .unwrap();
}

/// An archive of these entries.
fn archive(entries: &[(tar::EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (kind, name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        // `set_path` would refuse such names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_link_name("/etc/passwd").unwrap();
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        archive.append(&header, *bytes).unwrap();
    }
    zstd::encode_all(&archive.into_inner().unwrap()[..], 1).unwrap()
}

#[tokio::test]
async fn an_archive_that_means_harm_writes_nothing() {
    use tar::EntryType as Type;
    let manifest = |files: &str| {
        format!(
            r#"{{"layout":1,"format":1,"position":1,"time":"","server_version":"","files":[{files}]}}"#
        )
    };
    let entry = |bytes: u64| format!(r#"{{"name":"CURRENT","bytes":{bytes},"sha256":"00"}}"#);
    let lies = manifest(&entry(u64::MAX));
    let twice = manifest(&[entry(u64::MAX), entry(u64::MAX)].join(","));
    let long_name = vec![b'x'; 32 << 20];
    let current = (Type::Regular, "CURRENT", &b"hello"[..]);
    let archives = [
        archive(&[(Type::Regular, "../evil", b"x")]),
        archive(&[(Type::Regular, "/evil", b"x")]),
        archive(&[(Type::Regular, "folder/evil", b"x")]),
        archive(&[(Type::Regular, "..", b"x")]),
        archive(&[(Type::Symlink, "CURRENT", b"")]),
        archive(&[(Type::Link, "CURRENT", b"")]),
        archive(&[(Type::Directory, "evil", b"")]),
        archive(&[(Type::Fifo, "evil", b"")]),
        archive(&[(Type::GNULongName, "name", &long_name), current]),
        archive(&[(Type::XHeader, "name", &long_name), current]),
        archive(&[current, current]),
        archive(&[current, (Type::Regular, "backup.json", lies.as_bytes())]),
        archive(&[current, (Type::Regular, "backup.json", twice.as_bytes())]),
        archive(&[(Type::Regular, "backup.json", manifest("").as_bytes())]),
    ];
    let place = tempfile::tempdir().unwrap();
    let (file, data) = (place.path().join("a"), place.path().join("data"));
    for (nth, bytes) in archives.iter().enumerate() {
        std::fs::write(&file, bytes).unwrap();
        let said = restore(&file, &data).await.unwrap_err();
        assert!(
            said.starts_with("error: nothing was restored: "),
            "archive {nth}: {said}"
        );
        let plain = (nth < 10) == said.contains("is no plain file");
        assert!(plain, "archive {nth}: {}", &said[..said.len().min(300)]);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 2);
    }
}

#[tokio::test]
async fn one_backup_at_a_time_and_none_leaves_anything_behind() {
    let mut server = with_much_data().await;
    let first = held(&server).await.unwrap();
    assert_eq!(checkpoints(&server), 1);
    let refused = held(&server).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let url = format!("http://{}", server.address);
    let file = server.place().join("second");
    let second = run(&["backup", file.to_str().unwrap(), "--server", &url]).await;
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("a backup is being taken already"), "{said}");
    assert!(!file.exists());
    drop(first);
    eventually("the checkpoint is gone", async || {
        (checkpoints(&server) == 0).then_some(())
    })
    .await;
    let second = eventually("the next backup begins", async || held(&server).await.ok()).await;
    server.kill_and_start_again().await;
    assert_eq!(
        checkpoints(&server),
        0,
        "what a crash left goes at the start"
    );
    drop(second);
    let third = held(&server).await.unwrap();
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    drop(third);
    server.start_again().await;
    backup(&server, "fourth").await;
    eventually("the checkpoint is gone", async || {
        (checkpoints(&server) == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_full_disk_refuses_a_backup() {
    let server = Server::with(&[("store.min_free_bytes", "1000000 GiB")]).await;
    let refused = held(&server).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("nearly full"), "{refused:?}");
}
