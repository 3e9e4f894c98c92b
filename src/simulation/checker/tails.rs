//! Promise 4: a tail sees each line once, in order, to the end; what was removed it is told as one gap.

use std::collections::BTreeMap;

use super::facts::{Facts, Line};
use super::lines::task_line;
use crate::simulation::history::Event;

/// What a tail has seen of one log.
#[derive(Default)]
struct Seen {
    /// The last line that it saw, or was told to be gone.
    last: u64,
    /// The removal that it was told of last, where it has seen no line since.
    told: Option<usize>,
}

/// Lines from outside may come after the end.
pub(super) fn tails_see_the_log(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let mut tails: BTreeMap<(u64, &str), Seen> = BTreeMap::new();
    for (place, (_, event)) in facts.events.iter().enumerate() {
        let (tail, run, wrong) = match event {
            Event::Gapped { tail, run, first } => {
                let seen = tails.entry((*tail, run)).or_default();
                (tail, run, seen.is_told(facts.log(run), place, *first))
            }
            Event::Tailed {
                tail,
                run,
                seq,
                message,
            } => {
                let seen = tails.entry((*tail, run)).or_default();
                (tail, run, seen.sees(facts.log(run), *seq, message))
            }
            Event::TailEnds { tail, run } => {
                let seen = tails.entry((*tail, run)).or_default();
                (tail, run, seen.ends(facts.log(run)))
            }
            Event::TailLost { tail, run } if !facts.is_gone_run(run) => {
                let wrong = "it was told that there is no such run".to_owned();
                (tail, run, Some(wrong))
            }
            _ => continue,
        };
        if let Some(wrong) = wrong {
            broken.push(format!("promise 4: tail {tail} of {run}: {wrong}"));
        }
    }
}

/// Where the removals stand among all events of which a line of this number was part: of a run that is gone, numbers
/// may begin anew.
fn removals(log: &[Line<'_>], seq: u64, place: usize) -> Option<usize> {
    let mut gone = log
        .iter()
        .filter(|line| line.seq == seq)
        .filter_map(|line| line.gone);
    gone.find(|gone| *gone < place)
}

impl Seen {
    /// It is told that all before a line is gone.
    fn is_told(&mut self, log: &[Line<'_>], place: usize, first: u64) -> Option<String> {
        let last = std::mem::replace(&mut self.last, first - 1);
        if first <= last + 1 {
            return Some(format!(
                "a gap before {first} after {last}, where nothing is missing"
            ));
        }
        let stands = (last + 1..first).find(|seq| removals(log, *seq, place).is_none());
        if let Some(stands) = stands {
            return Some(format!(
                "a gap before {first}, and {stands} was not removed"
            ));
        }
        let before = self.told.replace(removals(log, first - 1, place)?);
        let again = before.is_some() && before == removals(log, last + 1, place);
        again.then(|| {
            format!(
                "a gap before {first} and one before {}, of one removal",
                last + 1
            )
        })
    }

    /// It sees a line.
    fn sees(&mut self, log: &[Line<'_>], seq: u64, message: &str) -> Option<String> {
        let last = std::mem::replace(&mut self.last, seq);
        self.told = None;
        if seq != last + 1 {
            return Some(format!("line {seq} {message:?} after {last}"));
        }
        let is_it = |line: &Line<'_>| (line.seq, line.message) == (seq, message);
        (!log.iter().any(is_it)).then(|| format!("line {seq} {message:?}, which is not there"))
    }

    /// It is told that the run has ended and all is shown.
    fn ends(&self, log: &[Line<'_>]) -> Option<String> {
        let missed = |line: &&Line<'_>| line.seq > self.last && task_line(line.message).is_some();
        let missed = log.iter().filter(missed).count();
        (missed > 0).then(|| format!("it ended {missed} lines too soon"))
    }
}
