//! Which server a command talks to, and how its output looks unless it is told: flags, environment, context.

use conveyor_client::Client;

use super::Failure;
use super::contexts::{Context, Contexts};
use super::show::{Format, FormatArg};
use crate::drivers::DEFAULT_SERVER;

/// The flags `--server` and `--context`.
#[derive(Debug, clap::Args)]
pub(super) struct ServerArg {
    /// Address of the server; wins over contexts [default: of the context, or http://127.0.0.1:8080]
    #[arg(long, value_name = "URL", env = "CONVEYOR_SERVER")]
    server: Option<String>,
    /// Context to use instead of the current one; see `conveyor context --help`
    #[arg(long, value_name = "NAME", env = "CONVEYOR_CONTEXT", add = super::completion::contexts())]
    context: Option<String>,
}

impl ServerArg {
    /// Connects to the server.
    pub(super) async fn connect(&self) -> Result<Client, Failure> {
        Ok(conveyor_client::connect(&self.address()?).await?)
    }

    /// The address of the server. An empty one counts as not given: compose files pass variables on.
    pub(super) fn address(&self) -> Result<String, Failure> {
        match self.server.as_deref() {
            Some("") | None => Ok(self.chosen()?.map_or(DEFAULT_SERVER.into(), |it| it.server)),
            Some(server) => Ok(server.to_owned()),
        }
    }

    /// The form of the output: as asked, else the context's.
    pub(super) fn format(&self, asked: &FormatArg) -> Result<Format, Failure> {
        if let Some(format) = &asked.output {
            return Ok(format.clone());
        }
        let default = self.chosen()?.and_then(|context| context.output);
        default.map_or(Ok(Format::Table), |text| {
            text.parse().map_err(Failure::Usage)
        })
    }

    /// The context that was named, or the current one; none where there is no file.
    fn chosen(&self) -> Result<Option<Context>, Failure> {
        let name = self.context.as_deref().filter(|name| !name.is_empty());
        Contexts::read()?.choose(name)
    }
}
