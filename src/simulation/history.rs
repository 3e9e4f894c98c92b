//! What happened, in order, as those outside the server saw it. The checker knows nothing else.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conveyor_client::proto::{Resource, Run, RunState};
use prost::Message;
use tokio::time::Instant;
use tonic::Code;

use super::keeping::Keeping;
use crate::proto;
use crate::store::gone::{Gone, Place};

/// One thing that happened. Some of it is for people alone, who read the history of a failure.
#[allow(dead_code)]
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// How long things are kept.
    Keeps(Keeping),
    /// Something was done to the server, a link or a process.
    Fault(String),
    /// The clock on the wall was set.
    ClockSet {
        seconds: i64,
    },
    /// The disk has no room, or has room again.
    DiskFull,
    DiskFree,
    /// A client begins to write a spec, or a delete where there is none.
    Asked {
        client: u64,
        name: String,
        spec: Option<u64>,
    },
    /// And was answered OK.
    Written {
        client: u64,
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
    /// A client begins to ask for a run of what stands, under a request id; it was told which run that is.
    StartAsked {
        request: String,
    },
    Started {
        request: String,
        run: String,
    },
    /// A client begins to ask for the end of a run, and was told how it stands.
    CancelAsked {
        run: String,
    },
    Cancelled {
        run: String,
        state: RunState,
    },
    /// A client begins to ask that a driver be forgotten.
    ForgetAsked {
        driver: &'static str,
    },
    /// Somebody who watches a run saw where it stands, and saw its end, or that it is gone.
    RunSeen {
        watch: u64,
        run: String,
        state: RunState,
    },
    RunSeenLast {
        watch: u64,
        run: String,
        lost: bool,
    },
    /// Somebody begins to list runs, and has listed those of a definition and a name, or of all; and revisions.
    ListBegins {
        reader: u64,
    },
    Listed {
        reader: u64,
        kind: &'static str,
        name: &'static str,
        runs: Vec<String>,
    },
    ListedRevisions {
        revisions: Vec<(String, i64)>,
    },
    /// A client begins to append lines, and was told that they are stored.
    AppendAsked {
        run: String,
        batch: Batch,
    },
    Appended {
        run: String,
        batch: Batch,
    },
    /// An instance was offered a task.
    Offered {
        instance: String,
        token: Token,
        run: String,
        step: String,
    },
    /// And was told that its time is over.
    OutOfTime {
        token: Token,
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
        success: bool,
    },
    /// The server found fault with what an instance said.
    Rejected {
        instance: String,
        why: String,
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
    /// A tail was told that lines before this one are no longer kept; a run is no longer there.
    Gapped {
        tail: u64,
        run: String,
        first: u64,
    },
    TailLost {
        tail: u64,
        run: String,
    },
    /// A tail got so many bytes of lines at once.
    Piece {
        tail: u64,
        bytes: usize,
    },
    /// So many bytes wait in the server for the driver with the most of them.
    Waiting {
        bytes: usize,
    },
    /// A watch begins anew, goes on after a position, or saw something.
    Lists {
        watch: u64,
    },
    Resumes {
        watch: u64,
        after: u64,
    },
    Watched {
        watch: u64,
        change: Change,
    },
    Bookmarked {
        watch: u64,
        position: u64,
    },
    /// A watch was told that the changes after a position are no longer kept.
    Refused {
        watch: u64,
        after: u64,
    },
    /// A change of a resource came to the disk.
    Changed(Change),
    /// A run is gone from the disk, as it was; and so is something else.
    GoneRun {
        run: Box<Run>,
        place: Place,
    },
    Gone(Box<Gone>),
    /// The doctor found something wrong on the disk.
    Found(String),
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
    pub(super) spec: String,
}

/// Lines that were appended together: each is the word and its number.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) word: String,
    pub(super) lines: u64,
}

/// A task and its token.
pub(super) type Token = (String, u64);

/// The record of one simulation: a cheap clone.
#[derive(Clone)]
pub(super) struct History {
    began: Instant,
    record: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    events: Vec<(u64, Event)>,
    /// The runs that somebody was told of, in that order.
    runs: Vec<String>,
    /// Those that are gone.
    gone: BTreeSet<String>,
    /// The newest change that is gone.
    trimmed: u64,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            record: Arc::default(),
        }
    }

    /// Notes what happens now.
    pub(super) fn note(&self, event: Event) {
        let now = u64::try_from(self.began.elapsed().as_millis()).expect("it is short");
        let mut record = self.record();
        if let Event::Written { run, .. } | Event::Started { run, .. } = &event
            && !run.is_empty()
            && !record.runs.contains(run)
        {
            record.runs.push(run.clone());
        }
        match &event {
            Event::GoneRun { run, .. } => {
                record.gone.insert(run.id.clone());
            }
            Event::Gone(gone) => {
                if let Gone::Change { position, .. } = **gone {
                    record.trimmed = position;
                }
            }
            _ => {}
        }
        record.events.push((now, event));
    }

    /// Notes that a change came to the disk.
    pub(super) fn came(&self, change: crate::store::Change) {
        self.note(Event::Changed(Change {
            position: change.position.0,
            id: change.resource.id.0.to_string(),
            revision: change.resource.revision,
            deleted: change.deleted,
            spec: change.resource.spec.as_str().to_owned(),
        }));
    }

    /// Notes that something is gone from the disk.
    pub(super) fn went(&self, gone: Gone) {
        let Gone::Run(run, place) = gone else {
            return self.note(Event::Gone(Box::new(gone)));
        };
        let id = run.resource.id.0.to_string();
        // The server's words and the client's are generated from one document.
        let text = proto::Run::from(run).encode_to_vec();
        let mut run = Run::decode(text.as_slice()).expect("it is a run");
        run.resource_snapshot = Some(Resource {
            id,
            ..Resource::default()
        });
        let run = Box::new(run);
        self.note(Event::GoneRun { run, place });
    }

    /// Whether a run is gone from the disk.
    pub(super) fn is_gone(&self, run: &str) -> bool {
        self.record().gone.contains(run)
    }

    /// Up to where changes are gone from the disk.
    pub(super) fn trimmed(&self) -> u64 {
        self.record().trimmed
    }

    /// The run that somebody was told of after so many others.
    pub(super) fn run(&self, at: usize) -> Option<String> {
        self.record().runs.get(at).cloned()
    }

    /// How many runs somebody was told of.
    pub(super) fn runs(&self) -> usize {
        self.record().runs.len()
    }

    /// All of it, each with its millisecond.
    pub(super) fn take(&self) -> Vec<(u64, Event)> {
        std::mem::take(&mut self.record().events)
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    /// Its lines, as they are written.
    pub(super) fn messages(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.lines).map(|line| format!("{}-{line}", self.word))
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
