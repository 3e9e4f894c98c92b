//! Where the server stands: a disk that outlives it, and a server that is started and killed on it.
//!
//! A kill takes the server's way to the disk and to the network at once. What is left of it can do nothing. A drain
//! ends it in the order of `server.rs`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dice::Dice;
use super::history::History;
use super::keeping::Keeping;
use super::world::{SimulatedWorld, WallClock};
use crate::api::grpc::Api;
use crate::api::{Doors, Exposition, ExpositionFormat, RouterOptions, Watch};
use crate::engine::{Engine, Options};
use crate::store::commit::hand::{Group, Hand, OnDisk};
use crate::store::gone::{self, Leaving};
use crate::store::in_memory::Disk;
use crate::store::{Result, Store};
use crate::trace::Tracer;

/// How many milliseconds a write of a quick disk takes at most.
const QUICK: u64 = 3;
/// How long a server that drains leaves drivers to hear of it, and how long the drain takes at most.
const GOODBYE: Duration = Duration::from_millis(200);
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A site: a cheap clone.
#[derive(Clone)]
pub(super) struct Site(Arc<Inner>);

struct Inner {
    disk: Disk,
    wall: WallClock,
    keeping: Keeping,
    history: History,
    dice: Mutex<Dice>,
    server: Mutex<Option<Server>>,
    pace: watch::Sender<Pace>,
}

/// How quick the disk is.
#[derive(Clone, Copy)]
struct Pace {
    /// How long a write takes at most, in milliseconds.
    most: u64,
    /// No write begins.
    stands: bool,
}

struct Server {
    engine: Engine,
    store: Store,
    tracker: TaskTracker,
    doors: Doors,
    cut: CancellationToken,
    stop: CancellationToken,
    writing: JoinHandle<()>,
}

impl Site {
    /// A site whose servers keep things for so long, and whose disk tells a history what goes.
    pub(super) fn new(dice: Dice, keeping: Keeping, history: History) -> Self {
        Self(Arc::new(Inner {
            disk: Disk::new().expect("memory can be written"),
            wall: WallClock::new(),
            keeping,
            history,
            dice: Mutex::new(dice),
            server: Mutex::default(),
            pace: watch::Sender::new(Pace {
                most: QUICK,
                stands: false,
            }),
        }))
    }

    /// The clock on the wall.
    pub(super) fn wall(&self) -> &WallClock {
        &self.0.wall
    }

    /// The server's doors, and what ends with it. `None`: there is no server.
    pub(super) fn doors(&self) -> Option<(Doors, CancellationToken)> {
        let server = self.server();
        let server = server.as_ref()?;
        Some((server.doors.clone(), server.cut.clone()))
    }

    /// Makes the disk slow: a write takes so many milliseconds at most.
    pub(super) fn slow_disk(&self, millis: u64) {
        self.0.pace.send_modify(|pace| pace.most = millis);
    }

    /// Makes the disk quick again.
    pub(super) fn quick_disk(&self) {
        self.slow_disk(QUICK);
    }

    /// Lets no write begin, or lets them go on.
    pub(super) fn stop_disk(&self, stands: bool) {
        self.0.pace.send_modify(|pace| pace.stands = stands);
    }

    /// Leaves no room on the disk, or much.
    pub(super) fn fill_disk(&self, full: bool) {
        self.0.disk.has_free(if full { 0 } else { u64::MAX });
    }

    /// Bytes that wait for the driver with the most of them.
    pub(super) fn most_waiting(&self) -> usize {
        let server = self.server();
        server.as_ref().map_or(0, |it| it.engine.most_waiting())
    }

    /// What the doctor finds wrong on the disk, while nobody writes.
    pub(super) fn examined(&self) -> Vec<String> {
        let server = self.server();
        server
            .as_ref()
            .map_or_else(Vec::new, |it| it.store.examined())
    }

