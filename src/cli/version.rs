//! `conveyor version`: which program this is, and which server it speaks with.

use comfy_table::Cell;
use conveyor_client::proto::GetServerRequest;
use jiff::Timestamp;
use serde::Serialize;

use super::show::{self, Format, FormatArg, Shown};
use super::{Failure, ServerArg};

/// Arguments of `version`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Do not ask the server
    #[arg(long)]
    client: bool,
    #[command(flatten)]
    format: FormatArg,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Where no server answers, that is said on stderr, and the exit code is 0.

Examples:
  conveyor version
  conveyor version --client -o jsonpath=.client";

/// The versions.
#[derive(Serialize)]
struct Versions {
    client: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
}

/// Prints the versions.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let format = args.server.format(&args.format)?;
    let server = if args.client {
        None
    } else {
        let version = server(&args.server).await;
        version
            .inspect_err(|failure| eprintln!("server: {failure}"))
            .ok()
    };
    let versions = Versions {
        client: env!("CARGO_PKG_VERSION"),
        server,
    };
    match format {
        Format::Table | Format::Wide => {
            show::line(format_args!("conveyor {}", versions.client))?;
            let server = versions.server.iter();
            server
                .into_iter()
                .try_for_each(|it| show::line(format_args!("server {it}")))
        }
        Format::Json | Format::Yaml | Format::Name | Format::JsonPath(_) => {
            show::one(&versions, &format)
        }
    }
}

async fn server(server: &ServerArg) -> Result<String, Failure> {
    let client = server.connect().await?;
    let answer = client.server().get_server(GetServerRequest {}).await?;
    Ok(answer.into_inner().version)
}

impl Shown for Versions {
    const COLUMNS: &'static [&'static str] = &["CLIENT", "SERVER"];

    fn row(&self, _: Timestamp) -> Vec<Cell> {
        vec![
            show::text(self.client),
            show::text(self.server.as_deref().unwrap_or_default()),
        ]
    }

    fn name(&self) -> String {
        self.client.to_owned()
    }

    fn document(&self) -> impl Serialize + '_ {
        self
    }
}
