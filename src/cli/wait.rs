//! `conveyor wait`: waits for the end of runs, or for resources to be gone.

use std::fmt;
use std::time::Duration;

use conveyor_client::Client;
use conveyor_client::proto::watch_resources_response::Seen;
use conveyor_client::proto::{RunState, WatchResourcesRequest};
use jiff::SignedDuration;
use tonic::Status;

use super::follow::{Follow, outcome};
use super::progress::Progress;
use super::reconnect::{Reconnect, patiently};
use super::target::{self, Target};
use super::{Exit, Failure, ServerArg, completion, fetch, show};

/// Arguments of `wait`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Runs by their ids, or TYPE/NAME for the newest run of a resource
    #[arg(required = true, value_name = "RUN or TYPE/NAME", add = completion::runs())]
    what: Vec<String>,
    /// What to wait for
    #[arg(
        long = "for",
        value_enum,
        default_value = "succeeded",
        value_name = "CONDITION"
    )]
    condition: Condition,
    /// How long to wait, over all
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    timeout: Duration,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Exit code 0: it is so. 1: the run ended otherwise. 4: the time was over. 7: the run was cancelled. A resource is
deleted when it is gone; `--for ended` after its deletion waits for the run that cleans up.

Examples:
  conveyor wait 019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01 && deploy
  conveyor wait pipeline/a pipeline/b --for ended --timeout 10m
  conveyor wait --for=deleted pipeline/ubuntu-pipeline-6";

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Condition {
    /// The run succeeded
    Succeeded,
    /// The run failed
    Failed,
    /// The run ended, however it did
    Ended,
    /// The resource is gone
    Deleted,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Condition::Succeeded => "succeeded",
            Condition::Failed => "failed",
            Condition::Ended => "ended",
            Condition::Deleted => "deleted",
        })
    }
}

/// Waits for all, one after the other, within the time.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.server.connect().await?;
    let (progress, condition) = (Progress::waiting(), args.condition);
    let all = async {
        for word in &args.what {
            progress.at(&format!("until {word} is {condition}"));
            wait(&client, word, condition, &progress).await?;
        }
        Ok(())
    };
    let waited = tokio::time::timeout(args.timeout, all).await;
    drop(progress);
    waited.unwrap_or_else(|_| {
        let time = SignedDuration::try_from(args.timeout).unwrap_or_default();
        Err(Failure::TimedOut(format!(
            "not {condition} within {time:#}"
        )))
    })
}

/// Waits for one, and says how it came.
async fn wait(
    client: &Client,
    word: &str,
    condition: Condition,
    progress: &Progress,
) -> Result<(), Failure> {
    let reconnect = Reconnect::telling(progress.teller());
    if condition == Condition::Deleted {
        let gone = gone(client, word, reconnect).await?;
        return progress.aside(|| show::line(format_args!("{gone} is gone")));
    }
    let id = target::run_id(client, word).await?;
    let run = Follow::new(client, &id, reconnect).end().await?;
    let state = show::state_word(run.state());
    let line = format!("run {id} {state}");
    let is_so = match condition {
        Condition::Ended | Condition::Deleted => true,
        Condition::Failed => run.state() == RunState::Failed,
        Condition::Succeeded => run.state() == RunState::Succeeded,
    };
    if is_so {
        return progress.aside(|| show::line(line));
    }
    progress.aside(|| {
        eprintln!(
            "{}",
            [line, run.reason.clone()].join(": ").trim_end_matches(": ")
        )
    });
    outcome(&run)?;
    Err(Failure::Said(Exit::Failed))
}

/// Waits until there is no such resource; gives what it was.
async fn gone(client: &Client, word: &str, mut reconnect: Reconnect) -> Result<Target, Failure> {
    let target = target::one(&[word.to_owned()])?;
    let Target::Resource { definition, name } = &target else {
        return Err(Failure::Usage(format!(
            "{target} cannot be waited for to be deleted; a TYPE/NAME can"
        )));
    };
    loop {
        let request = WatchResourcesRequest {
            resource: definition.clone(),
            after_position: None,
            follow: None,
        };
        // What is deleted after this look is seen by the watch, which began before it.
        let seen = async {
            let mut seen = client
                .resources()
                .watch_resources(request)
                .await?
                .into_inner();
            if fetch::present(client, &target).await?.is_none() {
                return Ok(());
            }
            while let Some(answer) = seen.message().await? {
                if matches!(answer.seen, Some(Seen::Deleted(it)) if it.name == *name) {
                    return Ok(());
                }
            }
            Err(Status::unavailable("the server ended the watch"))
        };
        match seen.await {
            Ok(()) => return Ok(target),
            // Where not even its definition is known, there is no resource.
            Err(status) => {
                let present = patiently(async || fetch::present(client, &target).await).await?;
                if present.is_none() {
                    return Ok(target);
                }
                reconnect.pause(status).await?;
            }
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let time = text.parse::<SignedDuration>().ok();
    let time = time.and_then(|time| Duration::try_from(time).ok());
    time.ok_or_else(|| "give a time such as 30s, 10m or 2h".to_owned())
}
