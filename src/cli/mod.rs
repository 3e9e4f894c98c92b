//! How a person drives it: the commands, one file each. All but `up`, `init`, `restore` and `doctor` are clients of the
//! API and use nothing that others could not.
//!
//! | file | what the commands share |
//! |---|---|
//! | `exit.rs`, `failure.rs` | exit codes; what is said of a failure |
//! | `server_arg.rs`, `contexts.rs` | which server is meant |
//! | `target.rs`, `nearest.rs` | how things are named; which name was meant |
//! | `fetch.rs`, `pages.rs` | one thing from the server; lists of them |
//! | `documents/` | files that are applied |
//! | `follow.rs`, `lines.rs`, `reconnect.rs` | runs and logs as they go on; what happens when the server goes away |
//! | `show/`, `live.rs`, `progress.rs` | how things are printed |

mod apply;
mod backup;
mod cancel;
mod completion;
mod context;
mod contexts;
mod delete;
mod describe;
mod diff;
mod doctor;
mod documents;
mod driver;
mod drivers;
mod edit;
mod exit;
mod failure;
mod fetch;
mod follow;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod get;
mod init;
mod lines;
mod live;
mod logs;
mod man;
mod nearest;
mod pages;
mod progress;
mod reconnect;
mod restore;
mod run;
mod runs;
mod server_arg;
mod show;
mod target;
mod up;
mod version;
mod wait;
mod watch;

use clap::{Parser, Subcommand};

pub use exit::Exit;
pub use failure::Failure;
use server_arg::ServerArg;

/// A headless control plane for people who build CI/CD platforms.
///
/// Conveyor keeps resources, pipelines and runs; drivers, which you write in any gRPC language, do the work.
#[derive(Debug, Parser)]
#[command(
    name = "conveyor",
    version,
    arg_required_else_help = true,
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{}", exit::TABLE)
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
A first run:
  conveyor up                                       the server, on 127.0.0.1:8080
  conveyor driver command-runner --runtime process  a driver that runs commands on this host
  conveyor apply -f examples/                       makes what the files say; prints the run
  conveyor logs RUN -f                              follows the run to its end

A resource is TYPE/NAME, a run is its id, and everything has KIND NAME: `conveyor describe driver builder`.
The exit code is 0 when it worked; `conveyor --help` has the table of all.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a config file with every setting
    Init(init::Args),
    /// Start the server
    Up(up::Args),
    /// Create or change definitions, pipelines and resources from files
    Apply(apply::Args),
    /// Show what apply would change
    Diff(diff::Args),
    /// Show definitions, pipelines, resources, runs or drivers
    Get(get::Args),
    /// Show all that is known of one thing
    Describe(describe::Args),
    /// Change one thing in an editor
    Edit(edit::Args),
    /// Delete definitions, pipelines, resources or drivers
    Delete(delete::Args),
    /// Show resources as they change
    Watch(watch::Args),
    /// Carry a resource out again, and follow it
    Run(run::Args),
    /// List runs, or show one with its steps
    Runs(runs::Args),
    /// Print the log of a run
    Logs(logs::Args),
    /// Cancel a run
    Cancel(cancel::Args),
    /// Wait for the end of runs, or for resources to be gone
    Wait(wait::Args),
    /// Show drivers, forget one, or send them a message
    Drivers(drivers::Args),
    /// Save the whole store to one file, while the server goes on
    Backup(backup::Args),
    /// Make a data directory from a backup
    Restore(restore::Args),
    /// Look through a data directory for damage
    Doctor(doctor::Args),
    /// Run a driver that ships with Conveyor
    #[command(subcommand)]
    Driver(driver::Command),
    /// Keep names for servers
    Context(context::Args),
    /// Print what a shell needs to complete commands and names
    Completion(completion::Args),
    /// Write the manual pages
    #[command(hide = true)]
    Man(man::Args),
    /// Print the versions of this command and of the server
    Version(version::Args),
}

impl Cli {
    /// Carries the command out.
    ///
    /// # Errors
    /// A [`Failure`] whose text says what went wrong and, where it is known, what to do.
    pub async fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Init(args) => init::run(&args),
            Command::Up(args) => up::run(args).await,
            Command::Apply(args) => apply::run(args).await,
            Command::Diff(args) => diff::run(args).await,
            Command::Get(args) => get::run(args).await,
            Command::Describe(args) => describe::run(args).await,
            Command::Edit(args) => edit::run(args).await,
            Command::Delete(args) => delete::run(args).await,
            Command::Watch(args) => watch::run(args).await,
            Command::Run(args) => run::run(args).await,
            Command::Runs(args) => runs::run(args).await,
            Command::Logs(args) => logs::run(args).await,
            Command::Cancel(args) => cancel::run(args).await,
            Command::Wait(args) => wait::run(args).await,
            Command::Drivers(args) => drivers::run(args).await,
            Command::Backup(args) => backup::run(args).await,
            Command::Restore(args) => restore::run(args).await,
            Command::Doctor(args) => doctor::run(args).await,
            Command::Driver(command) => driver::run(command).await,
            Command::Context(args) => context::run(args),
            Command::Completion(args) => completion::run(&args),
            Command::Man(args) => man::run(&args),
            Command::Version(args) => version::run(args).await,
        }
    }

    /// Answers a shell that asks for completions, and ends the process. Does nothing where none does.
    pub fn complete() {
        completion::answer();
    }
}
