//! A peer that speaks HTTP/2 frame by frame, so that it can break every rule of it.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::JoinHandle;

use super::soon;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// What a server says to a peer that does too much.
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

/// One connection.
pub(crate) struct Frames {
    to: OwnedWriteHalf,
    from: JoinHandle<Heard>,
}

/// What the server said until it closed.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// How many frames came, of each kind.
    pub(crate) kinds: [u64; 10],
    /// The code of its GOAWAY. One that closes at once may take it away from a peer that still writes.
    pub(crate) goodbye: Option<u32>,
}

impl Frames {
    /// Opens a connection and reads all that comes. Settings and pings are not answered.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
        to.write_all(&hello(&[])).await.unwrap();
        let from = tokio::spawn(async move {
            let mut heard = Heard::default();
            let mut head = [0; 9];
            while from.read_exact(&mut head).await.is_ok() {
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
                let mut payload = vec![0; length];
                if from.read_exact(&mut payload).await.is_err() {
                    break;
                }
                heard.kinds[usize::from(head[3])] += 1;
                if head[3] == GOAWAY {
                    let code = payload[4..8].try_into().expect("four bytes");
                    heard.goodbye = Some(u32::from_be_bytes(code));
                }
            }
            heard
        });
        Self { to, from }
    }

    /// Sends bytes; false where the server has closed.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        soon("the server reads", self.to.write_all(bytes))
            .await
            .is_ok()
    }

    /// Reads to the end that the server makes.
    pub(crate) async fn ended(self) -> Heard {
        let heard = soon("the server ends the connection", self.from).await;
        drop(self.to);
        heard.unwrap()
    }

    /// Closes, and reads what still comes.
    pub(crate) async fn close(mut self) -> Heard {
        // It may be closed already.
        let _ = self.to.shutdown().await;
        self.ended().await
    }
}

/// The preface, and settings as pairs of id and value.
pub(crate) fn hello(settings: &[(u16, u32)]) -> Vec<u8> {
    let pair = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    let settings: Vec<u8> = settings.iter().flat_map(pair).collect();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    [
        &preface[..],
        &frame(SETTINGS, 0, 0, &settings),
        &frame(SETTINGS, ACK, 0, &[]),
    ]
    .concat()
}

/// A frame as it goes over the wire.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("frames are short");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The headers of a GET.
pub(crate) fn get(path: &str) -> Vec<u8> {
    [&[0x82, 0x86][..], &text(4, path), &text(1, "localhost")].concat()
}

/// The headers of a gRPC call.
pub(crate) fn call(path: &str) -> Vec<u8> {
    let content_type = [&[0x0f, 0x10][..], &counted("application/grpc")].concat();
    let trailers = [&[0][..], &counted("te"), &counted("trailers")].concat();
    [
        &[0x83, 0x86][..],
        &text(4, path),
        &text(1, "localhost"),
        &content_type,
        &trailers,
    ]
    .concat()
}

/// A header whose name stands in HPACK's table at this place.
fn text(name: u8, value: &str) -> Vec<u8> {
    [&[name][..], &counted(value)].concat()
}

fn counted(value: &str) -> Vec<u8> {
    let length = u8::try_from(value.len())
        .ok()
        .filter(|length| *length < 127);
    [
        &[length.expect("headers here are short")][..],
        value.as_bytes(),
    ]
    .concat()
}
