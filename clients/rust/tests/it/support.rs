//! What the tests share: a driver that runs, and a network that can be cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conveyor_client::{CancellationToken, Driver, Error, Manager, Outcome, Task};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::script::soon;

/// A manager that runs beside the test.
pub(crate) struct Running {
    pub(crate) stop: CancellationToken,
    pub(crate) abort: CancellationToken,
    ended: JoinHandle<Result<(), Error>>,
}

impl Running {
    /// Runs `driver` against the server at `url`.
    pub(crate) fn start(url: impl Into<String>, driver: Driver) -> Self {
        let (stop, abort) = (CancellationToken::new(), CancellationToken::new());
        let manager = Manager::new(url).driver(driver).abort_on(abort.clone());
        let ended = tokio::spawn(manager.run(stop.clone()));
        Self { stop, abort, ended }
    }

    /// Waits for the end of the manager.
    pub(crate) async fn ended(self) -> Result<(), Error> {
        soon("the manager's end", self.ended)
            .await
            .expect("the manager does not panic")
    }
}

/// A driver whose tasks the test holds in its hands: each task comes to the test with a way to end it.
pub(crate) fn by_hand(slots: u32) -> (Driver, mpsc::Receiver<InHand>) {
    let (sender, tasks) = mpsc::channel(64);
    let driver = Driver::new("by-hand", move |task: Task| {
        let sender = sender.clone();
        async move {
            let (end, mut ended) = mpsc::channel(1);
            sender
                .send(InHand { task, end })
                .await
                .expect("the test listens");
            ended
                .recv()
                .await
                .unwrap_or_else(|| Outcome::failure("let go"))
        }
    });
    (driver.slots(slots), tasks)
}

/// A task that waits for the test.
pub(crate) struct InHand {
    pub(crate) task: Task,
    end: mpsc::Sender<Outcome>,
}

impl InHand {
    pub(crate) async fn next(tasks: &mut mpsc::Receiver<Self>) -> Self {
        soon("a task", tasks.recv())
            .await
            .expect("the driver lives")
    }

    pub(crate) async fn end(self, outcome: Outcome) {
        // A task that was dropped meanwhile takes no outcome.
        let _ = self.end.send(outcome).await;
    }
}

/// A wire between driver and server that can be cut.
pub(crate) struct Wire {
    address: SocketAddr,
    live: Arc<Mutex<JoinSet<()>>>,
}

impl Wire {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let live = Arc::new(Mutex::new(JoinSet::new()));
        let connections = Arc::clone(&live);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let Ok(mut far) = TcpStream::connect(server).await else {
                    continue;
                };
                connections.lock().unwrap().spawn(async move {
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { address, live }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks every connection; new ones work.
    pub(crate) fn cut(&self) {
        self.live.lock().unwrap().abort_all();
    }
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(what, wait).await;
}
