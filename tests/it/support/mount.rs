//! A file system of a test's own, in a mount namespace that ends with it. It takes root, or user namespaces.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A namespace with a mount in it.
pub(crate) struct Mount {
    holder: Child,
    user: bool,
}

impl Mount {
    /// A file system in memory at `place`, of so many bytes. What was there is hidden.
    pub(crate) fn of_size(place: &Path, bytes: u64) -> Option<Self> {
        Self::by(
            place,
            &format!("mount -t tmpfs -o size={bytes} none \"$0\""),
        )
    }

    /// `place` as it is, read only.
    pub(crate) fn read_only(place: &Path) -> Option<Self> {
        Self::by(
            place,
            "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"",
        )
    }

    /// Where mounts are not allowed there is none: then the test says so and has nothing to do, but fails where
    /// everything has to be tried (`CI`).
    fn by(place: &Path, mount: &str) -> Option<Self> {
        std::fs::create_dir_all(place).unwrap();
        let user = !rustix::process::geteuid().is_root();
        let mut unshare = Command::new("unshare");
        if user {
            unshare.args(["--user", "--map-root-user"]);
        }
        // It holds the namespace until its input ends.
        let hold = format!("{mount} && echo mounted && exec cat");
        let mut holder = unshare
            .args(["--mount", "sh", "-c", &hold])
            .arg(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = holder.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).unwrap();
        if line == "mounted\n" {
            return Some(Self { holder, user });
        }
        holder.wait().unwrap();
        assert!(std::env::var_os("CI").is_none(), "nothing can be mounted");
        // Not by eprintln: that is shown of failed tests only.
        let mut stderr = std::io::stderr().lock();
        writeln!(stderr, "SKIPPED, since nothing can be mounted").unwrap();
        None
    }

    /// What stands before a command so that it sees the mount. It becomes that command by itself.
    pub(crate) fn enter(&self) -> Vec<String> {
        let mut enter = vec![
            "nsenter".to_owned(),
            format!("--target={}", self.holder.id()),
        ];
        if self.user {
            enter.extend(["--user", "--preserve-credentials"].map(str::to_owned));
        }
        enter.push("--mount".to_owned());
        enter
    }

    /// Runs a line of shell there, with `place` as `$0`.
    pub(crate) fn shell(&self, place: &Path, line: &str) -> bool {
        let enter = self.enter();
        let mut command = Command::new(&enter[0]);
        command
            .args(&enter[1..])
            .args(["sh", "-c", line])
            .arg(place);
        command.status().unwrap().success()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Its input ends, and so does it.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
