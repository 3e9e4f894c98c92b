//! A run that is redrawn in place on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use conveyor_client::proto::Run;

use super::show;

/// The place on the terminal. It is cleared at the end; what shall stay is printed after it.
pub(super) struct Live(ProgressBar);

impl Live {
    /// Nothing is drawn yet.
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
        let style = ProgressStyle::with_template("{msg}").expect("the template is well formed");
        Self(bar.with_style(style))
    }

    /// Draws a state of the run in the place of the one before.
    pub(super) fn draw(&self, run: &Run) {
        self.0.set_message(picture(run));
    }

    /// Says something above the picture.
    pub(super) fn say(&self) -> impl Fn(&str) + 'static {
        let bar = self.0.clone();
        move |text| bar.suspend(|| eprintln!("{text}"))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A run and its steps.
pub(super) fn picture(run: &Run) -> String {
    let table = show::table(std::slice::from_ref(run));
    if run.steps.is_empty() {
        return table;
    }
    format!("{table}\n\n{}", show::steps(run))
}
