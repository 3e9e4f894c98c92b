//! Fills a store with runs through the doors that people and drivers use, as fast as the server takes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{LogLine, Reconcile};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Result;
use super::driver::Driver;
use super::server::{Server, resource};

const CONNECTIONS: usize = 8;
/// How many creates wait for their answer at once.
const IN_FLIGHT: usize = 256;
/// How many runs a driver has in hand or ahead of it.
const UNFINISHED: usize = 512;
/// How often a long fill says how far it is.
const SAY_AT: usize = 100_000;

/// Makes so many resources, and with each a run that nobody ends.
pub(crate) async fn create(server: &Server, definition: &str, many: usize) -> Result<()> {
    create_within(server, definition, many, Arc::new(Semaphore::new(many))).await
}

/// Makes so many resources, and has a driver of this name end the run of each after so many lines.
pub(crate) async fn finish(
    server: &Server,
    driver: &str,
    definition: &str,
    many: usize,
    lines: usize,
) -> Result<()> {
    let room = Arc::new(Semaphore::new(UNFINISHED));
    let driver = Driver::join(server, driver, definition, UNFINISHED).await?;
    tokio::try_join!(
        create_within(server, definition, many, Arc::clone(&room)),
        work(driver, many, lines, &room),
    )?;
    Ok(())
}

/// Creates while there is room. Whoever ends a run gives its room back.
async fn create_within(
    server: &Server,
    definition: &str,
    many: usize,
    room: Arc<Semaphore>,
) -> Result<()> {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        channels.push(server.channel().await?);
    }
    let names = server.new_name();
    let next = Arc::new(AtomicUsize::new(0));
    let mut creating: JoinSet<Result<()>> = JoinSet::new();
    for at in 0..IN_FLIGHT {
        let mut client = ResourceServiceClient::new(channels[at % CONNECTIONS].clone());
        let (definition, names) = (definition.to_owned(), names.clone());
        let (next, room) = (Arc::clone(&next), Arc::clone(&room));
        creating.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= many {
                    return Ok(());
                }
                room.acquire().await?.forget();
                let name = format!("{names}-{:08x}", scattered(number));
                client
                    .create_resource(resource(&definition, name, ""))
                    .await?;
            }
        });
    }
    while let Some(created) = creating.join_next().await {
        created??;
    }
    Ok(())
}

/// Another number for each number: names are not made in their order, as people do not make them so.
fn scattered(number: usize) -> u32 {
    (number as u32).wrapping_mul(0x9E37_79B1)
}

/// Has a driver end so many runs, each after so many lines.
pub(crate) async fn work(
    mut driver: Driver,
    many: usize,
    lines: usize,
    room: &Semaphore,
) -> Result<()> {
    let mut finished = 0;
    while finished < many {
        match driver.hear().await? {
            Hear::Reconcile(task) => {
                driver.accept(&task).await?;
                if lines > 0 {
                    driver.log(&task, 0, said(&task, lines)).await?;
                }
                driver.succeed(&task, lines as u64).await?;
            }
            Hear::LogAck(_) => {}
            Hear::ResultAck(_) => {
                room.add_permits(1);
                finished += 1;
                if finished % SAY_AT == 0 {
                    eprintln!("  {finished} of {many} runs");
                }
            }
            other => return Err(format!("unexpected: {other:?}").into()),
        }
    }
    Ok(())
}

/// Lines of about 100 bytes, as like each other as those of a build are.
pub(crate) fn said(task: &Reconcile, lines: usize) -> Vec<LogLine> {
    let id = &task.task_id;
    let line = |number| LogLine {
        stream: "stdout".to_owned(),
        message: format!(
            "[{number:>4}] compiling src/cart/{number:04}.rs of the shop into {id}.o, no warnings"
        ),
        ..LogLine::default()
    };
    (0..lines).map(line).collect()
}
