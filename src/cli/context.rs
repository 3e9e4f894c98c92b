//! `conveyor context`: names for servers, so that `--server` need not be typed.

use clap::Subcommand;
use comfy_table::Cell;
use jiff::Timestamp;
use serde::Serialize;

use super::contexts::{Context, Contexts};
use super::show::{self, Format, FormatArg, Shown};
use super::{Failure, completion};

/// Arguments of `context`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Contexts stand in ~/.config/conveyor/config.yml, or in the file that CONVEYOR_CLI_CONFIG names. A command takes the
server that --server names, else the context that --context names; without these flags the server of CONVEYOR_SERVER,
else the context of CONVEYOR_CONTEXT, else the current context, else http://127.0.0.1:8080.

Examples:
  conveyor context set lab --server http://10.0.0.7:8080 --output wide
  conveyor context use lab
  conveyor get drivers --context lab";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the contexts; * marks the current one
    List {
        #[command(flatten)]
        format: FormatArg,
    },
    /// Make a context the current one
    Use {
        /// Its name
        #[arg(add = completion::contexts())]
        name: String,
    },
    /// Make a context, or change what is given of one; the first becomes the current one
    Set {
        /// Its name
        #[arg(add = completion::contexts())]
        name: String,
        /// Address of the server
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        /// Form of output unless -o says another
        #[arg(short, long, value_name = "FORMAT")]
        output: Option<Format>,
    },
    /// Remove a context
    Delete {
        /// Its name
        #[arg(add = completion::contexts())]
        name: String,
    },
}

/// Shows or changes the contexts.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    let mut contexts = Contexts::read()?;
    match args.command {
        Command::List { format } => list(contexts, &format.output.unwrap_or(Format::Table)),
        Command::Use { name } => {
            if !contexts.contexts.contains_key(&name) {
                return Err(contexts.unknown(&name));
            }
            contexts.current = Some(name.clone());
            contexts.write()?;
            show::line(format_args!("context {name} is the current one"))
        }
        Command::Set {
            name,
            server,
            output,
        } => set(contexts, name, server, output),
        Command::Delete { name } => {
            if contexts.contexts.remove(&name).is_none() {
                return Err(contexts.unknown(&name));
            }
            contexts.current.take_if(|current| *current == name);
            contexts.write()?;
            show::line(format_args!("context {name} deleted"))
        }
    }
}

fn set(
    mut contexts: Contexts,
    name: String,
    server: Option<String>,
    output: Option<Format>,
) -> Result<(), Failure> {
    let before = contexts.contexts.remove(&name);
    let effect = if before.is_some() {
        "configured"
    } else {
        "created"
    };
    let (known, shown) = before.map_or((None, None), |it| (Some(it.server), it.output));
    let Some(server) = server.or(known) else {
        return Err(Failure::Usage(format!(
            "a context needs a server: conveyor context set {name} --server http://HOST:PORT"
        )));
    };
    let output = output.map(|format| format.to_string()).or(shown);
    contexts.current.get_or_insert(name.clone());
    contexts
        .contexts
        .insert(name.clone(), Context { server, output });
    contexts.write()?;
    show::line(format_args!("context {name} {effect}"))
}

/// A context as it is shown.
#[derive(Serialize)]
struct Named {
    name: String,
    current: bool,
    #[serde(flatten)]
    context: Context,
}

fn list(contexts: Contexts, format: &Format) -> Result<(), Failure> {
    let current = contexts.current;
    let named = contexts.contexts.into_iter().map(|(name, context)| Named {
        current: current.as_ref() == Some(&name),
        name,
        context,
    });
    show::list(&named.collect::<Vec<_>>(), format)
}

impl Shown for Named {
    const COLUMNS: &'static [&'static str] = &["CURRENT", "NAME", "SERVER", "OUTPUT"];

    fn row(&self, _: Timestamp) -> Vec<Cell> {
        vec![
            Cell::new(if self.current { "*" } else { "" }),
            show::text(&self.name),
            show::text(&self.context.server),
            show::text(self.context.output.as_deref().unwrap_or_default()),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn document(&self) -> impl Serialize + '_ {
        self
    }
}
