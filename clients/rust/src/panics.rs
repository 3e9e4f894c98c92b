//! What a panic of the user's function leaves behind: its words and where it happened.
//!
//! Only the panic hook is told the place, on the thread that panics, just before the panic is caught.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use futures_util::FutureExt;

thread_local! {
    static TRACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that was caught.
pub(crate) struct Panic {
    /// What it said.
    pub(crate) text: String,
    /// Where it happened, with the calls that led there if RUST_BACKTRACE asks for them.
    pub(crate) trace: String,
}

/// Notes from now on where panics happen, and leaves all else to the hook that there is.
pub(crate) fn note_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            TRACE.set(Some(trace(info)));
            hook(info);
        }));
    });
}

/// Waits for `work`, or catches its panic.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panic> {
    let caught = AssertUnwindSafe(work).catch_unwind().await;
    caught.map_err(|panic| Panic {
        text: text(&*panic).to_owned(),
        trace: TRACE.take().unwrap_or_default(),
    })
}

fn trace(info: &PanicHookInfo<'_>) -> String {
    let place = info
        .location()
        .map(|place| format!("at {place}"))
        .unwrap_or_default();
    let backtrace = Backtrace::capture();
    match backtrace.status() {
        BacktraceStatus::Captured => format!("{place}\n{backtrace}"),
        _ => place,
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("with no message")
}
