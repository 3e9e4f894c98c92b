//! What waits to go out on one driver's stream.
//!
//! Invariants: nothing goes out before Welcome; the queue is bounded by count and bytes; log acks of a task fold into the newest one, a FENCED never goes
//! away; after the end nothing is added, and what stood before it still goes out.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::crash::Point;
use crate::error::{Error, Result};
use crate::model::name::{RunId, TaskId};
use crate::model::run::Offer;
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};

/// Most messages that wait for one stream, beside one for each slot.
const MOST: usize = 4096;
/// Most bytes of notices that wait for one stream.
const NOTICE_BYTES: usize = 8 << 20;

/// Why a driver is asked to stop a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The run was cancelled.
    Cancelled,
    /// The step's timeout is over.
    Deadline,
    /// The token is dead.
    Fenced,
}

/// What is to become of a task that a hello named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Work on, and send lines from this one on.
    GoOn(u64),
    /// Its result is on disk.
    Done,
    /// Stop within the grace.
    Cancel(CancelReason, Duration),
    /// Unknown, fenced or lost.
    Stop,
}

/// How a result was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultAck {
    /// It is on disk.
    Applied,
    /// Lines from this one on must come first.
    LinesMissing(u64),
    /// The token is dead.
    Fenced,
}

/// A message broadcast to all drivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// A word for what it is about.
    pub event: String,
    /// The message itself.
    pub payload: String,
    /// The sender's id of it.
    pub id: String,
    /// The run it is about.
    pub run: String,
}

/// One message to a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// Answers Hello: the verdict on each task it named.
    Welcome(Vec<(TaskId, u64, Verdict)>),
    /// Offers a task; the rest is read from the store when it goes out.
    Offer {
        /// The run.
        run: RunId,
        /// Index of the step.
        step: usize,
        /// The task.
        offer: Offer,
    },
    /// Asks to stop a task.
    Cancel {
        /// The task.
        task: TaskId,
        /// Its token.
        token: u64,
        /// Why.
        reason: CancelReason,
        /// Time left to stop.
        grace: Duration,
    },
    /// Lines before `next` are on disk, or the token is dead.
    LogAck {
        /// The task.
        task: TaskId,
        /// Its token.
        token: u64,
        /// The next line expected; `None` for a dead token.
        next: Option<u64>,
    },
    /// Answers Result.
    ResultAck {
        /// The task.
        task: TaskId,
        /// Its token.
        token: u64,
        /// How it was taken.
        ack: ResultAck,
    },
    /// Answers Heartbeat.
    HeartbeatAck,
    /// A broadcast.
    Notice(Notice),
    /// The server stops.
    Drain,
}

impl Outgoing {
    /// The point at which it is about to be sent, where it rests on a commit.
    pub(super) fn crash_point(&self) -> Option<Point> {
        match self {
            Self::Welcome(_) => Some(Point::Welcome),
            Self::Offer { .. } => Some(Point::Offer),
            Self::Cancel { .. } => Some(Point::Cancel),
            Self::LogAck { .. } => Some(Point::LogAck),
            Self::ResultAck { .. } => Some(Point::ResultAck),
            Self::HeartbeatAck | Self::Notice(_) | Self::Drain => None,
        }
    }

    fn notice_bytes(&self) -> usize {
        match self {
            Self::Notice(it) => it.event.len() + it.payload.len() + it.id.len() + it.run.len(),
            Self::Welcome(_)
            | Self::Offer { .. }
            | Self::Cancel { .. }
            | Self::LogAck { .. }
            | Self::ResultAck { .. }
            | Self::HeartbeatAck
            | Self::Drain => 0,
        }
    }
}

/// The queue of one stream.
#[derive(Debug)]
pub struct Outbox {
    queue: Mutex<Queue>,
    ready: Notify,
    /// Cancelled when the stream was ended at once, so that its reader hears of it though nothing can be written.
    cut: CancellationToken,
    most: usize,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Outgoing>,
    /// Whether Welcome was pushed; until then nothing goes out.
    welcomed: bool,
    /// Bytes of the notices that wait; the other messages are small.
    notice_bytes: usize,
    /// Why nothing more is added: an error, or `None` for a clean end.
    end: Option<Option<Error>>,
    /// How many messages have gone out.
    taken: u64,
    /// What `taken` was when messages were first seen to wait there, and when that was.
    stuck: Option<(u64, Duration)>,
}

impl Outbox {
    /// An empty queue for an instance with this many slots.
    pub fn new(slots: usize) -> Self {
        Self {
            queue: Mutex::default(),
            ready: Notify::new(),
            cut: CancellationToken::new(),
            most: MOST + slots,
        }
    }

