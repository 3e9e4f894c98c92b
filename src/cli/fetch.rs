//! Reads one thing from the server by its name.

use conveyor_client::{Client, proto};
use tonic::{Code, Status};

use super::documents::Document;
use super::target::Target;

/// What was read.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and not for long"
)]
pub(super) enum Fetched {
    /// A definition, a pipeline or a resource.
    Document(Document),
    /// A run, with the resource and the pipeline as they were.
    Run(Box<proto::Run>),
    /// A driver.
    Driver(proto::Driver),
}

/// Reads the thing.
pub(super) async fn fetch(client: &Client, target: &Target) -> Result<Fetched, Status> {
    Ok(match target.clone() {
        Target::Definition(name) => {
            let request = proto::GetResourceDefinitionRequest { name };
            let answer = client.resources().get_resource_definition(request).await?;
            Fetched::Document(Document::Definition(answer.into_inner()))
        }
        Target::Pipeline(name) => {
            let request = proto::GetPipelineRequest { name };
            let answer = client.pipelines().get_pipeline(request).await?;
            Fetched::Document(Document::Pipeline(answer.into_inner()))
        }
        Target::Resource { definition, name } => {
            let request = proto::GetResourceRequest {
                resource: definition,
                name,
                revision: 0,
            };
            let answer = client.resources().get_resource(request).await?;
            Fetched::Document(Document::Resource(answer.into_inner()))
        }
        Target::Run(id) => {
            let answer = client.runs().get_run(proto::GetRunRequest { id }).await?;
            Fetched::Run(Box::new(answer.into_inner()))
        }
        Target::Driver(name) => {
            let request = proto::GetDriverRequest { name };
            let answer = client.drivers().get_driver(request).await?;
            Fetched::Driver(answer.into_inner())
        }
    })
}

/// The document as it stands, or `None` where there is none of that name.
pub(super) async fn present(client: &Client, target: &Target) -> Result<Option<Document>, Status> {
    match fetch(client, target).await {
        Ok(Fetched::Document(document)) => Ok(Some(document)),
        Ok(Fetched::Run(_) | Fetched::Driver(_)) => Ok(None),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}

/// One run.
pub(super) async fn run(client: &Client, id: &str) -> Result<proto::Run, Status> {
    let request = proto::GetRunRequest { id: id.to_owned() };
    Ok(client.runs().get_run(request).await?.into_inner())
}
