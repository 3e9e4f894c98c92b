//! What a case plays on: a scripted server, a wire to it that can fail, and the contender.

use std::sync::Arc;
use std::time::Duration;

use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::{Hello, TaskFate, Welcome};
use tokio::sync::mpsc;

use crate::cases::Case;
use crate::contender::{Contender, Program, Setup};
use crate::fault::{Fault, Played, within};
use crate::link::{Link, Shared};
use crate::offer::span;
use crate::record::Record;
use crate::rules::LIMITS;
use crate::sabotage::{Sabotage, Saboteur};
use crate::server::{Accepted, serve};
use crate::wire::Wire;

/// The heartbeat period that a Welcome of the script names.
///
/// On a machine with much else to do a driver and this suite must still hear each other within two of them.
pub(crate) const PERIOD: Duration = Duration::from_secs(2);
/// The lease that a Welcome of the script names.
pub(crate) const LEASE: Duration = Duration::from_secs(4);
/// How long a pause of the script is, and how long it listens for what must not come.
pub(crate) const MOMENT: Duration = Duration::from_secs(1);

/// The stage of one case.
pub(crate) struct Stage {
    /// The network. What a case does to it is between it and the contender alone.
    pub(crate) wire: Wire,
    /// How long the case waits for anything.
    pub(crate) deadline: Duration,
    driver: String,
    program: Program,
    streams: mpsc::Receiver<Accepted>,
    shared: Shared,
}

impl Stage {
    /// A stage for `case`, with a driver that has the saboteur's fault.
    pub(crate) async fn build(
        case: &Case,
        program: Program,
        record: Arc<Record>,
        deadline: Duration,
        saboteur: Saboteur,
    ) -> Played<Self> {
        let (address, streams) = serve().await?;
        let freezes = !saboteur.plays(Sabotage::NeverNotices);
        Ok(Self {
            wire: Wire::to(address, case.up, freezes).await?,
            deadline,
            driver: case.name.to_owned(),
            program,
            streams,
            shared: Shared {
                record,
                tasks: Arc::default(),
                saboteur: Arc::new(saboteur),
                deadline,
            },
        })
    }

    /// The driver's name that a contender is told.
    pub(crate) fn driver(&self) -> &str {
        &self.driver
    }

    /// Starts a contender.
    pub(crate) fn start(&self, setup: &Setup) -> Played<Contender> {
        let url = self.wire.url();
        Contender::start(&self.program, &self.driver, &url, setup, &self.shared)
    }

    /// Starts a contender with so many slots, and welcomes its first stream.
    pub(crate) async fn open(&mut self, slots: u32) -> Played<(Contender, Link)> {
        let contender = self.start(&Setup::slots(slots))?;
        let (link, _) = self.welcome(vec![]).await?;
        Ok((contender, link))
    }

    /// The next stream, with nothing read of it yet.
    pub(crate) async fn link(&mut self) -> Played<Link> {
        let accepted = within(self.deadline, "a stream", self.streams.recv()).await?;
        let accepted = accepted.ok_or_else(|| Fault("the scripted server is gone".to_owned()))?;
        Ok(Link::new(accepted, self.shared.clone()))
    }

    /// The next stream after its Hello.
    pub(crate) async fn hello(&mut self) -> Played<(Link, Hello)> {
        let mut link = self.link().await?;
        let hello = link.hello().await?;
        Ok((link, hello))
    }

    /// The next stream after its Hello and a Welcome that names `fates`.
    pub(crate) async fn welcome(&mut self, fates: Vec<TaskFate>) -> Played<(Link, Hello)> {
        self.welcome_with(Welcome {
            tasks: fates,
            ..welcome()
        })
        .await
    }

    /// The next stream after its Hello and `welcome`.
    pub(crate) async fn welcome_with(&mut self, welcome: Welcome) -> Played<(Link, Hello)> {
        let (link, hello) = self.hello().await?;
        link.send(FromServer::Welcome(welcome)).await;
        Ok((link, hello))
    }

    /// Whether no stream comes within `time`.
    pub(crate) async fn no_stream(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.streams.recv())
            .await
            .is_err()
    }
}

/// A Welcome with short periods and the usual limits, for a driver that holds nothing.
pub(crate) fn welcome() -> Welcome {
    Welcome {
        lease_time: Some(span(LEASE)),
        heartbeat_period: Some(span(PERIOD)),
        limits: Some(LIMITS),
        tasks: Vec::new(),
        server_version: "scripted".to_owned(),
    }
}
