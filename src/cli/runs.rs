//! `conveyor runs`: the list of runs, or one run with its steps, as it stands or as it goes on.

use std::io::IsTerminal;
use std::pin::pin;
use std::time::Duration;

use conveyor_client::Client;
use conveyor_client::proto::{Run, RunState};

use super::follow::{Follow, changes};
use super::live::{self, Live};
use super::pages::{self, Query};
use super::reconnect::Reconnect;
use super::show::{self, Format, FormatArg, Shown};
use super::target::{self, Kind, Target};
use super::{Failure, ServerArg, completion, fetch, nearest};

/// Arguments of `runs`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only this run, with its steps: its id, or TYPE/NAME for the newest run of a resource
    #[arg(add = completion::runs())]
    run: Option<String>,
    /// Show the run as it goes on, until it has ended
    #[arg(short, long, requires = "run")]
    watch: bool,
    /// Only runs of this resource, or of all resources of a definition
    #[arg(long, value_name = "TYPE[/NAME]", conflicts_with = "run", add = completion::resources())]
    resource: Option<String>,
    /// Only runs in this state, or in one of these: pending, running, cancelling, succeeded, failed, cancelled
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',', value_parser = state, conflicts_with = "run")]
    states: Vec<RunState>,
    /// So many at most
    #[arg(long, value_name = "N", conflicts_with = "run")]
    limit: Option<usize>,
    #[command(flatten)]
    format: FormatArg,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
With --watch a terminal is redrawn; elsewhere each change is a line. The exit code is 0 however the run ended;
`conveyor wait` and `conveyor run` tell by theirs.

Examples:
  conveyor runs                                            the newest first
  conveyor runs --state failed --resource pipeline --limit 20
  conveyor runs 019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01       one run and its steps
  conveyor runs pipeline/ubuntu-pipeline-6 --watch         the newest run of a resource, live";

/// How often what is redrawn counts its durations on.
const TICK: Duration = Duration::from_secs(1);

/// Shows the runs.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let format = args.server.format(&args.format)?;
    let client = args.server.connect().await?;
    let Some(word) = args.run else {
        let (definition, name) = match args.resource.as_deref().map(|it| it.split_once('/')) {
            Some(Some((definition, name))) => (definition.to_owned(), name.to_owned()),
            Some(None) | None => (args.resource.unwrap_or_default(), String::new()),
        };
        let query = Query {
            definition,
            name,
            states: args.states,
        };
        return pages::list::<Run>(&client, &query, args.limit, &format).await;
    };
    let id = target::run_id(&client, &word).await?;
    if args.watch {
        return watch(&client, &id, &format).await;
    }
    let run = match fetch::run(&client, &id).await {
        Ok(run) => run,
        Err(status) => {
            return Err(nearest::explain(&client, &Target::of(Kind::Run, &id)?, status).await);
        }
    };
    match format {
        Format::Table => show::line(live::picture(&run)),
        Format::Wide => {
            show::one(&run, &format)?;
            show::line(format_args!("\n{}", show::steps(&run)))
        }
        Format::Json | Format::Yaml | Format::Name | Format::JsonPath(_) => {
            show::one(&run, &format)
        }
    }
}

async fn watch(client: &Client, id: &str, format: &Format) -> Result<(), Failure> {
    match format {
        Format::Table | Format::Wide if std::io::stdout().is_terminal() => redraw(client, id).await,
        Format::Table | Format::Wide => {
            let mut before = None;
            each_state(client, id, |run| {
                let lines = changes(before.as_ref(), &run);
                before = Some(run);
                lines.into_iter().try_for_each(show::line)
            })
            .await
        }
        Format::Json => {
            each_state(client, id, |run| show::line(show::compact(&run.document()))).await
        }
        Format::Yaml | Format::Name | Format::JsonPath(_) => {
            each_state(client, id, |run| show::one(&run, format)).await
        }
    }
}

async fn each_state(
    client: &Client,
    id: &str,
    mut see: impl FnMut(Run) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut follow = Follow::new(client, id, Reconnect::new());
    while let Some(run) = follow.next().await? {
        see(run)?;
    }
    Ok(())
}

async fn redraw(client: &Client, id: &str) -> Result<(), Failure> {
    let live = Live::new();
    let mut follow = Follow::new(client, id, Reconnect::telling(live.say()));
    let mut ticks = tokio::time::interval(TICK);
    let mut last: Option<Run> = None;
    loop {
        let mut next = pin!(follow.next());
        let next = loop {
            tokio::select! {
                next = &mut next => break next?,
                _ = ticks.tick() => last.iter().for_each(|run| live.draw(run)),
            }
        };
        let Some(run) = next else {
            break;
        };
        live.draw(&run);
        last = Some(run);
    }
    drop(live);
    last.map_or(Ok(()), |run| show::line(live::picture(&run)))
}

fn state(word: &str) -> Result<RunState, String> {
    let known = [
        ("pending", RunState::Pending),
        ("running", RunState::Running),
        ("cancelling", RunState::Cancelling),
        ("succeeded", RunState::Succeeded),
        ("failed", RunState::Failed),
        ("cancelled", RunState::Cancelled),
    ];
    if let Some((_, state)) = known.iter().find(|(it, _)| *it == word.to_lowercase()) {
        return Ok(*state);
    }
    let words = known.map(|(it, _)| it);
    Err(match nearest::word(word, words) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("states are {}", words.join(", ")),
    })
}
