//! `conveyor run`: carries a resource out again, and follows what comes of it.

use conveyor_client::proto::{Run, StartRunRequest, TailLogsRequest};
use conveyor_client::{Client, retried};

use super::follow::{Follow, changes, outcome};
use super::reconnect::Reconnect;
use super::show::{self, FormatArg};
use super::target::{self, Target};
use super::{Failure, ServerArg, completion, lines, nearest};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The resource: TYPE/NAME
    #[arg(value_name = "TYPE/NAME", add = completion::resources())]
    resource: String,
    /// The event to carry out: update or create
    #[arg(long, default_value = "update")]
    event: String,
    /// Do not follow the run: print it and end
    #[arg(short, long)]
    detach: bool,
    /// Begin each line of the log with its time
    #[arg(long)]
    timestamps: bool,
    /// An id of your own: the same one starts the same run once only, for 24 hours
    #[arg(long, value_name = "ID", default_value = "")]
    request_id: String,
    #[command(flatten)]
    format: FormatArg,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
The log goes to stdout; what becomes of the run and its steps, to stderr. Ctrl-C ends the following, not the run.
Exit code 0: the run succeeded. 1: it failed. 7: it was cancelled.

Examples:
  conveyor run pipeline/ubuntu-pipeline-6
  conveyor run pipeline/ubuntu-pipeline-6 --detach -o name";

/// Starts the run, and follows it to its end.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let target = target::one(std::slice::from_ref(&args.resource))?;
    let Target::Resource { definition, name } = target.clone() else {
        return Err(Failure::Usage(format!(
            "{target} is no resource: name one as TYPE/NAME"
        )));
    };
    let format = args.server.format(&args.format)?;
    let client = args.server.connect().await?;
    let request = StartRunRequest {
        resource: definition,
        name,
        event: args.event,
        request_id: args.request_id,
    };
    let run = match retried(async || client.runs().start_run(request.clone()).await).await {
        Ok(run) => run.into_inner(),
        Err(status) => return Err(nearest::explain(&client, &target, status).await),
    };
    if args.detach {
        return show::one(&run, &format);
    }
    eprintln!("{}", show::aside(&format!("run {} of {target}", run.id)));
    let wanted = TailLogsRequest {
        run_id: run.id.clone(),
        follow: Some(true),
        ..Default::default()
    };
    let log = lines::print(&client, wanted, &run, args.timestamps);
    let ((), run) = tokio::try_join!(log, tell_states(&client, &run.id))?;
    outcome(&run)
}

/// Tells each change; gives the run as it ended.
async fn tell_states(client: &Client, id: &str) -> Result<Run, Failure> {
    // The log tells of a server that goes away; once is enough.
    let mut follow = Follow::new(client, id, Reconnect::telling(|_| ()));
    let mut before: Option<Run> = None;
    while let Some(run) = follow.next().await? {
        for line in changes(before.as_ref(), &run) {
            eprintln!("{}", show::aside(&line));
        }
        before = Some(run);
    }
    before.ok_or_else(|| Failure::Missing(format!("run {id} is gone")))
}
