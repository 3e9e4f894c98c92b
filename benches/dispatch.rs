//! One at a time: from a create to the offer, and a pipeline from its start to its end.

use std::time::{Duration, Instant};

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use tonic::transport::Channel;

use super::driver::Driver;
use super::http::{Connection, post};
use super::server::{SPEC, Server, resource};
use super::spans::Spans;
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const TIME: Duration = Duration::from_secs(4);
const PARTS: &str = "unary + synced put + one-way push";

const REST_P50: Row = Row {
    name: "REST create -> offer, p50",
    unit: "us",
    floor: PARTS,
    aim: Aim::AtMost(2.0),
};
const REST_P99: Row = Row {
    name: "REST create -> offer, p99",
    unit: "us",
    floor: "the sum of the same floors' p99",
    aim: Aim::AtMost(2.0),
};
const GRPC_P50: Row = Row {
    name: "gRPC create -> offer, p50",
    ..REST_P50
};
const GRPC_P99: Row = Row {
    name: "gRPC create -> offer, p99",
    ..REST_P99
};
const GRPC_BY_REST: Row = Row {
    name: "gRPC create -> offer beside REST, p50",
    unit: "us",
    floor: "REST create -> offer",
    aim: Aim::AtMost(1.0),
};
const FIVE_STEPS: Row = Row {
    name: "pipeline of 5 steps to SUCCEEDED, p50",
    unit: "us",
    floor: "pipeline of 1 step",
    aim: Aim::AtMost(5.0),
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let server = Server::start(bench).await?;
    server.define("job").await?;
    let driver = Driver::join(&server, "builder", "job", 1).await?;
    server.create_pipeline("one", "job", "builder", 1).await?;
    server.create_pipeline("five", "job", "builder", 5).await?;
    let mut line = Line {
        rest: Connection::open(server.address).await?,
        grpc: ResourceServiceClient::new(server.channel().await?),
        server,
        driver,
    };
    for _ in 0..bench.rounds {
        let it = round(bench, &mut line).await?;
        let p50 = it.unary.p50() + it.put.p50() + it.push.p50();
        let p99 = it.unary.p99() + it.put.p99() + it.push.p99();
        table.row(REST_P50, it.rest.p50(), p50);
        table.row(REST_P99, it.rest.p99(), p99);
        table.row(GRPC_P50, it.grpc.p50(), p50);
        table.row(GRPC_P99, it.grpc.p99(), p99);
        table.row(GRPC_BY_REST, it.grpc.p50(), it.rest.p50());
        table.row(FIVE_STEPS, it.five_steps.p50(), it.one_step.p50());
    }
    Ok(())
}

/// The times of one round.
#[derive(Default)]
struct Round {
    unary: Spans,
    push: Spans,
    put: Spans,
    rest: Spans,
    grpc: Spans,
    one_step: Spans,
    five_steps: Spans,
}

/// Takes each in turn, again and again: the disk of a busy machine changes from one second to the next.
async fn round(bench: &Bench, line: &mut Line) -> Result<Round> {
    let mut round = Round::default();
    let mut wire = bench.wire.caller().await?;
    let end = Instant::now() + TIME;
    while Instant::now() < end {
        round.unary.add(wire.unary().await?);
        round.push.add(wire.push().await?);
        round.put.add(bench.store.timed_put()?);
        round.rest.add(line.rest_to_offer().await?);
        round.grpc.add(line.grpc_to_offer().await?);
        round.one_step.add(line.pipeline("one", 1).await?);
        round.five_steps.add(line.pipeline("five", 5).await?);
    }
    Ok(round)
}

/// One server, one driver with one slot, and a client of each kind.
struct Line {
    server: Server,
    driver: Driver,
    rest: Connection,
    grpc: ResourceServiceClient<Channel>,
}

impl Line {
    async fn rest_to_offer(&mut self) -> Result<Duration> {
        let name = self.server.new_name();
        let body = format!(r#"{{"name":"{name}","resource":"job","spec":{SPEC}}}"#);
        let request = post("/resources", &body);
        let start = Instant::now();
        // The offer may come before the answer: what counts is when the driver has it.
        let (answered, offered) = tokio::join!(self.rest.call(&request), async {
            let task = self.driver.offer().await;
            (task, start.elapsed())
        });
        answered?;
        self.finish(offered.0?).await?;
        Ok(offered.1)
    }

    async fn grpc_to_offer(&mut self) -> Result<Duration> {
        let request = resource("job", self.server.new_name(), "");
        let start = Instant::now();
        let (answered, offered) = tokio::join!(self.grpc.create_resource(request), async {
            let task = self.driver.offer().await;
            (task, start.elapsed())
        });
        answered?;
        self.finish(offered.0?).await?;
        Ok(offered.1)
    }

    /// From the create to the ack of the last step's result, at which the run has ended on disk.
    async fn pipeline(&mut self, pipeline: &str, steps: usize) -> Result<Duration> {
        let request = resource("job", self.server.new_name(), pipeline);
        let start = Instant::now();
        let (answered, ended) = tokio::join!(self.grpc.create_resource(request), async {
            for _ in 0..steps {
                let task = next_offer(&mut self.driver).await?;
                self.driver.accept(&task).await?;
                self.driver.succeed(&task, 0).await?;
            }
            self.driver.applied().await?;
            Result::Ok(start.elapsed())
        });
        answered?;
        ended
    }

    async fn finish(&mut self, task: conveyor_client::proto::Reconcile) -> Result<()> {
        self.driver.accept(&task).await?;
        self.driver.succeed(&task, 0).await?;
        self.driver.applied().await
    }
}

/// The next offer; the ack of the step before it may come first.
async fn next_offer(driver: &mut Driver) -> Result<conveyor_client::proto::Reconcile> {
    use conveyor_client::proto::driver_stream_response::Kind as Hear;
    loop {
        match driver.hear().await? {
            Hear::Reconcile(task) => return Ok(task),
            Hear::ResultAck(_) => {}
            other => return Err(format!("expected an offer, heard {other:?}").into()),
        }
    }
}
