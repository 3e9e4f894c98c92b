//! The commands as a person types them, against a real server.

mod apply;
mod completion;
mod contexts;
mod delete;
mod describe;
mod diff;
mod drivers;
mod edit;
mod forms;
mod get;
mod logs;
mod run;
mod runs;
mod settings;
mod terminal;
mod wait;
mod watch;

use std::io::Write;
use std::process::{Output, Stdio};

use crate::support::{Server, conveyor, soon};

/// What a command left behind.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// The output of a command that succeeded and complained of nothing.
    fn said(self) -> String {
        assert_eq!(
            (self.code, self.stderr.as_str()),
            (0, ""),
            "after {}",
            self.stdout
        );
        self.stdout
    }

    /// The complaint of a command that failed.
    fn refused(self) -> String {
        self.ended_with(1)
    }

    /// The complaint of a command that ended with this exit code.
    fn ended_with(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self.stderr
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code().expect("no signal ended it"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Server {
    /// The command, pointed at this server.
    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = conveyor(arguments);
        command
            .current_dir(self.place())
            .env("CONVEYOR_SERVER", format!("http://{}", self.address))
            .stdin(Stdio::null());
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    async fn cli(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output();
        soon("the end of a command", output).await.unwrap().into()
    }

    /// Runs `apply -f -` on a text.
    async fn apply(&self, documents: &str) -> Ran {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(documents.as_bytes()).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let mut command = self.command(&["apply", "-f", "-"]);
        let output = command.stdin(file).output();
        soon("the end of apply", output).await.unwrap().into()
    }

    /// Writes a file for a command to read; gives its name.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.place().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        name.to_owned()
    }
}

/// Output with what differs from run to run replaced: ids, times, and the spaces between columns.
fn tidied(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let indent = line.len() - line.trim_start().len();
        let cells = line
            .trim()
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty());
        let cells: Vec<_> = cells.map(|cell| words(cell).join(" ")).collect();
        format!("{:indent$}{}", "", cells.join(" | "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn words(cell: &str) -> Vec<String> {
    cell.split(' ')
        .map(|word| {
            let bare = word.trim_matches(|c| matches!(c, '"' | ',' | '(' | ')' | '\''));
            let number = bare.trim_end_matches(['m', 's']);
            let span = number != bare && number.parse::<f64>().is_ok();
            let stand_in = match bare {
                _ if bare.parse::<uuid::Uuid>().is_ok() => "<id>",
                _ if bare.parse::<jiff::Timestamp>().is_ok() => "<time>",
                _ if span => "<span>",
                other => other,
            };
            word.replace(bare, stand_in)
        })
        .collect()
}
