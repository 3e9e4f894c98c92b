//! All that is known of one thing, for people: fields, and sections under titles.

use owo_colors::OwoColorize;

use super::on_terminal;

/// How wide the names of fields are.
const NAMES: usize = 14;

/// A sheet that is being written.
#[derive(Default)]
pub(in crate::cli) struct Sheet(String);

impl Sheet {
    /// A field on a line; none where it is empty.
    pub(in crate::cli) fn field(&mut self, name: &str, value: impl ToString) {
        let value = value.to_string();
        let mut lines = value.lines().map(without_controls);
        let Some(first) = lines.next() else {
            return;
        };
        let name = format!("{:NAMES$}", format!("{name}:"));
        self.0 += &format!("{} {first}\n", title(&name));
        for line in lines {
            self.0 += &format!("{:NAMES$} {line}\n", "");
        }
    }

    /// A text of ours under a title; none where it is empty.
    pub(in crate::cli) fn section(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        self.0 += &format!("\n{}\n", title(name));
        for line in text.lines() {
            self.0 += &format!("  {line}\n");
        }
    }

    /// A text that others wrote under a title; none where it is empty.
    pub(in crate::cli) fn quote(&mut self, name: &str, text: &str) {
        let lines: Vec<_> = text.lines().map(without_controls).collect();
        self.section(name, &lines.join("\n"));
    }

    /// The whole of it.
    pub(in crate::cli) fn text(&self) -> &str {
        &self.0
    }
}

fn title(text: &str) -> String {
    if on_terminal() {
        text.bold().to_string()
    } else {
        text.to_owned()
    }
}

/// What others wrote must not steer the terminal.
fn without_controls(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).collect()
}
