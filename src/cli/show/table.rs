//! Columns for people: coloured on a terminal, plain in a pipe.

use anstream::{AutoStream, ColorChoice};
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};

/// Whether the output goes to a terminal that takes colours.
pub(in crate::cli) fn on_terminal() -> bool {
    AutoStream::choice(&std::io::stdout()) != ColorChoice::Never
}

/// Lays rows out under their columns.
pub(super) fn render(columns: &[&str], rows: Vec<Vec<Cell>>, on_terminal: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(
        columns
            .iter()
            .map(|name| Cell::new(name).add_attribute(Attribute::Bold)),
    );
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
    table.trim_fmt()
}

/// A cell of text that someone else wrote: its first line, without what could steer a terminal.
pub(super) fn text(text: &str) -> Cell {
    let line = text.lines().next().unwrap_or_default();
    Cell::new(line.chars().filter(|c| !c.is_control()).collect::<String>())
}

/// A cell with the short word of a state, in the colour of what it means.
pub(super) fn state(word: &str) -> Cell {
    let cell = Cell::new(word);
    match word {
        "SUCCEEDED" => cell.fg(Color::Green),
        "FAILED" => cell.fg(Color::Red),
        "RUNNING" | "OFFERED" => cell.fg(Color::Cyan),
        "CANCELLING" | "CANCELLED" | "SKIPPED" => cell.fg(Color::Yellow),
        _ => cell,
    }
}
