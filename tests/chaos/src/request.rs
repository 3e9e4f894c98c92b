//! A call that goes on until it is answered, over a server that comes and goes.

use std::time::Duration;

use conveyor_client::tonic::{Code, Response, Status};
use tokio::time::{Instant, sleep, timeout};

use crate::Result;

/// How long one try may take.
const TRY: Duration = Duration::from_secs(10);
/// How long all tries may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer, and whether it came at the first try: before one that came later, the same may have been done already.
pub(crate) struct Answer<T> {
    pub(crate) answer: std::result::Result<T, Status>,
    pub(crate) first: bool,
}

/// Asks until there is an answer that stands.
pub(crate) async fn ask<T>(
    what: &str,
    mut call: impl AsyncFnMut() -> std::result::Result<Response<T>, Status>,
) -> Result<Answer<T>> {
    let begun = Instant::now();
    let mut first = true;
    loop {
        let said = match timeout(TRY, call()).await {
            Ok(Ok(answer)) => {
                let answer = Ok(answer.into_inner());
                return Ok(Answer { answer, first });
            }
            Ok(Err(status)) if !may_pass(&status) => {
                let answer = Err(status);
                return Ok(Answer { answer, first });
            }
            Ok(Err(status)) => status.to_string(),
            Err(_) => format!("no answer in {TRY:?}"),
        };
        if begun.elapsed() > PATIENCE {
            return Err(format!("{what}: never answered, the last time {said}").into());
        }
        first = false;
        sleep(Duration::from_millis(100)).await;
    }
}

/// The same where every answer but OK is a fault.
pub(crate) async fn answered<T>(
    what: &str,
    call: impl AsyncFnMut() -> std::result::Result<Response<T>, Status>,
) -> Result<T> {
    let answer = ask(what, call).await?.answer;
    answer.map_err(|status| format!("{what}: {status}").into())
}

/// Whether the server was away, or will take it later.
pub(crate) fn may_pass(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable
            | Code::Unknown
            | Code::Internal
            | Code::Cancelled
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
    )
}
