//! What fuzzing calls in this room: requests through [`Doors`], as a connection hands them on.
//!
//! A request ends within [`LIMIT`]. An answer that goes on (a watch, a tail) is read until it pauses, and dropped.

mod message;

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body_util::BodyExt;
use percent_encoding::AsciiSet;
use prost::Message;
use tokio::time::timeout;

use super::Doors;
use crate::proto::driver_stream_request::Kind;
use crate::proto::driver_stream_response::Kind as Said;
use crate::proto::{
    Ack, Drain, DriverStreamRequest, DriverStreamResponse, Heartbeat, HeldTask, Hello, Log,
    LogLine, Reconcile, Result, TaskToken,
};

/// How long a request may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);
/// How long an answer that goes on may pause.
const PAUSE: Duration = Duration::from_millis(3);
/// How much of an answer is read.
const MOST_BYTES: usize = 4 << 20;

/// Asks by REST. The text is that of HTTP/1: a line with method and path, headers, an empty line, the body.
/// Answers the status, where the text is a request.
pub(crate) async fn rest(doors: &Doors, input: &[u8]) -> Option<StatusCode> {
    Some(ask(doors, read(input)?).await.0)
}

/// The request of a text. What hyper would not hand on is left out or escaped, so that the rest is tried all the same.
fn read(input: &[u8]) -> Option<Request> {
    let end = input.windows(2).position(|two| two == b"\n\n");
    let (head, body) = input.split_at(end.unwrap_or(input.len()));
    let body = body.get(2..).unwrap_or_default();
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut first = lines.next()?.splitn(2, |byte| *byte == b' ');
    let method = Method::from_bytes(first.next()?).unwrap_or(Method::GET);
    let mut request = Request::new(Body::from(body.to_vec()));
    *request.method_mut() = method;
    *request.uri_mut() = uri(first.next()?)?;
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            request.headers_mut().append(name, value);
        }
    }
    Some(request)
}

/// The address of a request, with what cannot stand in one escaped.
fn uri(bytes: &[u8]) -> Option<Uri> {
    if let Ok(uri) = Uri::try_from(bytes) {
        return Some(uri);
    }
    let path = bytes.strip_prefix(b"/").unwrap_or(bytes);
    let escaped = percent_encoding::percent_encode(path, HARMFUL);
    Uri::try_from(format!("/{escaped}")).ok()
}

/// What cannot stand in a path.
const HARMFUL: &AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Calls the method that the first byte picks, with well-formed messages that the others make.
pub(crate) async fn calls(doors: &Doors, input: &[u8]) {
    let (path, messages) = message::call(input);
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let request = call(path.as_bytes(), Body::from(framed(&messages)));
    ask(doors, request.expect("it is a request")).await;
}

/// Something for each method: with few fields, and with many.
pub(crate) fn calls_of_each() -> Vec<Vec<u8>> {
    let methods = u8::try_from(message::methods()).unwrap_or(u8::MAX);
    let picks = |method: u8, step: u8| {
        let bytes = (0..48_u8).map(move |at| at.wrapping_mul(step).wrapping_add(method));
        [vec![method], bytes.collect()].concat()
    };
    let each = (0..methods).flat_map(|method| {
        let few = vec![method, 2, 0, 0, 1, 1];
        [few, picks(method, 7), picks(method, 11), picks(method, 29)]
    });
    each.collect()
}

/// Calls by gRPC, and answers the body: a line with the path, then messages with [`MARK`] between, or after a first byte of 0 the bytes of
/// the body as they are.
pub(crate) async fn grpc(doors: &Doors, input: &[u8]) -> Option<Vec<u8>> {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (path, rest) = input.split_at(end.unwrap_or(input.len()));
    let rest = rest.get(1..).unwrap_or_default();
    let body = match rest.split_first() {
        Some((0, raw)) => raw.to_vec(),
        _ => framed(&messages(rest)),
    };
    let (_, answer) = ask(doors, call(path, Body::from(body))?).await;
    Some(answer.to_vec())
}

/// Stands between two messages.
pub(crate) const MARK: &[u8] = b"\xff\x00\xff";

fn messages(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let Some(at) = rest.windows(MARK.len()).position(|it| it == MARK) {
        messages.push(&rest[..at]);
        rest = &rest[at + MARK.len()..];
    }
    messages.push(rest);
    messages
}

fn framed(messages: &[&[u8]]) -> Vec<u8> {
    messages.iter().flat_map(|it| frame(it)).collect()
}

fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    frame.put_slice(message);
    frame.freeze()
}

fn call(path: &[u8], body: Body) -> Option<Request> {
    let request = Request::builder().method(Method::POST).uri(path);
    let request = request
        .header(CONTENT_TYPE, "application/grpc")
        .header("te", "trailers");
    request.body(body).ok()
}

/// Reads the answer to its end or to its first pause, and gives back its status and body.
async fn ask(doors: &Doors, mut request: Request) -> (StatusCode, BytesMut) {
    let host = HeaderValue::from_static("localhost");
    request
        .headers_mut()
        .entry(http::header::HOST)
        .or_insert(host);
    let answered = timeout(LIMIT, doors.call(request)).await;
    let answer = answered.expect("a request ends within its limit");
    // No input is the server's own fault.
    assert_ne!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let (status, mut body) = (answer.status(), answer.into_body());
    let mut bytes = BytesMut::new();
    let read = async {
        while let Ok(Some(Ok(frame))) = timeout(PAUSE, body.frame()).await {
            match frame.data_ref() {
                Some(data) => bytes.put_slice(data),
                // Trailers are the end, and hyper asks for nothing after them.
                None => break,
            }
            if bytes.len() > MOST_BYTES {
                break;
            }
        }
    };
    timeout(LIMIT, read)
        .await
        .expect("an answer ends or pauses within its limit");
    (status, bytes)
}