    /// Starts a server.
    pub(super) async fn start(&self) {
        let (store, hand) = self.0.disk.open().expect("memory can be read");
        let dice = self.fork();
        let writing = Writing {
            hand,
            store: store.clone(),
            history: self.0.history.clone(),
        };
        let writing = tokio::spawn(writing.go_on(self.fork(), self.0.pace.subscribe()));
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let engine = Engine::start(
            store.clone(),
            Arc::new(SimulatedWorld::new(self.0.wall.clone(), dice)),
            Tracer::default(),
            options(&self.0.keeping),
            stop.clone(),
            &tracker,
        );
        // One that cannot start is not there, which everybody will see.
        let Ok(engine) = engine.await else { return };
        let hello_time = Duration::from_secs(10);
        let api = Api::new(engine.clone(), hello_time, stop.clone(), tracker.clone());
        let doors = Doors::new(api.clone(), api.text_only(), router(&stop, &tracker));
        *self.server() = Some(Server {
            engine,
            store,
            tracker,
            doors,
            cut: CancellationToken::new(),
            stop,
            writing,
        });
    }

    /// Kills the server: what it has not written is lost, and what it has written may be known to nobody.
    pub(super) fn kill(&self) {
        if let Some(server) = self.server().take() {
            server.writing.abort();
            server.cut.cancel();
            server.stop.cancel();
        }
    }

    /// Ends the server in order: drivers are told, and what arrived is written.
    pub(super) async fn drain(&self) {
        let Some(server) = self.server().take() else {
            return;
        };
        let drain = async {
            server.engine.announce_drain();
            tokio::time::sleep(GOODBYE).await;
            server.stop.cancel();
            server.tracker.close();
            server.tracker.wait().await;
            server.store.stop_writing().await;
        };
        // A drain that takes too long is cut short.
        let _ = tokio::time::timeout(DRAIN_TIME, drain).await;
        server.stop.cancel();
        server.writing.abort();
        server.cut.cancel();
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.0.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fork(&self) -> Dice {
        self.0
            .dice
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fork()
    }
}

/// The hand that writes for a server, and what it tells the history.
struct Writing {
    hand: Hand,
    store: Store,
    history: History,
}

impl Writing {
    /// Writes group after group. It may be killed in each of its waits: before a write and between a write and its
    /// answer.
    async fn go_on(mut self, mut dice: Dice, mut pace: watch::Receiver<Pace>) {
        while let Some(group) = self.hand.take().await {
            let now = pace.wait_for(|pace| !pace.stands).await.map(|pace| *pace);
            // The site is gone.
            let Ok(Pace { most, .. }) = now else { return };
            tokio::time::sleep(dice.millis(0..most)).await;
            let written = self.write(group).expect("memory can be read");
            tokio::time::sleep(dice.millis(0..most)).await;
            self.hand.answer(written);
        }
    }

    /// Writes a group, and tells which changes came with it and what went.
    fn write(&mut self, group: Group) -> Result<OnDisk> {
        let leaving = Leaving::of(&group, &self.store)?;
        let before = self.hand.position();
        let written = self.hand.write(group);
        for change in gone::came(&self.store, before)? {
            self.history.came(change);
        }
        for gone in leaving.gone()? {
            self.history.went(gone);
        }
        Ok(written)
    }
}

fn options(keeping: &Keeping) -> Options {
    Options {
        lease_time: Duration::from_secs(30),
        heartbeat_period: Duration::from_secs(10),
        ack_time: Duration::from_secs(5),
        cancel_grace: Duration::from_secs(10),
        refusal_pause: Duration::from_secs(5),
        min_free_bytes: 1,
        retention: keeping.options(),
    }
}

fn router(stop: &CancellationToken, tracker: &TaskTracker) -> RouterOptions {
    RouterOptions {
        serving: watch::Sender::new(true).subscribe(),
        stop: stop.clone(),
        tracker: tracker.clone(),
        body_bytes: 1 << 20,
        loopback: false,
        hosts: Vec::new(),
        origins: Vec::new(),
        arrival: Duration::from_secs(60),
        room: crate::api::Room::default(),
        watch: Watch {
            figures: Arc::default(),
            tracer: Tracer::default(),
            exposition: Arc::new(NoFigures),
        },
    }
}

#[derive(Debug)]
struct NoFigures;

impl Exposition for NoFigures {
    fn write(&self, _: ExpositionFormat) -> String {
        String::new()
    }
}
