//! Reads of one resource over many connections.

use std::time::Duration;

use conveyor_client::proto::resource_service_client::ResourceServiceClient;

use super::http;
use super::server::{Server, resource};
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const TIME: Duration = Duration::from_millis(1000);
const CONNECTIONS: usize = 64;

const GET: Row = Row {
    name: "GET of a resource, 64 connections",
    unit: "per s",
    floor: "axum GET of 500 bytes, 64 connections",
    aim: Aim::AtLeast(2.0 / 3.0),
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let server = Server::start(bench).await?;
    server.define("job").await?;
    let mut client = ResourceServiceClient::new(server.channel().await?);
    client
        .create_resource(resource("job", "cart".to_owned(), ""))
        .await?;
    let request = http::get("/resources/job/cart");
    for _ in 0..bench.rounds {
        let floor = bench.wire.gets(CONNECTIONS, TIME).await?;
        let gets = http::crowd(server.address, CONNECTIONS, &request, TIME).await?;
        table.row(GET, gets.rate, floor.rate);
    }
    Ok(())
}
