//! `conformance`: plays the server's side of DriverStream, with faults, to a driver written with any runtime.
//!
//! | module | what it owns |
//! |---|---|
//! | `cases` | what is checked: one file per subject, and the list of all |
//! | `stage` | what a case plays on: `server`, `wire`, `contender` |
//! | `link`, `store` | the server's end of one stream, and what it keeps of a task's log |
//! | `rules` | what holds in every case |
//! | `sabotage` | faults of a driver, to prove that the cases see them |
//! | `offer` | the tasks, and the words of their specs |
//! | `runner`, `report`, `record`, `fault` | plays the cases, and tells what came of them |
//!
//! `README.md` is the contract with the contenders. No case knows in which language its contender is.

mod cases;
mod contender;
mod fault;
mod link;
mod offer;
mod record;
mod report;
mod rules;
mod runner;
mod sabotage;
mod server;
mod stage;
mod store;
mod wire;

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use crate::cases::Case;
use crate::contender::Program;
use crate::report::Report;
use crate::runner::Play;

/// Checks a driver runtime against the scripted side of DriverStream.
#[derive(Parser)]
#[command(name = "conformance")]
struct Arguments {
    /// What to call the runtime.
    #[arg(long, default_value = "runtime")]
    runtime: String,
    /// Plays these cases only.
    #[arg(long = "case", value_name = "CASE")]
    cases: Vec<String>,
    /// Lists the cases.
    #[arg(long)]
    list: bool,
    /// How to show what came of them.
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
    /// Writes the runtime's column into the table of this Markdown file.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// How long to wait for anything, in seconds.
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    deadline: u64,
    /// How many cases are played at once.
    #[arg(long, default_value_t = jobs(), value_name = "N")]
    jobs: usize,
    /// Checks the suite itself: each case is played with a driver made faulty, and passes when it sees the fault.
    #[arg(long, conflicts_with = "into")]
    prove: bool,
    /// The command that starts the contender.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// A form of the report.
#[derive(Clone, Copy, ValueEnum)]
enum Output {
    Table,
    Json,
    Markdown,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(why) => {
            eprintln!("conformance: {why}");
            ExitCode::from(2)
        }
    }
}

/// The cases wait more than they work.
fn jobs() -> usize {
    2 * std::thread::available_parallelism().map_or(2, usize::from)
}

async fn run(arguments: Arguments) -> Result<ExitCode, String> {
    let cases = chosen(&arguments.cases)?;
    if arguments.list {
        show(&report::list(&cases))?;
        return Ok(ExitCode::SUCCESS);
    }
    let [command, rest @ ..] = &arguments.command[..] else {
        return Err("the contender's command is missing: give it after `--`".to_owned());
    };
    let program = Program {
        command: PathBuf::from(command),
        arguments: rest.to_vec(),
    };
    let play = Play {
        program,
        deadline: Duration::from_secs(arguments.deadline),
        jobs: arguments.jobs.max(1),
        prove: arguments.prove,
    };
    let ends = tokio::select! {
        ends = play.all(&cases) => ends,
        // Contenders are no part of this process's group: they are ended as their cases are let go.
        () = told_to_stop() => return Ok(ExitCode::from(130)),
    };
    let report = Report {
        runtime: arguments.runtime,
        ends,
    };
    if let Some(file) = arguments.into {
        report
            .write_into(&file)
            .map_err(|why| format!("{}: {why}", file.display()))?;
    }
    show(&match arguments.output {
        Output::Table => report.table(),
        Output::Json => format!("{}\n", report.json()),
        Output::Markdown => report.markdown(),
    })?;
    Ok(ExitCode::from(u8::from(!report.passed())))
}

/// Prints `text`; a reader who has seen enough is no fault.
fn show(text: &str) -> Result<(), String> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.to_string()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Waits for SIGINT or SIGTERM.
async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// The cases of these names, in the order of the list; without names all.
fn chosen(names: &[String]) -> Result<Vec<&'static Case>, String> {
    let unknown = names
        .iter()
        .find(|name| cases::ALL.iter().all(|case| case.name != name.as_str()));
    if let Some(name) = unknown {
        return Err(format!("there is no case `{name}`: see --list"));
    }
    let wanted = |case: &&Case| names.is_empty() || names.iter().any(|name| name == case.name);
    Ok(cases::ALL.iter().filter(wanted).collect())
}
