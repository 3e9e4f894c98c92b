//! A log over a websocket: one text frame per line, `["<unix seconds>","<message>"]`.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use futures_util::SinkExt;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::super::logs;
use super::{Format, Next, Tail, Whole, json_text};
use crate::proto::TailedLines;

/// How often a peer is asked for a sign of life.
const PING: Duration = Duration::from_secs(30);
/// How long one may be silent: its answers come after all that it has still to read.
const SILENCE: Duration = Duration::from_secs(300);
/// How long a peer may take nothing: a reader of any pace is welcome, one that is gone is not waited for.
const WRITE_TIME: Duration = SILENCE;
/// How long a peer may take to leave after the stop.
const LEAVE_TIME: Duration = Duration::from_secs(3);
/// How long a peer has to answer a close.
const CLOSE_TIME: Duration = Duration::from_secs(2);
/// Most bytes of a message that a peer sends: it has nothing to say.
const MESSAGE_BYTES: usize = 4 << 10;
/// Bytes collected for one write. The most that may wait is a line on top, each byte of it escaped.
const WRITE_BYTES: usize = 32 << 10;

/// Bounds what a peer can cost.
pub(super) fn limited(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(MESSAGE_BYTES)
        .max_frame_size(MESSAGE_BYTES)
        .read_buffer_size(MESSAGE_BYTES)
        .write_buffer_size(WRITE_BYTES)
        .max_write_buffer_size(16 * WRITE_BYTES)
}

/// Sends the log to its end, or as long as the peer is there. After `stop` a peer that takes nothing has
/// little time left.
pub(super) async fn follow(socket: WebSocket, tail: Tail, format: Format, stop: CancellationToken) {
    let too_late = async {
        stop.cancelled().await;
        sleep(LEAVE_TIME).await;
    };
    tokio::select! {
        () = send(socket, tail, format) => (),
        () = too_late => (),
    }
}

async fn send(mut socket: WebSocket, mut tail: Tail, format: Format) {
    let mut ping = interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    let code = loop {
        let written = tokio::select! {
            next = tail.next() => match next {
                Next::Lines(lines) => write(&mut socket, frames(&lines, format)).await,
                Next::End => break close_code::NORMAL,
                Next::Stopped => break close_code::AWAY,
                Next::Failed(_) => break close_code::ERROR,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {
                    heard = Instant::now();
                    continue;
                }
            },
            _ = ping.tick() => {
                if heard.elapsed() > SILENCE {
                    return;
                }
                write(&mut socket, [Message::Ping(Vec::new().into())]).await
            }
        };
        if written.is_none() {
            return;
        }
    };
    close(socket, code).await;
}

/// `None` when the peer is gone or takes nothing.
async fn write(socket: &mut WebSocket, frames: impl IntoIterator<Item = Message>) -> Option<()> {
    for frame in frames {
        timeout(WRITE_TIME, socket.feed(frame)).await.ok()?.ok()?;
    }
    timeout(WRITE_TIME, socket.flush()).await.ok()?.ok()
}

/// Says goodbye and waits for the peer to do so too, so that what was sent is not cut off.
async fn close(mut socket: WebSocket, code: u16) {
    let goodbye = Message::Close(Some(CloseFrame {
        code,
        reason: "".into(),
    }));
    if write(&mut socket, [goodbye]).await.is_some() {
        let answer = async { while let Some(Ok(_)) = socket.recv().await {} };
        // A peer that does not answer in time has had its chance.
        let _ = timeout(CLOSE_TIME, answer).await;
    }
}

fn frames(lines: &TailedLines, format: Format) -> impl Iterator<Item = Message> {
    let gap = lines.gap.map(|gap| match format {
        Format::Documented => json_text(&[logs::time_of_gap(lines), logs::missing(&gap)]),
        Format::Whole => format!("{{\"gap\":{{\"first_seq\":{}}}}}", gap.first_seq),
    });
    let entries = lines.entries.iter().map(move |entry| match format {
        Format::Documented => {
            let seconds = entry.time.unwrap_or_default().seconds.to_string();
            json_text(&[&seconds, entry.message()])
        }
        Format::Whole => json_text(&Whole::from(entry)),
    });
    gap.into_iter()
        .chain(entries)
        .map(|text| Message::Text(text.into()))
}
