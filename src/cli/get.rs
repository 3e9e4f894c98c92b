//! `conveyor get`: shows what the server keeps.

use conveyor_client::{Client, proto};

use super::documents::Document;
use super::fetch::{Fetched, fetch};
use super::pages::{self, Query};
use super::show::{self, Format, FormatArg, Shown};
use super::target::{self, Kind, Named, Target};
use super::{Failure, ServerArg, completion, nearest};

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// KIND, KIND NAME ..., TYPE/NAME ... or RUN ...; kinds are definitions, pipelines, resources, runs and drivers
    #[arg(required = true, value_name = "WHAT", add = completion::things())]
    what: Vec<String>,
    /// Of a list of resources or runs: only those of this definition
    #[arg(long = "type", value_name = "TYPE", default_value = "")]
    definition: String,
    /// Of a list: so many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    format: FormatArg,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Lists come in order of name, runs the newest first.

Examples:
  conveyor get definitions
  conveyor get resources --type pipeline -o wide
  conveyor get pipeline/ubuntu-pipeline-6 -o yaml
  conveyor get pipelines -o name | xargs conveyor delete pipelines
  conveyor get resources -o jsonpath='{range .items[*]}{.name}{\"\\t\"}{.spec.image}{\"\\n\"}{end}'";

/// Shows some things, or the list of all.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let named = target::parse(&args.what)?;
    let format = args.server.format(&args.format)?;
    let client = args.server.connect().await?;
    match named {
        Named::These(targets) => these(&client, &targets, &format).await,
        Named::All(kind) => {
            let query = Query {
                definition: args.definition,
                ..Query::default()
            };
            all(&client, kind, &query, args.limit, &format).await
        }
    }
}

async fn all(
    client: &Client,
    kind: Kind,
    query: &Query,
    limit: Option<usize>,
    format: &Format,
) -> Result<(), Failure> {
    match kind {
        Kind::Definition => {
            pages::list::<proto::ResourceDefinition>(client, query, limit, format).await
        }
        Kind::Pipeline => pages::list::<proto::Pipeline>(client, query, limit, format).await,
        Kind::Resource => pages::list::<proto::Resource>(client, query, limit, format).await,
        Kind::Run => pages::list::<proto::Run>(client, query, limit, format).await,
        Kind::Driver => pages::list::<proto::Driver>(client, query, limit, format).await,
    }
}

/// Shows these things, which are of one kind.
async fn these(client: &Client, targets: &[Target], format: &Format) -> Result<(), Failure> {
    let (mut definitions, mut pipelines, mut resources) = (Vec::new(), Vec::new(), Vec::new());
    let (mut runs, mut drivers) = (Vec::new(), Vec::new());
    for target in targets {
        match fetch(client, target).await {
            Ok(Fetched::Document(Document::Definition(it))) => definitions.push(it),
            Ok(Fetched::Document(Document::Pipeline(it))) => pipelines.push(it),
            Ok(Fetched::Document(Document::Resource(it))) => resources.push(it),
            Ok(Fetched::Run(it)) => runs.push(*it),
            Ok(Fetched::Driver(it)) => drivers.push(it),
            Err(status) => return Err(nearest::explain(client, target, status).await),
        }
    }
    print(&definitions, format)?;
    print(&pipelines, format)?;
    print(&resources, format)?;
    print(&runs, format)?;
    print(&drivers, format)
}

fn print<T: Shown>(items: &[T], format: &Format) -> Result<(), Failure> {
    match items {
        [] => Ok(()),
        [item] => show::one(item, format),
        items => show::list(items, format),
    }
}
