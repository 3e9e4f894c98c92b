//! The server's process: on one port and one data directory, however often it is killed.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::Result;

/// How long a start or a drain may take: a store of an hour's load is read in it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that runs.
pub(crate) struct Server {
    program: PathBuf,
    place: PathBuf,
    settings: Vec<(String, String)>,
    child: Child,
    /// Where it listens, in all its lives.
    pub(crate) address: SocketAddr,
    /// When this life began.
    pub(crate) born: Instant,
}

impl Server {
    /// Starts it on an empty store below `place`, with settings by the names of their variables.
    pub(crate) async fn start(
        program: &Path,
        place: &Path,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let (child, address) = launch(program, place, &settings, "127.0.0.1:0").await?;
        Ok(Self {
            program: program.to_owned(),
            place: place.to_owned(),
            settings,
            child,
            address,
            born: Instant::now(),
        })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its store.
    pub(crate) fn data(&self) -> PathBuf {
        self.place.join("data")
    }

    /// How it ended by itself, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Ends it with no warning.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(&mut self) -> Result<ExitStatus> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if asked.elapsed() > PATIENCE {
                return Err("the server did not stop when it was asked to".into());
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Starts it where it was.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let listen = self.address.to_string();
        let asked = Instant::now();
        loop {
            match launch(&self.program, &self.place, &self.settings, &listen).await {
                Ok((child, _)) => {
                    self.child = child;
                    self.born = Instant::now();
                    return Ok(());
                }
                // A client's outgoing connection may hold the port for a moment.
                Err(error)
                    if error.to_string().contains("in use") && asked.elapsed() < PATIENCE =>
                {
                    sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What `conveyor doctor` says of the store of the server, which must not run.
    pub(crate) async fn doctor(&self) -> Result<(bool, String)> {
        let (program, data) = (self.program.clone(), self.data());
        let look = move || {
            Command::new(program)
                .args(["doctor", "--data"])
                .arg(data)
                .output()
        };
        let Output { status, stdout, .. } = tokio::task::spawn_blocking(look).await??;
        Ok((
            status.success(),
            String::from_utf8_lossy(&stdout).into_owned(),
        ))
    }

    /// What it wrote to stderr in all its lives.
    pub(crate) fn stderr(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.place.join("stderr"))?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.kill();
    }
}

/// Starts it and waits until it listens.
async fn launch(
    program: &Path,
    place: &Path,
    settings: &[(String, String)],
    listen: &str,
) -> Result<(Child, SocketAddr)> {
    let log = place.join("stderr");
    let stderr: File = OpenOptions::new().create(true).append(true).open(&log)?;
    let before = stderr.metadata()?.len();
    let mut child = Command::new(program)
        .args(["up", "--listen", listen, "--log", "warn", "--data"])
        .arg(place.join("data"))
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .current_dir(place)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let output = child.stdout.take().ok_or("its output is piped")?;
    let read = move || {
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).map(|_| line)
    };
    let line = tokio::task::spawn_blocking(read).await??;
    let address = line
        .strip_prefix("listening on http://")
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|word| word.trim_end_matches(['/', ',']).parse().ok());
    if let Some(address) = address {
        return Ok((child, address));
    }
    let status = child.wait()?;
    let said = std::fs::read(log)?.split_off(usize::try_from(before)?);
    let said = String::from_utf8_lossy(&said);
    Err(format!("the server did not start, {status}: {line}{said}").into())
}
