//! Faults that tests plant in the code, to see that the simulation finds them. Promises 4 and 5 and the watches have
//! none yet.
//!
//! Only tests are built with this. A fault is planted in one thread, on which a simulation runs as a whole.

use std::cell::Cell;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Some batches are answered OK and never written.
    AnswersWhatIsLost,
    /// Some batches are written without their runs.
    TearsBatches,
    /// Reports are taken from whoever sends them, under any token.
    LooksAtNoToken,
    /// Every offer of a step has the same token.
    RepeatsTokens,
    /// A task whose driver has gone stays with it.
    WaitsForTheDead,
}

thread_local! {
    static PLANTED: Cell<Option<Sabotage>> = const { Cell::new(None) };
}

/// Whether a fault is planted here.
pub(crate) fn planted(fault: Sabotage) -> bool {
    PLANTED.get() == Some(fault)
}

/// The name of what a planted panic is about, in any thread.
pub(crate) const PANICS: &str = "planted-panic";

/// Panics where a request is about that name.
pub(crate) fn panic_about(name: &str) {
    assert_ne!(name, PANICS);
}

/// Plants a fault in this thread, or none.
pub(crate) fn plant(fault: Option<Sabotage>) {
    PLANTED.set(fault);
}
