//! `conveyor apply`: makes the server's definitions, pipelines and resources what the documents say.

use std::fmt;
use std::path::PathBuf;

use conveyor_client::{Client, proto, retried};
use tonic::Status;

use super::documents::{self, Document};
use super::progress::Progress;
use super::target::Target;
use super::{Failure, ServerArg, fetch, show};

/// Arguments of `apply`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// File, directory (its *.json, *.yaml and *.yml) or - for standard input
    #[arg(short, long = "file", value_name = "FILE", required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
A file may hold several documents: YAML parted by ---, JSON one after the other or in arrays. What a document is
stands in its `kind` (ResourceDefinition, Pipeline or Resource); without it, `schema` means a definition, `steps` a
pipeline and `spec` a resource. Definitions go first, then pipelines, then resources, wherever they stand. All are
read before anything is sent; the first that the server refuses ends the work. What already stands as given is left
unchanged: no revision, no event, no run.

Examples:
  conveyor apply -f examples/
  conveyor apply -f definition.yaml resource.json
  conveyor get resource pipeline/ubuntu-pipeline-6 -o json | conveyor apply -f -";

/// Applies the documents, one after the other.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let found = documents::read(&args.files)?;
    let client = args.server.connect().await?;
    let all = found.len();
    let progress = Progress::of(all);
    for (done, found) in found.into_iter().enumerate() {
        let title = found.document.title();
        progress.at(&title);
        match retried(async || apply(&client, found.document.clone()).await).await {
            Ok(effect) => progress.aside(|| show::line(format_args!("{title} {effect}")))?,
            Err(status) => {
                let (place, status) = (found.place, Box::new(status));
                return Err(Failure::Refused {
                    place,
                    title,
                    status,
                    done,
                    all,
                });
            }
        }
        progress.done();
    }
    Ok(())
}

/// What an apply did.
enum Effect {
    Unchanged,
    Created { run: String },
    Configured { revision: i64, run: String },
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Unchanged => write!(f, "unchanged"),
            Effect::Created { run } if run.is_empty() => write!(f, "created"),
            Effect::Created { run } => write!(f, "created (run {run})"),
            Effect::Configured { revision, run } if run.is_empty() => {
                write!(f, "configured (revision {revision})")
            }
            Effect::Configured { revision, run } => {
                write!(f, "configured (revision {revision}, run {run})")
            }
        }
    }
}

async fn apply(client: &Client, document: Document) -> Result<Effect, Status> {
    match document {
        Document::Definition(definition) => apply_definition(client, definition).await,
        Document::Pipeline(pipeline) => apply_pipeline(client, pipeline).await,
        Document::Resource(resource) => apply_resource(client, resource).await,
    }
}

async fn apply_definition(
    client: &Client,
    definition: proto::ResourceDefinition,
) -> Result<Effect, Status> {
    let before = fetch::present(client, &Target::Definition(definition.name.clone())).await?;
    let request = proto::ApplyResourceDefinitionRequest {
        resource_definition: Some(definition),
    };
    let after = client
        .resources()
        .apply_resource_definition(request)
        .await?;
    Ok(effect(before, after.into_inner().revision))
}

async fn apply_pipeline(client: &Client, pipeline: proto::Pipeline) -> Result<Effect, Status> {
    let before = fetch::present(client, &Target::Pipeline(pipeline.name.clone())).await?;
    let request = proto::ApplyPipelineRequest {
        pipeline: Some(pipeline),
    };
    let after = client.pipelines().apply_pipeline(request).await?;
    Ok(effect(before, after.into_inner().revision))
}

/// The answer to a resource says itself what happened: without a run nothing did.
async fn apply_resource(client: &Client, resource: proto::Resource) -> Result<Effect, Status> {
    let request = proto::ApplyResourceRequest {
        resource: Some(resource),
    };
    let change = client
        .resources()
        .apply_resource(request)
        .await?
        .into_inner();
    let run = change.run_id;
    Ok(match change.resource.unwrap_or_default().revision {
        _ if run.is_empty() => Effect::Unchanged,
        1 => Effect::Created { run },
        revision => Effect::Configured { revision, run },
    })
}

fn effect(before: Option<Document>, after: i64) -> Effect {
    let run = String::new();
    match before {
        None => Effect::Created { run },
        Some(before) if before.revision() == after => Effect::Unchanged,
        Some(_) => Effect::Configured {
            revision: after,
            run,
        },
    }
}
