//! A log as Server-Sent Events: `id: <seq>` and the line as JSON; `event: end` after the last.

use std::convert::Infallible;
use std::fmt::Write;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use tokio::time::{Interval, MissedTickBehavior, interval_at};

use super::super::logs::Documented;
use super::{Format, Next, Tail, Whole, json_text};
use crate::proto::TailedLines;

/// How often an idle stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Begins the stream. Its headers go out at once, whether a line is there or not.
pub(super) fn answer(tail: Tail, format: Format) -> Response {
    let mut heartbeat = interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let frames = Frames {
        tail,
        format,
        heartbeat,
        is_over: false,
    };
    let chunks = stream::unfold(frames, async |mut frames| {
        let chunk = frames.next().await?;
        Some((Ok::<_, Infallible>(chunk), frames))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, Body::from_stream(chunks)).into_response()
}

struct Frames {
    tail: Tail,
    format: Format,
    heartbeat: Interval,
    is_over: bool,
}

impl Frames {
    async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        tokio::select! {
            next = self.tail.next() => {
                self.heartbeat.reset();
                self.is_over = !matches!(next, Next::Lines(_));
                match next {
                    Next::Lines(lines) => Some(frames(&lines, self.format)),
                    Next::End => Some(format!("id: {}\nevent: end\ndata: {{}}\n\n", self.tail.last)),
                    // No word: the reader comes back for the rest.
                    Next::Stopped => None,
                    Next::Failed(status) => {
                        let error = json_text(&status.message());
                        Some(format!("event: error\ndata: {{\"error\":{error}}}\n\n"))
                    }
                }
            }
            _ = self.heartbeat.tick() => Some(": heartbeat\n\n".to_owned()),
        }
    }
}

fn frames(lines: &TailedLines, format: Format) -> String {
    let mut frames = String::new();
    if let Some(gap) = &lines.gap {
        let _ = write!(
            frames,
            "event: gap\ndata: {{\"first_seq\":{}}}\n\n",
            gap.first_seq
        );
    }
    for entry in &lines.entries {
        let line = match format {
            Format::Documented => json_text(&Documented::from(entry)),
            Format::Whole => json_text(&Whole::from(entry)),
        };
        let _ = write!(frames, "id: {}\ndata: {line}\n\n", entry.seq);
    }
    frames
}
