//! One stream of a driver instance: opens it, speaks until it ends, and says how it ended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tracing::{debug, warn};

use crate::client::Client;
use crate::error::Error;
use crate::proto::driver_stream_request::Kind as Outgoing;
use crate::proto::driver_stream_response::Kind as Incoming;
use crate::proto::{DriverStreamRequest, DriverStreamResponse, Hello, Welcome};
use crate::session::Session;

/// How long a stream may take from the connection to the Welcome.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may take to end a stream that this side has closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// What a server that names no heartbeat period means.
const DEFAULT_PERIOD: Duration = Duration::from_secs(10);
/// How many messages may wait for the connection. What is behind them waits in the ledger.
const QUEUE: usize = 8;

/// How a stream ended.
pub(crate) enum End {
    /// By this side, after a drain.
    Drained,
    /// By the other side or the network; a new one is due.
    Lost(String),
    /// A newer stream has this instance's name.
    Replaced,
    /// The server will not have this driver.
    Refused(Box<Status>),
}

impl End {
    fn by_server() -> Self {
        Self::Lost("the server ended the stream".to_owned())
    }
}

impl From<Status> for End {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::Unauthenticated
            | Code::PermissionDenied
            | Code::Unimplemented => Self::Refused(Box::new(status)),
            Code::Aborted => Self::Replaced,
            code => Self::Lost(format!("the stream ended: {} ({code:?})", status.message())),
        }
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Lost(error.to_string())
    }
}

/// A stream after its Welcome.
pub(crate) struct Stream {
    out: mpsc::Sender<DriverStreamRequest>,
    inbox: Inbox,
    period: Duration,
}

impl Stream {
    /// Connects and says `hello`. A connection of its own for each stream: what ailed the last one
    /// is left behind.
    pub(crate) async fn open(server: &str, hello: Hello) -> Result<(Self, Welcome), End> {
        let opening = async {
            let client = Client::connect(server).await?;
            let (out, queue) = mpsc::channel(QUEUE);
            let hello = DriverStreamRequest {
                kind: Some(Outgoing::Hello(hello)),
            };
            out.try_send(hello).expect("a new queue has room");
            let response = client
                .drivers()
                .driver_stream(ReceiverStream::new(queue))
                .await?;
            let mut inbox = Inbox::new(response.into_inner());
            let welcome = inbox.welcome().await?;
            let period = welcome
                .heartbeat_period
                .and_then(|said| Duration::try_from(said).ok());
            let period = period
                .filter(|period| !period.is_zero())
                .unwrap_or(DEFAULT_PERIOD);
            Ok((Self { out, inbox, period }, welcome))
        };
        let late = || End::Lost(format!("the server at {server} does not answer"));
        timeout(OPEN_TIMEOUT, opening)
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    /// Speaks until the stream ends, or until the drain of the ledger is complete.
    pub(crate) async fn converse(self, session: &Session) -> End {
        let Self {
            out,
            mut inbox,
            period,
        } = self;
        let mut heartbeat = interval_at((Instant::now() + period).into(), period);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next = None;
        loop {
            session.start_ready();
            let can_receive = {
                let mut ledger = session.ledger();
                next = next.or_else(|| ledger.next_message(Instant::now()));
                if next.is_none() && ledger.is_drained() {
                    break;
                }
                ledger.can_receive()
            };
            tokio::select! {
                message = inbox.messages.message(), if can_receive => match message {
                    Ok(Some(message)) => inbox.take(message, session),
                    Ok(None) => return End::by_server(),
                    Err(status) => return status.into(),
                },
                room = out.reserve(), if next.is_some() => match room {
                    Ok(room) => room.send(DriverStreamRequest { kind: next.take() }),
                    // The connection has let go of the queue: the stream is over.
                    Err(_) => return inbox.last_word().await,
                },
                _ = heartbeat.tick() => session.ledger().beat(),
                () = session.changed() => {}
                () = sleep_until((inbox.heard_at + 2 * period).into()) => {
                    return End::Lost("the server is silent".to_owned());
                }
            }
        }
        drop(out);
        inbox.last_word().await;
        End::Drained
    }
}

/// What the server sends on a stream.
struct Inbox {
    messages: Streaming<DriverStreamResponse>,
    heard_at: Instant,
    /// Messages of an arm that this version does not know.
    unknown: u64,
}

impl Inbox {
    fn new(messages: Streaming<DriverStreamResponse>) -> Self {
        Self {
            messages,
            heard_at: Instant::now(),
            unknown: 0,
        }
    }

    /// Waits for the Welcome. What comes before it is skipped.
    async fn welcome(&mut self) -> Result<Welcome, End> {
        while let Some(message) = self.messages.message().await? {
            self.heard_at = Instant::now();
            match message.kind {
                Some(Incoming::Welcome(welcome)) => return Ok(welcome),
                other => debug!(?other, "a message before the Welcome is skipped"),
            }
        }
        Err(End::by_server())
    }

    /// Takes one message.
    fn take(&mut self, message: DriverStreamResponse, session: &Session) {
        self.heard_at = Instant::now();
        let driver = &session.driver;
        match (message.kind, &driver.on_message) {
            (Some(Incoming::Message(message)), Some(on_message)) => {
                // The user's function must not take the stream down with it.
                if catch_unwind(AssertUnwindSafe(|| on_message(message))).is_err() {
                    warn!(driver = driver.name, "the function for messages panicked");
                }
            }
            (Some(kind), _) => session.ledger().receive(kind, self.heard_at),
            (None, _) => {
                self.unknown += 1;
                if self.unknown == 1 {
                    let text =
                        "skips a kind of message that it does not know: is the server newer?";
                    warn!(driver = driver.name, "{text}");
                }
            }
        }
    }

    /// How the stream ended, once this side has nothing more to say. What still comes is dropped: the
    /// next Hello settles it.
    async fn last_word(&mut self) -> End {
        let last = async {
            loop {
                match self.messages.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return End::by_server(),
                    Err(status) => return status.into(),
                }
            }
        };
        let late = |_| End::Lost("the server does not end a closed stream".to_owned());
        timeout(CLOSE_TIMEOUT, last).await.unwrap_or_else(late)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if self.unknown > 1 {
            debug!(
                count = self.unknown,
                "messages of an unknown kind were skipped"
            );
        }
    }
}
