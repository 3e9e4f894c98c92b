//! `conveyor doctor`: what is wrong with a store, if anything.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::progress::{self, Progress};
use super::{Exit, Failure};
use crate::offline::doctor::{Fault, Report, examine};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The data directory to look through; no server may hold it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Form of the output
    #[arg(short, long, value_enum, default_value = "text", value_name = "FORMAT")]
    output: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Lines for people
    Text,
    /// One JSON object
    Json,
}

const EXAMPLES: &str = "\
It reads every file, key and value, follows every reference, and changes nothing. The exit code is 0 where all is well,
1 where something is wrong, and 2 where it could not look.

Examples:
  conveyor doctor --data /var/lib/conveyor
  conveyor doctor --data /var/lib/conveyor -o json";

/// Looks, and says what it found.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let line = Progress::of_things("keys read");
    let directory = args.data.clone();
    let work = tokio::task::spawn_blocking(move || examine(&directory, |more| line.add(more)));
    let looked = work.await.map_err(|error| error.to_string());
    let looked = looked.and_then(|looked| looked.map_err(|error| error.to_string()));
    let report = looked.map_err(|error| Failure::NotCompared(Box::new(Failure::Ended(error))))?;
    match args.output {
        Form::Text => print_text(&report)?,
        Form::Json => print_json(&report)?,
    }
    if report.found == 0 {
        Ok(())
    } else {
        Err(Failure::Said(Exit::Failed))
    }
}

fn print_text(report: &Report) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for counts in &report.families {
        let bytes = progress::bytes(counts.bytes).to_string();
        writeln!(
            out,
            "{:<10} {:>10} keys {bytes:>12}",
            counts.family, counts.keys
        )?;
    }
    writeln!(
        out,
        "format {}, position {}",
        report.format, report.position
    )?;
    let mut faults = BTreeMap::<Fault, Vec<String>>::new();
    for it in &report.findings {
        let line = format!("  {}: {}", it.place, it.what);
        faults.entry(it.fault).or_default().push(line);
    }
    for (fault, lines) in faults {
        writeln!(out, "\n{}: {}", fault.name(), fault.meaning())?;
        for line in lines {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "  What to do: {}.", fault.advice())?;
    }
    let more = report.found - report.findings.len() as u64;
    if more > 0 {
        writeln!(out, "\nand {more} more")?;
    }
    match report.found {
        0 => writeln!(out, "nothing is wrong")?,
        1 => writeln!(out, "\n1 finding")?,
        found => writeln!(out, "\n{found} findings")?,
    }
    Ok(())
}

/// The report as programs read it.
#[derive(Serialize)]
struct Shown<'a> {
    format: u32,
    position: u64,
    families: Vec<Family<'a>>,
    found: u64,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Family<'a> {
    family: &'a str,
    keys: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Finding<'a> {
    fault: &'a str,
    place: &'a str,
    what: &'a str,
    meaning: &'a str,
    advice: &'a str,
}

fn print_json(report: &Report) -> Result<(), Failure> {
    let families = report.families.iter().map(|it| Family {
        family: it.family,
        keys: it.keys,
        bytes: it.bytes,
    });
    let findings = report.findings.iter().map(|it| Finding {
        fault: it.fault.name(),
        place: &it.place,
        what: &it.what,
        meaning: it.fault.meaning(),
        advice: it.fault.advice(),
    });
    let shown = Shown {
        format: report.format,
        position: report.position,
        families: families.collect(),
        found: report.found,
        findings: findings.collect(),
    };
    let text = serde_json::to_string_pretty(&shown).map_err(std::io::Error::from)?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}
