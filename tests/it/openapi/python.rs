//! The programs in Python that tests call, at pinned versions: scripts/python.sh installs them the first time.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// The program of that name. Without Python there is none: then the test says so and has nothing to do, but fails
/// where everything has to be tried (`CI`).
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let root = env!("CARGO_MANIFEST_DIR");
    let found = Command::new(format!("{root}/scripts/python.sh"))
        .output()
        .unwrap();
    if found.status.success() {
        let folder = String::from_utf8(found.stdout).unwrap();
        return Some(PathBuf::from(folder.trim()).join("bin").join(name));
    }
    let why = String::from_utf8_lossy(&found.stderr).into_owned();
    assert!(std::env::var_os("CI").is_none(), "no {name}: {why}");
    // Not by eprintln: that is shown of failed tests only.
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "SKIPPED, since there is no {name}: {why}").unwrap();
    None
}
