//! `conveyor logs`: prints the log of a run.

use conveyor_client::proto::{RunState, TailLogsRequest};
use jiff::{SignedDuration, Timestamp};

use super::reconnect::patiently;
use super::{Failure, ServerArg, completion, fetch, lines, target};

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The run's id, or TYPE/NAME for the newest run of a resource
    #[arg(add = completion::runs())]
    run: String,
    /// Wait for more lines until the run has ended
    #[arg(short, long)]
    follow: bool,
    /// Only lines of this driver
    #[arg(long, value_name = "NAME", default_value = "", add = completion::drivers())]
    driver: String,
    /// Only lines of this step
    #[arg(long, value_name = "ID", default_value = "")]
    step: String,
    /// Begin at the last so many lines
    #[arg(long, value_name = "N")]
    tail: Option<u64>,
    /// Only lines of the last while, such as 10m, or from a time on, such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Only lines after this sequence number
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
    /// Begin each line with its time
    #[arg(long)]
    timestamps: bool,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Where several drivers work on a run, each line begins with the name of its driver, in a colour of its own on a
terminal. Times are those of the drivers' clocks. The exit code is 0 when the log was printed to its end, however the
run ended; `conveyor wait RUN` tells how.

Examples:
  conveyor logs 019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01 -f
  conveyor logs pipeline/ubuntu-pipeline-6 --tail 20 -f
  conveyor logs pipeline/ubuntu-pipeline-6 --driver builder --since 10m --timestamps";

/// Prints the log.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.server.connect().await?;
    let id = target::run_id(&client, &args.run).await?;
    let run = patiently(async || fetch::run(&client, &id).await).await?;
    if args.follow && run.state() == RunState::Pending && !run.reason.is_empty() {
        eprintln!("{}", run.reason);
    }
    let wanted = TailLogsRequest {
        run_id: id,
        driver: args.driver,
        step: args.step,
        after: args.after,
        follow: Some(args.follow),
        last_lines: args.tail,
        since: args.since.map(stamp),
    };
    lines::print(&client, wanted, &run, args.timestamps).await
}

/// A time as people say it: how long ago, or when.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let ago: SignedDuration = text
        .parse()
        .map_err(|_| "give a while such as 30s or 2h, or a time such as 2026-11-21T08:00:00Z")?;
    let time = Timestamp::now().checked_sub(ago);
    time.map_err(|_| "there was no such time".to_owned())
}

fn stamp(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.as_second(),
        nanos: time.subsec_nanosecond(),
    }
}
