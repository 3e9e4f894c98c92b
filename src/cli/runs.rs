//! `conveyor runs`: the list of runs, or one run with its steps.

use super::get::{get_run, runs};
use super::show::{self, Format, FormatArg};
use super::{Failure, ServerArg};

/// Arguments of `runs`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only this run, with its steps
    run: Option<String>,
    #[command(flatten)]
    format: FormatArg,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Examples:
  conveyor runs                                        the newest first
  conveyor runs 019ab0c4-7f6e-7d5c-9a53-2f1f6f7b8c01   one run and its steps
  conveyor runs -o json | jq '.[] | select(.state == \"RUN_STATE_FAILED\").id'";

/// Shows the runs.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.server.connect().await?;
    let format = args.format.output;
    let Some(id) = args.run else {
        return show::list(&runs(&client).await?, format);
    };
    let run = get_run(&client, id).await?;
    match format {
        Format::Table => {
            show::one(&run, format)?;
            show::steps(&run)
        }
        Format::Json | Format::Yaml => show::one(&run, format),
    }
}
