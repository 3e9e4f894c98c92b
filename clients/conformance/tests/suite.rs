//! The suite against the Rust runtime, and against faulty drivers.
//!
//! The contender is an example of `conveyor-client`, which `cargo test --workspace` builds.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the suite with the Rust contender; what it prints is the message of a failure.
fn conformance(options: &[&str]) {
    let suite = Path::new(env!("CARGO_BIN_EXE_conformance"));
    let contender: PathBuf = suite.with_file_name("examples").join("contender");
    assert!(
        contender.exists(),
        "build the contender first: cargo build -p conveyor-client --examples"
    );
    let mut command = Command::new(suite);
    let command = command
        .args(["--runtime", "rust"])
        .args(options)
        .arg("--")
        .arg(contender);
    let ended = command.output().expect("the suite is built with its test");
    let (said, errors) = (
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr),
    );
    assert!(ended.status.success(), "{said}{errors}");
}

#[test]
fn rust_runtime_passes_every_case() {
    conformance(&[]);
}

#[test]
fn every_case_sees_the_fault_that_is_meant_for_it() {
    conformance(&["--prove", "--deadline", "8"]);
}
