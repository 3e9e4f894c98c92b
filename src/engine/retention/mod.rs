//! Retention: removes what is kept long enough, a little at a time.
//!
//! Every period it goes through its [`Duty`]s, each in steps: a step reads what is due from a queue of the store, on a
//! thread that may block, and commits one bounded batch. Between steps it rests, so that it takes a small share of
//! the time of disk and cores. All it goes by is in the store, so that a restart loses nothing.
//!
//! Invariant: what is removed is decided by [`crate::model::retention`] alone; what goes together, and what never
//! goes, is the business of the store's `Removal`.

mod changes;
mod clock;
mod counts;
mod logs;
mod queues;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use self::changes::ChangeCount;
use self::clock::Clock;
use self::counts::Pass;
use self::queues::Turn;
use super::{Engine, Inner};
use crate::aside::aside;
use crate::model::name::Name;
use crate::model::retention::{Limits, Policy};
#[cfg(test)]
use crate::sabotage::{Sabotage, planted};
use crate::store::keys::LogState;
use crate::store::{EndedRun, Error, Position, Removal, Result, Store};

/// Most rows of one batch.
const STEP_ROWS: usize = 2_000;
/// Most entries of a queue that one step looks at.
const LOOK_AT: usize = 256;
/// For each moment of work it rests so many, but no longer than a period.
const REST: u32 = 4;
/// Most resources that are remembered for a look; beyond it, all are looked at.
const TOUCHED_MOST: usize = 10_000;

/// How long things are kept, and how often that is looked after.
#[derive(Clone, Debug)]
pub struct RetentionOptions {
    /// How often what is due is looked for.
    pub period: Duration,
    /// What belongs to resources, where their definition does not say otherwise.
    pub policy: Policy,
    /// The changes that watches resume from.
    pub changes: Limits,
}

/// What retention shares with the rest of the engine.
pub(super) struct Retention {
    options: RetentionOptions,
    /// Whether anything of anybody goes by its number.
    counts: AtomicBool,
    touched: Mutex<Touched>,
    /// Up to where changes are gone, or about to be.
    trimmed: AtomicU64,
}

/// Resources that have one more of something that is counted. It only saves looks: a start looks at all.
#[derive(Default)]
struct Touched {
    resources: BTreeSet<(Name, Name)>,
    /// Definitions of which every resource is to be looked at.
    definitions: BTreeSet<Name>,
    /// Every resource of every definition is to be looked at.
    all: bool,
}

/// One sort of thing that it looks after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Duty {
    Runs(LogState),
    Counts,
    Revisions,
    Pipelines,
    OutsideLogs,
    Changes,
}

const DUTIES: [Duty; 7] = [
    Duty::Runs(LogState::Kept),
    Duty::Runs(LogState::Gone),
    Duty::Counts,
    Duty::Revisions,
    Duty::Pipelines,
    Duty::OutsideLogs,
    Duty::Changes,
];

/// What a step leaves to do.
enum Left {
    /// Nothing until the next tick.
    Nothing,
    /// Another step.
    More,
}

/// The one who does it, between two steps.
struct Sweeper {
    engine: Engine,
    clock: Clock,
    pass: Pass,
    changes: ChangeCount,
    /// Which definition comes next, where a round has begun.
    turns: HashMap<Duty, Turn>,
    /// The last finished run that this tick removed, in each queue. What was removed is walked over by whoever looks
    /// from the beginning again.
    read_so_far: HashMap<(LogState, Name), EndedRun>,
    /// The time of this round.
    now: Timestamp,
}

impl Retention {
    pub(super) fn new(options: RetentionOptions, trimmed: Position) -> Self {
        let touched = Touched {
            all: true,
            ..Touched::default()
        };
        Self {
            counts: AtomicBool::new(options.policy.counts()),
            touched: Mutex::new(touched),
            trimmed: AtomicU64::new(trimmed.0),
            options,
        }
    }

    /// Up to where changes are no longer kept.
    pub(super) fn trimmed(&self) -> Position {
        Position(self.trimmed.load(Ordering::SeqCst))
    }

    /// A resource has one more finished run or one more revision.
    pub(super) fn touch(&self, kind: &Name, name: &Name) {
        if !self.counts.load(Ordering::Relaxed) {
            return;
        }
        #[cfg(test)]
        if planted(Sabotage::ForgetsToCount) {
            return;
        }
        let mut touched = self.touched();
        if touched.resources.len() < TOUCHED_MOST {
            touched.resources.insert((kind.clone(), name.clone()));
        } else {
            touched.all = true;
        }
    }

    /// A definition says something new of how long things are kept.
    pub(super) fn policy_changed(&self, kind: &Name) {
        self.counts.store(true, Ordering::Relaxed);
        self.touched().definitions.insert(kind.clone());
    }

