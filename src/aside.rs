//! Where work goes that may hold up a thread: long reads and checks.
//!
//! A runtime with many threads has others for it. A runtime with one thread is one where everything happens in an
//! order that can be repeated, as in the simulation: there the work is a task among the others.

use std::panic::resume_unwind;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

/// Has work done aside. It goes on though nobody waits for it.
pub(crate) fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => tokio::spawn(async move { work() }),
        _ => tokio::task::spawn_blocking(work),
    }
}

/// Waits for work that goes on aside. Its panic is one of who waits for it; `None` where it was not done, since
/// everything stops.
pub(crate) async fn joined<T>(work: JoinHandle<T>) -> Option<T> {
    match work.await {
        Ok(done) => Some(done),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}
