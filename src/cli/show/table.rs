//! Columns for people: coloured on a terminal, plain in a pipe.

use anstream::{AutoStream, ColorChoice};
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use owo_colors::OwoColorize;

/// Whether the output goes to a terminal that takes colours.
pub(in crate::cli) fn on_terminal() -> bool {
    AutoStream::choice(&std::io::stdout()) != ColorChoice::Never
}

/// What stands on stderr beside the output: dim on a terminal.
pub(in crate::cli) fn aside(text: &str) -> String {
    if AutoStream::choice(&std::io::stderr()) == ColorChoice::Never {
        text.to_owned()
    } else {
        text.dimmed().to_string()
    }
}

/// Rows under their columns. They may come in parts: the columns of later parts stand where those of the first do.
pub(in crate::cli) struct Rows {
    columns: Vec<&'static str>,
    /// How wide the columns of the first part are; nothing before that.
    widths: Vec<usize>,
}

impl Rows {
    /// No rows yet.
    pub(in crate::cli) fn new(columns: Vec<&'static str>) -> Self {
        Self {
            columns,
            widths: Vec::new(),
        }
    }

    /// Lays the next rows out; the first part begins with the names of the columns.
    pub(in crate::cli) fn render(&mut self, rows: Vec<Vec<Cell>>, on_terminal: bool) -> String {
        let is_first = self.widths.is_empty();
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        // Later parts are kept as wide as the first by their names, which are then cut off.
        let width = |place: usize| self.widths.get(place).copied().unwrap_or_default();
        let names = self.columns.iter().enumerate();
        table.set_header(names.map(|(place, name)| {
            Cell::new(format!("{name:0$}", width(place))).add_attribute(Attribute::Bold)
        }));
        table.add_rows(rows);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        // A wide table is left to the terminal: an id that is broken over two lines cannot be copied.
        table.set_content_arrangement(ContentArrangement::Disabled);
        if on_terminal {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let text = table.trim_fmt();
        if is_first {
            let widths = table.column_max_content_widths();
            self.widths = widths.into_iter().map(usize::from).collect();
            return text;
        }
        text.split_once('\n')
            .map_or_else(String::new, |(_, rows)| rows.to_owned())
    }
}

/// A cell of text that someone else wrote: its first line, without what could steer a terminal.
pub(in crate::cli) fn text(text: &str) -> Cell {
    let line = text.lines().next().unwrap_or_default();
    Cell::new(line.chars().filter(|c| !c.is_control()).collect::<String>())
}

/// A cell with the short word of a state, in the colour of what it means.
pub(in crate::cli) fn state(word: &str) -> Cell {
    let cell = Cell::new(word);
    match word {
        "SUCCEEDED" => cell.fg(Color::Green),
        "FAILED" | "LOST" => cell.fg(Color::Red),
        "RUNNING" | "OFFERED" => cell.fg(Color::Cyan),
        "CANCELLING" | "CANCELLED" | "SKIPPED" => cell.fg(Color::Yellow),
        _ => cell,
    }
}
