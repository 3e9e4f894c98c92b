//! Full cycles per second: create, offer, ack and result, each on disk before it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{ResultAck, ResultOutcome};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use super::driver::Driver;
use super::server::{Server, resource};
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

const WARM_UP: Duration = Duration::from_millis(300);
const TIME: Duration = Duration::from_millis(1500);
/// Connections that the creates come over.
const CONNECTIONS: usize = 8;
const DRIVERS: usize = 8;

const ONE_DRIVER_64: Row = Row {
    name: "full cycles, 64 in flight, one driver",
    unit: "per s",
    floor: "RocksDB synced puts, 128 writers",
    aim: Aim::AtLeast(1.0 / 6.0),
};
const ONE_DRIVER_256: Row = Row {
    name: "full cycles, 256 in flight, one driver",
    ..ONE_DRIVER_64
};
const EIGHT_DRIVERS_64: Row = Row {
    name: "full cycles, 64 in flight, eight drivers",
    unit: "per s",
    floor: "the same with one driver",
    aim: Aim::AtLeast(0.9),
};
const EIGHT_DRIVERS_256: Row = Row {
    name: "full cycles, 256 in flight, eight drivers",
    ..EIGHT_DRIVERS_64
};

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let server = Server::start(bench).await?;
    for at in 0..DRIVERS {
        server.define(&definition(at)).await?;
    }
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        channels.push(server.channel().await?);
    }
    for _ in 0..bench.rounds {
        for (in_flight, one_row, eight_row) in [
            (64, ONE_DRIVER_64, EIGHT_DRIVERS_64),
            (256, ONE_DRIVER_256, EIGHT_DRIVERS_256),
        ] {
            let floor = bench.store.group_commit(128, TIME / 3)?.rate;
            let one = rate(&server, &channels, 1, in_flight).await?;
            let eight = rate(&server, &channels, DRIVERS, in_flight).await?;
            table.row(one_row, one, floor);
            table.row(eight_row, eight, one);
        }
    }
    Ok(())
}

fn definition(at: usize) -> String {
    format!("job-{at}")
}

/// What creators and drivers share.
struct Flow {
    /// One permit for each cycle that may begin.
    room: Semaphore,
    finished: AtomicU64,
    over: AtomicBool,
}

/// Cycles per second with so many drivers, each of a definition of its own, and so many cycles at once.
async fn rate(
    server: &Server,
    channels: &[Channel],
    drivers: usize,
    in_flight: usize,
) -> Result<f64> {
    let flow = Arc::new(Flow {
        room: Semaphore::new(in_flight),
        finished: AtomicU64::new(0),
        over: AtomicBool::new(false),
    });
    let mut working = JoinSet::new();
    for at in 0..drivers {
        let name = format!("builder-{at}");
        let driver = Driver::join(server, &name, &definition(at), in_flight).await?;
        working.spawn(work(driver, Arc::clone(&flow)));
    }
    let mut creating = JoinSet::new();
    for at in 0..in_flight {
        let client = ResourceServiceClient::new(channels[at % channels.len()].clone());
        let names = format!("{}-{at}", server.new_name());
        creating.spawn(create(
            client,
            definition(at % drivers),
            names,
            Arc::clone(&flow),
        ));
    }
    let count = tokio::select! {
        count = window(&flow) => count,
        // A driver works on until it is stopped: one that ends has failed.
        Some(ended) = working.join_next() => return Err(format!("a driver ended: {:?}", ended?).into()),
    };
    flow.over.store(true, Ordering::Relaxed);
    while let Some(created) = creating.join_next().await {
        created??;
    }
    // Every cycle that was begun ends before its driver goes.
    let all = u32::try_from(in_flight)?;
    drop(tokio::time::timeout(Duration::from_secs(20), flow.room.acquire_many(all)).await??);
    working.shutdown().await;
    Ok(count)
}

/// Cycles per second that end within the time measured.
async fn window(flow: &Flow) -> f64 {
    tokio::time::sleep(WARM_UP).await;
    let (start, before) = (Instant::now(), flow.finished.load(Ordering::Relaxed));
    tokio::time::sleep(TIME).await;
    let count = flow.finished.load(Ordering::Relaxed) - before;
    count as f64 / start.elapsed().as_secs_f64()
}

async fn create(
    mut client: ResourceServiceClient<Channel>,
    definition: String,
    names: String,
    flow: Arc<Flow>,
) -> Result<()> {
    for number in 0_u64.. {
        let room = flow.room.acquire().await?;
        if flow.over.load(Ordering::Relaxed) {
            break;
        }
        // The driver gives the room back when the cycle has ended.
        room.forget();
        let request = resource(&definition, format!("{names}-{number}"), "");
        client.create_resource(request).await?;
    }
    Ok(())
}

async fn work(mut driver: Driver, flow: Arc<Flow>) -> Result<()> {
    loop {
        match driver.hear().await? {
            Hear::Reconcile(task) => {
                driver.accept(&task).await?;
                driver.succeed(&task, 0).await?;
            }
            Hear::ResultAck(ack) => {
                applied(&ack)?;
                flow.finished.fetch_add(1, Ordering::Relaxed);
                flow.room.add_permits(1);
            }
            other => return Err(format!("unexpected: {other:?}").into()),
        }
    }
}

fn applied(ack: &ResultAck) -> Result<()> {
    match ack.outcome() {
        ResultOutcome::Applied => Ok(()),
        other => Err(format!("a result was not applied: {other:?}").into()),
    }
}
