//! One driver instance: keeps a stream open, and the work going while there is none.
//!
//! It runs on the manager's own thread, so that no work of the user can hold up its heartbeats.

use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::client::MESSAGE_BYTES;
use crate::driver::Driver;
use crate::error::Error;
use crate::ledger::Ledger;
use crate::proto::Hello;
use crate::stream::{End, Stream};
use crate::work::carry_out;

/// How long work has to stop when the driver is told to end at once.
const ABORT_GRACE: Duration = Duration::from_secs(2);
/// How long work of a replaced instance, or at the end of a lease, has to stop.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// How often the end of the lease is looked for.
const LEASE_TICK: Duration = Duration::from_millis(250);

/// One instance of a driver.
pub(crate) struct Session {
    pub(crate) driver: Arc<Driver>,
    server: String,
    ledger: Arc<Mutex<Ledger>>,
    changed: Arc<Notify>,
    user: Handle,
    tasks: TaskTracker,
    stop: CancellationToken,
    abort: CancellationToken,
}

impl Session {
    /// An instance of `driver` whose work runs on `user`. `stop` drains it, `abort` ends it.
    pub(crate) fn new(
        driver: Driver,
        server: String,
        user: Handle,
        stop: CancellationToken,
        abort: CancellationToken,
    ) -> Self {
        let changed = Arc::new(Notify::new());
        let slots = usize::try_from(driver.slots.max(1)).unwrap_or(usize::MAX);
        let ledger = Ledger::new(slots, driver.log_room, Arc::clone(&changed));
        let ledger = Arc::new(Mutex::new(ledger));
        let tasks = TaskTracker::new();
        let driver = Arc::new(driver);
        Self {
            driver,
            server,
            ledger,
            changed,
            user,
            tasks,
            stop,
            abort,
        }
    }

    /// Serves until drained, aborted, or refused by the server.
    pub(crate) async fn run(self) -> Result<(), Error> {
        let served = tokio::select! {
            served = self.serve() => served,
            never = self.watch() => match never {},
        };
        self.settle().await;
        served
    }

    /// The ledger. Nothing holds it across a wait.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change of the ledger or of its lines.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Starts what can start.
    pub(crate) fn start_ready(&self) {
        while let Some(start) = { self.ledger().next_start() } {
            let (driver, user) = (Arc::clone(&self.driver), self.user.clone());
            let ledger = Arc::clone(&self.ledger);
            self.tasks
                .spawn(async move { carry_out(start, driver, user, &ledger).await });
        }
    }

    /// One stream after the other.
    async fn serve(&self) -> Result<(), Error> {
        let mut instance = Uuid::new_v4();
        let mut backoff = Backoff::new();
        for stream_number in 1.. {
            let why = match self.stream(instance, stream_number, &mut backoff).await {
                End::Drained => break,
                End::Lost(why) => why,
                End::Replaced => {
                    self.ledger().fence_all(STOP_GRACE);
                    instance = Uuid::new_v4();
                    "another stream has taken this instance's place, so its tasks stop".to_owned()
                }
                End::Refused(status) => {
                    let (driver, server) = (self.driver.name.clone(), self.server.clone());
                    return Err(Error::Refused {
                        driver,
                        server,
                        status,
                    });
                }
            };
            let delay = backoff.next_wait();
            warn!(
                driver = self.driver.name,
                "{why}; trying again in {} ms",
                delay.as_millis()
            );
            tokio::select! {
                () = sleep(delay) => {}
                () = self.work_offline() => break,
            }
        }
        Ok(())
    }

    /// One stream, from its Hello to its end.
    async fn stream(&self, instance: Uuid, number: u64, backoff: &mut Backoff) -> End {
        let hello_at = Instant::now();
        let opened = tokio::select! {
            opened = Stream::open(&self.server, self.hello(instance, number)) => opened,
            () = self.work_offline() => return End::Drained,
        };
        match opened {
            Ok((stream, welcome)) => {
                info!(driver = self.driver.name, server = self.server, "connected");
                let patience = welcome
                    .heartbeat_period
                    .as_ref()
                    .map_or(1, |it| it.seconds.max(1));
                let patience = Duration::from_secs(patience.unsigned_abs());
                self.ledger().welcome(welcome, hello_at);
                let end = stream.converse(self).await;
                // A stream that ends at once counts as one more failure.
                if hello_at.elapsed() >= patience {
                    *backoff = Backoff::new();
                }
                end
            }
            Err(end) => end,
        }
    }

    /// Keeps the work going while there is no stream; returns when nothing is left to tell the server.
    async fn work_offline(&self) {
        loop {
            self.start_ready();
            if self.ledger().is_drained() {
                return;
            }
            self.changed().await;
        }
    }

    fn hello(&self, instance: Uuid, stream_number: u64) -> Hello {
        let driver = &self.driver;
        Hello {
            driver: driver.name.clone(),
            instance_id: instance.to_string(),
            stream_number,
            definitions: driver.definitions.clone(),
            events: driver.events.clone(),
            labels: driver.labels.clone(),
            slots: i32::try_from(driver.slots.max(1)).unwrap_or(i32::MAX),
            max_message_bytes: MESSAGE_BYTES as u64,
            sdk_name: env!("CARGO_PKG_NAME").to_owned(),
            sdk_version: env!("CARGO_PKG_VERSION").to_owned(),
            tasks: self.ledger().in_hello(),
        }
    }

    /// Drains on `stop`, drops everything on `abort`, and stops work at the lease's end where wanted.
    async fn watch(&self) -> Infallible {
        let drain = async {
            self.stop.cancelled().await;
            self.ledger().drain();
        };
        let abort = async {
            self.abort.cancelled().await;
            let mut ledger = self.ledger();
            ledger.drain();
            ledger.fence_all(ABORT_GRACE);
        };
        let lease = async {
            if self.driver.stop_at_lease_end {
                self.stop_at_lease_end().await;
            }
        };
        tokio::join!(drain, abort, lease);
        pending().await
    }

    /// Stops the work whenever the server may have given it to others.
    async fn stop_at_lease_end(&self) {
        loop {
            sleep(LEASE_TICK).await;
            let mut ledger = self.ledger();
            if ledger.lease_is_over(Instant::now()) {
                ledger.fence_all(STOP_GRACE);
            }
        }
    }

    /// Lets work that nobody waits for any more stop within its grace.
    async fn settle(&self) {
        self.ledger().fence_all(STOP_GRACE);
        self.tasks.close();
        let patience = async {
            let _ = timeout(STOP_GRACE, self.abort.cancelled()).await;
            sleep(ABORT_GRACE).await;
        };
        tokio::select! {
            () = self.tasks.wait() => {}
            () = patience => warn!(driver = self.driver.name, "leaves work that does not stop"),
        }
    }
}
