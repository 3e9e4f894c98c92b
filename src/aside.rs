//! Where work goes that may hold up a thread: long reads and checks.
//!
//! A runtime with many threads has others for it. A runtime with one thread is one where everything happens in an
//! order that can be repeated, as in the simulation: there the work is a task among the others.

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;

/// Has work done aside. It goes on though nobody waits for it.
pub(crate) fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => tokio::spawn(async move { work() }),
        _ => tokio::task::spawn_blocking(work),
    }
}
