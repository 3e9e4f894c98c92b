//! `POST /logs` and `GET /logs`: lines in the documented form.

use std::io;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use tonic::{Request, Status};

use super::super::{RouterOptions, Services};
use super::call::Call;
use super::error::Failure;
use super::lines::stream_of;
use super::routes::Routes;
use super::stream::{Next, Tail};
use crate::proto::{AppendLogsRequest, LogGap, TailLogsRequest, TailedLine, TailedLines};

/// The routes for lines that are not followed.
pub(super) fn routes<S: Services>() -> Routes<Arc<S>> {
    Routes::new().route("/logs", get(list::<S>).post(append::<S>))
}

/// A line as the documents have it.
#[derive(Serialize)]
pub(super) struct Documented<'a> {
    runid: &'a str,
    driver: &'a str,
    pipeline: &'a str,
    /// Decimal unix seconds.
    timestamp: String,
    message: &'a str,
}

impl<'a> From<&'a TailedLine> for Documented<'a> {
    fn from(line: &'a TailedLine) -> Self {
        Documented {
            runid: line.run_id(),
            driver: line.driver(),
            pipeline: line.pipeline(),
            timestamp: line.time.unwrap_or_default().seconds.to_string(),
            message: line.message(),
        }
    }
}

impl<'a> Documented<'a> {
    /// The entry that stands for lines that are no longer kept: the documents have no other place for it.
    fn gap(run: &'a str, lines: &TailedLines, message: &'a str) -> Self {
        Documented {
            runid: run,
            driver: "",
            pipeline: "",
            timestamp: time_of_gap(lines),
            message,
        }
    }
}

/// What stands in place of lines that are no longer kept, in the documented form.
pub(super) fn missing(gap: &LogGap) -> String {
    format!("lines before {} are no longer kept", gap.first_seq)
}

/// The time that a gap is shown with: that of the first line after it.
pub(super) fn time_of_gap(lines: &TailedLines) -> String {
    let time = lines.entries.first().and_then(|entry| entry.time);
    time.unwrap_or_default().seconds.to_string()
}

/// What a service answered, with its fields named as REST has them.
pub(super) fn failure(status: &Status, body: &str) -> Failure {
    let mut failure = Failure::of(status, body);
    failure.rename(|field| match field {
        "run_id" => Some("runid"),
        "time" => Some("timestamp"),
        _ => None,
    });
    failure
}

/// Takes what `POST /logs/bulk` takes on one line.
async fn append<S: Services>(State(api): State<Arc<S>>, call: Call) -> Result<Response, Failure> {
    let entries = vec![call.body()?];
    let message = stream_of(&AppendLogsRequest { entries });
    let appended = api.append_logs(Request::new(message)).await;
    appended.map_err(|status| failure(&status, "entries[0]."))?;
    Ok((StatusCode::CREATED, "Created").into_response())
}

async fn list<S: Services>(
    State(api): State<Arc<S>>,
    Extension(options): Extension<Arc<RouterOptions>>,
    call: Call,
) -> Result<Response, Failure> {
    let mut wanted = TailLogsRequest {
        follow: Some(false),
        ..TailLogsRequest::default()
    };
    call.query("runid", &mut wanted.run_id)?;
    call.query("driver", &mut wanted.driver)?;
    call.query("after", &mut wanted.after)?;
    let mut limit = u64::MAX;
    call.query("limit", &mut limit)?;
    if wanted.run_id.is_empty() {
        return Err(Failure::invalid("runid", "must be given"));
    }
    let array = Array {
        run: wanted.run_id.clone(),
        tail: Tail::open(&*api, wanted, &options.stop).await?,
        pipeline: call.query_value("pipeline").unwrap_or_default().to_owned(),
        left: limit,
        is_begun: false,
        is_over: false,
    };
    let chunks = stream::unfold(array, async |mut array| Some((array.next().await?, array)));
    let headers = [(CONTENT_TYPE, "application/json")];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// A JSON array of lines, written as they are read: a log may be far larger than memory should hold.
struct Array {
    run: String,
    tail: Tail,
    /// Only lines of this pipeline. Empty: of all.
    pipeline: String,
    /// How many more lines are wanted.
    left: u64,
    is_begun: bool,
    is_over: bool,
}

impl Array {
    async fn next(&mut self) -> Option<io::Result<String>> {
        if self.is_over {
            return None;
        }
        let next = if self.left == 0 {
            Next::End
        } else {
            self.tail.next().await
        };
        self.is_over = !matches!(next, Next::Lines(_));
        Some(match next {
            Next::Lines(lines) => Ok(self.items(&lines)),
            Next::End if self.is_begun => Ok("]".to_owned()),
            Next::End => Ok("[]".to_owned()),
            // Half an array tells the reader that it is not whole.
            Next::Stopped => Err(io::Error::other("the server stops")),
            Next::Failed(status) => Err(io::Error::other(status)),
        })
    }

    fn items(&mut self, lines: &TailedLines) -> String {
        let mut items = String::new();
        if let Some(gap) = &lines.gap {
            let message = missing(gap);
            let run = self.run.clone();
            self.add(&Documented::gap(&run, lines, &message), &mut items);
        }
        for entry in &lines.entries {
            let is_wanted = self.pipeline.is_empty() || self.pipeline == entry.pipeline();
            if !is_wanted || self.left == 0 {
                continue;
            }
            self.left -= 1;
            self.add(&Documented::from(entry), &mut items);
        }
        items
    }

    fn add(&mut self, item: &Documented<'_>, items: &mut String) {
        items.push(if self.is_begun { ',' } else { '[' });
        self.is_begun = true;
        items.push_str(&super::stream::json_text(item));
    }
}
