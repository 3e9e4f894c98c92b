//! The lines of a run's log: printed each once, also over a restart of the server.

use std::collections::BTreeSet;
use std::io::Write;

use conveyor_client::Client;
use conveyor_client::proto::{LogEntry, Run, TailLogsRequest, TailLogsResponse};
use owo_colors::{AnsiColors, OwoColorize};

use super::reconnect::Reconnect;
use super::{Failure, show};

/// Prints the lines that are asked for, to the end of the log.
pub(super) async fn print(
    client: &Client,
    wanted: TailLogsRequest,
    run: &Run,
    timestamps: bool,
) -> Result<(), Failure> {
    let mut printer = Printer::new(&wanted, run, timestamps);
    let mut reconnect = Reconnect::new();
    loop {
        let mut rest = wanted.clone();
        if printer.after != wanted.after {
            // One who comes back goes on where he was.
            (rest.after, rest.last_lines) = (printer.after, None);
        }
        match tail(client, rest, &mut printer, &mut reconnect).await {
            Err(Failure::Answer(status)) => reconnect.pause(*status).await?,
            ended => return ended,
        }
    }
}

async fn tail(
    client: &Client,
    request: TailLogsRequest,
    printer: &mut Printer,
    reconnect: &mut Reconnect,
) -> Result<(), Failure> {
    let mut answers = client.logs().tail_logs(request).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        reconnect.heard();
        printer.print(&answer)?;
    }
    Ok(())
}

/// The last lines of a log that are there now, as text.
pub(super) async fn last(client: &Client, run: &str, count: u64) -> Result<String, Failure> {
    let request = TailLogsRequest {
        run_id: run.to_owned(),
        last_lines: Some(count),
        follow: Some(false),
        ..Default::default()
    };
    let mut answers = client.logs().tail_logs(request).await?.into_inner();
    let mut text = String::new();
    while let Some(answer) = answers.message().await? {
        for entry in answer.entries {
            text += &format!("{} | {}\n", entry.driver, entry.message);
        }
    }
    Ok(text)
}

/// Writes lines and knows the last one written.
struct Printer {
    after: u64,
    timestamps: bool,
    /// Names of drivers in the order of their colours; `None` where lines need no name.
    drivers: Option<Vec<String>>,
    colour: bool,
}

const COLOURS: [AnsiColors; 6] = [
    AnsiColors::Cyan,
    AnsiColors::Green,
    AnsiColors::Yellow,
    AnsiColors::Magenta,
    AnsiColors::Blue,
    AnsiColors::Red,
];

impl Printer {
    fn new(wanted: &TailLogsRequest, run: &Run, timestamps: bool) -> Printer {
        let names: BTreeSet<_> = run.steps.iter().map(|step| step.driver.as_str()).collect();
        let one = names.len() == 1 || !wanted.driver.is_empty() || !wanted.step.is_empty();
        let names = run.steps.iter().map(|step| step.driver.clone());
        Printer {
            after: wanted.after,
            timestamps,
            drivers: (!one).then(|| names.collect()),
            colour: show::on_terminal(),
        }
    }

    /// Lines pass as their driver wrote them, colours included.
    fn print(&mut self, answer: &TailLogsResponse) -> Result<(), Failure> {
        if let Some(gap) = &answer.gap {
            let (first, last) = (self.after + 1, gap.first_seq.saturating_sub(1));
            eprintln!("--- lines {first} to {last} are no longer kept ---");
            self.after = last;
        }
        let mut text = String::new();
        for entry in &answer.entries {
            text += &self.prefix(entry);
            text += &entry.message;
            text.push('\n');
            self.after = entry.seq;
        }
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    fn prefix(&mut self, entry: &LogEntry) -> String {
        let time = match show::rfc3339(entry.time.as_ref()) {
            Some(time) if self.timestamps => format!("{time} "),
            Some(_) | None => String::new(),
        };
        let Some(drivers) = &mut self.drivers else {
            return time;
        };
        let known = drivers.iter().position(|name| *name == entry.driver);
        let place = known.unwrap_or_else(|| {
            drivers.push(entry.driver.clone());
            drivers.len() - 1
        });
        let width = drivers.iter().map(String::len).max().unwrap_or_default();
        let name = format!("{:width$} | ", entry.driver);
        if self.colour {
            format!("{time}{}", name.color(COLOURS[place % COLOURS.len()]))
        } else {
            format!("{time}{name}")
        }
    }
}
