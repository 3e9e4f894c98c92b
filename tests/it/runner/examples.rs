//! The documents of `examples/` and the demo that carries them out.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::{Server, conveyor};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[tokio::test]
async fn examples_can_be_applied_and_are_then_unchanged() {
    let server = Server::start().await;
    let apply = || {
        let mut command = conveyor(&["apply", "--server", &format!("http://{}", server.address)]);
        command.arg("-f").arg(Path::new(ROOT).join("examples"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!apply().contains("unchanged"));
    let again = apply();
    assert_eq!(again.matches("unchanged").count(), 7, "{again}");
    for name in ["example-resource", "ubuntu-pipeline-6", "build-app-1"] {
        assert!(again.contains(name), "{again}");
    }
}

#[tokio::test]
async fn the_demo_succeeds_and_leaves_nothing() {
    let place = TempDir::new().unwrap();
    let mut command = Command::new("timeout");
    command
        .args(["180", "scripts/demo.sh"])
        .current_dir(ROOT)
        .env("CONVEYOR_BIN", env!("CARGO_BIN_EXE_conveyor"))
        .env("TMPDIR", place.path())
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{problems}");
    for line in ["ok: greets by name", "published to "] {
        assert!(said.contains(line), "{line} is not in:\n{said}");
    }
    let left: Vec<_> = place.path().read_dir().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
