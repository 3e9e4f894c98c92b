//! `conveyor edit`: changes one thing in the user's editor.
//!
//! Invariant: what was typed is never lost. Where it cannot be written, the file stays and its path is told.

use std::path::Path;
use std::process::Command;

use conveyor_client::{Client, proto, retried};
use tonic::{Code, Status};

use super::documents::{self, Document, InputError};
use super::fetch;
use super::target::{self, Target};
use super::{Failure, ServerArg, completion, nearest, show};

/// Arguments of `edit`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// TYPE/NAME, or definition NAME, or pipeline NAME
    #[arg(required = true, value_name = "WHAT", add = completion::things())]
    what: Vec<String>,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
The editor is that of VISUAL or EDITOR, else vi. What changed on the server meanwhile is not overwritten. A text that
cannot be written stays in its file, whose path is told; `conveyor apply -f` takes it as it is.

Examples:
  conveyor edit pipeline/ubuntu-pipeline-6
  EDITOR='code --wait' conveyor edit definition docker-resource";

/// Opens the editor on the thing, and writes what comes of it.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let target = target::one(&args.what)?;
    if matches!(target, Target::Run(_) | Target::Driver(_)) {
        let what = "definitions, pipelines and resources can be edited";
        return Err(Failure::Usage(format!("{target} cannot: {what}")));
    }
    let client = args.server.connect().await?;
    let before = match fetch::present(&client, &target).await? {
        Some(document) => document,
        None => {
            let none = Status::not_found(format!("{target} is not known"));
            return Err(nearest::explain(&client, &target, none).await);
        }
    };
    let mut file = tempfile::Builder::new()
        .prefix("conveyor-edit-")
        .suffix(".yaml")
        .tempfile()?;
    std::io::Write::write_all(&mut file, before.yaml().as_bytes())?;
    let path = file.into_temp_path();
    let edited = open_editor(&path).and_then(|()| read(&path, &before));
    let outcome = match edited {
        Ok(Some(after)) => write(&client, after, before.revision()).await,
        Ok(None) => show::line(format_args!("{target} unchanged")),
        Err(failure) => Err(failure),
    };
    outcome.map_err(|failure| match path.keep() {
        Ok(path) => Failure::Kept {
            failure: Box::new(failure),
            path,
        },
        Err(error) => Failure::Output(error.error),
    })
}

const EMPTY: &str = "the text is empty: nothing was changed; `conveyor delete` removes things";

fn open_editor(path: &Path) -> Result<(), Failure> {
    let named = |name: &str| std::env::var(name).ok().filter(|it| !it.trim().is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR"));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    // The shell parts an editor's name from its flags, as git has it.
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(path);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Ended(format!(
            "the editor {editor} ended with {status}"
        ))),
        Err(error) => Err(Failure::Ended(format!(
            "the editor {editor} cannot be started: {error}"
        ))),
    }
}

/// What was typed; `None` where nothing changed.
fn read(path: &Path, before: &Document) -> Result<Option<Document>, Failure> {
    let after = match documents::single(path) {
        Err(InputError::Nothing { .. }) => return Err(Failure::Usage(EMPTY.to_owned())),
        after => after?,
    };
    if after.target() != before.target() {
        return Err(Failure::Ended(format!(
            "{} was opened, and {} came back: names cannot be edited; apply makes new things",
            before.title(),
            after.title()
        )));
    }
    Ok((after.yaml() != before.yaml()).then_some(after))
}

/// Writes it in the place of the revision that was edited.
async fn write(client: &Client, document: Document, expected_revision: i64) -> Result<(), Failure> {
    let title = document.title();
    let written = match document {
        Document::Definition(definition) => {
            let request = proto::UpdateResourceDefinitionRequest {
                resource_definition: Some(definition),
                expected_revision,
            };
            let call = async || {
                client
                    .resources()
                    .update_resource_definition(request.clone())
                    .await
            };
            let answer = retried(call).await;
            answer.map(|it| format!("revision {}", it.into_inner().revision))
        }
        Document::Pipeline(pipeline) => {
            let request = proto::UpdatePipelineRequest {
                pipeline: Some(pipeline),
                expected_revision,
            };
            let call = async || client.pipelines().update_pipeline(request.clone()).await;
            let answer = retried(call).await;
            answer.map(|it| format!("revision {}", it.into_inner().revision))
        }
        Document::Resource(resource) => {
            let request = proto::UpdateResourceRequest {
                resource: Some(resource),
                expected_revision,
            };
            let call = async || client.resources().update_resource(request.clone()).await;
            let answer = retried(call).await;
            answer.map(|it| {
                let change = it.into_inner();
                let revision = change.resource.unwrap_or_default().revision;
                format!("revision {revision}, run {}", change.run_id)
            })
        }
    };
    match written {
        Ok(effect) => show::line(format_args!("{title} configured ({effect})")),
        Err(status) if status.code() == Code::Aborted => Err(Failure::Changed(title)),
        Err(status) => Err(status.into()),
    }
}
