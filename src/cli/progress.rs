//! The line that says how far long work is: on stderr, and only where that is a terminal.

use std::io::Read;

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

    /// A line that counts bytes, up to a sum where it is known.
    pub(super) fn of_bytes(what: &'static str, all: Option<u64>) -> Self {
        let template = match all {
            Some(_) => "{msg} [{bar:20}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
            None => "{msg} {bytes}, {bytes_per_sec}",
        };
        Self::counting(what, all, template)
    }

    /// A line that counts things.
    pub(super) fn of_things(what: &'static str) -> Self {
        Self::counting(what, None, "{msg} {human_pos}, {per_sec}, {elapsed}")
    }

    fn counting(what: &'static str, all: Option<u64>, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(all, ProgressDrawTarget::stderr_with_hz(5));
        let style = ProgressStyle::with_template(template);
        let style = style
            .expect("the template is well formed")
            .progress_chars("=> ");
        Self(bar.with_style(style).with_message(what))
    }

    /// So much more is done.
    pub(super) fn add(&self, more: u64) {
        self.0.inc(more);
    }

    /// What is read through this counts.
    pub(super) fn reading<R: Read>(&self, input: R) -> impl Read + use<R> {
        self.0.wrap_read(input)
    }

    /// Says what is being done.
    pub(super) fn at(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// One more piece is done.
    pub(super) fn done(&self) {
        self.0.inc(1);
    }

    /// Says things above the line.
    pub(super) fn teller(&self) -> impl Fn(&str) + 'static {
        let bar = self.0.clone();
        move |text| bar.suspend(|| eprintln!("{text}"))
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

/// A number of bytes for people.
pub(super) fn bytes(bytes: u64) -> impl std::fmt::Display {
    indicatif::BinaryBytes(bytes)
}
