//! A real server process with a data directory of its own. It ends with the value that owns it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::transport::Channel;

use super::{eventually, soon};

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The first line it wrote.
    pub(crate) first_line: String,
    place: TempDir,
    environment: Vec<(String, String)>,
    tracer: Vec<String>,
    pub(crate) channel: Channel,
}

impl Server {
    /// Starts a server with its defaults on an empty store.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts a server with settings, given as `("driver.lease_time", "2s")`.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        Self::under(&[], settings).await
    }

    /// Starts a server under strace, with these arguments to strace.
    pub(crate) async fn traced(strace: &[&str], settings: &[(&str, &str)]) -> Self {
        // With -D the server itself is the child, so that signals and exit codes are its own.
        let tracer = [&["strace", "-D", "-f"], strace].concat();
        Self::under(&tracer, settings).await
    }

    /// Starts a server by another program, which must become the server by itself.
    pub(crate) async fn under(tracer: &[&str], settings: &[(&str, &str)]) -> Self {
        let place = TempDir::new().unwrap();
        let environment: Vec<_> = settings
            .iter()
            .map(|(key, value)| variable(key, value))
            .collect();
        let tracer: Vec<String> = tracer.iter().map(|part| part.to_string()).collect();
        let (child, first_line) = launch(&place, "127.0.0.1:0", &environment, &tracer)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let address = address_in(&first_line);
        let channel = channel_to(address);
        Self {
            child,
            address,
            first_line,
            place,
            environment,
            tracer,
            channel,
        }
    }

    /// The directory of the store.
    pub(crate) fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// A directory for files of the test; it goes with the server.
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    /// A connection of its own, for a peer that is to be cut off by itself.
    pub(crate) fn new_channel(&self) -> Channel {
        channel_to(self.address)
    }

    /// The id of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How much memory it holds.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            << 10
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id() as i32).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Ends the process with no warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same store and the same port.
    pub(crate) async fn start_again(&mut self) {
        if let Err(error) = self.try_start_again().await {
            panic!("{error}");
        }
    }

    /// Starts it again, or gives the one line that says why it does not start.
    pub(crate) async fn try_start_again(&mut self) -> Result<(), String> {
        let listen = self.address.to_string();
        let (place, environment, tracer) = (&self.place, &self.environment, &self.tracer);
        // A client's outgoing connection may hold the port for a moment.
        let started = eventually("the server starts again", async || {
            match launch(place, &listen, environment, tracer).await {
                Err(error) if error.contains("in use") => None,
                started => Some(started),
            }
        })
        .await;
        let (child, line) = started?;
        self.child = child;
        self.first_line = line;
        Ok(())
    }

    /// Asks it to stop, and waits until it did.
    pub(crate) async fn stop(&mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.exit_code().await, Some(0));
    }

    /// What the doctor says of its data, and whether all is well.
    pub(crate) async fn doctor(&self) -> (bool, String) {
        let looked = doctor(&self.data(), &[]).await;
        let said = String::from_utf8(looked.stdout).unwrap();
        match looked.status.code() {
            Some(0) => (true, said),
            Some(1) => (false, said),
            other => panic!("the doctor looks: {other:?} {said}"),
        }
    }

    /// Kills it and starts it again.
    pub(crate) async fn kill_and_start_again(&mut self) {
        self.kill();
        self.start_again().await;
    }

    /// Says what happens at which crash points in the next life; empty for nothing.
    #[cfg(feature = "crash-points")]
    pub(crate) fn crash_next_at(&mut self, orders: &str) {
        self.environment.retain(|(name, _)| name != "CRASH_AT");
        self.environment
            .push(("CRASH_AT".to_owned(), orders.to_owned()));
    }

    /// Changes a setting for the next start.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.environment.push(variable(key, value));
    }

    /// Waits for the end of the process and gives its exit code; `None` when a signal ended it.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        let child = &mut self.child;
        eventually("the server ends", async || child.try_wait().unwrap())
            .await
            .code()
    }

    /// Says by which program the next start goes; empty for none.
    pub(crate) fn start_next_under(&mut self, tracer: &[&str]) {
        self.tracer = tracer.iter().map(|part| part.to_string()).collect();
    }

    /// What it has written to stderr in its last life.
    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(self.place.path().join("stderr")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- stderr of the server\n{}---", self.stderr());
        }
    }
}

