//! Carries out one task: the reconcile function on the user's runtime, its minder on the session's.
//!
//! The minder sees the function return, panic, or outstay its grace, and reports to the ledger. When
//! the minder itself goes, the function's future goes with it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle};

use crate::cancel::CancelSignal;
use crate::driver::Driver;
use crate::ledger::{Ledger, Start};
use crate::logger::Logger;
use crate::outcome::Outcome;
use crate::panics::{Panic, caught};
use crate::task::Task;

/// Starts the work on `user` and waits for its end.
pub(crate) async fn carry_out(
    start: Start,
    driver: Arc<Driver>,
    user: Handle,
    ledger: &Mutex<Ledger>,
) {
    let Start {
        offer,
        step,
        lines,
        cancel,
    } = start;
    let task_id = offer.task_id.clone();
    let log = Logger::new(lines);
    let task = Task::new(offer, log.clone(), cancel.clone(), Instant::now());
    // The function itself is called inside the spawned task, so that its panics are caught there.
    let work = user.spawn(caught(async move { (driver.reconcile)(task).await }));
    let outcome = mind(work, &cancel, &log).await;
    ledger
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .finish(&step, &task_id, outcome);
}

/// Waits for the work, for its whole grace when it is cancelled. None: it was cut short by the end of
/// the user's runtime.
async fn mind(
    mut work: JoinHandle<Result<Outcome, Panic>>,
    cancel: &CancelSignal,
    log: &Logger,
) -> Option<Outcome> {
    let _guard = AbortOnDrop(work.abort_handle());
    let ended = tokio::select! {
        ended = &mut work => ended,
        grace = grace_over(cancel) => {
            work.abort();
            // A function that blocks its thread is not stopped by this: it is waited for.
            match work.await {
                Err(error) if error.is_cancelled() => {
                    return Some(Outcome::failure(format!(
                        "cancelled; the work did not stop within {} s", grace.as_secs_f32()
                    )));
                }
                ended => ended,
            }
        }
    };
    match ended {
        Ok(Ok(outcome)) => Some(outcome),
        Ok(Err(panic)) => {
            let text = format!("the driver panicked: {}", panic.text);
            log.error_now(&format!("{text}\n{}", panic.trace));
            Some(Outcome::failure(text))
        }
        Err(_) => None,
    }
}

async fn grace_over(cancel: &CancelSignal) -> Duration {
    let why = cancel.cancelled().await;
    tokio::time::sleep_until(why.stop_by.into()).await;
    why.grace
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
