//! A list that is printed as it comes: only what a template needs whole is kept.

use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Format, Rows, Shown, json, line, on_terminal, write, yaml};
use crate::cli::Failure;

/// A list that is being printed.
pub(in crate::cli) struct Listing<'a, T> {
    format: &'a Format,
    rows: Rows,
    /// How many things were printed.
    count: usize,
    /// The documents that a template is filled from.
    kept: Vec<Box<RawValue>>,
    of: PhantomData<T>,
}

/// A list, as templates see it.
#[derive(Serialize)]
struct Items {
    items: Vec<Box<RawValue>>,
}

impl<'a, T: Shown> Listing<'a, T> {
    /// Nothing is printed yet.
    pub(in crate::cli) fn new(format: &'a Format) -> Self {
        let wide: &[_] = if matches!(format, Format::Wide) {
            T::WIDE
        } else {
            &[]
        };
        Self {
            format,
            rows: Rows::new([T::COLUMNS, wide].concat()),
            count: 0,
            kept: Vec::new(),
            of: PhantomData,
        }
    }

    /// Prints the next things.
    pub(in crate::cli) fn add(&mut self, items: &[T]) -> Result<(), Failure> {
        if items.is_empty() {
            return Ok(());
        }
        match self.format {
            Format::Table => self.add_rows(items, |_| Vec::new())?,
            Format::Wide => self.add_rows(items, Shown::wide)?,
            Format::Json => {
                let mut text = String::new();
                for (place, item) in items.iter().enumerate() {
                    let before = if self.count + place == 0 {
                        "[\n  "
                    } else {
                        ",\n  "
                    };
                    text += before;
                    text += &json::pretty(&item.document(), 1);
                }
                write(&text)?;
            }
            Format::Yaml => items
                .iter()
                .try_for_each(|item| write(&yaml(&item.document())))?,
            Format::Name => items.iter().try_for_each(|item| line(item.name()))?,
            Format::JsonPath(_) => {
                let documents = items.iter().map(|item| json::whole(&item.document()));
                self.kept.extend(documents);
            }
        }
        self.count += items.len();
        Ok(())
    }

    fn add_rows(
        &mut self,
        items: &[T],
        wide: impl Fn(&T) -> Vec<comfy_table::Cell>,
    ) -> Result<(), Failure> {
        let now = Timestamp::now();
        let row = |item| {
            [T::row(item, now), wide(item)]
                .into_iter()
                .flatten()
                .collect()
        };
        line(
            self.rows
                .render(items.iter().map(row).collect(), on_terminal()),
        )
    }

    /// Prints what stands at the end.
    pub(in crate::cli) fn end(mut self) -> Result<(), Failure> {
        match self.format {
            Format::Table | Format::Wide if self.count == 0 => {
                line(self.rows.render(Vec::new(), on_terminal()))
            }
            Format::Json if self.count == 0 => line("[]"),
            Format::Json => write("\n]\n"),
            Format::JsonPath(template) => write(&template.fill(&Items { items: self.kept })),
            Format::Table | Format::Wide | Format::Yaml | Format::Name => Ok(()),
        }
    }
}
