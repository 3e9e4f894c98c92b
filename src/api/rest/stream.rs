//! Follows a log over websocket or Server-Sent Events: replay, then live, until the run has ended.
//!
//! Lines come from `LogService::tail_logs`, called in process. The next lines are asked for when the
//! former are written, so a slow reader holds one batch and nothing more.

mod sse;
mod websocket;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use axum::routing::get;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::StatusCode;
use http::header::UPGRADE;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};

use super::super::listen::Place;
use super::super::{RouterOptions, Services};
use super::answer;
use super::call::{Call, LAST_EVENT_ID};

use super::error::Failure;
use super::logs;
use super::routes::Routes;
use crate::proto::{
    GetRunRequest, RunState, TailLogsRequest, TailLogsResponse, TailedLine, TailedLines,
};

/// Stands in the extensions of a `TailLogsRequest` from REST: a run that is not known is waited for, since
/// lines may be posted for it. gRPC callers get NOT_FOUND.
#[derive(Clone, Copy, Debug)]
pub struct WaitForUnknownRun;

/// The three documented paths.
pub(super) fn routes<S: Services>() -> Routes<Arc<S>> {
    Routes::new()
        .route("/logs/streams/{driver}/{runid}", get(follow::<S>))
        .route("/logs/pipeline/{runid}", get(follow::<S>))
        .route("/drivers/streams/logs/{driver}/{runid}", get(follow::<S>))
}

async fn follow<S: Services>(
    State(api): State<Arc<S>>,
    Extension(options): Extension<Arc<RouterOptions>>,
    place: Option<Extension<Place>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    call: Call,
) -> Result<Response, Failure> {
    let wanted = wanted(&call)?;
    let format = match call.query_value("format") {
        Some("json") => Format::Whole,
        Some(_) => return Err(Failure::invalid("format", "must be json, or not given")),
        None => Format::Documented,
    };
    let is_websocket = call
        .header(UPGRADE)
        .is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
    if is_websocket {
        let upgrade = upgrade.map_err(|rejection| no_handshake(&rejection))?;
        let tail = Tail::open(&*api, wanted, &options.stop).await?;
        let (tracker, stop) = (options.tracker.clone(), options.stop.clone());
        let open = options.watch.figures.websockets.hold();
        let follow = async move |socket| {
            websocket::follow(socket, tail, format, stop).await;
            drop((place, open));
        };
        return Ok(websocket::limited(upgrade)
            .on_upgrade(move |socket| tracker.track_future(follow(socket))));
    }
    if call.header(LAST_EVENT_ID).is_some() && is_read_to_its_end(&*api, &wanted).await? {
        return Ok(answer::no_content());
    }
    let tail = Tail::open(&*api, wanted, &options.stop).await?;
    Ok(sse::answer(tail, format, &options))
}

/// The head asks for a websocket in a way that is none of RFC 6455.
fn no_handshake(rejection: &WebSocketUpgradeRejection) -> Failure {
    let error = rejection.body_text();
    Failure::new(StatusCode::BAD_REQUEST, Code::InvalidArgument, error)
}

/// How a line is shown.
#[derive(Clone, Copy)]
enum Format {
    /// As the documents have it.
    Documented,
    /// With all that is known of it.
    Whole,
}

fn wanted(call: &Call) -> Result<TailLogsRequest, Failure> {
    let mut wanted = TailLogsRequest::default();
    match call.path_parts() {
        [driver, run] => {
            driver.clone_into(&mut wanted.driver);
            run.clone_into(&mut wanted.run_id);
        }
        parts => wanted.run_id = parts.concat(),
    }
    call.query("step", &mut wanted.step)?;
    call.query("after", &mut wanted.after)?;
    call.query_if_any("last_lines", &mut wanted.last_lines)?;
    call.query_if_any("since", &mut wanted.since)?;
    let mut last = None;
    call.last_event_id(&mut last)?;
    if let Some(last) = last {
        wanted.after = last;
        // One who comes back goes on where he was, and does not begin at the end again.
        wanted.last_lines = None;
    }
    let mut follow = true;
    call.query("follow", &mut follow)?;
    wanted.follow = Some(follow);
    Ok(wanted)
}

