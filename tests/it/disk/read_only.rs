//! A disk that takes no writes: from the start, or from some time on.

use super::synced::writes_fail_with;
use crate::support::{Mount, Server};

#[tokio::test]
async fn a_read_only_directory_refuses_to_start_and_the_doctor_looks_all_the_same() {
    let mut server = Server::start().await;
    server.define("image").await;
    server.create("image", "a").await;
    server.kill();
    let Some(mount) = Mount::read_only(&server.data()) else {
        return;
    };
    let enter = mount.enter();
    server.start_next_under(&enter.iter().map(String::as_str).collect::<Vec<_>>());
    let why = server.try_start_again().await.unwrap_err();
    assert!(why.contains(server.data().to_str().unwrap()), "{why}");
    assert!(why.contains("Read-only file system"), "{why}");
    let look = format!(
        "exec {} doctor --data \"$0\" >/dev/null",
        env!("CARGO_BIN_EXE_conveyor")
    );
    assert!(
        mount.shell(&server.data(), &look),
        "nothing is wrong with it"
    );
    server.start_next_under(&[]);
    server.start_again().await;
    server.read("image", "a", 0).await.unwrap();
    server.create("image", "b").await;
}

/// ext4 turns read only after an error of its own: writes to open files fail from then on.
#[tokio::test]
async fn a_disk_that_turns_read_only_ends_the_server_and_loses_nothing() {
    writes_fail_with("EROFS", "Read-only file system").await;
}
