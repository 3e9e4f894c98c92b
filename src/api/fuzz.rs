//! What fuzzing calls in this room: requests through [`Doors`], as a connection hands them on.
//!
//! A request ends within [`LIMIT`]. An answer that goes on (a watch, a tail) is read until it pauses, and dropped.

mod driver;
mod message;
mod routes;
mod stream;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests;
mod words;

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body_util::BodyExt;
use percent_encoding::AsciiSet;
use prost::Message;
use tokio::time::timeout;

pub(crate) use self::driver::{AS_IT_SHOULD, OF_AN_IDLE_ONE, scripts};
pub(crate) use self::stream::driver_stream;
pub(crate) use self::words::Known;
use super::Doors;
use crate::proto::{ListRunsRequest, ListRunsResponse};

/// How long a request may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);
/// How long an answer that goes on may pause.
pub(crate) const PAUSE: Duration = Duration::from_millis(2);
/// How much of an answer is read.
const MOST_BYTES: usize = 4 << 20;

/// What came of a request.
pub(crate) struct Answered {
    /// The status over HTTP.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "tests look how far requests get")
    )]
    pub(crate) status: StatusCode,
    /// The status of a gRPC call, a number.
    pub(crate) code: Option<String>,
    /// What was read of the body.
    pub(crate) body: BytesMut,
}

/// Asks by REST. The text is that of HTTP/1: a line with method and path, headers, an empty line, the body. `None`: the
/// text is no request.
pub(crate) async fn rest(doors: &Doors, input: &[u8]) -> Option<Answered> {
    Some(ask(doors, read(input)?, PAUSE).await)
}

/// Asks by REST what the bytes pick.
pub(crate) async fn routes(doors: &Doors, known: &Known, input: &[u8]) -> Option<Answered> {
    let (_, text) = routes::request(input, known);
    rest(doors, text.as_bytes()).await
}

/// Something for each route.
pub(crate) fn requests_of_each() -> Vec<Vec<u8>> {
    picks_for_each(routes::routes().len())
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
pub(crate) async fn calls(doors: &Doors, known: &Known, input: &[u8], pause: Duration) -> Answered {
    let (method, messages) = message::call(input, known);
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let request = call(method.path.as_bytes(), Body::from(framed(&messages)));
    let answered = ask(doors, request.expect("it is a request"), pause).await;
    // To a message that can be read, INTERNAL and UNKNOWN are no answer.
    let is_own_fault = matches!(answered.code.as_deref(), Some("2" | "13"));
    assert!(!is_own_fault, "{} is at fault", method.path);
    answered
}

/// Something for each method.
pub(crate) fn calls_of_each() -> Vec<Vec<u8>> {
    picks_for_each(message::methods().len())
}

/// The same as the target `grpc` takes it.
pub(crate) fn encoded_calls() -> Vec<Vec<u8>> {
    let encoded = |picks: Vec<u8>| {
        let (method, messages) = message::call(&picks, &Known::default());
        let head = format!("{}\n", method.path);
        [head.as_bytes(), &messages.join(MARK)].concat()
    };
    calls_of_each().into_iter().map(encoded).collect()
}

/// Bytes that pick each of so many things, with little beside it, and with much.
fn picks_for_each(things: usize) -> Vec<Vec<u8>> {
    let things = u8::try_from(things).unwrap_or(u8::MAX);
    let picks = |thing: u8, step: u8| {
        let bytes = (0..48_u8).map(move |at| at.wrapping_mul(step).wrapping_add(thing));
        [vec![thing], bytes.collect()].concat()
    };
    let each = (0..things).flat_map(|thing| {
        let few = vec![thing, 2, 0, 0, 1, 1];
        let all = [&[thing, 64], &[1; 46][..]].concat();
        [
            few,
            all,
            picks(thing, 7),
            picks(thing, 11),
            picks(thing, 29),
        ]
    });
    each.collect()
}

/// Calls by gRPC: a line with the path, then messages with [`MARK`] between, or after a first byte of 0 the bytes of the body
/// as they are. `None`: the line is no path.
pub(crate) async fn grpc(doors: &Doors, input: &[u8]) -> Option<Answered> {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (path, rest) = input.split_at(end.unwrap_or(input.len()));
    let rest = rest.get(1..).unwrap_or_default();
    let body = match rest.split_first() {
        Some((0, raw)) => raw.to_vec(),
        _ => framed(&messages(rest)),
    };
    Some(ask(doors, call(path, Body::from(body))?, PAUSE).await)
}

/// Calls by gRPC with one message, and reads the first that is answered.
async fn call_for<M: Message + Default>(
    doors: &Doors,
    path: &str,
    message: &impl Message,
) -> Option<M> {
    let body = Body::from(frame(&message.encode_to_vec()));
    let answered = ask(doors, call(path.as_bytes(), body)?, PAUSE).await;
    M::decode(answered.body.get(5..)?).ok()
}

/// What is there on a server now. `None`: no run has ended yet.
pub(crate) async fn known(doors: &Doors) -> Option<Known> {
    let list = "/conveyor.v1.RunService/ListRuns";
    let ended = ListRunsRequest {
        states: vec![crate::proto::RunState::Succeeded.into()],
        page_size: 1,
        ..ListRunsRequest::default()
    };
    let all = ListRunsRequest {
        page_size: 1,
        ..ListRunsRequest::default()
    };
    let ended: ListRunsResponse = call_for(doors, list, &ended).await?;
    let all: ListRunsResponse = call_for(doors, list, &all).await?;
    Some(Known {
        ended: ended.runs.first()?.id.clone(),
        open: all.runs.first()?.id.clone(),
        token: all.next_page_token,
    })
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

/// Reads the answer to its end or to its first pause of this length.
async fn ask(doors: &Doors, mut request: Request, pause: Duration) -> Answered {
    let host = HeaderValue::from_static("localhost");
    request
        .headers_mut()
        .entry(http::header::HOST)
        .or_insert(host);
    let answered = timeout(LIMIT, doors.call(request)).await;
    let answer = answered.expect("a request ends within its limit");
    // No input is the server's own fault.
    assert_ne!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let (status, mut code) = (answer.status(), code_in(answer.headers()));
    let mut body = answer.into_body();
    let mut bytes = BytesMut::new();
    let read = async {
        while let Ok(Some(Ok(frame))) = timeout(pause, body.frame()).await {
            match frame.data_ref() {
                Some(data) => bytes.put_slice(data),
                // Trailers are the end, and hyper asks for nothing after them.
                None => {
                    code = frame.trailers_ref().and_then(code_in);
                    break;
                }
            }
            if bytes.len() > MOST_BYTES {
                break;
            }
        }
    };
    timeout(LIMIT, read)
        .await
        .expect("an answer ends or pauses within its limit");
    Answered {
        status,
        code,
        body: bytes,
    }
}

fn code_in(headers: &HeaderMap) -> Option<String> {
    let code = headers.get("grpc-status")?;
    Some(code.to_str().unwrap_or_default().to_owned())
}
