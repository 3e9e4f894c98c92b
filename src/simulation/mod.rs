//! The whole server in a simulation: the engine, its store and its services with drivers, clients and followers,
//! on a clock and a network that a seed decides.
//!
//! | file | what it owns |
//! |---|---|
//! | `dice`, `world` | chance; time and ids |
//! | `site` | the server: started, killed, drained, and its disk |
//! | `keeping` | how long the server keeps things |
//! | `network` | what happens to messages |
//! | `client`, `builder`, `speaker`, `driver` | who writes and works |
//! | `follower`, `browser` | who follows and lists |
//! | `storm` | what fails meanwhile |
//! | `reading`, `history` | what stands in the end; what everybody saw, in order |
//! | `checker` | the promises that a history is held against |
//! | `callers` | callers who go away while the disk is slow, one by one |
//! | `clock` | a clock on the wall that is set back |
//! | `overload` | more writes than the disk takes |
//! | `tests` | many seeds, one seed, and the faults that must be found |
//!
//! Everything happens on one thread, whose clock stands still while there is something to do. So a seed is a whole
//! history, and the same seed is the same history. `make sim SEEDS=n` runs many, `make sim SEED=k` repeats one.

mod browser;
mod builder;
mod callers;
mod checker;
mod client;
mod clock;
mod dice;
mod driver;
mod follower;
mod history;
mod keeping;
mod network;
mod overload;
mod reading;
mod site;
mod speaker;
mod storm;
mod tests;
mod world;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use self::client::Client;
use self::dice::Dice;
use self::follower::Follower;
use self::history::{Event, History};
use self::keeping::Keeping;
use self::network::Network;
use self::site::Site;
use self::storm::Storm;
use crate::sabotage::{Sabotage, plant};

/// In how many of a hundred seeds things are not kept for ever.
const KEEPING_SHORT: u32 = 60;
/// A driver that leaves for good.
const GAMMA: &str = "gamma";
/// How long everybody has to come to an end once nothing fails any more.
const CALM: Duration = Duration::from_secs(900);
/// How long those who follow have after that.
const REST: Duration = Duration::from_secs(60);

/// Simulates one seed with a fault planted, or none.
fn simulate(seed: u64, fault: Option<Sabotage>) -> Vec<(u64, Event)> {
    // The story begins on that clock, and not before.
    on_its_clock(fault, async { Play::new(seed, fault).whole().await })
}

/// Runs a story on a thread and a clock of its own, with a fault planted, or none.
fn on_its_clock<T>(fault: Option<Sabotage>, story: impl Future<Output = T>) -> T {
    plant(fault);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a thread can have a runtime");
    let end = runtime.block_on(story);
    drop(runtime);
    plant(None);
    end
}

/// One seed: everybody who takes part, and the faults.
struct Play {
    dice: Dice,
    history: History,
    keeping: Keeping,
    /// Somebody cries to those who do not listen, whatever the dice say.
    cries: bool,
    site: Site,
    networks: Vec<Network>,
    kills: Vec<Arc<Notify>>,
}

impl Play {
    /// A seed that a fault is planted in has what the fault needs to show.
    fn new(seed: u64, fault: Option<Sabotage>) -> Self {
        let mut dice = Dice::new(seed);
        let history = History::new();
        let is_short = fault.is_some_and(Sabotage::is_of_retention);
        let keeping = if dice.percent(KEEPING_SHORT) || is_short {
            Keeping::drawn(&mut dice)
        } else {
            Keeping::for_ever()
        };
        history.note(Event::Keeps(keeping));
        Self {
            site: Site::new(dice.fork(), keeping, history.clone()),
            dice,
            history,
            keeping,
            cries: fault == Some(Sabotage::KeepsAllForTheDeaf),
            networks: Vec::new(),
            kills: Vec::new(),
        }
    }

