//! What the process of a driver does: it works on what it is offered, until it is told to stop or killed.

use std::time::Duration;

use conveyor_client::{CancellationToken, Driver, Manager, Outcome, Task};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::Result;

/// Which driver, and where.
#[derive(clap::Args)]
pub(crate) struct Work {
    /// The server's address.
    #[arg(long)]
    pub(crate) server: String,
    /// The driver's name.
    #[arg(long)]
    pub(crate) name: String,
    /// How long it waits before it comes, in milliseconds.
    #[arg(long)]
    pub(crate) after: u64,
}

/// How many tasks it takes at once.
const SLOTS: u32 = 4;
/// The definition of resources that have no pipeline.
pub(crate) const WITHOUT_PIPELINE: &str = "note";

/// What each task gives back: what the checks hold its lines against.
#[derive(Serialize, Deserialize)]
pub(crate) struct Done {
    /// The task that did it.
    pub(crate) task: String,
    /// How many lines it wrote.
    pub(crate) lines: u64,
}

/// The text of the line of that number, from 0.
pub(crate) fn text(task: &str, number: u64) -> String {
    format!("{task} {number}")
}

/// Works until SIGTERM, then ends what it has in hand.
pub(crate) async fn run(work: Work) -> Result<()> {
    // The one who started it may be killed too.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    sleep(Duration::from_millis(work.after)).await;
    let stop = CancellationToken::new();
    let drain = stop.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        terminate.recv().await;
        drain.cancel();
        std::future::pending::<()>().await
    });
    let driver = Driver::new(work.name, carry_out)
        .definitions([WITHOUT_PIPELINE])
        .events(["*", "delete"])
        .slots(SLOTS);
    Ok(Manager::new(work.server).driver(driver).run(stop).await?)
}

async fn carry_out(task: Task) -> Outcome {
    let lines = fastrand::u64(5..40);
    for number in 0..lines {
        task.log.info(text(&task.task_id, number)).await;
        if fastrand::u8(..8) == 0 {
            sleep(Duration::from_millis(fastrand::u64(..40))).await;
        }
        if task.cancel.is_cancelled() {
            return Outcome::failure("stopped");
        }
    }
    Outcome::success("done").data(Done {
        task: task.task_id,
        lines,
    })
}
