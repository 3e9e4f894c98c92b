//! A page of a list, in a small store and in a large one.

use std::time::Duration;

use conveyor_client::proto::pipeline_service_client::PipelineServiceClient;
use tokio::task::JoinSet;

use super::http::{Connection, get};
use super::server::{Server, pipeline};
use super::spans::Spans;
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const TIME: Duration = Duration::from_millis(500);
const FEW: usize = 1_000;
const MANY: usize = 50_000;
/// Creates in flight while a store is filled.
const FILLERS: usize = 64;

const PAGE: Row = Row {
    name: "list page of 100 pipelines among 50,000, p50",
    unit: "us",
    floor: "the same among 1,000",
    aim: Aim::AtMost(1.3),
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let small = filled(bench, FEW).await?;
    let large = filled(bench, MANY).await?;
    for _ in 0..bench.rounds {
        let floor = pages(&small).await?;
        let value = pages(&large).await?;
        table.row(PAGE, value.p50(), floor.p50());
    }
    Ok(())
}

async fn filled(bench: &Bench, count: usize) -> Result<Server> {
    let server = Server::start(bench).await?;
    server.define("job").await?;
    let channel = server.channel().await?;
    let mut filling = JoinSet::new();
    for filler in 0..FILLERS {
        let mut client = PipelineServiceClient::new(channel.clone());
        filling.spawn(async move {
            for number in (filler..count).step_by(FILLERS) {
                let request = pipeline(&format!("p-{number:06}"), "job", "builder", 2);
                client.create_pipeline(request).await?;
            }
            Result::Ok(())
        });
    }
    while let Some(filled) = filling.join_next().await {
        filled??;
    }
    Ok(server)
}

async fn pages(server: &Server) -> Result<Spans> {
    let mut connection = Connection::open(server.address).await?;
    let request = get("/pipelines?page_size=100");
    connection.repeat(&request, TIME).await
}