    /// Everything, from the first start of the server to what stands in the end.
    async fn whole(mut self) -> Vec<(u64, Event)> {
        self.site.start().await;
        let own = self.network();
        client::define(&own, self.keeping).await;
        self.start_drivers();
        let clients = self.start_clients();
        self.start_followers();
        let storm = Storm {
            site: &self.site,
            networks: &self.networks,
            kills: &self.kills,
            history: &self.history,
            dice: &mut self.dice,
        };
        storm.rage().await;
        for client in clients {
            client.await.expect("a client does not panic");
        }
        self.history.note(Event::Calm);
        self.networks.iter().for_each(Network::calm);
        self.settle(&own).await;
        // What stands is read as it is, whatever fault was planted.
        plant(None);
        if let Err(status) = reading::read_all(&own, &self.history).await {
            let text = format!("what stands cannot be read: {status}");
            self.history.note(Event::Fault(text));
        }
        for found in self.site.examined() {
            self.history.note(Event::Found(found));
        }
        self.site.kill();
        self.history.take()
    }

    /// A way to the server for somebody.
    fn network(&mut self) -> Network {
        let network = Network::new(self.site.clone(), self.dice.fork());
        self.networks.push(network.clone());
        network
    }

    fn start_drivers(&mut self) {
        let instances = driver::Instances::default();
        let some = self.some(2..5);
        let names = ["alpha", "beta"].into_iter().cycle().take(some);
        // One leaves for good, and what waits for it waits until it is forgotten.
        let gamma = self.dice.percent(40).then_some(GAMMA);
        for name in names.chain(gamma) {
            let stays = self.dice.millis(100..60_000);
            let kill = Arc::new(Notify::new());
            self.kills.push(Arc::clone(&kill));
            let (network, dice) = (self.network(), self.dice.fork());
            let until = (kill, instances.clone());
            let history = self.history.clone();
            let end = network.clone();
            tokio::spawn(async move {
                let life = driver::run(name, network, history, dice, until);
                if name != GAMMA {
                    life.await;
                } else if tokio::time::timeout(stays, life).await.is_err() {
                    end.cut();
                }
            });
        }
    }

    fn start_clients(&mut self) -> Vec<JoinHandle<()>> {
        let writes = self.dice.of(4..10);
        let mut clients = vec![
            tokio::spawn(self.client(1).write(writes)),
            tokio::spawn(self.client(2).write(writes)),
            tokio::spawn(self.client(3).cancel(writes / 2)),
            tokio::spawn(self.client(4).append(writes)),
            tokio::spawn(self.client(5).define(writes / 2)),
            tokio::spawn(self.client(7).build(writes * 2)),
            tokio::spawn(self.client(8).forget(writes / 2)),
        ];
        if self.dice.percent(6) || self.cries {
            // The link of a driver: the first is that of the simulation itself.
            let deaf = self.networks[1].clone();
            let crier = self.client(6).cry(self.site.clone(), deaf);
            clients.push(tokio::spawn(crier));
        }
        clients
    }

    fn client(&mut self, number: u64) -> Client {
        Client {
            number,
            network: self.network(),
            history: self.history.clone(),
            dice: self.dice.fork(),
            keeping: self.keeping,
        }
    }

    fn start_followers(&mut self) {
        tokio::spawn(self.follower(1, 0).tail());
        tokio::spawn(self.follower(2, 20_000).tail());
        tokio::spawn(self.follower(3, 0).stand_still());
        tokio::spawn(self.follower(1, 0).watch());
        tokio::spawn(self.follower(2, 1000).watch());
        tokio::spawn(self.follower(1, 3000).watch_runs());
        tokio::spawn(self.follower(1, 2000).browse());
    }

    fn follower(&mut self, number: u64, rest: u64) -> Follower {
        Follower {
            number,
            network: self.network(),
            history: self.history.clone(),
            dice: self.dice.fork(),
            rest,
        }
    }

    /// Waits until no run is open, and then until those who follow had time to read.
    async fn settle(&self, network: &Network) {
        let until = tokio::time::Instant::now() + CALM;
        let open = loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            self.history.note(Event::ForgetAsked { driver: GAMMA });
            let _ = builder::forget(network, GAMMA).await;
            match reading::open_runs(network).await {
                Ok(0) => break 0,
                Ok(open) if tokio::time::Instant::now() > until => break open,
                Err(status) if tokio::time::Instant::now() > until => {
                    let text = format!("runs cannot be listed: {status}");
                    self.history.note(Event::Fault(text));
                    break usize::MAX;
                }
                _ => {}
            }
        };
        tokio::time::sleep(REST).await;
        self.history.note(Event::Settled { open });
    }

    fn some(&mut self, range: std::ops::Range<u64>) -> usize {
        usize::try_from(self.dice.of(range)).expect("it is small")
    }
}