    /// Adds a message; false for a notice that finds no room. A queue that is full ends the stream.
    pub fn push(&self, message: Outgoing) -> bool {
        let mut queue = self.lock();
        if queue.end.is_some() || queue.folds(&message) {
            return false;
        }
        let bytes = message.notice_bytes();
        let room = NOTICE_BYTES;
        #[cfg(test)]
        let room = if planted(Sabotage::KeepsAllForTheDeaf) {
            usize::MAX
        } else {
            room
        };
        if queue.notice_bytes + bytes > room {
            return false;
        }
        queue.notice_bytes += bytes;
        if queue.messages.len() >= self.most {
            queue.end = Some(Some(Error::TooSlow(
                "the driver does not read what it is sent".to_owned(),
            )));
            queue.messages.clear();
            self.cut.cancel();
        } else if matches!(message, Outgoing::Welcome(_)) {
            queue.welcomed = true;
            queue.messages.push_front(message);
        } else {
            queue.messages.push_back(message);
        }
        drop(queue);
        self.ready.notify_one();
        true
    }

    /// Ends the stream once what waits has gone out: with an error, or cleanly. The first end stands.
    pub fn end(&self, why: Option<Error>) {
        self.lock().end.get_or_insert(why);
        self.ready.notify_one();
    }

    /// Ends the stream at once: what waits does not go out.
    pub fn cut(&self, why: Error) {
        let mut queue = self.lock();
        queue.messages.clear();
        queue.notice_bytes = 0;
        queue.end.get_or_insert(Some(why));
        drop(queue);
        self.cut.cancel();
        self.ready.notify_one();
    }

    /// The next message; after the last one the error that ended the stream, or `None`.
    pub async fn next(&self) -> Result<Option<Outgoing>> {
        loop {
            {
                let mut queue = self.lock();
                if queue.welcomed
                    && let Some(message) = queue.messages.pop_front()
                {
                    queue.taken += 1;
                    queue.notice_bytes -= message.notice_bytes();
                    return Ok(Some(message));
                }
                match &queue.end {
                    Some(Some(error)) => return Err(error.clone()),
                    Some(None) => return Ok(None),
                    None => {}
                }
            }
            self.ready.notified().await;
        }
    }

    /// Waits until the stream is ended at once.
    pub async fn was_cut(&self) {
        self.cut.cancelled().await;
    }

    /// Since when messages wait and none goes out, as far as calls of this have seen it.
    pub fn stuck_since(&self, now: Duration) -> Option<Duration> {
        let mut queue = self.lock();
        let taken = queue.taken;
        if queue.messages.is_empty() {
            queue.stuck = None;
        } else if queue.stuck.is_none_or(|(before, _)| before != taken) {
            queue.stuck = Some((taken, now));
        }
        queue.stuck.map(|(_, since)| since)
    }

    /// Bytes of what waits, counted anew.
    #[cfg(test)]
    pub(super) fn waiting_bytes(&self) -> usize {
        let queue = self.lock();
        queue.messages.iter().map(Outgoing::notice_bytes).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Folds a log ack into one of the same task that still waits.
    fn folds(&mut self, message: &Outgoing) -> bool {
        let Outgoing::LogAck {
            task,
            token,
            next: Some(newer),
        } = message
        else {
            return false;
        };
        for waiting in self.messages.iter_mut().rev() {
            if let Outgoing::LogAck {
                task: same,
                token: sent,
                next: Some(next),
            } = waiting
                && (&*same, &*sent) == (task, token)
            {
                *next = (*next).max(*newer);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ack(task: u128, next: Option<u64>) -> Outgoing {
        Outgoing::LogAck {
            task: TaskId(Uuid::from_u128(task)),
            token: 1,
            next,
        }
    }

    #[tokio::test]
    async fn log_acks_fold_but_a_fenced_one_stays() {
        let outbox = Outbox::new(1);
        outbox.push(Outgoing::Welcome(Vec::new()));
        outbox.next().await.expect("it waits");
        for message in [
            ack(1, Some(1)),
            ack(1, None),
            ack(2, Some(4)),
            ack(1, Some(3)),
        ] {
            outbox.push(message);
        }
        outbox.end(None);
        let mut seen = Vec::new();
        while let Ok(Some(message)) = outbox.next().await {
            seen.push(message);
        }
        assert_eq!(seen, [ack(1, Some(3)), ack(1, None), ack(2, Some(4))]);
    }

    #[tokio::test]
    async fn a_full_queue_ends_the_stream() {
        let outbox = Outbox::new(1);
        for _ in 0..=MOST + 1 {
            outbox.push(Outgoing::HeartbeatAck);
        }
        assert!(matches!(outbox.next().await, Err(Error::TooSlow(_))));
    }
}
