//! `conveyor get`: shows what the server keeps.

use std::str::FromStr;

use conveyor_client::{Client, proto};
use tonic::Status;

use super::show::{self, FormatArg};
use super::{Failure, ServerArg};

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// definitions, pipelines, resources, runs or drivers
    kind: Kind,
    /// Only this one; a resource is TYPE/NAME
    name: Option<String>,
    #[command(flatten)]
    format: FormatArg,
    #[command(flatten)]
    server: ServerArg,
}

const EXAMPLES: &str = "\
Examples:
  conveyor get definitions
  conveyor get resource pipeline/ubuntu-pipeline-6 -o yaml
  conveyor get drivers -o json";

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Definitions,
    Pipelines,
    Resources,
    Runs,
    Drivers,
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Kind, String> {
        match word.to_lowercase().as_str() {
            "definitions"
            | "definition"
            | "defs"
            | "def"
            | "resource-definitions"
            | "resource-definition"
            | "resourcedefinitions"
            | "resourcedefinition" => Ok(Kind::Definitions),
            "pipelines" | "pipeline" => Ok(Kind::Pipelines),
            "resources" | "resource" | "res" => Ok(Kind::Resources),
            "runs" | "run" => Ok(Kind::Runs),
            "drivers" | "driver" => Ok(Kind::Drivers),
            _ => Err(format!(
                "KIND is definitions, pipelines, resources, runs or drivers. If {word} is a definition, its resources \
                 are among `conveyor get resources`, and one of them is `conveyor get resource {word}/NAME`"
            )),
        }
    }
}

/// Shows one thing or the list of all.
pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let client = args.server.connect().await?;
    match args.name {
        Some(name) => show_one(&client, args.kind, name, args.format.output).await,
        None => show_all(&client, args.kind, args.format.output).await,
    }
}

async fn show_one(
    client: &Client,
    kind: Kind,
    name: String,
    format: show::Format,
) -> Result<(), Failure> {
    match kind {
        Kind::Definitions => {
            let request = proto::GetResourceDefinitionRequest { name };
            let definition = client.resources().get_resource_definition(request).await?;
            show::one(&definition.into_inner(), format)
        }
        Kind::Pipelines => {
            let request = proto::GetPipelineRequest { name };
            show::one(
                &client.pipelines().get_pipeline(request).await?.into_inner(),
                format,
            )
        }
        Kind::Resources => {
            let Some((resource, name)) = name.split_once('/') else {
                return Err(Failure::NoResourceName(name));
            };
            let request = proto::GetResourceRequest {
                resource: resource.to_owned(),
                name: name.to_owned(),
                revision: 0,
            };
            show::one(
                &client.resources().get_resource(request).await?.into_inner(),
                format,
            )
        }
        Kind::Runs => show::one(&get_run(client, name).await?, format),
        Kind::Drivers => {
            let request = proto::GetDriverRequest { name };
            show::one(
                &client.drivers().get_driver(request).await?.into_inner(),
                format,
            )
        }
    }
}

async fn show_all(client: &Client, kind: Kind, format: show::Format) -> Result<(), Failure> {
    match kind {
        Kind::Definitions => show::list(&definitions(client).await?, format),
        Kind::Pipelines => show::list(&pipelines(client).await?, format),
        Kind::Resources => show::list(&resources(client).await?, format),
        Kind::Runs => show::list(&runs(client).await?, format),
        Kind::Drivers => show::list(&drivers(client).await?, format),
    }
}

/// One run with the resource and the pipeline as they were.
pub(super) async fn get_run(client: &Client, id: String) -> Result<proto::Run, Status> {
    Ok(client
        .runs()
        .get_run(proto::GetRunRequest { id })
        .await?
        .into_inner())
}

/// The most that a page can hold.
const PAGE_SIZE: i32 = 1000;

async fn definitions(client: &Client) -> Result<Vec<proto::ResourceDefinition>, Status> {
    pages(async |page_token| {
        let request = proto::ListResourceDefinitionsRequest {
            page_size: PAGE_SIZE,
            page_token,
        };
        let page = client
            .resources()
            .list_resource_definitions(request)
            .await?
            .into_inner();
        Ok((page.resource_definitions, page.next_page_token))
    })
    .await
}

async fn pipelines(client: &Client) -> Result<Vec<proto::Pipeline>, Status> {
    pages(async |page_token| {
        let request = proto::ListPipelinesRequest {
            page_size: PAGE_SIZE,
            page_token,
        };
        let page = client
            .pipelines()
            .list_pipelines(request)
            .await?
            .into_inner();
        Ok((page.pipelines, page.next_page_token))
    })
    .await
}

async fn resources(client: &Client) -> Result<Vec<proto::Resource>, Status> {
    pages(async |page_token| {
        let resource = String::new();
        let request = proto::ListResourcesRequest {
            resource,
            page_size: PAGE_SIZE,
            page_token,
        };
        let page = client
            .resources()
            .list_resources(request)
            .await?
            .into_inner();
        Ok((page.resources, page.next_page_token))
    })
    .await
}

/// All runs, the newest first.
pub(super) async fn runs(client: &Client) -> Result<Vec<proto::Run>, Status> {
    pages(async |page_token| {
        let request = proto::ListRunsRequest {
            page_size: PAGE_SIZE,
            page_token,
            ..Default::default()
        };
        let page = client.runs().list_runs(request).await?.into_inner();
        Ok((page.runs, page.next_page_token))
    })
    .await
}

async fn drivers(client: &Client) -> Result<Vec<proto::Driver>, Status> {
    pages(async |page_token| {
        let request = proto::ListDriversRequest {
            page_size: PAGE_SIZE,
            page_token,
        };
        let page = client.drivers().list_drivers(request).await?.into_inner();
        Ok((page.drivers, page.next_page_token))
    })
    .await
}

/// Follows the pages to the last; `fetch` gives the items of a page and the token of the next.
async fn pages<T>(
    mut fetch: impl AsyncFnMut(String) -> Result<(Vec<T>, String), Status>,
) -> Result<Vec<T>, Status> {
    let mut all = Vec::new();
    let mut token = String::new();
    loop {
        let (items, next) = fetch(token).await?;
        all.extend(items);
        if next.is_empty() {
            return Ok(all);
        }
        token = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_short_forms_and_is_never_a_definition() {
        assert_eq!("Definition".parse(), Ok(Kind::Definitions));
        assert_eq!("run".parse(), Ok(Kind::Runs));
        let error = "docker-resource".parse::<Kind>().unwrap_err();
        insta::assert_snapshot!(error, @"KIND is definitions, pipelines, resources, runs or drivers. If docker-resource is a definition, its resources are among `conveyor get resources`, and one of them is `conveyor get resource docker-resource/NAME`");
    }

    #[tokio::test]
    async fn pages_are_followed_to_the_last() {
        let all = pages(async |token: String| {
            Ok(match token.as_str() {
                "" => (vec![1, 2], "a".to_owned()),
                "a" => (vec![], "b".to_owned()),
                _ => (vec![3], String::new()),
            })
        });
        assert_eq!(all.await.unwrap(), [1, 2, 3]);
    }
}
