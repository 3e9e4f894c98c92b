//! A history, sorted by what the checks ask for.

use std::collections::{BTreeMap, BTreeSet};

use conveyor_client::proto::{Run, StepRun, StepState};
use conveyor_client::simulation::NEVER_BEGUN;

use crate::simulation::history::{Change, Event, Token};
use crate::simulation::keeping::Keeping;
use crate::store::gone::Gone;

/// What stands in the end, what went before, and what happened. What is gone is told as it was, so that all that ever
/// was is here.
#[derive(Default)]
pub(super) struct Facts<'a> {
    /// Each with its millisecond.
    pub(super) events: Vec<(u64, &'a Event)>,
    pub(super) keeping: Option<Keeping>,
    pub(super) runs: BTreeMap<&'a str, &'a Run>,
    /// The runs that stand in the end.
    pub(super) standing: BTreeSet<&'a str>,
    /// The lines of each run in their order, those that are gone first.
    pub(super) logs: BTreeMap<&'a str, Vec<Line<'a>>>,
    pub(super) revisions: BTreeMap<(&'a str, i64), &'a str>,
    /// The place at which a revision, or an entry of the log of changes, was gone.
    pub(super) gone_revisions: BTreeMap<(&'a str, i64), usize>,
    pub(super) gone_changes: BTreeMap<u64, usize>,
    /// All changes of resources that came to the disk, in their order, and those that stand in the end.
    pub(super) changes: Vec<&'a Change>,
    pub(super) final_changes: Vec<&'a Change>,
    /// The offers that instances saw.
    pub(super) offers: Vec<Offer<'a>>,
    /// How work ended, by what it said at its end.
    pub(super) ends: BTreeMap<&'a str, End<'a>>,
    /// Tasks whose work began.
    begun: BTreeSet<&'a str>,
    pub(super) open: Option<usize>,
}

/// A line of a log.
pub(super) struct Line<'a> {
    pub(super) seq: u64,
    pub(super) message: &'a str,
    /// The place among all events at which it was gone.
    pub(super) gone: Option<usize>,
}

/// An offer as an instance saw it.
pub(super) struct Offer<'a> {
    /// Its place among all events, and its millisecond.
    pub(super) place: usize,
    pub(super) at: u64,
    pub(super) token: &'a Token,
    pub(super) run: &'a str,
    pub(super) step: &'a str,
}

/// The end of work.
pub(super) struct End<'a> {
    /// Its place among all events.
    pub(super) place: usize,
    pub(super) token: &'a Token,
    pub(super) lines: u64,
    pub(super) success: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn of(history: &'a [(u64, Event)]) -> Self {
        let mut facts = Self::default();
        for (place, (at, event)) in history.iter().enumerate() {
            facts.events.push((*at, event));
            facts.note(place, *at, event);
        }
        facts
    }

    fn note(&mut self, place: usize, at: u64, event: &'a Event) {
        match event {
            Event::Offered {
                token, run, step, ..
            } => self.offers.push(Offer {
                place,
                at,
                token,
                run,
                step,
            }),
            Event::Begins { token } => {
                self.begun.insert(&token.0);
            }
            Event::Ends {
                token,
                lines,
                message,
                success,
            } => {
                let end = End {
                    place,
                    token,
                    lines: *lines,
                    success: *success,
                };
                self.ends.insert(message, end);
            }
            Event::Keeps(keeping) => self.keeping = Some(*keeping),
            Event::Changed(change) => self.changes.push(change),
            Event::GoneRun { run, .. } => {
                self.runs.insert(&run.id, run);
                self.standing.remove(run.id.as_str());
            }
            Event::Gone(gone) => self.note_gone(place, gone),
            Event::FinalRun(run) => {
                self.runs.insert(&run.id, run);
                self.standing.insert(&run.id);
            }
            Event::FinalLine { run, seq, message } => self.add_line(run, *seq, message, None),
            Event::FinalRevision { id, revision, spec } => {
                self.revisions.insert((id, *revision), spec);
            }
            Event::FinalChange(change) => self.final_changes.push(change),
            Event::Settled { open } => self.open = Some(*open),
            _ => {}
        }
    }

    fn note_gone(&mut self, place: usize, gone: &'a Gone) {
        match gone {
            Gone::Lines { log, lines, .. } => {
                for line in lines {
                    let message = line.message.trim_end_matches('.');
                    self.add_line(log, line.seq, message, Some(place));
                }
            }
            Gone::Revision { id, it, .. } => {
                self.revisions.insert((id, it.revision), it.spec.as_str());
                self.gone_revisions.insert((id, it.revision), place);
            }
            Gone::Change { position, .. } => {
                self.gone_changes.insert(*position, place);
            }
            _ => {}
        }
    }

    /// A line may be read in the end and be gone soon after.
    fn add_line(&mut self, log: &'a str, seq: u64, message: &'a str, gone: Option<usize>) {
        let log = self.logs.entry(log).or_default();
        let known = |line: &&mut Line<'_>| (line.seq, line.message) == (seq, message);
        match log.iter_mut().find(known) {
            Some(line) if gone.is_some() != line.gone.is_some() => line.gone = line.gone.or(gone),
            _ => log.push(Line { seq, message, gone }),
        }
    }

    /// Whether a watch may pass over a change: its revision was gone, and a later one of the resource follows.
    pub(super) fn is_passed_over(&self, change: &Change, place: usize) -> bool {
        let gone = self
            .gone_revisions
            .get(&(change.id.as_str(), change.revision));
        gone.is_some_and(|gone| *gone < place)
    }

    /// Whether a run is gone.
    pub(super) fn is_gone_run(&self, run: &str) -> bool {
        self.runs.contains_key(run) && !self.standing.contains(run)
    }

    /// Whether work on the last task of a step began.
    pub(super) fn has_begun(&self, step: &StepRun) -> bool {
        let last = step.attempts.last();
        last.is_some_and(|it| self.begun.contains(it.task_id.as_str()))
    }

    /// Whether a step's result is the one that a runtime gives of a task that is cancelled before its work began.
    pub(super) fn is_given_by_the_runtime(&self, step: &StepRun) -> bool {
        step.message == NEVER_BEGUN && step.state() != StepState::Succeeded && !self.has_begun(step)
    }

    /// Whether lines came to a log from outside: they may come when it was removed already, and have a time of their own.
    pub(super) fn has_lines_from_outside(&self, run: &str) -> bool {
        let asked =
            |event: &Event| matches!(event, Event::AppendAsked { run: it, .. } if it == run);
        self.events.iter().any(|(_, event)| asked(event))
    }

    /// The log of a run.
    pub(super) fn log(&self, run: &str) -> &[Line<'a>] {
        self.logs.get(run).map(Vec::as_slice).unwrap_or_default()
    }

    /// Where the write stands that a run carries out.
    pub(super) fn position_of(&self, run: &Run) -> Option<u64> {
        let id = &run.resource_snapshot.as_ref()?.id;
        let due = (id, run.revision, run.event == "delete");
        let mut changes = self.changes.iter();
        let change = changes.find(|it| (&it.id, it.revision, it.deleted) == due)?;
        Some(change.position)
    }

    /// Whether a resource was deleted.
    pub(super) fn is_deleted(&self, id: &str) -> bool {
        let deletes = |change: &&&Change| change.id == id && change.deleted;
        self.changes.iter().any(|change| deletes(&change))
    }

    /// The offers of tasks, by their task and token.
    pub(super) fn offers_by_token(&self) -> BTreeMap<&'a Token, &Offer<'a>> {
        let offers = self.offers.iter();
        offers.map(|offer| (offer.token, offer)).collect()
    }
}
