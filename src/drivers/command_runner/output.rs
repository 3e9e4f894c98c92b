//! The pipes that a command prints into. A process that outlives its command may keep them open;
//! this is where such a pipe comes to its end all the same.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The most that Linux lets a pipe hold. Whatever comes after so much was written after the end.
const PIPE_BYTES: usize = 1024 * 1024;
/// How long a pipe without anything to read is waited for once its command has ended.
const LINGER: Duration = Duration::from_millis(200);

/// A pipe that ends with its command, when all that was printed has been read.
pub(super) struct Output<R> {
    pipe: R,
    ended: CancellationToken,
    /// Done a moment after the command has ended.
    lingered: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// How much may still be read once the command has ended.
    left: usize,
}

impl<R: AsyncRead + Unpin> Output<R> {
    /// The output of a command; whoever waits for the command cancels `ended`.
    pub(super) fn new(pipe: R, ended: &CancellationToken) -> Self {
        let over = ended.clone();
        Self {
            pipe,
            ended: ended.clone(),
            lingered: Box::pin(async move {
                over.cancelled().await;
                sleep(LINGER).await;
            }),
            left: PIPE_BYTES,
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Output<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.pipe).poll_read(context, buffer) {
            if self.ended.is_cancelled() {
                let bytes = buffer.filled().len() - before;
                self.left = self.left.saturating_sub(bytes);
            }
            return Poll::Ready(read);
        }
        ready!(self.lingered.as_mut().poll(context));
        // Nothing read means the end. The future must not be polled again.
        self.left = 0;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_pipe_that_stays_open_ends_with_its_command() {
        let (pipe, mut kept_open) = duplex(64);
        let ended = CancellationToken::new();
        kept_open.write_all(b"last words").await.unwrap();
        ended.cancel();
        let mut text = String::new();
        let mut output = Output::new(pipe, &ended);
        let read = timeout(LONG, output.read_to_string(&mut text)).await;
        read.expect("the output must end").unwrap();
        assert_eq!(text, "last words");
    }

    #[tokio::test]
    async fn a_process_that_prints_for_ever_is_not_listened_to_for_ever() {
        let ended = CancellationToken::new();
        ended.cancel();
        let mut output = Output::new(tokio::io::repeat(b'x'), &ended);
        let read = timeout(LONG, tokio::io::copy(&mut output, &mut tokio::io::sink())).await;
        assert!(read.expect("the output must end").unwrap() >= PIPE_BYTES as u64);
    }
}
