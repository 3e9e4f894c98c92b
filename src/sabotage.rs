//! Faults that tests plant in the code, to see that the simulation finds them. Each stands where the promise is kept
//! that it breaks, and breaks it in the way that is most like a mistake.
//!
//! Only tests are built with this. A fault is planted in one thread, on which a simulation runs as a whole.

use std::cell::Cell;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// Promise 1: some batches are answered OK and never written.
    AnswersWhatIsLost,
    /// Promise 2: some batches are written without their runs.
    TearsBatches,
    /// Promise 3: reports are taken from whoever sends them, under any token.
    LooksAtNoToken,
    /// Promise 3: every offer of a step has the same token.
    RepeatsTokens,
    /// Promise 4: lines that come again are stored again.
    StoresLinesTwice,
    /// Promise 4: of each batch one line more is counted than there is, so that the next one seems to have been stored.
    LosesLines,
    /// Promise 4: the lines of a batch are stored in the wrong order.
    TurnsLinesRound,
    /// Promise 4: a tail that comes back sees its last line again.
    ShowsALineTwice,
    /// Promise 5: what waits for a driver that does not read has no limit.
    KeepsAllForTheDeaf,
    /// Promise 5: a tail is given all that there is, in one piece.
    ShowsAllAtOnce,
    /// Promise 5: a tail sees no more than the slowest one of the same run.
    WaitsForTheSlowest,
    /// Promise 6: a task whose driver has gone stays with it.
    WaitsForTheDead,
    /// Promise 9: new work is taken though the disk is full.
    TakesWorkOnAFullDisk,
    /// Retention: a run that has not ended is taken for one that has.
    RemovesTheUnfinished,
    /// Retention: things go in half their time.
    RemovesTooSoon,
    /// Retention: of what is kept by its number, one less is kept.
    RemovesOneMore,
    /// Retention: what is one too many is not seen to be so.
    ForgetsToCount,
    /// Retention: a removed run still stands in the list of its resource.
    LeavesARow,
    /// Retention: a revision goes though a run shows it.
    RemovesWhatIsShown,
    /// Retention, promise 4: a tail is not told of what was removed.
    HidesGaps,
    /// Retention, watch: who goes on after a position that is no longer kept is not told.
    TakesLostPositions,
    /// Retention, watch: positions are refused that are kept.
    RefusesKeptPositions,
    /// A driver is forgotten though it is there.
    ForgetsBusyDrivers,
    /// What waits for a driver that is forgotten waits on.
    ForgetsWhoWaits,
    /// A definition is deleted though something names it.
    DeletesWhatIsNamed,
    /// The last one of each page of a list is left out, unless it is the last of all.
    SkipsAtPageEnds,
    /// A watch of a run ends before the run.
    EndsWatchesTooSoon,
    /// A write lets go of its locks when its caller goes away.
    LetsGoOfLocks,
    /// All steps of a pipeline start at once.
    StartsStepsTooSoon,
    /// A step that failed does not stop those after it.
    GoesOnAfterAFailure,
    /// Runs of one resource do not wait for each other.
    LetsRunsOverlap,
    /// A cancel is answered and does nothing.
    ForgetsCancels,
    /// A timeout is over three seconds before its time.
    StopsTooSoon,
    /// Watch, ordered: two changes that are read together change places.
    SwapsChanges,
    /// Watch, unique: some changes come twice.
    ShowsAChangeTwice,
    /// Watch, reliable: some changes do not come.
    LeavesOutChanges,
    /// Watch, atomic: some changes come under the revision before theirs.
    ShowsHalfAChange,
    /// Watch, resumable: who goes on after a position is taken on from a later one.
    ResumesTooLate,
    /// Watch, bookmarked: a bookmark names a position that the watch has not come to.
    BookmarksTooMuch,
}

impl Sabotage {
    /// Whether it shows only where things are not kept for ever.
    pub(crate) fn is_of_retention(self) -> bool {
        matches!(
            self,
            Self::RemovesTheUnfinished
                | Self::RemovesTooSoon
                | Self::RemovesOneMore
                | Self::ForgetsToCount
                | Self::LeavesARow
                | Self::RemovesWhatIsShown
                | Self::HidesGaps
                | Self::TakesLostPositions
                | Self::RefusesKeptPositions
        )
    }
}

thread_local! {
    static PLANTED: Cell<Option<Sabotage>> = const { Cell::new(None) };
}

/// Whether a fault is planted here.
pub(crate) fn planted(fault: Sabotage) -> bool {
    PLANTED.get() == Some(fault)
}

/// The name of a resource, a definition or a line that panics, in any thread.
pub(crate) const PANICS: &str = "planted-panic";

/// Panics where something is about that name.
pub(crate) fn panic_about(name: &str) {
    assert_ne!(name, PANICS);
}

/// The name of a resource whose run panics when it is half on the board.
pub(crate) const PANICS_ON_THE_BOARD: &str = "planted-panic-on-the-board";

/// Panics where a run of that resource is put on the board.
pub(crate) fn panic_on_the_board(name: &str) {
    assert_ne!(name, PANICS_ON_THE_BOARD);
}

/// Plants a fault in this thread, or none.
pub(crate) fn plant(fault: Option<Sabotage>) {
    PLANTED.set(fault);
}
