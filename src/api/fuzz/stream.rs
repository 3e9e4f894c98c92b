//! The stream of a scripted driver, and those who disturb it. A driver waits for what it is told and not for time, so that
//! its script gets as far on a slow machine.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use prost::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::driver::{Heard, Player, Turn};
use super::{LIMIT, PAUSE, call, call_for, frame, rest};
use crate::api::Doors;
use crate::proto::driver_stream_request::Kind;
use crate::proto::{CancelRunRequest, DriverStreamRequest, Heartbeat};

/// Most turns of a script.
const TURNS: usize = 64;

/// Writes this resource anew while a driver works.
const WRITE: &[u8] =
    b"POST /resources/apply\n\n{\"name\":\"a\",\"resource\":\"app\",\"spec\":{\"again\":1}}";

/// Plays a driver, and those who disturb it.
pub(crate) async fn driver_stream(doors: &Doors, input: &[u8]) {
    let mut stream = Stream::open(doors).await;
    for step in input.chunks(2).take(TURNS) {
        let (what, how) = (step[0], step.get(1).copied().unwrap_or_default());
        let goes_on = match stream.player.turn(what, how) {
            Turn::Says(kind) => stream.says(kind).await,
            Turn::SeesACancel(id) => {
                let cancel = CancelRunRequest {
                    id,
                    ..CancelRunRequest::default()
                };
                let path = "/conveyor.v1.RunService/CancelRun";
                call_for::<crate::proto::Run>(doors, path, &cancel).await;
                true
            }
            Turn::SeesAWrite => rest(doors, WRITE).await.is_some(),
        };
        if !goes_on {
            break;
        }
    }
    stream.close().await;
}

/// The stream of a driver.
struct Stream {
    player: Player,
    send: mpsc::Sender<Bytes>,
    heard: Body,
    /// What came in one piece with what was heard last.
    ready: VecDeque<Heard>,
}

impl Stream {
    async fn open(doors: &Doors) -> Self {
        let (send, sent) = mpsc::channel::<Bytes>(64);
        let sent = stream::unfold(sent, |mut sent| async move {
            let frame = sent.recv().await?;
            Some((Ok::<_, Infallible>(frame), sent))
        });
        let path = b"/conveyor.v1.DriverService/DriverStream";
        let request = call(path, Body::from_stream(sent.boxed())).expect("it is a request");
        let answer = timeout(LIMIT, doors.call(request)).await;
        let answer = answer.expect("a stream begins within its limit");
        Self {
            player: Player::default(),
            send,
            heard: answer.into_body(),
            ready: VecDeque::new(),
        }
    }

    /// Says something, and waits until the server has heard it. False where the stream has ended.
    async fn says(&mut self, kind: Option<Kind>) -> bool {
        let is_hello = matches!(kind, Some(Kind::Hello(_)));
        // A first word that is no hello ends the stream; a hello is answered by a welcome. What is said later may have
        // no answer: the ack of a heartbeat behind it tells that it was heard.
        let was_welcome = self.player.is_welcome();
        let mut words = vec![kind];
        if was_welcome {
            words.push(Some(Kind::Heartbeat(Heartbeat::default())));
        }
        for kind in words {
            let message = DriverStreamRequest { kind }.encode_to_vec();
            // The server has ended the stream where nothing more can be sent.
            let Ok(Ok(())) = timeout(LIMIT, self.send.send(frame(&message))).await else {
                return false;
            };
        }
        let last = if was_welcome {
            Heard::HeartbeatAck
        } else {
            Heard::Welcome
        };
        loop {
            match self.hears(LIMIT).await.expect("it hears, or is ended") {
                Heard::End => return false,
                heard if heard == last => break,
                _ => {}
            }
        }
        // A task may follow a welcome at once.
        while is_hello && matches!(self.hears(PAUSE).await, Some(Heard::Other)) {}
        true
    }

    /// What it is told next; `None` where that takes too long.
    async fn hears(&mut self, limit: Duration) -> Option<Heard> {
        loop {
            if let Some(heard) = self.ready.pop_front() {
                return Some(heard);
            }
            match timeout(limit, self.heard.frame()).await.ok()? {
                Some(Ok(frame)) => self.ready.extend(self.player.hear(frame.data_ref())),
                Some(Err(_)) | None => return Some(Heard::End),
            }
        }
    }

    /// Has no more to say, and sees the stream end.
    async fn close(self) {
        let Self {
            send, mut heard, ..
        } = self;
        drop(send);
        let ended = async { while let Some(Ok(_)) = heard.frame().await {} };
        timeout(LIMIT, ended)
            .await
            .expect("a stream ends with its driver");
    }
}
