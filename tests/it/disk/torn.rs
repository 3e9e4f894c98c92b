//! A WAL whose tail is torn is cut; damage before the tail refuses to start.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::support::{Server, refused_start};

/// The WAL that was written last.
fn wal(directory: &Path) -> PathBuf {
    let mut found = Vec::new();
    let mut places = vec![directory.to_owned()];
    while let Some(place) = places.pop() {
        for entry in std::fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                places.push(path);
            } else if path.extension().is_some_and(|extension| extension == "log") {
                found.push(path);
            }
        }
    }
    found
        .into_iter()
        .max_by_key(|path| path.metadata().unwrap().len())
        .expect("there is a WAL")
}

async fn killed_after_writes() -> Server {
    let mut server = Server::start().await;
    server.define("image").await;
    for n in 0..100 {
        server.create("image", &format!("r{n}")).await;
    }
    server.kill();
    server
}

/// The files of a store, by name.
pub(super) fn files_of(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(data).unwrap().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, std::fs::read(file.path()).unwrap())
        })
        .collect()
}

/// Puts these in place of all that is there.
pub(super) fn put_files(data: &Path, files: &BTreeMap<String, Vec<u8>>) {
    std::fs::remove_dir_all(data).unwrap();
    std::fs::create_dir(data).unwrap();
    for (name, bytes) in files {
        std::fs::write(data.join(name), bytes).unwrap();
    }
}

/// `src/store/files/tests/torn.rs` cuts at every byte.
#[tokio::test]
async fn torn_tail_is_cut() {
    let mut server = killed_after_writes().await;
    let path = wal(&server.data());
    // A slow machine took so long that the last write was witnessed: to lose that one is no torn tail.
    let _ = std::fs::remove_file(server.data().join("ANSWERED"));
    let files = files_of(&server.data());
    for cut in [1, 7, 60, 150] {
        put_files(&server.data(), &files);
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(length - cut).unwrap();
        let (_, said) = server.doctor().await;
        assert!(
            said.contains("TORN_TAIL") && said.contains("1 finding"),
            "{said}"
        );
        server.start_again().await;
        assert!(
            server.stderr().contains(path.to_str().unwrap()),
            "{}",
            server.stderr()
        );
        for n in 0..99 {
            server.read("image", &format!("r{n}"), 0).await.unwrap();
        }
        server
            .read("image", "r99", 0)
            .await
            .expect_err("its write was torn");
        server.create("image", "r99").await;
        server.kill();
        let (well, said) = server.doctor().await;
        assert!(well, "{said}");
    }
}

#[tokio::test]
async fn damage_before_the_tail_refuses_to_start() {
    let server = killed_after_writes().await;
    let path = wal(&server.data());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.write_all(&[!byte[0]]).unwrap();
    drop(file);
    let line = refused_start(&[
        "--listen",
        "127.0.0.1:0",
        "--data",
        server.data().to_str().unwrap(),
    ]);
    assert!(
        line.contains(server.data().to_str().unwrap()) || line.contains("WAL"),
        "{line}"
    );
}