/// The command `conveyor` with these arguments and an environment free of settings.
pub(crate) fn conveyor(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    clean(&mut command).args(arguments);
    command
}

/// Lets the doctor look.
pub(crate) async fn doctor(data: &Path, more: &[&str]) -> Output {
    let mut command = conveyor(&[&["doctor", "--data", data.to_str().unwrap()], more].concat());
    let look = tokio::task::spawn_blocking(move || command.output().unwrap());
    soon("the doctor's word", look).await.unwrap()
}

/// Runs `conveyor up` where it must not start; gives the one line that says why.
pub(crate) fn refused_start(arguments: &[&str]) -> String {
    let mut command = Command::new("timeout");
    clean(&mut command)
        .args(["20", binary().as_str(), "up"])
        .args(arguments);
    let Output {
        status,
        stdout,
        stderr,
    } = command.stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(
        status.code(),
        Some(1),
        "exit code of a start that fails; stderr: {stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "one clear line, not: {stderr}");
    assert_eq!(String::from_utf8(stdout).unwrap(), "", "nothing on stdout");
    stderr.trim_end().to_owned()
}

/// The server that is tested: the one that was built with the tests, or another, for figures of a release build.
fn binary() -> String {
    let built = env!("CARGO_BIN_EXE_conveyor");
    std::env::var("CONVEYOR_BIN").unwrap_or_else(|_| built.to_owned())
}

fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars() {
        if name.starts_with("CONVEYOR_") {
            command.env_remove(name);
        }
    }
    // The contexts of whoever runs the tests are not theirs.
    command.env("CONVEYOR_CLI_CONFIG", "/nonexistent/config.yml")
}

fn variable(key: &str, value: &str) -> (String, String) {
    let name = format!("CONVEYOR_{}", key.replace('.', "_").to_uppercase());
    (name, value.to_owned())
}

async fn launch(
    place: &TempDir,
    listen: &str,
    environment: &[(String, String)],
    tracer: &[String],
) -> Result<(Child, String), String> {
    let binary = binary();
    let mut line = tracer.iter().chain([&binary]);
    let mut command = Command::new(line.next().expect("at least the binary"));
    clean(&mut command)
        .args(line)
        .args(["up", "--listen", listen, "--data"])
        .arg(place.path().join("data"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(place.path().join("stderr")).unwrap());
    let mut child = command.spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let (first, line) = oneshot::channel();
    // The thread reads on to the end, so that the server never meets a closed pipe.
    std::thread::spawn(move || {
        let mut lines = stdout.lines().map_while(Result::ok);
        let _ = first.send(lines.next());
        lines.for_each(drop);
    });
    match soon("the server's first line", line).await.ok().flatten() {
        Some(line) => Ok((child, line)),
        None => {
            let status = child.wait().unwrap();
            let stderr = std::fs::read_to_string(place.path().join("stderr")).unwrap();
            assert_eq!(status.code(), Some(1), "a start that fails: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "one clear line, not: {stderr}");
            Err(stderr.trim_end().to_owned())
        }
    }
}

fn address_in(line: &str) -> SocketAddr {
    let rest = line
        .strip_prefix("listening on http://")
        .unwrap_or_else(|| panic!("first line: {line}"));
    let address = rest.split_whitespace().next().expect("an address follows");
    address
        .trim_end_matches(['/', ','])
        .parse()
        .unwrap_or_else(|_| panic!("first line: {line}"))
}

fn channel_to(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}"))
        .unwrap()
        .connect_timeout(Duration::from_secs(5))
        .connect_lazy()
}
