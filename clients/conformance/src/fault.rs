//! Why a case failed, in words for the author of a runtime.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

/// Why a case failed.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) String);

/// What a case, and every part of one, gives back.
pub(crate) type Played<T = ()> = Result<T, Fault>;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Fails the case with a message unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err($crate::fault::Fault(format!($($message)+)));
        }
    };
}

/// Fails the case with a message.
macro_rules! fail {
    ($($message:tt)+) => {
        return Err($crate::fault::Fault(format!($($message)+)))
    };
}

pub(crate) use {ensure, fail};

/// Fails unless `got`, which `what` names, is what was wanted.
pub(crate) fn equal<T: fmt::Debug + PartialEq<U>, U: fmt::Debug>(
    what: &str,
    got: T,
    wanted: U,
) -> Played {
    ensure!(
        got == wanted,
        "{what}: {wanted:?} is due, and it is {got:?}"
    );
    Ok(())
}

/// Waits for what must come within `deadline`.
pub(crate) async fn within<T>(
    deadline: Duration,
    what: &str,
    wait: impl Future<Output = T>,
) -> Played<T> {
    let late = |_| Fault(format!("{what} did not come within {deadline:?}"));
    timeout(deadline, wait).await.map_err(late)
}
