//! Drivers that come, do what they are offered, and go without a word after a while.

use std::rc::Rc;
use std::time::Duration;

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use tokio::time::{Instant, timeout_at};

use super::super::Result;
use super::super::driver::Driver;
use super::super::fill::said;
use super::super::server::Server;

const SLOTS: usize = 32;
/// Lines of each step.
const LINES: usize = 20;
/// How long the one who stays least stays. Each of the others stays a second longer than the one before it.
const STAY: Duration = Duration::from_secs(10);

/// Joins, works and goes, again and again.
pub(super) async fn come_and_go(server: Rc<Server>, at: usize) -> Result<()> {
    let stay = STAY + Duration::from_secs(1) * u32::try_from(at)?;
    loop {
        let driver = Driver::join(&server, "builder", "job", SLOTS).await?;
        work(driver, Instant::now() + stay).await?;
    }
}

async fn work(mut driver: Driver, until: Instant) -> Result<()> {
    while let Ok(heard) = timeout_at(until, driver.hear()).await {
        match heard? {
            Hear::Reconcile(task) => {
                driver.accept(&task).await?;
                driver.log(&task, 0, said(&task, LINES)).await?;
                driver.succeed(&task, LINES as u64).await?;
            }
            // What a former instance left behind is taken back; what this one says stands.
            Hear::LogAck(_) | Hear::ResultAck(_) | Hear::Cancel(_) => {}
            other => return Err(format!("unexpected: {other:?}").into()),
        }
    }
    Ok(())
}
