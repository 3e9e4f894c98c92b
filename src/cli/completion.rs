//! `conveyor completion`: what a shell needs to complete commands, and names that the server or a file knows.
//!
//! The shell calls this program for each completion, with `COMPLETE` set. A server that does not answer at once
//! leaves the names out: a shell must not hang.

use std::time::Duration;

use clap::{CommandFactory, Parser, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};
use conveyor_client::Client;
use conveyor_client::proto::{Driver, Pipeline, Resource, ResourceDefinition, Run};

use super::contexts::Contexts;
use super::pages::{self, Paged, Query};
use super::show::{self, Shown};
use super::target::{KINDS, Kind};
use super::{Cli, Failure, ServerArg};

/// Arguments of `completion`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples, for the file that the shell reads at its start:
  bash   source <(conveyor completion bash)
  zsh    source <(conveyor completion zsh)
  fish   conveyor completion fish | source";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The variable by which a shell asks.
const VARIABLE: &str = "COMPLETE";
/// How long a shell may wait for names.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many names are offered at most.
const MOST: usize = 200;

/// Prints the script for a shell.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let name = match args.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
    };
    let shells = Shells::builtins();
    let shell = shells.completer(name).expect("it is among those built in");
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "conveyor", "conveyor", "conveyor", &mut script)?;
    show::write(&String::from_utf8_lossy(&script))
}

/// Answers a shell that asks, and ends the process.
pub(super) fn answer() {
    CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .complete();
}

/// Names of contexts.
pub(super) fn contexts() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let names = Contexts::read().unwrap_or_default().contexts.into_keys();
        names.map(CompletionCandidate::new).collect()
    })
}

/// Names of drivers.
pub(super) fn drivers() -> ArgValueCandidates {
    ArgValueCandidates::new(|| asked(async |client| names::<Driver>(&client).await))
}

/// Names of resources.
pub(super) fn resources() -> ArgValueCandidates {
    ArgValueCandidates::new(|| asked(async |client| names::<Resource>(&client).await))
}

/// Runs, and resources, which stand for their newest ones.
pub(super) fn runs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        asked(async |client| {
            [
                names::<Run>(&client).await,
                names::<Resource>(&client).await,
            ]
            .concat()
        })
    })
}

/// Names of the kind that stands in the line; without one, kinds and what needs none.
pub(super) fn things() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let words: Vec<_> = std::env::args()
            .skip_while(|word| word != "--")
            .skip(3)
            .collect();
        let kind = words.iter().find_map(|word| word.parse::<Kind>().ok());
        let kinds = KINDS.map(|(name, _)| CompletionCandidate::new(name));
        let kinds = kinds.into_iter().filter(|_| kind.is_none());
        let named = asked(async move |client| match kind {
            Some(Kind::Definition) => names::<ResourceDefinition>(&client).await,
            Some(Kind::Pipeline) => names::<Pipeline>(&client).await,
            Some(Kind::Resource) => names::<Resource>(&client).await,
            Some(Kind::Run) => names::<Run>(&client).await,
            Some(Kind::Driver) => names::<Driver>(&client).await,
            None => names::<Resource>(&client).await,
        });
        kinds.chain(named).collect()
    })
}

async fn names<T: Paged + Shown>(client: &Client) -> Vec<String> {
    let found = pages::first::<T>(client, &Query::default(), MOST).await;
    found.unwrap_or_default().iter().map(Shown::name).collect()
}

/// What the server of the environment knows, if it says so in time. It is asked on a thread of its own, since the
/// completion is called without a way to wait.
fn asked(
    ask: impl AsyncFnOnce(Client) -> Vec<String> + Send + 'static,
) -> Vec<CompletionCandidate> {
    /// The flags, taken from the environment alone.
    #[derive(Parser)]
    struct FromEnvironment {
        #[command(flatten)]
        server: ServerArg,
    }
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .ok()?;
        runtime.block_on(async {
            let server = FromEnvironment::try_parse_from(["conveyor"]).ok()?.server;
            let answer = async { Some(ask(server.connect().await.ok()?).await) };
            tokio::time::timeout(PATIENCE, answer).await.ok()?
        })
    });
    let names = thread.join().ok().flatten().unwrap_or_default();
    names.into_iter().map(CompletionCandidate::new).collect()
}
