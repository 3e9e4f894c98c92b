//! A connection takes turns with the others, however much it is sent or sends.
//!
//! tokio lets a task do a number of things before it must let others have its thread, and a read or a write is one of them
//! however long it is. What stands in 8 KiB may be a piece of one message or five hundred pings that are answered, and a
//! large answer is copied to the kernel for as long as that has room. So both count by their length: a peer that sends
//! without end, or asks for answers without end, is given its thread for as little at a time as any other.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;

/// Bytes read that count as one thing done, of which tokio allows 128 in a row: 32 KiB are a turn. They may be many
/// frames, and each is worked on.
const READ: usize = 256;
/// The same of bytes written, which are copied and no more: 128 KiB.
const WRITTEN: usize = 1 << 10;

/// A connection whose reads and writes count by their length.
#[derive(Debug)]
pub(super) struct Turns<T>(T);

/// Reads or writes, and counts the bytes that were.
fn counted(
    cx: &mut Context<'_>,
    each: usize,
    act: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    let turn = ready!(poll_proceed(cx));
    let bytes = ready!(act(cx))?;
    turn.made_progress();
    for _ in 0..bytes / each {
        // What was done stands; the next one waits for the next turn.
        let Poll::Ready(turn) = poll_proceed(cx) else {
            break;
        };
        turn.made_progress();
    }
    Poll::Ready(Ok(bytes))
}

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
        let before = into.filled().len();
        let io = Pin::new(&mut self.0);
        let read = |cx: &mut Context<'_>| {
            ready!(io.poll_read(cx, into))?;
            Poll::Ready(Ok(into.filled().len() - before))
        };
        counted(cx, READ, read).map_ok(drop)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Turns<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.0);
        counted(cx, WRITTEN, |cx| io.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.0);
        counted(cx, WRITTEN, |cx| io.poll_write_vectored(cx, parts))
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

    /// A peer whose next bytes are always there, and who has always room for more.
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

    impl AsyncWrite for Flood {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// How many bytes are done before the task lets others go on, three times.
    async fn turns(mut act: impl FnMut(&mut Context<'_>) -> Poll<io::Result<usize>>) -> [usize; 3] {
        let mut turns = [0; 3];
        for turn in &mut turns {
            poll_fn(|cx| {
                while *turn < 10 << 20
                    && let Poll::Ready(bytes) = act(cx)
                {
                    *turn += bytes.unwrap();
                }
                Poll::Ready(())
            })
            .await;
            tokio::task::yield_now().await;
        }
        turns
    }

    #[tokio::test]
    async fn a_peer_that_sends_without_end_lets_others_have_their_turn() {
        let (mut peer, mut buffer) = (Turns::new(Flood), vec![0; 8 << 10]);
        let read = turns(|cx| {
            let mut into = ReadBuf::new(&mut buffer);
            let read = Pin::new(&mut peer).poll_read(cx, &mut into);
            read.map_ok(|()| into.filled().len())
        });
        assert_eq!(read.await, [32 << 10; 3]);
    }

    #[tokio::test]
    async fn an_answer_that_is_taken_without_end_lets_others_have_their_turn() {
        let (mut peer, bytes) = (Turns::new(Flood), vec![0; 16 << 10]);
        let written = turns(|cx| Pin::new(&mut peer).poll_write(cx, &bytes));
        assert_eq!(written.await, [128 << 10; 3]);
        let parts = [IoSlice::new(&bytes), IoSlice::new(&bytes)];
        let written = turns(|cx| Pin::new(&mut peer).poll_write_vectored(cx, &parts));
        // Flood takes one part of them at a time.
        assert_eq!(written.await, [128 << 10; 3]);
    }
}
