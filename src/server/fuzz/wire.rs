//! What peers say to a listener: bytes as they are, frames of HTTP/2, and frames of a websocket after its handshake.
//!
//! Frames are written with their right length, or a length that lies, so that what is in them is looked at.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::api::LIMIT;

/// How long a peer listens before it says that it has no more to say.
const PAUSE: Duration = Duration::from_millis(2);

/// First bytes of an input of the target `http`.
const RAW: u8 = 0;
const HTTP2: u8 = 1;

/// How long an answer may pause: one that goes on is left.
const SILENCE: Duration = Duration::from_millis(50);
/// How much of an answer is kept.
const KEPT: usize = 1 << 10;

/// Says it all, and that it is all, and reads until nothing more comes; then it goes away. Gives back how the answer
/// begins.
pub(super) async fn say(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let talk = async {
        let mut stream = TcpStream::connect(address).await?;
        // Closed by a reset, so that no port waits.
        stream.set_zero_linger()?;
        let (mut from, mut to) = stream.split();
        let speak = async {
            to.write_all(bytes).await?;
            tokio::time::sleep(PAUSE).await;
            to.shutdown().await
        };
        let mut piece = vec![0; 16 << 10];
        let hear = async {
            while let Ok(Ok(read @ 1..)) = timeout(SILENCE, from.read(&mut piece)).await {
                let more = read.min(KEPT.saturating_sub(answer.len()));
                answer.extend(&piece[..more]);
            }
        };
        let (said, ()) = tokio::join!(speak, hear);
        said
    };
    let ended: Result<std::io::Result<()>, _> = timeout(LIMIT, talk).await;
    // A server that has heard enough closes before all is said: that is no fault.
    drop(ended.expect("all is taken and answered in time"));
    answer
}

