//! What fails while a simulation goes on: servers, disks, links, clocks and processes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::dice::Dice;
use super::history::{Event, History};
use super::network::Network;
use super::site::Site;

/// A storm, and what it falls on.
pub(super) struct Storm<'a> {
    pub(super) site: &'a Site,
    pub(super) networks: &'a [Network],
    /// Each kills the process of a driver.
    pub(super) kills: &'a [Arc<Notify>],
    pub(super) history: &'a History,
    pub(super) dice: &'a mut Dice,
}

impl Storm<'_> {
    /// Lets things fail for a while.
    pub(super) async fn rage(mut self) {
        for _ in 0..self.dice.of(2..11) {
            self.pause(100..8000).await;
            match self.dice.below(11) {
                0 | 1 => self.kill_server().await,
                2 => self.restart_server().await,
                3 => self.cut_link(),
                4 => self.cut_links(),
                5 => self.freeze_link().await,
                6 => self.set_clock(),
                7 => self.kill_driver(),
                8 => self.slow_disk().await,
                9 => self.stop_disk().await,
                _ => self.fill_disk().await,
            }
        }
    }

    async fn kill_server(&mut self) {
        self.says("the server is killed");
        self.site.kill();
        self.pause(1..20_000).await;
        self.site.start().await;
        self.says("the server is back");
    }

    async fn restart_server(&mut self) {
        self.says("the server drains");
        self.site.drain().await;
        self.pause(1..3000).await;
        self.site.start().await;
        self.says("the server is back");
    }

    fn cut_link(&mut self) {
        let at = self.dice.below(self.networks.len());
        self.networks[at].cut();
        self.says(&format!("link {at} is cut"));
    }

    fn cut_links(&self) {
        self.networks.iter().for_each(Network::cut);
        self.says("every link is cut");
    }

    async fn freeze_link(&mut self) {
        let at = self.dice.below(self.networks.len());
        self.says(&format!("link {at} is frozen"));
        self.networks[at].freeze(true);
        self.pause(100..45_000).await;
        self.networks[at].freeze(false);
        self.says(&format!("link {at} is free"));
    }

    fn set_clock(&mut self) {
        let seconds = i64::try_from(self.dice.of(0..7200)).expect("it is small") - 3600;
        self.site.wall().step(seconds);
        self.history.note(Event::ClockSet { seconds });
    }

    fn kill_driver(&mut self) {
        let at = self.dice.below(self.kills.len());
        self.kills[at].notify_one();
        self.says(&format!("process {at} is killed"));
    }

    async fn slow_disk(&mut self) {
        self.says("the disk is slow");
        self.site.slow_disk(self.dice.of(100..5000));
        self.pause(1000..20_000).await;
        self.site.quick_disk();
        self.says("the disk is quick");
    }

    async fn stop_disk(&mut self) {
        self.says("the disk stands still");
        self.site.stop_disk(true);
        self.pause(100..40_000).await;
        self.site.stop_disk(false);
        self.says("the disk goes on");
    }

    async fn fill_disk(&mut self) {
        self.history.note(Event::DiskFull);
        self.site.fill_disk(true);
        self.pause(100..40_000).await;
        self.site.fill_disk(false);
        self.history.note(Event::DiskFree);
    }

    fn says(&self, what: &str) {
        self.history.note(Event::Fault(what.to_owned()));
    }

    async fn pause(&mut self, millis: std::ops::Range<u64>) {
        let pause: Duration = self.dice.millis(millis);
        tokio::time::sleep(pause).await;
    }
}