/// Whether the run has ended and nothing stands after the place asked for.
async fn is_read_to_its_end<S: Services>(
    api: &S,
    wanted: &TailLogsRequest,
) -> Result<bool, Failure> {
    let id = wanted.run_id.clone();
    let run = match api.get_run(Request::new(GetRunRequest { id })).await {
        Ok(run) => run.into_inner(),
        // Lines may be posted for what is no run; such a log never ends.
        Err(status) if matches!(status.code(), Code::NotFound | Code::InvalidArgument) => {
            return Ok(false);
        }
        Err(status) => return Err(Failure::of(&status, "")),
    };
    let has_ended = match run.state() {
        RunState::Succeeded | RunState::Failed | RunState::Cancelled => true,
        RunState::Unspecified | RunState::Pending | RunState::Running | RunState::Cancelling => {
            false
        }
    };
    let stored = TailLogsRequest {
        follow: Some(false),
        ..wanted.clone()
    };
    Ok(has_ended
        && Tail::open(api, stored, &CancellationToken::new())
            .await?
            .has_nothing()
            .await)
}

/// The lines of a log as they come.
pub(super) struct Tail {
    lines: BoxStream<'static, Result<TailLogsResponse, Status>>,
    stop: CancellationToken,
    /// The sequence number of the last line that came.
    last: u64,
}

/// What comes next of a log.
pub(super) enum Next {
    Lines(TailedLines),
    /// The run has ended and all is sent.
    End,
    /// The server stops.
    Stopped,
    Failed(Status),
}

impl Tail {
    pub(super) async fn open<S: Services>(
        api: &S,
        wanted: TailLogsRequest,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let last = wanted.after;
        let mut request = Request::new(wanted);
        request.extensions_mut().insert(WaitForUnknownRun);
        let lines = api.tail_logs(request).await;
        let lines = lines.map_err(|status| logs::failure(&status, ""))?;
        Ok(Tail {
            lines: lines.into_inner().boxed(),
            stop: stop.clone(),
            last,
        })
    }

    /// Waits for what comes next. Nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> Next {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Next::Stopped,
            next = self.lines.next() => match next {
                Some(Ok(answer)) => match answer.read() {
                    Ok(lines) => {
                        let gap = lines.gap.map_or(self.last, |gap| gap.first_seq - 1);
                        self.last = lines.entries.last().map_or(gap, |entry| entry.seq);
                        Next::Lines(lines)
                    }
                    Err(error) => Next::Failed(Status::internal(error.to_string())),
                },
                Some(Err(status)) if status.code() == Code::Unavailable => Next::Stopped,
                Some(Err(status)) => Next::Failed(status),
                None => Next::End,
            },
        }
    }

    async fn has_nothing(mut self) -> bool {
        loop {
            match self.next().await {
                Next::Lines(lines) if lines.entries.is_empty() => continue,
                Next::End => return true,
                Next::Lines(_) | Next::Stopped | Next::Failed(_) => return false,
            }
        }
    }
}

/// A line with all that is known of it.
#[derive(serde::Serialize)]
struct Whole<'a> {
    runid: &'a str,
    driver: &'a str,
    pipeline: &'a str,
    step: &'a str,
    attempt: i32,
    seq: u64,
    stream: &'a str,
    time: String,
    labels: &'a std::collections::BTreeMap<String, String>,
    message: &'a str,
}

impl<'a> From<&'a TailedLine> for Whole<'a> {
    fn from(line: &'a TailedLine) -> Self {
        Whole {
            runid: line.run_id(),
            driver: line.driver(),
            pipeline: line.pipeline(),
            step: line.step(),
            attempt: line.attempt,
            seq: line.seq,
            stream: line.stream(),
            time: line.time.unwrap_or_default().to_string(),
            labels: &line.labels,
            message: line.message(),
        }
    }
}

/// The text of a value that always has one: strings, numbers and maps of strings.
pub(super) fn json_text<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("strings, numbers and maps of strings are JSON")
}
