//! A log as Server-Sent Events: `id: <seq>` and the line as JSON; `event: end` after the last.

use std::fmt::Write;

use axum::response::Response;
use futures_util::StreamExt;
use futures_util::stream;
use tonic::Status;

use super::super::super::RouterOptions;
use super::super::events;
use super::super::logs::Documented;
use super::{Format, Next, Tail, Whole, json_text};
use crate::proto::TailedLines;

/// Begins the stream.
pub(super) fn answer(tail: Tail, format: Format, options: &RouterOptions) -> Response {
    let frames = stream::unfold(Some(tail), move |tail| async move {
        let mut tail = tail?;
        match tail.next().await {
            Next::Lines(lines) => Some((Ok(frames(&lines, format)), Some(tail))),
            Next::End => Some((Ok(events::end(&format!("id: {}\n", tail.last))), None)),
            Next::Stopped => None,
            Next::Failed(status) => Some((Err::<_, Status>(status), None)),
        }
    });
    events::reply(frames.boxed(), options)
}

fn frames(lines: &TailedLines, format: Format) -> String {
    let mut frames = String::new();
    if let Some(gap) = &lines.gap {
        let _ = write!(
            frames,
            "id: {}\nevent: gap\ndata: {{\"first_seq\":{}}}\n\n",
            gap.first_seq - 1,
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
