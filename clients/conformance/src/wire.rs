//! The network between contender and server: a TCP relay that can be cut, frozen and taken away.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::fault::{Fault, Played};

/// How much is relayed at once: little, so that a cut falls into the middle of a message.
const CHUNK: usize = 4 << 10;

/// What becomes of the bytes of a connection that a driver sends.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    /// They are relayed, and so is what it is sent.
    Free,
    /// So many more are relayed, then the connection breaks.
    Bytes(usize),
    /// Nothing moves either way, and neither side is told.
    Frozen,
}

/// A relay to one server.
pub(crate) struct Wire {
    address: SocketAddr,
    server: SocketAddr,
    live: Arc<Mutex<Live>>,
    accepting: Mutex<Option<AbortHandle>>,
    freezes: bool,
}

/// The connections that stand.
#[derive(Default)]
struct Live {
    relays: JoinSet<()>,
    flows: Vec<watch::Sender<Flow>>,
}

impl Wire {
    /// A relay to `server`, on a port of its own; one that is not `up` refuses connections,
    /// and one that never `freezes` stays as it is.
    pub(crate) async fn to(server: SocketAddr, up: bool, freezes: bool) -> Played<Self> {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let no_address = |error| Fault(format!("the wire has no address: {error}"));
        let wire = Self {
            address: listener.local_addr().map_err(no_address)?,
            server,
            live: Arc::default(),
            accepting: Mutex::new(None),
            freezes,
        };
        if up {
            wire.accept(listener);
        }
        Ok(wire)
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks every connection; new ones work.
    pub(crate) fn cut(&self) {
        *self.live() = Live::default();
    }

    /// Breaks every connection after `bytes` more of what the driver sends.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.set(Flow::Bytes(bytes));
    }

    /// From now on nothing moves on the connections that stand, and neither side is told; new ones work.
    pub(crate) fn freeze(&self) {
        if self.freezes {
            self.set(Flow::Frozen);
        }
    }

    /// What was frozen moves again.
    pub(crate) fn thaw(&self) {
        self.set(Flow::Free);
    }

    /// Breaks every connection, and refuses new ones.
    pub(crate) fn down(&self) {
        if let Some(accepting) = lock(&self.accepting).take() {
            accepting.abort();
        }
        self.cut();
    }

    /// Takes connections again.
    pub(crate) async fn up(&self) -> Played {
        self.accept(listen(self.address).await?);
        Ok(())
    }

    fn accept(&self, listener: TcpListener) {
        let (live, server) = (Arc::clone(&self.live), self.server);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if let Ok(far) = TcpStream::connect(server).await {
                    let (sender, flow) = watch::channel(Flow::Free);
                    let mut live = lock(&live);
                    live.flows.push(sender);
                    live.relays.spawn(relay(near, far, flow));
                }
            }
        });
        *lock(&self.accepting) = Some(accepting.abort_handle());
    }

    fn set(&self, flow: Flow) {
        self.live().flows.iter().for_each(|it| {
            it.send_replace(flow);
        });
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        lock(&self.live)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.down();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(address: SocketAddr) -> Played<TcpListener> {
    let taken = |error| Fault(format!("the wire cannot listen on {address}: {error}"));
    TcpListener::bind(address).await.map_err(taken)
}

/// Relays both ways until one side ends. Both are closed when it returns or is dropped.
async fn relay(near: TcpStream, far: TcpStream, flow: watch::Receiver<Flow>) {
    // A connection that cannot send small packets at once is slow, not wrong.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::select! {
        _ = carry(near_read, far_write, flow.clone(), true) => {}
        _ = carry(far_read, near_write, flow, false) => {}
    }
}

/// Relays one way, as `flow` says. Only what the driver sends is counted.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut flow: watch::Receiver<Flow>,
    counted: bool,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut passed = 0;
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        if flow.has_changed().unwrap_or(true) {
            passed = 0;
        }
        // The sender goes when the wire is cut, and this relay with it.
        let free = flow.wait_for(|flow| *flow != Flow::Frozen).await;
        let Ok(free) = free.map(|flow| *flow) else {
            return Ok(());
        };
        let left = match free {
            Flow::Bytes(limit) if counted => limit.saturating_sub(passed).min(count),
            Flow::Bytes(_) | Flow::Free | Flow::Frozen => count,
        };
        to.write_all(&buffer[..left]).await?;
        passed += left;
        if left < count {
            return Ok(());
        }
    }
}
