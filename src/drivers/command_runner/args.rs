//! What `conveyor driver command-runner` can be told on the command line.

use std::path::PathBuf;

use clap::Args;

use super::runtime::Runtime;
use crate::drivers::{DEFAULT_SERVER, server_address};

/// Run the commands of resources, in containers or on this host, and stream what they print
///
/// A resource of the definition `pipeline` says what to run:
///
///   {"image": "debian:12", "steps": [{"name": "greet", "command": "echo hello"}]}
///
/// Each command is given to `sh -c`, in order; the first that fails ends the task with its exit code.
/// All commands of a task share one working directory. A pipeline step's `params` may carry `image`
/// and `steps` too, and go before the resource's spec.
///
/// A command finds what it is about in its environment: CONVEYOR_RUN_ID, CONVEYOR_STEP,
/// CONVEYOR_ATTEMPT, CONVEYOR_EVENT, CONVEYOR_RESOURCE (TYPE/NAME), CONVEYOR_SPEC, CONVEYOR_PARAMS and
/// CONVEYOR_RESULTS (JSON), and each plain field at the top of the spec by its name: `branch` is CONVEYOR_SPEC_BRANCH.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  conveyor driver command-runner
  conveyor driver command-runner --runtime process --slots 4
  conveyor driver command-runner --name git-cloner --definition docker-resource --steps cloner.yaml

Ctrl-C and SIGTERM end it when its tasks have ended; a second signal ends those too.")]
pub struct CommandRunnerArgs {
    /// The server to work for.
    #[arg(
        long,
        env = "CONVEYOR_SERVER",
        default_value = DEFAULT_SERVER,
        value_parser = server_address,
        value_name = "URL"
    )]
    pub server: String,
    /// The driver's name, as pipelines call it; instances of one name share its work.
    #[arg(long, default_value = "command-runner")]
    pub name: String,
    /// A definition whose resources it works on; may be given several times.
    #[arg(
        long = "definition",
        default_value = "pipeline",
        value_name = "DEFINITION"
    )]
    pub definitions: Vec<String>,
    /// An event it listens to: create, update, delete, or "*" for all but delete; may be given several
    /// times.
    #[arg(long = "event", default_value = "*", value_name = "EVENT")]
    pub events: Vec<String>,
    /// How many tasks it works on at once.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub slots: u16,
    /// What this instance says of itself; steps may ask for labels. May be given several times.
    #[arg(long = "label", value_parser = label, value_name = "KEY=VALUE")]
    pub labels: Vec<(String, String)>,
    /// Where commands run.
    #[arg(long, value_enum, default_value_t)]
    pub runtime: Runtime,
    /// Run the commands of this YAML or JSON file ({image?, steps}), whatever resources and params say.
    #[arg(long, value_name = "FILE")]
    pub steps: Option<PathBuf>,
    /// Work in DIR/RUN, so that the steps of one run find each other's files. Nothing in DIR is ever
    /// removed.
    #[arg(long, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
