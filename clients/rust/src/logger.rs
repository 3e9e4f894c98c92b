//! Where a task logs. Lines are kept until they are on the server's disk.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::lines::Lines;
use crate::proto::LogLine;
use crate::split::{Splitter, cut, lines, pieces};

/// The stream of lines that the driver itself says, as opposed to what its children print.
const OWN_STREAM: &str = "driver";
/// The label of a line that goes on in the next one, since it was too long for one.
const SPLIT_LABEL: &str = "split";
/// A line has at most 32 labels; one is left for [`SPLIT_LABEL`].
const MAX_LABELS: usize = 31;
/// The most bytes of a label's key and of a stream's name, and of a label's value. Longer ones are cut.
const MAX_NAME: usize = 128;
const MAX_VALUE: usize = 1 << 10;
/// How much is read of a child's output at once.
const READ_BYTES: usize = 16 << 10;

/// Writes the log of one task. Clones write to the same log.
///
/// Calls return when the line is kept, not when it is on disk. When too much waits to be stored (see
/// [`Driver::log_memory`](crate::Driver::log_memory)) they wait for room. After the task has ended, or was fenced, lines are dropped.
#[derive(Clone)]
pub struct Logger {
    lines: Arc<Lines>,
    labels: Arc<HashMap<String, String>>,
}

impl Logger {
    pub(crate) fn new(lines: Arc<Lines>) -> Self {
        Self {
            lines,
            labels: Arc::default(),
        }
    }

    /// The same log, with `labels` on each line besides those it has already; at most 31 in all.
    #[must_use]
    pub fn with_labels<K: Into<String>, V: Into<String>>(
        &self,
        labels: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut all = HashMap::clone(&self.labels);
        for (key, value) in labels {
            let (mut key, mut value) = (key.into(), value.into());
            key.truncate(cut(&key, MAX_NAME));
            value.truncate(cut(&value, MAX_VALUE));
            let room = all.len() < MAX_LABELS || all.contains_key(&key);
            if room && !key.is_empty() {
                all.insert(key, value);
            }
        }
        Self {
            lines: Arc::clone(&self.lines),
            labels: Arc::new(all),
        }
    }

    /// Writes what helps to find a fault.
    pub async fn debug(&self, text: impl AsRef<str>) {
        self.level("debug", text.as_ref()).await;
    }

    /// Writes what is good to know.
    pub async fn info(&self, text: impl AsRef<str>) {
        self.level("info", text.as_ref()).await;
    }

    /// Writes what may be wrong.
    pub async fn warn(&self, text: impl AsRef<str>) {
        self.level("warn", text.as_ref()).await;
    }

    /// Writes what is wrong.
    pub async fn error(&self, text: impl AsRef<str>) {
        self.level("error", text.as_ref()).await;
    }

    /// Writes `text` as a line of `stream`: `stdout`, `stderr`, or a word of your own.
    /// Text of several lines becomes several lines, empty
    /// text an empty one.
    pub async fn line(&self, stream: &str, text: impl AsRef<str>) {
        for line in lines(text.as_ref()) {
            self.put(stream, line, false).await;
        }
    }

    /// Reads `output` to its end and writes it line by line to `stream`. Bytes that are not UTF-8
    /// become U+FFFD. It reads on when lines are dropped, so that no child hangs on a full pipe.
    ///
    /// # Errors
    /// When `output` cannot be read. What was read until then is written.
    pub async fn pipe(&self, stream: &str, output: impl AsyncRead) -> io::Result<()> {
        let mut output = std::pin::pin!(output);
        let mut splitter = Splitter::new(self.lines.line_bytes());
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = output.read(&mut buffer).await;
            let bytes = read.as_ref().map_or(0, |count| *count);
            splitter.feed(&buffer[..bytes]);
            if bytes == 0 {
                splitter.end();
            }
            while let Some(line) = splitter.next_line() {
                self.put(stream, &line.text, line.goes_on).await;
            }
            if bytes == 0 {
                return read.map(drop);
            }
        }
    }

    /// Runs `command` and writes what it prints, to `stdout` and to `stderr`. The child ends with the
    /// future: a task that is dropped leaves none behind.
    ///
    /// # Errors
    /// When the command cannot be started, or its output not be read.
    pub async fn run(&self, command: &mut Command) -> io::Result<ExitStatus> {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.stdin(Stdio::null()).kill_on_drop(true).spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr) = stdout.zip(stderr).ok_or(io::ErrorKind::BrokenPipe)?;
        tokio::try_join!(self.pipe("stdout", stdout), self.pipe("stderr", stderr))?;
        child.wait().await
    }

    /// Writes what is wrong without waiting for room: the runtime's own last words on a task.
    pub(crate) fn error_now(&self, text: &str) {
        let log = self.with_labels([("level", "error")]);
        for line in lines(text) {
            log.pieces(OWN_STREAM, line, false)
                .for_each(|line| log.lines.push_now(line));
        }
    }

    async fn level(&self, level: &str, text: &str) {
        self.with_labels([("level", level)])
            .line(OWN_STREAM, text)
            .await;
    }

    async fn put(&self, stream: &str, text: &str, goes_on: bool) {
        for line in self.pieces(stream, text, goes_on) {
            self.lines.push(line).await;
        }
    }

    /// `text` as one line, or as several when it is too long for one. `goes_on`: its rest comes later.
    fn pieces(&self, stream: &str, text: &str, goes_on: bool) -> impl Iterator<Item = LogLine> {
        let time = SystemTime::now();
        let mut pieces = pieces(text, self.lines.line_bytes()).peekable();
        std::iter::from_fn(move || {
            let piece = pieces.next()?;
            let mut labels = HashMap::clone(&self.labels);
            if goes_on || pieces.peek().is_some() {
                labels.insert(SPLIT_LABEL.to_owned(), "true".to_owned());
            }
            Some(LogLine {
                time: Some(time.into()),
                stream: stream[..cut(stream, MAX_NAME)].to_owned(),
                labels,
                message: piece.to_owned(),
            })
        })
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger")
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}
