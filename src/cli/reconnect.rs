//! What the commands do when the server goes away under a call: they say so, wait, and go on where they were.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep};
use tonic::{Code, Status};

use super::Failure;

/// How long a server that went away is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the first wait between two tries is, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// What is known of the server between two tries of one call.
pub(super) struct Reconnect {
    say: Box<dyn Fn(&str)>,
    pauses: ExponentialBackoff,
    heard: Instant,
    away: bool,
}

impl Reconnect {
    /// The server was heard just now. Its going and coming is told on stderr.
    pub(super) fn new() -> Self {
        Self::telling(|text| eprintln!("{text}"))
    }

    /// The same, told in another way.
    pub(super) fn telling(say: impl Fn(&str) + 'static) -> Self {
        Self {
            say: Box::new(say),
            pauses: pauses(),
            heard: Instant::now(),
            away: false,
        }
    }

    /// The server answered: its patience begins anew.
    pub(super) fn heard(&mut self) {
        if self.away {
            (self.say)("the server is back");
            (self.pauses, self.away) = (pauses(), false);
        }
        self.heard = Instant::now();
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// The status, where no new try can help or all patience is gone.
    pub(super) async fn pause(&mut self, status: Status) -> Result<(), Failure> {
        if !went_away(&status) || self.heard.elapsed() > PATIENCE {
            return Err(status.into());
        }
        if !self.away {
            (self.say)("the server went away; waiting for it");
        }
        self.away = true;
        sleep(self.pauses.next().unwrap_or(PAUSES.1)).await;
        Ok(())
    }
}

fn pauses() -> ExponentialBackoff {
    let backoff = ExponentialBuilder::new().with_min_delay(PAUSES.0);
    backoff
        .with_max_delay(PAUSES.1)
        .without_max_times()
        .with_jitter()
        .build()
}

/// Whether a new try can help: a server that drains, or a connection that broke under the call.
pub(super) fn went_away(status: &Status) -> bool {
    status.code() == Code::Unavailable || std::error::Error::source(status).is_some()
}

/// Calls until the server answers. For calls that may be made twice.
pub(super) async fn patiently<T>(
    mut call: impl AsyncFnMut() -> Result<T, Status>,
) -> Result<T, Failure> {
    let mut reconnect = Reconnect::new();
    loop {
        match call().await {
            Ok(answer) => {
                reconnect.heard();
                return Ok(answer);
            }
            Err(status) => reconnect.pause(status).await?,
        }
    }
}
