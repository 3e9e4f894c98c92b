//! What the tests stand on: a real server process, a driver that does exactly what a test says, and
//! a plain HTTP client. Nothing here waits for a fixed time: a condition is awaited, with a deadline.

mod calls;
pub(crate) mod frames;
mod http;
mod mount;
mod proxy;
mod scripted;
mod server;

use std::time::Duration;

use tokio::time::{Instant, sleep};

pub(crate) use calls::{params, reason_of, resource, step, violations};
pub(crate) use http::{Answer, Sse};
pub(crate) use mount::Mount;
pub(crate) use proxy::Proxy;
pub(crate) use scripted::{Scripted, held, hello};
pub(crate) use server::{Server, conveyor, doctor, refused_start};

/// How long a test waits for what must happen. A machine on which much else runs starts a Java driver in half a minute.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Asks again and again until `probe` has an answer.
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {PATIENCE:?} for this: {what}"
        );
        sleep(Duration::from_millis(10)).await;
    }
}

/// Awaits what must come within the patience of a test.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} for this: {what}"),
    }
}
