//! Attacks on HTTP/2 itself, frame by frame. What is no use of the protocol ends its own connection.

use std::net::SocketAddr;

use super::neighbours::{Neighbours, beside};
use crate::support::Server;
use crate::support::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, Frames, HEADERS, Heard, PING,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, call, frame, get,
};

/// How many frames an attack is.
const FRAMES: u32 = 100_000;
/// What the server may grow by under an attack, whatever it is sent.
const MOST_GROWN: u64 = 48 << 20;

const GET_HEALTH: &str = "/grpc.health.v1.Health/Watch";

/// Sends what `frames` makes for each number, many at once, until all is sent or the server closes. Then the server
/// is held to its bounds.
async fn attack(frames: impl Fn(u32) -> Vec<u8>) -> (Heard, bool) {
    let server = Server::start().await;
    let mut neighbours = Neighbours::of(&server).await;
    neighbours.are_served(&server).await;
    let before = server.resident_bytes();
    let attack = send(server.address, frames);
    let heard = beside(&server, &mut neighbours, attack).await;
    let grown = server.resident_bytes().saturating_sub(before);
    println!("grown by {} KiB, heard {heard:?}", grown >> 10);
    assert!(grown < MOST_GROWN, "the server has grown by {grown} bytes");
    neighbours.are_served(&server).await;
    heard
}

/// Sends them over one connection. Gives what was heard, and whether the server closed before the end.
pub(super) async fn send(address: SocketAddr, frames: impl Fn(u32) -> Vec<u8>) -> (Heard, bool) {
    let mut peer = Frames::open(address).await;
    let numbers: Vec<u32> = (0..FRAMES).collect();
    for some in numbers.chunks(1000) {
        let bytes: Vec<u8> = some.iter().flat_map(|n| frames(*n)).collect();
        if !peer.send(&bytes).await {
            return (peer.ended().await, true);
        }
    }
    (peer.close().await, false)
}

/// The connection was ended by the server, which says why where the peer can still hear it.
fn is_told_to_calm_down((heard, cut): (Heard, bool)) {
    match heard.goodbye {
        Some(code) => assert_eq!(code, ENHANCE_YOUR_CALM),
        None => assert!(cut, "it went on to the end"),
    }
}

/// Streams of a client have odd numbers.
fn stream(n: u32) -> u32 {
    2 * n + 1
}

fn open(n: u32, flags: u8, headers: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | flags, stream(n), headers)
}

/// A request that is given up at once.
pub(super) fn rapid_reset(n: u32) -> Vec<u8> {
    let cancel = 8u32.to_be_bytes();
    let reset = frame(RST_STREAM, 0, stream(n), &cancel);
    [open(n, END_STREAM, &get("/health")), reset].concat()
}

/// A header that is not indexed: name and value are in each frame anew.
pub(super) fn endless_headers(n: u32) -> Vec<u8> {
    match n {
        0 => frame(HEADERS, END_STREAM, 1, &get("/health")),
        _ => frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y"),
    }
}

pub(super) fn empty_data(n: u32) -> Vec<u8> {
    match n {
        0 => open(0, 0, &call("/conveyor.v1.LogService/AppendLogs")),
        _ => frame(DATA, 0, 1, &[]),
    }
}

pub(super) fn ping(n: u32) -> Vec<u8> {
    frame(PING, 0, 0, &u64::from(n).to_be_bytes())
}

pub(super) fn made_you_reset(n: u32) -> Vec<u8> {
    let most = (u32::MAX >> 1).to_be_bytes();
    let too_much = frame(WINDOW_UPDATE, 0, stream(n), &most);
    [open(n, 0, &get("/health")), too_much].concat()
}

#[tokio::test]
async fn rapid_reset_ends_its_connection() {
    is_told_to_calm_down(attack(rapid_reset).await);
}

#[tokio::test]
async fn resets_that_the_server_is_made_to_send_end_their_connection() {
    // More room than a window can have is an error of the stream, and the server resets it.
    let ended = attack(made_you_reset);
    is_told_to_calm_down(ended.await);
}

#[tokio::test]
async fn headers_that_never_end_end_their_connection() {
    is_told_to_calm_down(attack(endless_headers).await);
}

#[tokio::test]
async fn empty_data_frames_end_their_connection() {
    is_told_to_calm_down(attack(empty_data).await);
}

#[tokio::test]
async fn data_by_the_byte_ends_its_connection() {
    let ended = attack(|n| match n {
        0 => open(0, 0, &call("/conveyor.v1.LogService/AppendLogs")),
        _ => frame(DATA, 0, 1, &[0]),
    });
    is_told_to_calm_down(ended.await);
}

#[tokio::test]
async fn floods_of_settings_and_pings_are_answered() {
    let (heard, _) = attack(|_| frame(SETTINGS, 0, 0, &[])).await;
    assert!(heard.kinds[usize::from(SETTINGS)] > 0, "{heard:?}");
    let (heard, _) = attack(ping).await;
    assert!(heard.kinds[usize::from(PING)] > 0, "{heard:?}");
}

#[tokio::test]
async fn streams_over_the_limit_of_a_connection_are_refused() {
    // 1,000 stay open; the rest is reset.
    let (heard, _) = attack(|n| match n {
        0..2000 => open(n, 0, &call(GET_HEALTH)),
        _ => Vec::new(),
    })
    .await;
    assert_eq!(heard.kinds[usize::from(RST_STREAM)], 1000, "{heard:?}");
}
