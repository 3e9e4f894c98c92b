//! Runs drivers against a server.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::client::endpoint;
use crate::driver::Driver;
use crate::error::Error;
use crate::panics::note_places;
use crate::session::Session;
use crate::signals::cancel_in_turn;

/// Where a server is looked for by one who was not told.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// Runs one or more drivers against one server until it is told to stop.
#[derive(Debug)]
pub struct Manager {
    server: String,
    drivers: Vec<Driver>,
    abort: CancellationToken,
    drain_timeout: Option<Duration>,
}

/// A manager for the server that the variable `CONVEYOR_SERVER` names, or else for [`DEFAULT_SERVER`].
impl Default for Manager {
    fn default() -> Self {
        let said = std::env::var("CONVEYOR_SERVER").unwrap_or_default();
        Self::new(if said.is_empty() {
            DEFAULT_SERVER.to_owned()
        } else {
            said
        })
    }
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
    /// A server that is away is waited for. Reconcile functions run on the runtime that calls this;
    /// what is said to the server has a thread of its own, which no work can hold up. Dropping the
    /// future aborts.
    ///
    /// # Errors
    /// [`Error::Refused`] when the server will not have one of the drivers; the others are drained.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        if self.drivers.is_empty() {
            return Err(Error::NoDriver);
        }
        endpoint(&self.server)?;
        note_places();
        let manager = Self {
            abort: self.abort.child_token(),
            ..self
        };
        let _guard = manager.abort.clone().drop_guard();
        let user = Handle::current();
        let (tell, told) = oneshot::channel();
        let gone = |reason: String| Error::Thread { reason };
        let speak = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let ended = match runtime {
                Ok(runtime) => runtime.block_on(manager.serve(user, stop.child_token())),
                Err(error) => Err(gone(error.to_string())),
            };
            // Nobody listens any more when the future of `run` was dropped.
            let _ = tell.send(ended);
        };
        let thread = std::thread::Builder::new().name("conveyor-driver".to_owned());
        thread
            .spawn(speak)
            .map_err(|error| gone(error.to_string()))?;
        told.await
            .unwrap_or_else(|_| Err(gone("it panicked".to_owned())))
    }

    /// Works until Ctrl-C or SIGTERM, then drains as [`Manager::run`] does. A second signal aborts: it fires
    /// the token of [`Manager::abort_on`].
    ///
    /// # Errors
    /// Those of [`Manager::run`].
    pub async fn run_until_signal(self) -> Result<(), Error> {
        let stop = CancellationToken::new();
        let signals = tokio::spawn(cancel_in_turn([stop.clone(), self.abort.clone()]));
        let ended = self.run(stop).await;
        signals.abort();
        ended
    }

    /// Runs a session for each driver, on the thread for them.
    async fn serve(self, user: Handle, stop: CancellationToken) -> Result<(), Error> {
        let mut sessions = JoinSet::new();
        for driver in self.drivers {
            let (server, user) = (self.server.clone(), user.clone());
            let session = Session::new(driver, server, user, stop.clone(), self.abort.clone());
            sessions.spawn(session.run());
        }
        let drain_limit = async {
            stop.cancelled().await;
            match self.drain_timeout {
                Some(limit) => sleep(limit).await,
                None => pending().await,
            }
            self.abort.cancel();
            pending::<Infallible>().await
        };
        let ends = async {
            let mut all = Ok(());
            while let Some(ended) = sessions.join_next().await {
                let ended = ended.unwrap_or_else(|error| {
                    Err(Error::Thread {
                        reason: error.to_string(),
                    })
                });
                if ended.is_err() {
                    // One driver that cannot go on ends them all.
                    stop.cancel();
                    all = all.and(ended);
                }
            }
            all
        };
        tokio::select! {
            all = ends => all,
            never = drain_limit => match never {},
        }
    }
}
