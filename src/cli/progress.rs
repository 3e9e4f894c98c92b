//! The line that says how far long work is: on stderr, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A progress line. It goes with the value.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A line for so many pieces of work. One piece needs none.
    pub(super) fn of(pieces: usize) -> Self {
        let target = if pieces > 1 {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(pieces as u64), target);
        let style = ProgressStyle::with_template("[{bar:20}] {pos} of {len} {wide_msg}");
        Self(
            bar.with_style(
                style
                    .expect("the template is well formed")
                    .progress_chars("=> "),
            ),
        )
    }

    /// A line for work of unknown length.
    pub(super) fn waiting() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}");
        let bar = bar.with_style(style.expect("the template is well formed"));
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        Self(bar)
    }

    /// Says what is being done.
    pub(super) fn at(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// One more piece is done.
    pub(super) fn done(&self) {
        self.0.inc(1);
    }

    /// Does something that prints, with the line out of its way.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
