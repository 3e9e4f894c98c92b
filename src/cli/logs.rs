//! `conveyor logs`: prints the log of a run, each line once, also over a restart of the server.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::Duration;

use conveyor_client::proto::{LogEntry, RunState, TailLogsRequest, TailLogsResponse};
use conveyor_client::{Client, proto};
use jiff::{SignedDuration, Timestamp};
use owo_colors::{AnsiColors, OwoColorize};
use tokio::time::{Instant, sleep};
use tonic::{Code, Status};

use super::get::get_run;
use super::{Failure, ServerArg, show};

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The run's id
    run: String,
    /// Wait for more lines until the run has ended
    #[arg(short, long)]
    follow: bool,
    /// Only lines of this driver
    #[arg(long, value_name = "NAME", default_value = "")]
    driver: String,
    /// Only lines after this sequence number
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
    /// Begin at the last so many lines
    #[arg(long, value_name = "N")]
    tail: Option<u64>,
    /// Only lines of the last while, such as 10m, or from a time on, such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Only lines of this step
    #[arg(long, value_name = "ID", default_value = "")]
    step: String,
    /// Begin each line with its time
    #[arg(long)]
    timestamps: bool,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Where several drivers work on a run, each line begins with the name of its driver. The exit code is 0 when the log
was printed to its end, however the run ended; `conveyor runs RUN` tells how.

Examples:
  conveyor logs 019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01 -f
  conveyor logs 019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01 --driver builder --timestamps";

/// How long a follower waits for a server that went away.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it waits between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Prints the log.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.server.connect().await?;
    let run = get_run(&client, args.run.clone()).await?;
    if args.follow && run.state() == RunState::Pending && !run.reason.is_empty() {
        eprintln!("{}", run.reason);
    }
    let mut printer = Printer::new(&args, &run);
    let mut heard = Instant::now();
    let mut away = false;
    loop {
        let before = printer.after;
        let Err(failure) = tail(&client, &args, &mut printer).await else {
            return Ok(());
        };
        let Failure::Answer(status) = &failure else {
            return Err(failure);
        };
        if printer.after != before {
            (heard, away) = (Instant::now(), false);
        }
        if !args.follow || !went_away(status) || heard.elapsed() > PATIENCE {
            return Err(failure);
        }
        if !away {
            eprintln!("the server went away; waiting for it");
        }
        away = true;
        sleep(PAUSE).await;
    }
}

/// A time as people say it: how long ago, or when.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let ago: SignedDuration = text
        .parse()
        .map_err(|_| "give a while such as 30s or 2h, or a time such as 2026-11-21T08:00:00Z")?;
    Timestamp::now()
        .checked_sub(ago)
        .map_err(|_| "there was no such time".to_owned())
}

fn stamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.as_second(),
        nanos: time.subsec_nanosecond(),
    }
}

/// Whether a new try can help: a server that drains, or a connection that broke under the call.
fn went_away(status: &Status) -> bool {
    status.code() == Code::Unavailable || std::error::Error::source(status).is_some()
}

async fn tail(client: &Client, args: &Args, printer: &mut Printer) -> Result<(), Failure> {
    let request = TailLogsRequest {
        run_id: args.run.clone(),
        driver: args.driver.clone(),
        step: args.step.clone(),
        after: printer.after,
        follow: Some(args.follow),
        // One who comes back goes on where he was.
        last_lines: args.tail.filter(|_| printer.after == args.after),
        since: args.since.map(stamp),
    };
    let mut answers = client.logs().tail_logs(request).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        printer.print(&answer)?;
    }
    Ok(())
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
    fn new(args: &Args, run: &proto::Run) -> Printer {
        let names: BTreeSet<_> = run.steps.iter().map(|step| step.driver.as_str()).collect();
        let one = names.len() == 1 || !args.driver.is_empty();
        let names = run.steps.iter().map(|step| step.driver.clone());
        Printer {
            after: args.after,
            timestamps: args.timestamps,
            drivers: (!one).then(|| names.collect()),
            colour: show::on_terminal(),
        }
    }

    /// Lines pass as their driver wrote them, colours included.
    fn print(&mut self, answer: &TailLogsResponse) -> Result<(), Failure> {
        if let Some(gap) = &answer.gap {
            eprintln!("lines before number {} are no longer kept", gap.first_seq);
        }
        let mut out = std::io::stdout().lock();
        for entry in &answer.entries {
            let prefix = self.prefix(entry);
            writeln!(out, "{prefix}{}", entry.message)?;
            self.after = entry.seq;
        }
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
