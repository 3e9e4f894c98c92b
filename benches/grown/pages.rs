//! Pages of lists: the first, one from the middle, and one of a single type.

use std::time::Duration;

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::{ListResourcesRequest, ListRunsRequest};

use super::super::http::{Connection, get};
use super::super::server::Server;
use super::super::spans::Spans;
use super::super::table::{Aim, Row, Table};
use super::super::{Bench, Result};
use super::KINDS;

const TIME: Duration = Duration::from_millis(500);
/// Items of the pages that lead to the middle: the most that the server gives.
const STRIDE: i32 = 1000;

const FIRST: Row = Row {
    name: "list page of 100 resources among 1,000,000, p50",
    unit: "us",
    floor: "the same among 1,000",
    aim: Aim::AtMost(1.3),
};
const OF_TYPE: Row = Row {
    name: "list page of 100 resources of one type among 1,000,000, p50",
    ..FIRST
};
const WITHIN: Row = Row {
    name: "list page of 100 resources from within 1,000,000, each another, p50",
    floor: "the first page among 1,000",
    ..FIRST
};
const RUNS: Row = Row {
    name: "list page of 100 runs among 1,000,000, p50",
    ..FIRST
};

/// Measures all rows of lists.
pub(crate) async fn measure(
    bench: &Bench,
    table: &mut Table,
    small: &Server,
    large: &Server,
) -> Result<()> {
    let first = [get("/resources?page_size=100")];
    let of_type = [get(&format!("/resources/{}?page_size=100", KINDS[1]))];
    let page_at = |token| get(&format!("/resources?page_size=100&page_token={token}"));
    let within: Vec<_> = tokens(large).await?.iter().map(page_at).collect();
    for _ in 0..bench.rounds {
        let floor = pages(small, &first).await?;
        table.row(FIRST, pages(large, &first).await?, floor);
        table.row(WITHIN, pages(large, &within).await?, floor);
        let floor = pages(small, &of_type).await?;
        table.row(OF_TYPE, pages(large, &of_type).await?, floor);
        let floor = pages_of_runs(small).await?;
        table.row(RUNS, pages_of_runs(large).await?, floor);
    }
    Ok(())
}

/// The middle of the times that pages take, asked for one after another.
async fn pages(server: &Server, requests: &[Vec<u8>]) -> Result<f64> {
    let mut connection = Connection::open(server.address).await?;
    let mut next = requests.iter().cycle();
    let spans = Spans::of(TIME, async || {
        connection.call(next.next().ok_or("a page")?).await
    });
    Ok(spans.await?.p50())
}

/// The same of runs, which REST does not list.
async fn pages_of_runs(server: &Server) -> Result<f64> {
    let mut client = RunServiceClient::new(server.channel().await?);
    let request = ListRunsRequest {
        page_size: 100,
        ..ListRunsRequest::default()
    };
    let spans = Spans::of(TIME, async || {
        client.list_runs(request.clone()).await?;
        Ok(())
    });
    Ok(spans.await?.p50())
}

/// Where pages begin, all over the list.
async fn tokens(server: &Server) -> Result<Vec<String>> {
    let mut client =
        ResourceServiceClient::new(server.channel().await?).max_decoding_message_size(16 << 20);
    let mut tokens = Vec::new();
    let mut request = ListResourcesRequest {
        page_size: STRIDE,
        ..ListResourcesRequest::default()
    };
    loop {
        let page = client.list_resources(request.clone()).await?.into_inner();
        if page.next_page_token.is_empty() {
            // The last page is not full.
            tokens.pop();
            return Ok(tokens);
        }
        tokens.push(page.next_page_token.clone());
        request.page_token = page.next_page_token;
    }
}
