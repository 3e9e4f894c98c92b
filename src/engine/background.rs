//! What runs in the background for as long as the server does.
//!
//! A panic there is a bug, and is logged and counted where all panics are. What was being done is given up, and the task
//! begins anew after a pause: leases, timeouts and room on the disk have to be looked after all the same.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::Engine;

/// How long a task that panicked rests.
const PAUSE: Duration = Duration::from_secs(5);

impl Engine {
    /// Does a task of this name until it ends, however often it panics.
    pub(super) async fn keep<T: Future<Output = ()>>(
        self,
        name: &'static str,
        task: impl Fn(Self) -> T,
    ) {
        let stop = self.0.stop.clone();
        keep(name, &stop, || task(self.clone())).await;
    }
}

async fn keep<T: Future<Output = ()>>(
    name: &'static str,
    stop: &CancellationToken,
    task: impl Fn() -> T,
) {
    // What outlives a panic is shared, and each part of that answers for itself.
    while AssertUnwindSafe(task()).catch_unwind().await.is_err() {
        tracing::error!(task = name, "begins anew in {PAUSE:?}");
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_begins_anew_after_a_pause_and_not_once_all_stops() {
        let (stop, begun) = (CancellationToken::new(), Cell::new(0));
        let task = || async {
            begun.set(begun.get() + 1);
            assert_eq!(begun.get(), 3, "planted");
        };
        let start = Instant::now();
        keep("planted", &stop, task).await;
        assert_eq!((begun.get(), start.elapsed()), (3, PAUSE * 2));
        stop.cancel();
        keep("planted", &stop, task).await;
        assert_eq!(begun.get(), 4);
    }
}
