//! `conveyor delete`: removes things by name, or what files name.

use std::path::PathBuf;

use conveyor_client::{Client, proto};
use tonic::{Code, Status};

use super::progress::Progress;
use super::target::{self, Target};
use super::{Failure, ServerArg, completion, documents, nearest, show};

/// Arguments of `delete`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// TYPE/NAME ..., or KIND NAME ... of definitions, pipelines, resources or drivers
    #[arg(value_name = "WHAT", required_unless_present = "files", conflicts_with = "files", add = completion::things())]
    what: Vec<String>,
    /// What the documents of this file or directory name; - for standard input
    #[arg(short, long = "file", value_name = "FILE", num_args = 1..)]
    files: Vec<PathBuf>,
    /// Count what is not there as deleted
    #[arg(long)]
    ignore_not_found: bool,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Nothing is asked. Of files, resources go first, then pipelines, then definitions. What fails is told, and the rest
goes on. A definition or pipeline that is still named by another stays; a driver goes only when it is not connected.

Examples:
  conveyor delete pipeline/ubuntu-pipeline-6 docker-resource/app
  conveyor delete pipeline hello-pipeline
  conveyor delete -f examples/ --ignore-not-found";

/// Deletes the things, one after the other.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let targets = if args.files.is_empty() {
        target::these(&args.what)?
    } else {
        let found = documents::read(&args.files)?;
        found.iter().rev().map(|it| it.document.target()).collect()
    };
    if let Some(run) = targets.iter().find(|it| matches!(it, Target::Run(_))) {
        return Err(Failure::Usage(format!(
            "{run} cannot be deleted; `conveyor cancel` stops one"
        )));
    }
    things(&args.server, &targets, args.ignore_not_found).await
}

/// Deletes these things. With `ignore`, what is not there counts as deleted.
pub(super) async fn things(
    server: &ServerArg,
    targets: &[Target],
    ignore: bool,
) -> Result<(), Failure> {
    let client = &server.connect().await?;
    let progress = Progress::of(targets.len());
    let mut failures = Vec::new();
    for target in targets {
        progress.at(&target.to_string());
        match delete(client, target).await {
            Ok(run) if run.is_empty() => {
                progress.aside(|| show::line(format_args!("{target} deleted")))?;
            }
            Ok(run) => {
                progress.aside(|| show::line(format_args!("{target} deleted (run {run})")))?
            }
            Err(status) if ignore && status.code() == Code::NotFound => {}
            Err(status) => failures.push(nearest::explain(client, target, status).await),
        }
        progress.done();
    }
    drop(progress);
    if targets.len() > 1 {
        for failure in &failures {
            failure.tell();
        }
    }
    let failed = failures.len();
    match failures.into_iter().next() {
        None => Ok(()),
        Some(failure) if targets.len() == 1 => Err(failure),
        Some(first) => Err(Failure::Several {
            failed,
            all: targets.len(),
            exit: first.exit(),
        }),
    }
}

/// Deletes one thing; gives the run that its deletion started, if any.
async fn delete(client: &Client, target: &Target) -> Result<String, Status> {
    match target.clone() {
        Target::Definition(name) => {
            let request = proto::DeleteResourceDefinitionRequest {
                name,
                expected_revision: 0,
            };
            client
                .resources()
                .delete_resource_definition(request)
                .await?;
        }
        Target::Pipeline(name) => {
            let request = proto::DeletePipelineRequest {
                name,
                expected_revision: 0,
            };
            client.pipelines().delete_pipeline(request).await?;
        }
        Target::Resource { definition, name } => {
            let request = proto::DeleteResourceRequest {
                resource: definition,
                name,
                expected_revision: 0,
            };
            let change = client.resources().delete_resource(request).await?;
            return Ok(change.into_inner().run_id);
        }
        Target::Driver(name) => {
            let request = proto::DeleteDriverRequest { name };
            client.drivers().delete_driver(request).await?;
        }
        Target::Run(id) => return Err(Status::unimplemented(format!("run {id} stays"))),
    }
    Ok(String::new())
}
