//! Faults that tests plant in the code, one for each promise, to see that the simulation finds them.
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
    /// Lines that come together are stored in another order.
    MixesLines,
    /// A tail that fell behind goes on with what is new.
    TailTrustsNews,
    /// After a restart open tasks are nobody's.
    ForgetsOpenTasks,
    /// A watch passes over the change after the one that it resumes from.
    WatchSkips,
}

thread_local! {
    static PLANTED: Cell<Option<Sabotage>> = const { Cell::new(None) };
}

/// Whether a fault is planted here.
pub(crate) fn planted(fault: Sabotage) -> bool {
    PLANTED.get() == Some(fault)
}

/// Plants a fault in this thread, or none.
pub(crate) fn plant(fault: Option<Sabotage>) {
    PLANTED.set(fault);
}