    fn touched(&self) -> MutexGuard<'_, Touched> {
        // What it holds only saves looks.
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Removes what is due, from time to time.
    pub(super) async fn retire(self) {
        let mut ticks = tokio::time::interval(self.0.retention.options.period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let stop = self.0.stop.clone();
        let mut sweeper = Sweeper::new(self);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            sweeper = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                sweeper = sweeper.tick() => sweeper,
            };
        }
    }
}

impl Sweeper {
    fn new(engine: Engine) -> Self {
        Self {
            clock: Clock::default(),
            pass: Pass::default(),
            changes: ChangeCount::default(),
            turns: HashMap::new(),
            read_so_far: HashMap::new(),
            now: engine.now(),
            engine,
        }
    }

    /// One that remembers nothing but the time, to go on where a step panics: the duty waits for the next tick, and the
    /// others have their turn.
    fn anew(&self) -> Self {
        Self {
            clock: self.clock,
            now: self.now,
            ..Self::new(self.engine.clone())
        }
    }

    /// Does a step of each duty in turn until nothing is due.
    async fn tick(mut self) -> Self {
        self.read_so_far.clear();
        let mut duties = DUTIES.to_vec();
        while !duties.is_empty() {
            self.now = self.clock.now(&*self.engine.0.world);
            let mut left = Vec::new();
            for duty in duties {
                let begun = self.engine.0.world.elapsed();
                let anew = self.anew();
                let done = match self.step(duty).await {
                    Some((sweeper, done)) => {
                        self = sweeper;
                        done
                    }
                    None => {
                        self = anew;
                        tracing::error!(?duty, "cannot remove what is no longer kept");
                        self.look_at_all();
                        continue;
                    }
                };
                match done {
                    Ok(Left::More) => left.push(duty),
                    Ok(Left::Nothing) => continue,
                    Err(error) => self.failed(&error),
                }
                let took = self.engine.0.world.elapsed().saturating_sub(begun);
                // A disk that stood still is no reason to rest for long: there may be no room because of what is due.
                let rest = (took * REST).min(self.engine.0.retention.options.period);
                tokio::time::sleep(rest).await;
            }
            duties = left;
        }
        self
    }

    /// Looks for what is due and removes it, in one batch. `None` where that panicked.
    async fn step(mut self, duty: Duty) -> Option<(Self, Result<Left>)> {
        let look = move || {
            let mut removal = Removal::of(&self.engine.0.store);
            let left = self.look(duty, &mut removal);
            (self, removal, left)
        };
        let (sweeper, removal, left) = aside(look).await.ok()?;
        let left = match left {
            Ok(left) => left,
            Err(error) => return Some((sweeper, Err(error))),
        };
        let done = sweeper.engine.0.remove(removal).await;
        Some((sweeper, done.map(|()| left)))
    }

    /// Nothing of a batch was removed: the next tick looks at all of it again.
    fn failed(&mut self, error: &Error) {
        if let Error::Conflict(what) = error {
            tracing::debug!(what, "written while it was looked at: it is kept for now");
        } else {
            tracing::warn!(%error, "cannot remove what is no longer kept");
        }
        self.look_at_all();
    }

    fn look_at_all(&mut self) {
        self.read_so_far.clear();
        self.engine.0.retention.touched().all = true;
    }

    fn look(&mut self, duty: Duty, removal: &mut Removal) -> Result<Left> {
        match duty {
            Duty::Runs(log) => self.runs(log, removal),
            Duty::Counts => self.counts(removal),
            Duty::Revisions => self.revisions(removal),
            Duty::Pipelines => self.pipelines(removal),
            Duty::OutsideLogs => self.outside_logs(removal),
            Duty::Changes => self.changes(removal),
        }
    }

    /// How long things of a definition are kept. One that was deleted has nothing to say.
    fn policy_of(&self, kind: &Name) -> Result<Policy> {
        #[cfg(test)]
        crate::sabotage::panic_about(kind.as_str());
        let server = &self.engine.0.retention.options.policy;
        let definition = self.store().read_definition(kind)?;
        Ok(definition.map_or(*server, |it| it.retention.over(server)))
    }

    fn store(&self) -> &Store {
        &self.engine.0.store
    }
}

impl Inner {
    /// Commits a removal and tells who follows the logs that it cuts.
    async fn remove(&self, removal: Removal) -> Result<()> {
        if removal.batch.rows() == 0 {
            return Ok(());
        }
        self.store.committer().commit(removal.batch).await?;
        self.figures.count_removed(&removal.removed);
        for (run, first) in &removal.trimmed {
            self.log_trimmed(run, *first);
        }
        Ok(())
    }
}

/// Whether a batch has enough.
fn is_full(removal: &Removal) -> bool {
    removal.batch.rows() >= STEP_ROWS
}
