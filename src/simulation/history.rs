//! What happened, in order, as those outside the server saw it. The checker knows nothing else.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use conveyor_client::proto::Run;
use tokio::time::Instant;
use tonic::Code;

/// One thing that happened. Some of it is for people alone, who read the history of a failure.
#[allow(dead_code)]
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// Something was done to the server, a link or a clock.
    Fault(String),
    /// A client begins to write a spec, or a delete where there is none.
    Asked {
        name: String,
        spec: Option<u64>,
    },
    /// And was answered OK.
    Written {
        name: String,
        spec: Option<u64>,
        id: String,
        revision: i64,
        run: String,
    },
    /// And was not.
    Failed {
        name: String,
        code: Code,
    },
    /// An instance was offered a task.
    Offered {
        instance: String,
        token: Token,
        run: String,
        step: String,
    },
    /// The server said that lines are stored; that a result is applied.
    Stored {
        token: Token,
        next: u64,
    },
    Applied {
        token: Token,
    },
    /// An instance began to work, and wrote its last line and knows how it ends.
    Begins {
        token: Token,
    },
    Ends {
        token: Token,
        lines: u64,
        message: String,
    },
    /// A tail saw a line, or the end.
    Tailed {
        tail: u64,
        run: String,
        seq: u64,
        message: String,
    },
    TailEnds {
        tail: u64,
        run: String,
    },
    /// A watch begins anew, or saw something.
    Lists {
        watch: u64,
    },
    Watched {
        watch: u64,
        change: Change,
    },
    Bookmarked {
        watch: u64,
        position: u64,
    },
    /// No more faults from here on.
    Calm,
    /// So many runs are still open when everybody had time enough.
    Settled {
        open: usize,
    },
    /// What stands in the end.
    FinalRun(Box<Run>),
    FinalLine {
        run: String,
        seq: u64,
        message: String,
    },
    FinalRevision {
        id: String,
        revision: i64,
        spec: String,
    },
    FinalChange(Change),
}

/// A change of a resource as watches show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) position: u64,
    pub(super) id: String,
    pub(super) revision: i64,
    pub(super) deleted: bool,
}

/// A task and its token.
pub(super) type Token = (String, u64);

/// The record of one simulation: a cheap clone.
#[derive(Clone)]
pub(super) struct History {
    began: Instant,
    events: Arc<Mutex<Vec<(u64, Event)>>>,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            events: Arc::default(),
        }
    }

    /// Notes what happens now.
    pub(super) fn note(&self, event: Event) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let now = u64::try_from(self.began.elapsed().as_millis()).expect("it is short");
        events.push((now, event));
    }

    /// All of it, each with its millisecond.
    pub(super) fn events(&self) -> Vec<(u64, Event)> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.clone()
    }
}

/// A history as text, a line for each event.
pub(super) fn text(events: &[(u64, Event)]) -> String {
    let mut text = String::new();
    for (at, event) in events {
        writeln!(text, "{:>9.3} {event:?}", *at as f64 / 1000.0).expect("a string takes it");
    }
    text
}
