//! What came of the cases: a table for people, JSON for programs, a column of a Markdown file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use serde_json::{Value, json};

use crate::cases::{self, Case};
use crate::runner::Ended;

/// The lines between which the table of a Markdown file stands.
const BEGIN: &str = "<!-- table: begin -->";
const END: &str = "<!-- table: end -->";

/// What came of the cases with one runtime.
pub(crate) struct Report {
    pub(crate) runtime: String,
    pub(crate) ends: Vec<Ended>,
}

/// The names of `cases` and what each checks.
pub(crate) fn list(cases: &[&Case]) -> String {
    let mut table = plain(&["CASE", "WHAT HOLDS"]);
    table.add_rows(cases.iter().map(|case| [case.name, case.holds]));
    format!("{}\n", table.trim_fmt())
}

impl Report {
    /// Whether every case passed.
    pub(crate) fn passed(&self) -> bool {
        self.ends.iter().all(|end| end.fault.is_none())
    }

    /// For people: coloured on a terminal, plain in a pipe; after it, why cases failed.
    pub(crate) fn table(&self) -> String {
        let on_terminal = AutoStream::choice(&std::io::stdout()) != ColorChoice::Never;
        let mut table = plain(&[
            "CASE",
            &self.runtime.to_uppercase(),
            "SECONDS",
            "WHAT HOLDS",
        ]);
        for end in &self.ends {
            let colour = if end.fault.is_none() {
                Color::Green
            } else {
                Color::Red
            };
            table.add_row([
                Cell::new(end.case.name),
                Cell::new(word(end)).fg(colour),
                Cell::new(format!("{:.1}", end.seconds)),
                Cell::new(&end.note),
            ]);
        }
        if on_terminal {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let mut text = format!("{}\n", table.trim_fmt());
        for end in &self.ends {
            if let Some(fault) = &end.fault {
                // A String takes whatever is written.
                let _ = write!(
                    text,
                    "\n{}: {fault}\n  {}\n",
                    end.case.name,
                    end.record.join("\n  ")
                );
            }
        }
        let passed = self.ends.iter().filter(|end| end.fault.is_none()).count();
        let _ = writeln!(
            text,
            "\n{}: {passed} of {} cases pass",
            self.runtime,
            self.ends.len()
        );
        text
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let case = |end: &Ended| {
            json!({
                "case": end.case.name, "note": end.note, "passed": end.fault.is_none(),
                "seconds": end.seconds, "fault": end.fault, "record": end.record,
            })
        };
        let cases: Vec<Value> = self.ends.iter().map(case).collect();
        json!({"runtime": self.runtime, "passed": self.passed(), "cases": cases})
    }

    /// A Markdown table with this runtime's column.
    pub(crate) fn markdown(&self) -> String {
        markdown(&[(self.runtime.clone(), self.column())].into())
    }

    /// Writes the column into the table of `file`, beside those of other runtimes.
    pub(crate) fn write_into(&self, file: &Path) -> Result<(), String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        let around = text.split_once(BEGIN).and_then(|(before, rest)| {
            let (table, after) = rest.split_once(END)?;
            Some((before, table, after))
        });
        let (before, table, after) = around.ok_or(format!("it has no `{BEGIN}` and `{END}`"))?;
        let mut columns = read_columns(table);
        columns
            .entry(self.runtime.clone())
            .or_default()
            .extend(self.column());
        let text = format!("{before}{BEGIN}\n{}{END}{after}", markdown(&columns));
        std::fs::write(file, text).map_err(|error| error.to_string())
    }

    fn column(&self) -> Column {
        let mark = |end: &Ended| (end.case.name.to_owned(), word(end).to_owned());
        self.ends.iter().map(mark).collect()
    }
}

/// What came of each case with one runtime, by the case's name.
type Column = BTreeMap<String, String>;

fn word(end: &Ended) -> &'static str {
    if end.fault.is_none() { "pass" } else { "FAIL" }
}

fn plain(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(
        columns
            .iter()
            .map(|name| Cell::new(name).add_attribute(Attribute::Bold)),
    );
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.force_no_tty();
    table
}

/// The table of all cases and of these runtimes, in the order of the list.
fn markdown(columns: &BTreeMap<String, Column>) -> String {
    let names: Vec<&str> = columns.keys().map(String::as_str).collect();
    let mut text = format!("| case | what holds | {} |\n", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(names.len()));
    for case in cases::ALL {
        let marks = columns
            .values()
            .map(|column| column.get(case.name).map_or("", String::as_str));
        let marks: Vec<&str> = marks.collect();
        if marks.iter().any(|mark| !mark.is_empty()) {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} |",
                case.name,
                case.holds,
                marks.join(" | ")
            );
        }
    }
    text
}

/// The columns of a table that [`markdown`] wrote.
fn read_columns(table: &str) -> BTreeMap<String, Column> {
    let cells = |row: &str| -> Vec<String> {
        let row = row.trim().trim_start_matches('|').trim_end_matches('|');
        row.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut rows = table.lines().filter(|row| row.starts_with('|')).map(cells);
    let names: Vec<String> = rows
        .next()
        .unwrap_or_default()
        .into_iter()
        .skip(2)
        .collect();
    let mut columns: BTreeMap<String, Column> = BTreeMap::new();
    for row in rows.skip(1) {
        let case = row
            .first()
            .map(|name| name.trim_matches('`').to_owned())
            .unwrap_or_default();
        for (name, mark) in names.iter().zip(row.iter().skip(2)) {
            let column = columns.entry(name.clone()).or_default();
            column.insert(case.clone(), mark.clone());
        }
    }
    columns
}
