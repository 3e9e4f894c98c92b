//! How a task learns that it is to stop, and why.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// Why a task is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// Its run was cancelled. A result within the grace is kept.
    Cancelled,
    /// Its time is over. A result within the grace is kept.
    Deadline,
    /// Another instance has the step, or nobody needs it. Nothing it still says is kept.
    Fenced,
}

/// Why a task is to stop, and by when.
#[derive(Clone, Copy, Debug)]
pub struct Cancellation {
    /// Why.
    pub reason: CancelReason,
    /// How long it had from the moment of the cancel.
    pub grace: Duration,
    /// When the grace is over. The runtime then drops the reconcile function's future.
    pub stop_by: Instant,
}

/// Tells a task that it is to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct CancelSignal {
    token: CancellationToken,
    why: Arc<Mutex<Option<Cancellation>>>,
}

impl CancelSignal {
    /// Waits for the cancel, and says why it came.
    pub async fn cancelled(&self) -> Cancellation {
        self.token.cancelled().await;
        self.cancellation()
            .expect("the reason is written before the token fires")
    }

    /// Whether the task is to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Why the task is to stop, if it is.
    #[must_use]
    pub fn cancellation(&self) -> Option<Cancellation> {
        *self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bare token, for code that takes one.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.child_token()
    }

    /// Fires the signal. A later cancel changes the reason only when it is FENCED, which outranks
    /// the others, and never gives more time.
    pub(crate) fn cancel(&self, reason: CancelReason, grace: Duration) {
        {
            let mut why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
            let stop_by = Instant::now() + grace;
            match why.as_mut() {
                None => {
                    *why = Some(Cancellation {
                        reason,
                        grace,
                        stop_by,
                    })
                }
                Some(first) if reason == CancelReason::Fenced => {
                    first.reason = reason;
                    first.stop_by = first.stop_by.min(stop_by);
                }
                Some(_) => {}
            }
        }
        self.token.cancel();
    }
}
