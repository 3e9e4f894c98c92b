//! New tries of calls that the server had no room for.
//!
//! A server that has fallen behind refuses with `google.rpc.RetryInfo`, which says two things: nothing was done, and when
//! to come back. So any call may be made again, a create too.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tonic::Status;
use tonic_types::StatusExt;

/// How often a call is made again, at most.
const TRIES: usize = 5;
/// The longest wait, before its jitter.
const LONGEST: Duration = Duration::from_secs(10);

/// Makes a call, and makes it again as often as five times where the server says when to come back. Each wait is as long
/// as the server says or longer, at random, so that those who were refused together do not come back together.
///
/// # Errors
/// The last refusal, and any other error at once.
pub async fn retried<T>(mut call: impl AsyncFnMut() -> Result<T, Status>) -> Result<T, Status> {
    let mut waits: Option<ExponentialBackoff> = None;
    loop {
        let refused = match call().await {
            Ok(answer) => return Ok(answer),
            Err(status) => status,
        };
        let Some(least) = comes_back(&refused) else {
            return Err(refused);
        };
        let Some(wait) = waits.get_or_insert_with(|| longer_and_longer(least)).next() else {
            return Err(refused);
        };
        tokio::time::sleep(wait.max(least)).await;
    }
}

/// When the server wants to be asked again, if it says so.
fn comes_back(status: &Status) -> Option<Duration> {
    status.get_details_retry_info()?.retry_delay
}

fn longer_and_longer(first: Duration) -> ExponentialBackoff {
    let waits = ExponentialBuilder::default().with_max_times(TRIES);
    let waits = waits.with_min_delay(first).with_max_delay(LONGEST);
    waits.with_jitter().build()
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;

    fn refusal() -> Status {
        let mut details = ErrorDetails::new();
        details.set_retry_info(Some(Duration::from_millis(1)));
        Status::with_error_details(Code::ResourceExhausted, "no room", details)
    }

    #[tokio::test]
    async fn what_the_server_had_no_room_for_is_asked_again() {
        let mut calls = 0;
        let answer = retried(async || {
            calls += 1;
            if calls < 4 { Err(refusal()) } else { Ok(calls) }
        });
        assert_eq!(answer.await.unwrap(), 4);
    }

    #[tokio::test]
    async fn it_is_given_up_after_some_tries_with_the_servers_words() {
        let mut calls = 0;
        let answer = retried(async || {
            calls += 1;
            Err::<(), _>(refusal())
        });
        assert_eq!(answer.await.unwrap_err().message(), "no room");
        assert_eq!(calls, 1 + TRIES);
    }

    #[tokio::test]
    async fn other_errors_are_not_asked_again() {
        for code in [Code::ResourceExhausted, Code::Unavailable, Code::Aborted] {
            let mut calls = 0;
            let answer = retried(async || {
                calls += 1;
                Err::<(), _>(Status::new(code, "no"))
            });
            assert_eq!(answer.await.unwrap_err().code(), code);
            assert_eq!(calls, 1);
        }
    }
}
