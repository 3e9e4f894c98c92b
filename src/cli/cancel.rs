//! `conveyor cancel`: stops a run.

use conveyor_client::proto::{CancelRunRequest, RunState};

use super::show::Format;
use super::{Failure, ServerArg, completion, show, target};

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The run's id, or TYPE/NAME for the newest run of a resource
    #[arg(add = completion::runs())]
    run: String,
    /// Why, for people; at most 200 characters
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Print the run instead of a sentence: as table, wide, json, yaml, name or jsonpath=TEMPLATE
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Steps that no driver has taken are cancelled at once; a driver that works on one gets a grace time to stop. A run
that has ended stays as it is.

Example:
  conveyor cancel 019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01 --reason 'wrong branch'";

/// Cancels the run and says where it stands.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.server.connect().await?;
    let request = CancelRunRequest {
        id: target::run_id(&client, &args.run).await?,
        reason: args.reason,
    };
    let run = client.runs().cancel_run(request).await?.into_inner();
    if let Some(format) = &args.output {
        return show::one(&run, format);
    }
    let word = show::state_word(run.state());
    match run.state() {
        RunState::Succeeded | RunState::Failed => {
            show::line(format_args!("run {} had already ended: {word}", run.id))
        }
        RunState::Unspecified
        | RunState::Pending
        | RunState::Running
        | RunState::Cancelling
        | RunState::Cancelled => show::line(format_args!("run {} {word}", run.id)),
    }
}
