//! Which server a command talks to, and how its output looks unless it is told: flags, environment, context.
//!
//! A flag wins over the environment, whichever of the two names of a server it is: who types one means it.

use conveyor_client::Client;

use super::Failure;
use super::contexts::{Context, Contexts};
use super::show::{Format, FormatArg};
use crate::drivers::DEFAULT_SERVER;

/// The flags `--server` and `--context`. The environment is not clap's to read: it would look like the flags.
#[derive(Debug, clap::Args)]
pub(super) struct ServerArg {
    /// Address of the server; wins over contexts [env: CONVEYOR_SERVER] [default: of the context, or http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Context to use instead of the current one; see `conveyor context --help` [env: CONVEYOR_CONTEXT]
    #[arg(long, value_name = "NAME", add = super::completion::contexts())]
    context: Option<String>,
}

impl ServerArg {
    /// Connects to the server.
    pub(super) async fn connect(&self) -> Result<Client, Failure> {
        Ok(conveyor_client::connect(&self.address()?).await?)
    }

    /// The address of the server: that of a flag, of the environment, of the current context, or the default.
    pub(super) fn address(&self) -> Result<String, Failure> {
        if let Some(server) = given(self.server.as_deref()) {
            return Ok(server);
        }
        if given(self.context.as_deref()).is_none()
            && let Some(server) = variable("CONVEYOR_SERVER")
        {
            return Ok(server);
        }
        Ok(self.chosen()?.map_or(DEFAULT_SERVER.into(), |it| it.server))
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
        let name = given(self.context.as_deref()).or_else(|| variable("CONVEYOR_CONTEXT"));
        Contexts::read()?.choose(name.as_deref())
    }
}

/// An empty value counts as not given: compose files pass variables on.
fn given(value: Option<&str>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(str::to_owned)
}

fn variable(name: &str) -> Option<String> {
    given(std::env::var(name).ok().as_deref())
}
