//! A history, sorted by what the checks ask for.

use std::collections::{BTreeMap, BTreeSet};

use conveyor_client::proto::{Run, StepRun, StepState};
use conveyor_client::simulation::NEVER_BEGUN;

use crate::simulation::history::{Change, Event, Token};

/// What stands in the end, and what happened before.
#[derive(Default)]
pub(super) struct Facts<'a> {
    /// Each with its millisecond.
    pub(super) events: Vec<(u64, &'a Event)>,
    pub(super) runs: BTreeMap<&'a str, &'a Run>,
    /// The lines of each run, by their number.
    pub(super) logs: BTreeMap<&'a str, Vec<(u64, &'a str)>>,
    pub(super) revisions: BTreeMap<(&'a str, i64), &'a str>,
    /// All changes of resources in their order.
    pub(super) changes: Vec<&'a Change>,
    /// The offers that instances saw.
    pub(super) offers: Vec<Offer<'a>>,
    /// How work ended, by what it said at its end.
    pub(super) ends: BTreeMap<&'a str, End<'a>>,
    /// Tasks whose work began.
    begun: BTreeSet<&'a str>,
    pub(super) open: Option<usize>,
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
            Event::FinalRun(run) => {
                self.runs.insert(&run.id, run);
            }
            Event::FinalLine { run, seq, message } => {
                self.logs.entry(run).or_default().push((*seq, message));
            }
            Event::FinalRevision { id, revision, spec } => {
                self.revisions.insert((id, *revision), spec);
            }
            Event::FinalChange(change) => self.changes.push(change),
            Event::Settled { open } => self.open = Some(*open),
            _ => {}
        }
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

    /// The log of a run.
    pub(super) fn log(&self, run: &str) -> &[(u64, &'a str)] {
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
    pub(super) fn is_gone(&self, id: &str) -> bool {
        let deletes = |change: &&&Change| change.id == id && change.deleted;
        self.changes.iter().any(|change| deletes(&change))
    }

    /// The offers of tasks, by their task and token.
    pub(super) fn offers_by_token(&self) -> BTreeMap<&'a Token, &Offer<'a>> {
        let offers = self.offers.iter();
        offers.map(|offer| (offer.token, offer)).collect()
    }
}
