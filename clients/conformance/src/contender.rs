//! One process of the contender: its environment, what it prints, its signals and its end.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::fault::{Fault, Played, within};
use crate::link::Shared;
use crate::offer::Task;
use crate::record::Record;
use crate::sabotage::Sabotage;

/// What a contender is told to be.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) slots: u32,
    pub(crate) definitions: &'static str,
    pub(crate) events: &'static str,
    pub(crate) labels: &'static str,
    /// Bytes of unacked lines in memory, and in the file.
    pub(crate) log_room: Option<(u64, u64)>,
    pub(crate) stop_at_lease_end: bool,
}

impl Setup {
    /// A driver with so many slots, and all else as its runtime has it.
    pub(crate) fn slots(slots: u32) -> Self {
        Self {
            slots,
            definitions: "",
            events: "",
            labels: "",
            log_room: None,
            stop_at_lease_end: false,
        }
    }

    fn environment(&self) -> [(&'static str, String); 7] {
        let (memory, spill) = self.log_room.unzip();
        let number = |number: Option<u64>| number.map(|it| it.to_string()).unwrap_or_default();
        let stop = if self.stop_at_lease_end { "true" } else { "" };
        [
            ("CONTENDER_SLOTS", self.slots.to_string()),
            ("CONTENDER_DEFINITIONS", self.definitions.to_owned()),
            ("CONTENDER_EVENTS", self.events.to_owned()),
            ("CONTENDER_LABELS", self.labels.to_owned()),
            ("CONTENDER_LOG_MEMORY", number(memory)),
            ("CONTENDER_LOG_SPILL", number(spill)),
            ("CONTENDER_STOP_AT_LEASE_END", stop.to_owned()),
        ]
    }
}

/// The command that starts a contender.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) command: PathBuf,
    pub(crate) arguments: Vec<String>,
}

/// One process. It ends with this value, and all that it started with it.
pub(crate) struct Contender {
    child: Child,
    pid: Pid,
    printed: watch::Receiver<Vec<String>>,
    deadline: Duration,
    deaf: bool,
}

impl Contender {
    /// Starts a contender for the driver `name` of the server at `url`.
    pub(crate) fn start(
        program: &Program,
        name: &str,
        url: &str,
        setup: &Setup,
        shared: &Shared,
    ) -> Played<Self> {
        let fault = |why: String| {
            Fault(format!(
                "{} does not start: {why}",
                program.command.display()
            ))
        };
        let mut child = Command::new(&program.command)
            .args(&program.arguments)
            .env("CONTENDER_SERVER", url)
            .env("CONTENDER_DRIVER", name)
            .envs(setup.environment())
            .envs(shared.saboteur.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| fault(error.to_string()))?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| fault("it has no process id".to_owned()))?;
        let (sender, printed) = watch::channel(Vec::new());
        let record = &shared.record;
        if let Some(output) = child.stdout.take() {
            tokio::spawn(read(output, "stdout", Arc::clone(record), Some(sender)));
        }
        if let Some(output) = child.stderr.take() {
            tokio::spawn(read(output, "stderr", Arc::clone(record), None));
        }
        Ok(Self {
            child,
            pid,
            printed,
            deadline: shared.deadline,
            deaf: shared.saboteur.plays(Sabotage::DeafToSignals),
        })
    }

    /// Waits until the work of `task` has printed `text`.
    pub(crate) async fn says(&self, task: &Task, text: &str) -> Played {
        self.prints(&format!("{} {text}", task.id)).await
    }

    /// Waits until it has printed `line`.
    pub(crate) async fn prints(&self, line: &str) -> Played {
        let mut printed = self.printed.clone();
        let what = format!("the contender's line `{line}`");
        let found = printed.wait_for(|lines| lines.iter().any(|it| it == line));
        let found = within(self.deadline, &what, found).await?;
        found
            .map(drop)
            .map_err(|_| Fault(format!("the contender ended before {what}")))
    }

    /// How often the work of `task` has printed `text` by now.
    pub(crate) fn said(&self, task: &Task, text: &str) -> usize {
        let line = format!("{} {text}", task.id);
        self.printed
            .borrow()
            .iter()
            .filter(|it| **it == line)
            .count()
    }

    /// The place of the work's line among all that were printed.
    pub(crate) fn place(&self, task: &Task, text: &str) -> Option<usize> {
        let line = format!("{} {text}", task.id);
        self.printed.borrow().iter().position(|it| *it == line)
    }

    /// Asks it to drain.
    pub(crate) fn terminate(&self) -> Played {
        if self.deaf {
            return Ok(());
        }
        kill_process(self.pid, Signal::TERM)
            .map_err(|error| Fault(format!("the contender takes no SIGTERM: {error}")))
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Played<ExitStatus> {
        let ended = within(self.deadline, "the contender's end", self.child.wait()).await?;
        ended.map_err(|error| Fault(format!("the contender's end is unknown: {error}")))
    }

    /// The memory that it has in use, in bytes.
    pub(crate) fn memory(&self) -> Played<u64> {
        let path = format!("/proc/{}/status", self.pid.as_raw_nonzero());
        let fault = |why: String| Fault(format!("{path} cannot be read: {why}"));
        let text = std::fs::read_to_string(&path).map_err(|error| fault(error.to_string()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let pages = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        pages
            .map(|kib| kib << 10)
            .ok_or_else(|| fault("it has no VmRSS".to_owned()))
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // A process whose end was waited for has no id any more, and its number may be another's.
        if self.child.id().is_some() {
            // It may have ended by itself.
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }
}

/// Records what is printed, line by line, and keeps it where that is wanted.
async fn read(
    output: impl AsyncRead + Unpin,
    stream: &'static str,
    record: Arc<Record>,
    keep: Option<watch::Sender<Vec<String>>>,
) {
    let mut lines = BufReader::new(output).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        record.note(stream, &line);
        if let Some(keep) = &keep {
            keep.send_modify(|lines| lines.push(line));
        }
    }
    record.note(stream, "(ends)");
}
