//! Wiring: opens the store, starts the engine, serves one listener, and drains in order.
//!
//! Order of a drain: nothing new is accepted, drivers are told, what arrived is committed and acked, every stream
//! ends, the store is closed. A deadline bounds it all, and a second signal ends the process at once.

#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::figures::Figures;
use crate::api::grpc::Api;
use crate::api::listen::{ListenOptions, serve};
use crate::api::{Doors, Room, RouterOptions, Watch};
use crate::config::Settings;
use crate::engine::world::SystemWorld;
use crate::engine::{Engine, Options, RetentionOptions};
use crate::meter::Counter;
use crate::observe::metrics::Metrics;
use crate::observe::panics;
use crate::observe::traces::Traces;
use crate::store::Store;

/// How long a driver's stream may take to end by itself once it was told to.
const GOODBYE: Duration = Duration::from_millis(200);

/// How long a request may take to arrive: 8 MiB over a slow line, and no longer.
const ARRIVAL: Duration = Duration::from_secs(60);

/// Most connections that wait to be accepted, as far as the kernel allows. One that finds no room tries again a second
/// later, which a fleet that comes back after a restart would feel.
const BACKLOG: u32 = 16_384;

/// Why the server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}. Name a free address with --listen; port 0 picks a free port"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// The engine cannot start.
    #[error("cannot bring back what was stored: {0}")]
    Engine(#[from] crate::error::Error),
    /// Traces cannot be sent.
    #[error(transparent)]
    Traces(#[from] crate::observe::traces::Error),
    /// The system refused something.
    #[error("{0}")]
    System(#[from] io::Error),
    /// Standard output takes nothing.
    #[error("cannot say on standard output where it listens: {0}")]
    Announce(io::Error),
    /// A write failed while serving, or something that is as bad.
    #[error("stopped, since {0}. What was answered OK before is on disk")]
    Failed(String),
    /// The signal came a second time.
    #[error("ended at once by a second signal")]
    Hurried,
}

/// Serves until a signal comes or a write fails.
pub async fn run(settings: Settings) -> Result<(), Error> {
    let mut signals = Signals::new()?;
    let files = raise_file_limit();
    let listener = listen(settings.listen).map_err(|source| Error::Listen {
        address: settings.listen,
        source,
    })?;
    let address = listener.local_addr()?;
    let panics = panics::watch();
    let traces = Traces::start(&settings.trace.otlp, settings.trace.sample_ratio)?;
    let parts = Parts::start(&settings, files, traces, panics).await?;
    let accepting = CancellationToken::new();
    let options = listen_options(&settings, files);
    let doors = parts.doors(&settings, address);
    let accept = serve(listener, doors, options, accepting.clone(), &parts.tracker);
    if let Err(error) = announce(address, &settings) {
        parts.end_at_once().await;
        return Err(Error::Announce(error));
    }
    let mut failed = parts.engine.failed();
    tokio::select! {
        () = accept => {}
        () = signals.next() => {}
        reason = failed.wait_for(Option::is_some) => {
            let reason = reason.ok().and_then(|reason| reason.clone()).unwrap_or_default();
            parts.end_at_once().await;
            return Err(Error::Failed(reason));
        }
    }
    tracing::info!("draining");
    accepting.cancel();
    tokio::select! {
        () = parts.drain(settings.drain_time / 4) => Ok(()),
        () = tokio::time::sleep(settings.drain_time) => {
            tracing::warn!("the drain took too long, and was cut short");
            Ok(())
        }
        () = signals.next() => Err(Error::Hurried),
    }
}

/// What runs behind the listener.
struct Parts {
    store: Store,
    engine: Engine,
    traces: Option<Arc<Traces>>,
    panics: Arc<Counter>,
    tracker: TaskTracker,
    stop: CancellationToken,
    serving: watch::Sender<bool>,
}

impl Parts {
    async fn start(
        settings: &Settings,
        files: u64,
        traces: Option<Arc<Traces>>,
        panics: Arc<Counter>,
    ) -> Result<Self, Error> {
        let store = Store::open(&settings.data, i32::try_from(files / 8).unwrap_or(i32::MAX))?;
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let started = Engine::start(
            store.clone(),
            Arc::new(SystemWorld::start()),
            traces.as_ref().map(Traces::tracer).unwrap_or_default(),
            engine_options(settings),
            stop.clone(),
            &tracker,
        )
        .await;
        let engine = match started {
            Ok(engine) => engine,
            Err(error) => {
                // What cannot be read is not written over, and what runs behind the store must end before the process.
                store.committer().fail(&error.to_string());
                store.close().await;
                return Err(error.into());
            }
        };
        Ok(Self {
            store,
            engine,
            traces,
            panics,
            tracker,
            stop,
            serving: watch::Sender::new(true),
        })
    }

    fn doors(&self, settings: &Settings, address: SocketAddr) -> Doors {
        let api = Api::new(
            self.engine.clone(),
            settings.driver.hello_time,
            self.stop.clone(),
            self.tracker.clone(),
        );
        let options = self.router_options(settings, address);
        Doors::new(api.clone(), api.text_only(), options)
    }

    /// What the doors are watched by.
    fn watch(&self) -> Watch {
        let figures = Arc::<Figures>::default();
        let (engine, store) = (self.engine.clone(), self.store.clone());
        let metrics = Metrics::new(
            Arc::clone(&figures),
            engine,
            store,
            Arc::clone(&self.panics),
        );
        Watch {
            figures,
            tracer: self.traces.as_ref().map(Traces::tracer).unwrap_or_default(),
            exposition: Arc::new(metrics),
        }
    }

    fn router_options(&self, settings: &Settings, address: SocketAddr) -> RouterOptions {
        RouterOptions {
            serving: self.serving.subscribe(),
            stop: self.stop.clone(),
            tracker: self.tracker.clone(),
            body_bytes: settings.api.body_bytes,
            loopback: address.ip().is_loopback(),
            hosts: settings.api.hosts.clone(),
            origins: settings.api.origins.clone(),
            arrival: ARRIVAL,
            room: Room::default(),
            watch: self.watch(),
        }
    }

    /// Ends without a drain.
    async fn end_at_once(&self) {
        self.serving.send_replace(false);
        self.stop.cancel();
        self.store.close().await;
    }

    /// Ends in order, and sends the last spans for no longer than `flush`.
    async fn drain(&self, flush: Duration) {
        self.serving.send_replace(false);
        self.engine.announce_drain();
        tokio::time::sleep(GOODBYE).await;
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.store.close().await;
        if let Some(traces) = &self.traces {
            Arc::clone(traces).flush(flush).await;
        }
    }
}

/// Connections that come during the start wait in the kernel until they are accepted.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The first line of output: scripts read the address from it.
fn announce(address: SocketAddr, settings: &Settings) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "listening on http://{address} (data in {})",
        settings.data.display()
    )?;
    out.flush()
}

/// Raises the soft limit of open files to the hard one, and answers it.
fn raise_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(1 << 20).min(1 << 20);
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit of open files");
            limit.current.unwrap_or(1024)
        }
    }
}

fn engine_options(settings: &Settings) -> Options {
    Options {
        lease_time: settings.driver.lease_time,
        heartbeat_period: settings.driver.heartbeat_period,
        ack_time: settings.driver.ack_time,
        cancel_grace: settings.driver.cancel_grace,
        refusal_pause: settings.driver.refusal_pause,
        min_free_bytes: settings.store.min_free_bytes,
        retention: RetentionOptions {
            period: settings.retention.period,
            policy: settings.retention.policy,
            changes: settings.retention.changes,
        },
    }
}

/// An eighth of the open files is the store's; connections take from the rest.
fn listen_options(settings: &Settings, files: u64) -> ListenOptions {
    let most = usize::try_from(files - files / 8).unwrap_or(usize::MAX);
    ListenOptions {
        connections: settings.api.connections.min(most),
        // A peer that reads nothing is let go before the drain as a whole is over.
        drain: settings.drain_time * 3 / 4,
        ..ListenOptions::default()
    }
}

/// Ctrl-C and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
