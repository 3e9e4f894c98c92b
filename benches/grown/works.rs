//! What drivers wait for: the offer after a create, and the ack of log lines.

use std::time::{Duration, Instant};

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{LogAckStatus, Reconcile};
use tonic::transport::Channel;

use super::super::driver::Driver;
use super::super::fill::said;
use super::super::server::{Server, resource};
use super::super::spans::Spans;
use super::super::table::{Aim, Row, Table};
use super::super::{Bench, Result};
use super::{KINDS, LINES};

const TIME: Duration = Duration::from_secs(4);
const SMALL: &str = "the same after 1,000 runs";

const OFFER_P50: Row = Row {
    name: "gRPC create -> offer after 1,000,000 finished runs, p50",
    unit: "us",
    floor: SMALL,
    aim: Aim::AtMost(1.3),
};
const OFFER_P99: Row = Row {
    name: "gRPC create -> offer after 1,000,000 finished runs, p99",
    ..OFFER_P50
};
const APPEND_P50: Row = Row {
    name: "10 log lines to disk and acked beside 10,000,000 others, p50",
    ..OFFER_P50
};
const APPEND_P99: Row = Row {
    name: "10 log lines to disk and acked beside 10,000,000 others, p99",
    ..OFFER_P50
};

/// Measures both in turn, again and again, so that what else the disk does falls on both.
pub(crate) async fn measure(
    bench: &Bench,
    table: &mut Table,
    small: &Server,
    large: &Server,
) -> Result<()> {
    let mut sides = [Worker::join(small).await?, Worker::join(large).await?];
    for _ in 0..bench.rounds {
        let (mut offers, mut appends) = (
            [Spans::default(), Spans::default()],
            [Spans::default(), Spans::default()],
        );
        let end = Instant::now() + TIME;
        while Instant::now() < end {
            for (at, worker) in sides.iter_mut().enumerate() {
                let (task, taken) = worker.offer().await?;
                offers[at].add(taken);
                appends[at].add(worker.append(&task).await?);
            }
        }
        table.row(OFFER_P50, offers[1].p50(), offers[0].p50());
        table.row(OFFER_P99, offers[1].p99(), offers[0].p99());
        table.row(APPEND_P50, appends[1].p50(), appends[0].p50());
        table.row(APPEND_P99, appends[1].p99(), appends[0].p99());
    }
    Ok(())
}

/// A client and a driver, each with one thing at a time.
struct Worker<'a> {
    server: &'a Server,
    client: ResourceServiceClient<Channel>,
    driver: Driver,
}

impl<'a> Worker<'a> {
    async fn join(server: &'a Server) -> Result<Self> {
        Ok(Self {
            server,
            client: ResourceServiceClient::new(server.channel().await?),
            driver: Driver::join(server, KINDS[0], KINDS[0], 1).await?,
        })
    }

    /// How long it takes from a create to its offer, which is accepted.
    async fn offer(&mut self) -> Result<(Reconcile, Duration)> {
        let request = resource(KINDS[0], self.server.new_name(), "");
        let start = Instant::now();
        let (answered, offered) = tokio::join!(self.client.create_resource(request), async {
            let task = self.driver.offer().await;
            (task, start.elapsed())
        });
        answered?;
        let task = offered.0?;
        self.driver.accept(&task).await?;
        Ok((task, offered.1))
    }

    /// How long lines take from the driver to the disk and back; then ends the task.
    async fn append(&mut self, task: &Reconcile) -> Result<Duration> {
        let lines = said(task, LINES);
        let start = Instant::now();
        self.driver.log(task, 0, lines).await?;
        let stored = match self.driver.hear().await? {
            Hear::LogAck(ack) => ack.status() == LogAckStatus::Stored && ack.next == LINES as u64,
            _ => false,
        };
        if !stored {
            return Err("the lines were not stored".into());
        }
        let taken = start.elapsed();
        self.driver.succeed(task, LINES as u64).await?;
        self.driver.applied().await?;
        Ok(taken)
    }
}