/// What is sent for an input of the target `http`.
pub(super) fn http(input: &[u8]) -> Vec<u8> {
    match input.split_first() {
        Some((&HTTP2, script)) => http2(script),
        Some((_, raw)) => raw.to_vec(),
        None => Vec::new(),
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The preface, empty settings, then frames: type, flags, stream, length, and so many bytes.
fn http2(mut script: &[u8]) -> Vec<u8> {
    let mut bytes = [PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    while let [kind, flags, stream, length, rest @ ..] = script {
        let (content, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        script = rest;
        let told = u32::from(*length);
        // The last types of all say that they are longer than they are.
        let told = if *kind > 250 { told * 0x1_0101 } else { told };
        bytes.extend(&told.to_be_bytes()[1..]);
        bytes.extend([kind % 12, *flags]);
        let stream = match stream {
            250.. => u32::MAX,
            it => u32::from(*it),
        };
        bytes.extend(stream.to_be_bytes());
        bytes.extend(content);
    }
    bytes
}

/// What is sent for an input of the target `websocket`: the first byte picks the path; each frame is its first byte, the
/// second (whether it is masked, and how its length is told), a length, and so many bytes.
pub(super) fn websocket(input: &[u8]) -> Vec<u8> {
    let paths = [
        "/logs/streams/builder/x",
        "/logs/pipeline/x?format=json",
        "/drivers/streams/logs/d/00000000-0000-0000-0000-000000000000?last_lines=3",
        "/logs/pipeline/x?follow=false",
    ];
    let (pick, mut script) = input.split_first().unwrap_or((&0, &[]));
    let path = paths[usize::from(*pick) % paths.len()];
    let mut bytes = handshake(path).into_bytes();
    while let [first, second, length, rest @ ..] = script {
        let (content, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        script = rest;
        let is_masked = second & 0x80 != 0;
        bytes.push(*first);
        match second & 0x7f {
            126 => {
                bytes.push(second & 0x80 | 126);
                bytes.extend(u16::from(*length).to_be_bytes());
            }
            127 => {
                bytes.push(second & 0x80 | 127);
                bytes.extend(u64::from(*length).to_be_bytes());
            }
            // Far more than comes, up to what no machine has.
            125 => bytes.extend([second & 0x80 | 127, *length, 0, 0, 0, 0, 0, 0, 0]),
            124 => bytes.extend([second & 0x80 | 126, *length, 0]),
            _ => bytes.push(second & 0x80 | *length & 0x7d),
        }
        let key = [1, 2, 3, 4];
        if is_masked {
            bytes.extend(key);
        }
        let mask = key.iter().cycle().map(|key| key * u8::from(is_masked));
        bytes.extend(content.iter().zip(mask).map(|(byte, key)| byte ^ key));
    }
    bytes
}

fn handshake(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Requests, several in one piece, bodies in chunks, and frames of HTTP/2 with a request in them.
pub(crate) fn https() -> Vec<Vec<u8>> {
    let raw = [
        "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "GET /health HTTP/1.0\r\n\r\n",
        "GET /resources/app/a HTTP/1.1\r\nhost: localhost\r\n\r\nGET /runs HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "POST /resources/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
         5\r\n{\"nam\r\n16;x=y\r\ne\":\"b\",\"resource\":\"app\"\r\n1\r\n}\r\n0\r\nx: y\r\n\r\n",
        "POST /resources/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
        "GET /logs/pipeline/x HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nlast-event-id: 7\r\n\r\n",
        "GET http://localhost/health HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n",
        "CONNECT localhost:1 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost\r\naccess-control-request-method: PUT\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM",
        "POST /conveyor.v1.RunService/ListRuns HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/grpc\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0",
    ];
    let mut seeds: Vec<Vec<u8>> = raw.map(|text| [&[RAW], text.as_bytes()].concat()).to_vec();
    let call = &[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/conveyor.v1.RunService/ListRuns"),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let ask = &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/health"),
        (":authority", "localhost"),
    ];
    let (headers, data, reset, settings, ping, goaway, window) = (1, 0, 3, 4, 6, 7, 8);
    let scripts = [
        vec![frame(headers, 5, 1, &fields(ask))],
        vec![
            frame(headers, 4, 1, &fields(call)),
            frame(data, 1, 1, &[0; 5]),
        ],
        vec![
            frame(headers, 0, 1, &fields(ask)[..9]),
            frame(9, 4, 1, &fields(ask)[9..]),
            frame(reset, 0, 1, &[0, 0, 0, 8]),
        ],
        vec![
            frame(
                settings,
                0,
                0,
                &[0, 4, 0x7f, 0xff, 0xff, 0xff, 0, 5, 0, 0, 0x40, 0],
            ),
            frame(ping, 0, 0, &[7; 8]),
            frame(window, 0, 0, &[0x7f, 0xff, 0xff, 0xff]),
            frame(headers, 4, 3, &fields(call)),
            frame(data, 8, 3, &[2, 0, 0, 0, 0, 9, 1, 0, 0]),
            frame(goaway, 0, 0, &[0; 8]),
        ],
    ];
    seeds.extend(scripts.map(|frames| [vec![HTTP2], frames.concat()].concat()));
    seeds
}

/// One frame of a script of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    [&[kind, flags, stream, length], content].concat()
}

/// Header fields as HPACK literals.
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        [&[length], text.as_bytes()].concat()
    };
    let literal = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    fields.iter().flat_map(literal).collect()
}

/// Whole messages, pieces, control frames of every sort, and closes with codes that are and are not.
pub(crate) fn websockets() -> Vec<Vec<u8>> {
    const MASKED: u8 = 0x80;
    let said = |first: u8, second: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
        [&[first, second, length], content].concat()
    };
    vec![
        [
            vec![0],
            said(0x81, MASKED, b"hello"),
            said(0x88, MASKED, &[3, 0xe8]),
        ]
        .concat(),
        [
            vec![1],
            said(0x01, MASKED, b"in "),
            said(0x89, MASKED, b"?"),
            said(0x80, MASKED, b"two"),
        ]
        .concat(),
        [
            vec![2],
            said(0x81, MASKED, &[0xff, 0xfe, 0xc0]),
            said(0x82, MASKED | 126, &[0; 9]),
        ]
        .concat(),
        [vec![3], said(0x88, MASKED, &[0, 5, 0xff])].concat(),
        [vec![0], said(0x81, 0, b"not masked")].concat(),
        [
            vec![0],
            said(0x82, MASKED | 125, &[0x7f; 4]),
            said(0x8a, MASKED, &[]),
        ]
        .concat(),
        [
            vec![0],
            said(0xf3, MASKED, b"reserved"),
            said(0x80, MASKED, b"goes on with nothing"),
        ]
        .concat(),
        [
            vec![0],
            said(0x89, MASKED | 126, &[1; 126]),
            said(0x08, MASKED, &[3, 0xe9]),
        ]
        .concat(),
    ]
}
