//! `conveyor drivers`: who does the work.

use clap::Subcommand;
use conveyor_client::proto::{BroadcastMessageRequest, Driver};

use super::pages::{self, Query};
use super::show::{self, FormatArg};
use super::target::Target;
use super::{Failure, ServerArg, completion, delete, describe};

/// Arguments of `drivers`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: ListArgs,
}

const EXAMPLES: &str = "\
Without a command the drivers are listed, connected or not. `conveyor driver` runs one that ships with Conveyor.

Examples:
  conveyor drivers -o wide
  conveyor drivers describe command-runner
  conveyor drivers broadcast cache-clear '{\"scope\":\"all\"}'";

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// So many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    format: FormatArg,
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the drivers, connected or not
    List(ListArgs),
    /// Show all that is known of drivers
    Describe {
        /// Their names
        #[arg(required = true, add = completion::drivers())]
        names: Vec<String>,
        #[command(flatten)]
        server: ServerArg,
    },
    /// Forget drivers that are not connected; steps that wait for them are skipped
    Delete {
        /// Their names
        #[arg(required = true, add = completion::drivers())]
        names: Vec<String>,
        /// Count what is not there as deleted
        #[arg(long)]
        ignore_not_found: bool,
        #[command(flatten)]
        server: ServerArg,
    },
    /// Send a message to every driver that is connected
    Broadcast(BroadcastArgs),
}

#[derive(Debug, clap::Args)]
struct BroadcastArgs {
    /// A word for what it is about
    event: String,
    /// The message
    #[arg(default_value = "")]
    payload: String,
    /// Your id of the message
    #[arg(long, default_value = "")]
    id: String,
    /// The run it is about
    #[arg(long, default_value = "", add = completion::runs())]
    run: String,
    #[command(flatten)]
    server: ServerArg,
}

/// Shows or steers the drivers.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        None => list(args.list).await,
        Some(Command::List(list_args)) => list(list_args).await,
        Some(Command::Describe { names, server }) => describe::things(&server, &named(names)).await,
        Some(Command::Delete {
            names,
            ignore_not_found,
            server,
        }) => delete::things(&server, &named(names), ignore_not_found).await,
        Some(Command::Broadcast(args)) => broadcast(args).await,
    }
}

fn named(names: Vec<String>) -> Vec<Target> {
    names.into_iter().map(Target::Driver).collect()
}

async fn list(args: ListArgs) -> Result<(), Failure> {
    let format = args.server.format(&args.format)?;
    let client = args.server.connect().await?;
    pages::list::<Driver>(&client, &Query::default(), args.limit, &format).await
}

async fn broadcast(args: BroadcastArgs) -> Result<(), Failure> {
    let client = args.server.connect().await?;
    let request = BroadcastMessageRequest {
        event: args.event,
        payload: args.payload,
        id: args.id,
        run_id: args.run,
    };
    let answer = client.drivers().broadcast_message(request).await?;
    match answer.into_inner().delivered {
        1 => show::line("handed to 1 instance"),
        count => show::line(format_args!("handed to {count} instances")),
    }
}
