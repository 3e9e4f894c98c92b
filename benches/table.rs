//! The one table: rows are ratios to floors of the same round, with median and spread over the rounds.

use std::fmt;

use super::spans::Spans;

/// What a row should reach.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    /// The ratio is at most this.
    AtMost(f64),
    /// The ratio is at least this.
    AtLeast(f64),
    /// Nothing: the figure is published, without a floor. Less is better.
    Less,
    /// The same, where more is better.
    More,
}

/// What a row is about.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// What is measured.
    pub(crate) name: &'static str,
    /// The unit of figure and floor.
    pub(crate) unit: &'static str,
    /// What it is compared with.
    pub(crate) floor: &'static str,
    /// What the ratio should be.
    pub(crate) aim: Aim,
}

/// The figures of all rounds.
#[derive(Default)]
pub(crate) struct Table {
    floors: Vec<(String, &'static str, Vec<f64>)>,
    rows: Vec<(Row, Vec<(f64, f64)>)>,
}

impl Table {
    /// Adds one round's figure of a floor.
    pub(crate) fn floor(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        let name = name.into();
        match self.floors.iter_mut().find(|(known, ..)| *known == name) {
            Some((.., values)) => values.push(value),
            None => self.floors.push((name, unit, vec![value])),
        }
    }

    /// Adds one round's times of a floor: the middle, and what 99 of 100 do not exceed.
    pub(crate) fn floor_spans(&mut self, name: &str, spans: &Spans) {
        self.floor(format!("{name}, p50"), "us", spans.p50());
        self.floor(format!("{name}, p99"), "us", spans.p99());
    }

    /// Adds one round's figure of a row, and that of its floor.
    pub(crate) fn row(&mut self, row: Row, value: f64, floor: f64) {
        match self.rows.iter_mut().find(|(it, _)| it.name == row.name) {
            Some((_, rounds)) => rounds.push((value, floor)),
            None => self.rows.push((row, vec![(value, floor)])),
        }
    }

    /// Adds one round's figure of a row that has no floor.
    pub(crate) fn published(&mut self, row: Row, value: f64) {
        self.row(row, value, f64::NAN);
    }

    /// Each row with its figure in the first round.
    pub(crate) fn figures(&self) -> impl Iterator<Item = (Row, f64)> {
        let first = |(row, rounds): &(Row, Vec<(f64, f64)>)| Some((*row, rounds.first()?.0));
        self.rows.iter().filter_map(first)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| floor | unit | median | spread |\n|---|---|---:|---:|")?;
        for (name, unit, values) in &self.floors {
            let (low, middle, high) = spread(values);
            writeln!(
                f,
                "| {name} | {unit} | {} | {} - {} |",
                number(middle),
                number(low),
                number(high)
            )?;
        }
        writeln!(
            f,
            "\n| row | ratio | spread | aim | met | figure | floor | unit | the floor is |\n|---|---:|---:|---|---|---:|---:|---|---|"
        )?;
        for (row, rounds) in &self.rows {
            write_row(f, row, rounds)?;
        }
        Ok(())
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row, rounds: &[(f64, f64)]) -> fmt::Result {
    let ratios: Vec<f64> = rounds.iter().map(|(value, floor)| value / floor).collect();
    let values: Vec<f64> = rounds.iter().map(|(value, _)| *value).collect();
    let floors: Vec<f64> = rounds.iter().map(|(_, floor)| *floor).collect();
    let (low, ratio, high) = spread(&ratios);
    let (aim, met) = match row.aim {
        Aim::AtMost(most) => (format!("at most {most:.2}"), yes(ratio <= most)),
        Aim::AtLeast(least) => (format!("at least {least:.2}"), yes(ratio >= least)),
        Aim::Less | Aim::More => return write_published(f, row, &values),
    };
    writeln!(
        f,
        "| {} | {ratio:.2} | {low:.2} - {high:.2} | {aim} | {met} | {} | {} | {} | {} |",
        row.name,
        number(spread(&values).1),
        number(spread(&floors).1),
        row.unit,
        row.floor,
    )
}

/// Where there is no floor the spread is that of the figure.
fn write_published(f: &mut fmt::Formatter<'_>, row: &Row, values: &[f64]) -> fmt::Result {
    let (low, middle, high) = spread(values);
    writeln!(
        f,
        "| {} | | {} - {} | | | {} | | {} | {} |",
        row.name,
        number(low),
        number(high),
        number(middle),
        row.unit,
        row.floor,
    )
}

fn yes(met: bool) -> &'static str {
    if met { "yes" } else { "no" }
}

/// The least, the middle and the most.
pub(crate) fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    (
        at(0),
        at(sorted.len() / 2),
        at(sorted.len().saturating_sub(1)),
    )
}

/// Three digits are enough of any figure.
pub(crate) fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
