//! Lists, page by page: what is printed of them is never in memory whole.

use conveyor_client::{Client, proto};
use tonic::Status;

use super::Failure;
use super::reconnect::patiently;
use super::show::{Format, Listing, Shown};

/// The most that a page can hold.
const PAGE_SIZE: usize = 1000;

/// What is wanted of a list.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    /// Only things of this definition; empty: of all. For resources and runs.
    pub(super) definition: String,
    /// Only runs of the resource of this name; needs `definition`.
    pub(super) name: String,
    /// Only runs in one of these states; empty: in any.
    pub(super) states: Vec<proto::RunState>,
}

/// A thing that comes in pages.
pub(super) trait Paged: Shown + Sized {
    /// A page, and the token of the next one.
    fn page(
        client: &Client,
        query: &Query,
        page_size: i32,
        page_token: String,
    ) -> impl Future<Output = Result<(Vec<Self>, String), Status>>;
}

/// Prints a list; `most` bounds it.
pub(super) async fn list<T: Paged>(
    client: &Client,
    query: &Query,
    most: Option<usize>,
    format: &Format,
) -> Result<(), Failure> {
    let mut listing = Listing::new(format);
    each_page(client, query, most.unwrap_or(usize::MAX), |page: Vec<T>| {
        listing.add(&page)
    })
    .await?;
    listing.end()
}

/// The first of a list.
pub(super) async fn first<T: Paged>(
    client: &Client,
    query: &Query,
    most: usize,
) -> Result<Vec<T>, Failure> {
    let mut items = Vec::new();
    each_page(client, query, most, |page| {
        items.extend(page);
        Ok(())
    })
    .await?;
    Ok(items)
}

async fn each_page<T: Paged>(
    client: &Client,
    query: &Query,
    most: usize,
    mut see: impl FnMut(Vec<T>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut left, mut token) = (most, String::new());
    while left > 0 {
        let size = i32::try_from(left.min(PAGE_SIZE)).expect("a page is small");
        let (page, next) =
            patiently(async || T::page(client, query, size, token.clone()).await).await?;
        left -= page.len().min(left);
        see(page)?;
        if next.is_empty() {
            return Ok(());
        }
        token = next;
    }
    Ok(())
}

impl Paged for proto::ResourceDefinition {
    async fn page(
        client: &Client,
        _: &Query,
        page_size: i32,
        page_token: String,
    ) -> Result<(Vec<Self>, String), Status> {
        let request = proto::ListResourceDefinitionsRequest {
            page_size,
            page_token,
        };
        let answer = client.resources().list_resource_definitions(request).await;
        let page = answer?.into_inner();
        Ok((page.resource_definitions, page.next_page_token))
    }
}

impl Paged for proto::Pipeline {
    async fn page(
        client: &Client,
        _: &Query,
        page_size: i32,
        page_token: String,
    ) -> Result<(Vec<Self>, String), Status> {
        let request = proto::ListPipelinesRequest {
            page_size,
            page_token,
        };
        let page = client
            .pipelines()
            .list_pipelines(request)
            .await?
            .into_inner();
        Ok((page.pipelines, page.next_page_token))
    }
}

impl Paged for proto::Resource {
    async fn page(
        client: &Client,
        query: &Query,
        page_size: i32,
        page_token: String,
    ) -> Result<(Vec<Self>, String), Status> {
        let request = proto::ListResourcesRequest {
            resource: query.definition.clone(),
            page_size,
            page_token,
        };
        let page = client
            .resources()
            .list_resources(request)
            .await?
            .into_inner();
        Ok((page.resources, page.next_page_token))
    }
}

impl Paged for proto::Run {
    async fn page(
        client: &Client,
        query: &Query,
        page_size: i32,
        page_token: String,
    ) -> Result<(Vec<Self>, String), Status> {
        let request = proto::ListRunsRequest {
            resource: query.definition.clone(),
            name: query.name.clone(),
            states: query.states.iter().map(|state| i32::from(*state)).collect(),
            page_size,
            page_token,
        };
        let page = client.runs().list_runs(request).await?.into_inner();
        Ok((page.runs, page.next_page_token))
    }
}

impl Paged for proto::Driver {
    async fn page(
        client: &Client,
        _: &Query,
        page_size: i32,
        page_token: String,
    ) -> Result<(Vec<Self>, String), Status> {
        let request = proto::ListDriversRequest {
            page_size,
            page_token,
        };
        let page = client.drivers().list_drivers(request).await?.into_inner();
        Ok((page.drivers, page.next_page_token))
    }
}
