//! A connection takes turns with the others, however much it is sent.
//!
//! tokio lets a task do a number of things before it must let others have its thread, and a read is one of them however
//! much it brings. What stands in 8 KiB may be a piece of one message or five hundred pings that are answered. So what is
//! read counts by its length: a peer that sends without end is given its thread for as little at a time as any other.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;

/// Bytes that count as one thing done, of which tokio allows 128 in a row.
const TURN: usize = 1 << 10;

/// A connection whose reads count by their length.
#[derive(Debug)]
pub(super) struct Turns<T>(T);

impl<T> Turns<T> {
    pub(super) fn new(io: T) -> Self {
        Self(io)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Turns<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let turn = ready!(poll_proceed(cx));
        let before = into.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(cx, into))?;
        turn.made_progress();
        for _ in 0..(into.filled().len() - before) / TURN {
            // What was read is given all the same; the next read waits for the next turn.
            let Poll::Ready(turn) = poll_proceed(cx) else {
                break;
            };
            turn.made_progress();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Turns<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// A peer whose next bytes are always there.
    struct Flood;

    impl AsyncRead for Flood {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            into.put_slice(&vec![0; into.remaining()]);
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_peer_that_sends_without_end_lets_others_have_their_turn() {
        let mut peer = Turns::new(Flood);
        // How much is read before the task lets others go on, three times.
        for _ in 0..3 {
            let (mut buffer, mut read) = (vec![0; 8 << 10], 0_usize);
            poll_fn(|cx| {
                while read < 10 << 20 {
                    let mut into = ReadBuf::new(&mut buffer);
                    if Pin::new(&mut peer).poll_read(cx, &mut into).is_pending() {
                        break;
                    }
                    read += into.filled().len();
                }
                Poll::Ready(())
            })
            .await;
            assert!(read > 0, "it has its turn again");
            assert!(read <= 128 << 10, "{read} bytes were read in one turn");
            tokio::task::yield_now().await;
        }
    }
}