/// Plays a driver: each two bytes are a message. What it says of its task is true, nearly true or far off.
pub(crate) async fn driver_stream(doors: &Doors, input: &[u8]) {
    let (send, sent) = tokio::sync::mpsc::channel::<Bytes>(64);
    let sent = stream::unfold(sent, |mut sent| async move {
        let frame = sent.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), sent))
    });
    let path = b"/conveyor.v1.DriverService/DriverStream";
    let request = call(path, Body::from_stream(sent.boxed())).expect("it is a request");
    let answer = timeout(LIMIT, doors.call(request)).await;
    let mut answer = answer
        .expect("a stream begins within its limit")
        .into_body();
    let mut player = Player::default();
    for step in input.chunks(2).take(64) {
        let (what, how) = (step[0], step.get(1).copied().unwrap_or_default());
        let message = DriverStreamRequest {
            kind: player.say(what, how),
        };
        // The server has ended the stream where nothing more can be sent.
        let Ok(Ok(())) = timeout(LIMIT, send.send(frame(&message.encode_to_vec()))).await else {
            break;
        };
        while let Ok(Some(Ok(frame))) = timeout(PAUSE, answer.frame()).await {
            player.hear(frame.data_ref());
        }
    }
    drop(send);
    while let Ok(Some(Ok(_))) = timeout(PAUSE, answer.frame()).await {}
}

/// A driver that does as it should, one that comes back, one that says everything at once.
pub(crate) fn scripts() -> Vec<Vec<u8>> {
    vec![
        vec![0, 0, 1, 0, 2, 0, 3, 12, 5, 0],
        vec![0, 0, 1, 0, 0, 200, 7, 3, 4, 9, 3, 32],
        vec![
            0, 0, 1, 13, 1, 0, 2, 32, 2, 36, 3, 40, 3, 14, 4, 255, 6, 0, 2, 24, 2, 28,
        ],
        vec![0, 255, 0, 254, 3, 0],
    ]
}

/// What a driver under test knows.
#[derive(Default)]
struct Player {
    task: Option<Reconcile>,
    streams: u64,
}

impl Player {
    fn hear(&mut self, frame: Option<&Bytes>) {
        let message = frame.and_then(|frame| frame.get(5..));
        let said = message.and_then(|it| DriverStreamResponse::decode(it).ok());
        if let Some(Said::Reconcile(task)) = said.and_then(|it| it.kind) {
            self.task = Some(task);
        }
    }

    fn say(&mut self, what: u8, how: u8) -> Option<Kind> {
        let (task_id, token) = self.task(how);
        let number = number(how / 4);
        Some(match what % 8 {
            0 => Kind::Hello(self.hello(how, task_id, token)),
            1 => Kind::Ack(Ack {
                task_id,
                token,
                refused: how & 1 == 1,
                reason: String::new(),
            }),
            2 => Kind::Log(log(task_id, token, number)),
            3 => Kind::Result(Result {
                task_id,
                token,
                success: how & 1 == 0,
                data_json: r#"{"n":1}"#.into(),
                lines: number,
                ..Result::default()
            }),
            4 => Kind::Heartbeat(Heartbeat {
                tasks: vec![TaskToken { task_id, token }; usize::from(how)],
            }),
            5 => Kind::Drain(Drain {}),
            6 => return None,
            _ => Kind::Log(log(task_id, token, u64::from(how))),
        })
    }

    fn hello(&mut self, how: u8, task_id: String, token: u64) -> Hello {
        self.streams += 1;
        let next_line = number(how / 4);
        let held = HeldTask {
            task_id,
            token,
            next_line,
            result_waits: how & 1 == 1,
        };
        Hello {
            driver: "builder".into(),
            instance_id: uuid::Uuid::from_u128(u128::from(how & 3)).to_string(),
            stream_number: self.streams,
            definitions: vec!["app".into()],
            events: vec!["*".into()],
            slots: if how == 255 { i32::MIN } else { 4 },
            max_message_bytes: if how == 254 { 1 } else { 0 },
            tasks: if how > 128 { vec![held] } else { Vec::new() },
            ..Hello::default()
        }
    }

    /// The task at hand, mostly.
    fn task(&self, how: u8) -> (String, u64) {
        let task = self.task.clone().unwrap_or_default();
        match how % 16 {
            13 => (task.task_id, task.token.wrapping_add(1)),
            14 => (task.task_id, u64::MAX),
            15 => ("no task".into(), task.token),
            _ => (task.task_id, task.token),
        }
    }
}

fn log(task_id: String, token: u64, first_line: u64) -> Log {
    let time = Some(prost_types::Timestamp {
        seconds: if first_line == 7 { i64::MAX } else { 1 },
        nanos: if first_line == 6 { i32::MIN } else { 0 },
    });
    let line = LogLine {
        time,
        message: "line".into(),
        ..LogLine::default()
    };
    Log {
        task_id,
        token,
        first_line,
        lines: vec![line; 3],
    }
}

/// Numbers that counting goes wrong at.
fn number(pick: u8) -> u64 {
    match pick {
        0..=7 => u64::from(pick),
        8 => u64::MAX,
        9 => u64::MAX - 1,
        10 => i64::MAX.cast_unsigned(),
        11 => i64::MIN.cast_unsigned(),
        12 => u64::from(u32::MAX),
        _ => u64::from(pick % 8),
    }
}
