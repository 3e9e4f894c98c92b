//! Two versions of the server side by side: this harness measures one and then the other, round by round.

use std::fmt;
use std::path::PathBuf;

use super::subjects::Subject;
use super::table::{Aim, Row, Table, number, spread};
use super::{Bench, ROUNDS, Result};

/// The figures of both, round by round.
pub(crate) struct Comparison {
    base: PathBuf,
    head: PathBuf,
    rows: Vec<(Row, Vec<Pair>)>,
    /// Subjects that the base cannot do, each with the reason.
    skipped: Vec<(&'static str, String)>,
}

/// A figure of each side, taken one after the other.
#[derive(Clone, Copy)]
struct Pair {
    base: f64,
    head: f64,
}

impl Comparison {
    /// Nothing measured yet of the servers with these binaries.
    pub(crate) fn new(base: PathBuf, head: PathBuf) -> Self {
        Self {
            base,
            head,
            rows: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Measures a subject on both. One that fails on the base is skipped: an older server may lack what it needs.
    pub(crate) async fn measure(&mut self, subject: &Subject, bench: &mut Bench) -> Result<()> {
        bench.rounds = 1;
        for round in 0..ROUNDS {
            eprintln!(
                "measuring {}, round {} of {ROUNDS}",
                subject.name,
                round + 1
            );
            let (mut of_base, mut of_head) = (Table::default(), Table::default());
            // Who comes first changes from round to round, so that neither always has the warmer machine.
            for base_is_next in [round % 2 == 0, round % 2 == 1] {
                if base_is_next {
                    bench.program.clone_from(&self.base);
                    if let Err(reason) = subject.measure(bench, &mut of_base).await {
                        self.skipped.push((subject.name, reason.to_string()));
                        return Ok(());
                    }
                } else {
                    bench.program.clone_from(&self.head);
                    subject.measure(bench, &mut of_head).await?;
                }
            }
            self.join(&of_base, &of_head);
        }
        Ok(())
    }

    /// Adds the rows of a round that both have.
    fn join(&mut self, base: &Table, head: &Table) {
        for (row, head) in head.figures() {
            let Some((_, base)) = base.figures().find(|(it, _)| it.name == row.name) else {
                continue;
            };
            let pair = Pair { base, head };
            match self.rows.iter_mut().find(|(it, _)| it.name == row.name) {
                Some((_, pairs)) => pairs.push(pair),
                None => self.rows.push((row, vec![pair])),
            }
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| row | head / base | spread | head is | base | head | unit |\n|---|---:|---:|---|---:|---:|---|"
        )?;
        for (row, pairs) in &self.rows {
            write_row(f, row, pairs)?;
        }
        for (name, reason) in &self.skipped {
            writeln!(f, "\nskipped: {name}, which the base cannot do: {reason}")?;
        }
        Ok(())
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row, pairs: &[Pair]) -> fmt::Result {
    let each = |figure: fn(&Pair) -> f64| spread(&pairs.iter().map(figure).collect::<Vec<_>>());
    let (low, ratio, high) = each(|pair| pair.head / pair.base);
    writeln!(
        f,
        "| {} | {ratio:.2} | {low:.2} - {high:.2} | {} | {} | {} | {} |",
        row.name,
        verdict(row.aim, low, high),
        number(each(|pair| pair.base).1),
        number(each(|pair| pair.head).1),
        row.unit,
    )
}

/// One side is called better where it was so in every round.
fn verdict(aim: Aim, low: f64, high: f64) -> &'static str {
    match aim {
        Aim::AtMost(_) | Aim::Less if high < 1.0 => "better",
        Aim::AtMost(_) | Aim::Less if low > 1.0 => "worse",
        Aim::AtLeast(_) | Aim::More if low > 1.0 => "better",
        Aim::AtLeast(_) | Aim::More if high < 1.0 => "worse",
        Aim::AtMost(_) | Aim::Less | Aim::AtLeast(_) | Aim::More => "the same",
    }
}
