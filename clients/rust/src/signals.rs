//! The signals that ask a process to end.

use tokio_util::sync::CancellationToken;

/// Fires one token for each Ctrl-C or SIGTERM, in order. Later ones change nothing.
pub(crate) async fn cancel_in_turn(tokens: [CancellationToken; 2]) {
    // Without handlers a signal ends the process, as ever.
    let Ok(mut signals) = Signals::new() else {
        return;
    };
    for token in tokens {
        signals.next().await;
        token.cancel();
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
