//! How a person drives it: the commands, one file each. All but `up` are clients of the API and use nothing that
//! others could not.

mod apply;
mod cancel;
mod driver;
mod failure;
mod get;
mod init;
mod logs;
mod runs;
mod show;
mod up;

use clap::{Parser, Subcommand};
use conveyor_client::Client;
use tracing_subscriber::EnvFilter;

pub use failure::Failure;

/// A headless control plane for people who build CI/CD platforms.
///
/// Conveyor keeps resources, pipelines and runs; drivers, which you write in any gRPC language, do the work.
#[derive(Debug, Parser)]
#[command(name = "conveyor", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
A first run:
  conveyor up                                       the server, on 127.0.0.1:8080
  conveyor driver command-runner --runtime process  a driver that runs commands on this host
  conveyor apply -f examples/                       makes what the files say; prints the run
  conveyor logs RUN -f                              follows the run to its end";

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a config file with every setting
    Init(init::Args),
    /// Start the server
    Up(up::Args),
    /// Create or change definitions, pipelines and resources from files
    Apply(apply::Args),
    /// Show definitions, pipelines, resources, runs or drivers
    Get(get::Args),
    /// List runs, or show one with its steps
    Runs(runs::Args),
    /// Print the log of a run
    Logs(logs::Args),
    /// Cancel a run
    Cancel(cancel::Args),
    /// Run a driver that ships with Conveyor
    #[command(subcommand)]
    Driver(driver::Command),
    /// Print the version
    Version,
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
            Command::Get(args) => get::run(args).await,
            Command::Runs(args) => runs::run(args).await,
            Command::Logs(args) => logs::run(args).await,
            Command::Cancel(args) => cancel::run(args).await,
            Command::Driver(command) => driver::run(command).await,
            Command::Version => show::line(format_args!("conveyor {}", env!("CARGO_PKG_VERSION"))),
        }
    }
}

/// The server that a command talks to.
#[derive(Debug, clap::Args)]
struct ServerArg {
    /// Address of the server
    #[arg(
        long,
        value_name = "URL",
        env = "CONVEYOR_SERVER",
        default_value = crate::drivers::DEFAULT_SERVER,
        value_parser = crate::drivers::server_address
    )]
    server: String,
}

impl ServerArg {
    async fn connect(&self) -> Result<Client, Failure> {
        Ok(conveyor_client::connect(&self.server).await?)
    }
}

/// Sends what is logged from here on to stderr. The filter was checked before; one that is wrong logs nothing.
fn log_to_stderr(filter: &str) {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}
