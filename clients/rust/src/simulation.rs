//! The ledger for those who simulate a driver instance: they bring the network, the work and the time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::cancel::CancelSignal;
use crate::held::StepKey;
use crate::ledger::{Ledger, Start};
use crate::lines::{Lines, Room};
use crate::outcome::Outcome;
use crate::proto::driver_stream_request::Kind as Outgoing;
use crate::proto::driver_stream_response::Kind as Incoming;
use crate::proto::{HeldTask, LogLine, Reconcile, Welcome};

/// What the ledger itself says of a task that is cancelled before its work began.
pub const NEVER_BEGUN: &str = crate::ledger::NEVER_BEGUN;

/// The tasks in hand of one instance, and what is to be said of them.
pub struct Tasks {
    ledger: Ledger,
    changed: Arc<Notify>,
}

/// A task whose work is to start.
pub struct Work {
    /// The task as it was offered.
    pub offer: Reconcile,
    /// Tells it to stop.
    pub cancel: CancelSignal,
    step: StepKey,
    lines: Arc<Lines>,
}

impl Tasks {
    /// No tasks yet; `slots` at once.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        let changed = Arc::new(Notify::new());
        let ledger = Ledger::new(slots, Room::default(), Arc::clone(&changed));
        Self { ledger, changed }
    }

    /// Told when there may be something to say or to start.
    #[must_use]
    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// How Hello names the tasks in hand.
    #[must_use]
    pub fn in_hello(&self) -> Vec<HeldTask> {
        self.ledger.in_hello()
    }

    /// A new stream is open.
    pub fn welcome(&mut self, welcome: Welcome, hello_at: Instant) {
        self.ledger.welcome(welcome, hello_at);
    }

    /// Takes one message of the stream.
    pub fn receive(&mut self, message: Incoming, now: Instant) {
        self.ledger.receive(message, now);
    }

    /// The next message to send.
    pub fn next_message(&mut self, now: Instant) -> Option<Outgoing> {
        self.ledger.next_message(now)
    }

    /// The next work that can start.
    pub fn next_start(&mut self) -> Option<Work> {
        let Start {
            offer,
            step,
            lines,
            cancel,
        } = self.ledger.next_start()?;
        Some(Work {
            offer,
            cancel,
            step,
            lines,
        })
    }

    /// The work on a task has ended.
    pub fn finish(&mut self, work: &Work, outcome: Option<Outcome>) {
        self.ledger.finish(&work.step, &work.offer.task_id, outcome);
    }

    /// A heartbeat is due.
    pub fn beat(&mut self) {
        self.ledger.beat();
    }

    /// Takes no more offers.
    pub fn drain(&mut self) {
        self.ledger.drain();
    }

    /// Whether it drains and the server has every result.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.ledger.is_drained()
    }

    /// Stops all work and drops what it said.
    pub fn fence_all(&mut self, grace: Duration) {
        self.ledger.fence_all(grace);
    }
}

impl Work {
    /// The work writes a line.
    pub fn write(&self, message: String) {
        self.lines.push_now(LogLine {
            message,
            ..LogLine::default()
        });
    }
}
