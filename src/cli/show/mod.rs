//! How things are printed: as a table for people, as JSON or YAML for programs.

mod drivers;
mod json;
mod pipelines;
mod resources;
mod runs;
mod table;
mod time;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Write;

use comfy_table::Cell;
use jiff::Timestamp;
use serde::Serialize;

use super::Failure;
pub(super) use runs::{state_word, steps_table};
pub(super) use time::rfc3339;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Columns for people
    Table,
    /// JSON: one object, or an array for a list
    Json,
    /// YAML: one document for each object
    Yaml,
}

/// The flag `-o`.
#[derive(Debug, clap::Args)]
pub(super) struct FormatArg {
    /// Form of the output
    #[arg(
        short,
        long = "output",
        value_enum,
        default_value = "table",
        value_name = "FORMAT"
    )]
    pub(super) output: Format,
}

/// A thing that can be printed.
pub(super) trait Shown {
    /// The columns of its table.
    const COLUMNS: &'static [&'static str];

    /// Its row in the table.
    fn row(&self, now: Timestamp) -> Vec<Cell>;

    /// The whole of it, in the form that `apply` takes where it can be applied.
    fn document(&self) -> impl Serialize + '_;
}

/// Prints a list.
pub(super) fn list<T: Shown>(items: &[T], format: Format) -> Result<(), Failure> {
    match format {
        Format::Table => table(items),
        Format::Json => {
            let documents: Vec<_> = items.iter().map(Shown::document).collect();
            line(json::pretty(&documents))
        }
        Format::Yaml => items.iter().try_for_each(|item| write(&yaml(item))),
    }
}

/// Prints one thing.
pub(super) fn one<T: Shown>(item: &T, format: Format) -> Result<(), Failure> {
    match format {
        Format::Table => table(std::slice::from_ref(item)),
        Format::Json => line(json::pretty(&item.document())),
        Format::Yaml => write(&yaml(item)),
    }
}

/// Prints things as a table.
pub(super) fn table<T: Shown>(items: &[T]) -> Result<(), Failure> {
    let now = Timestamp::now();
    let rows = items.iter().map(|item| item.row(now)).collect();
    line(table::render(T::COLUMNS, rows))
}

/// Prints one line.
pub(super) fn line(text: impl fmt::Display) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(Failure::Output)
}

fn write(text: &str) -> Result<(), Failure> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(Failure::Output)
}

fn yaml<T: Shown>(item: &T) -> String {
    let value = serde_json::to_value(item.document()).expect("documents are plain JSON");
    let text = serde_saphyr::to_string(&value).expect("JSON can be said in YAML");
    format!("---\n{}\n", text.trim_end())
}

/// Pairs in the order of their keys: the same thing is printed the same way each time.
fn sorted(pairs: &HashMap<String, String>) -> BTreeMap<&str, &str> {
    pairs
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}
