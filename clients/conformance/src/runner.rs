//! Plays cases: several at once, and by themselves those that measure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cases::Case;
use crate::contender::Program;
use crate::fault::{Fault, Played};
use crate::record::Record;
use crate::sabotage::{self, Sabotage, Saboteur};
use crate::stage::Stage;

/// A case as a whole may take so many times what one wait may.
const WAITS: u32 = 6;

/// What came of a case.
pub(crate) struct Ended {
    pub(crate) case: &'static Case,
    pub(crate) seconds: f32,
    /// What holds, or which fault the case saw.
    pub(crate) note: String,
    /// Why it failed, if it did.
    pub(crate) fault: Option<String>,
    /// What was said last.
    pub(crate) record: Vec<String>,
}

/// How cases are played.
#[derive(Clone)]
pub(crate) struct Play {
    pub(crate) program: Program,
    pub(crate) deadline: Duration,
    /// How many at once.
    pub(crate) jobs: usize,
    /// Each with a faulty driver that it must see, to check the suite itself.
    pub(crate) prove: bool,
}

impl Play {
    /// Plays all of `cases`, and gives their ends in the same order.
    pub(crate) async fn all(&self, cases: &[&'static Case]) -> Vec<Ended> {
        let (alone, together): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(|case| case.alone);
        let room = Arc::new(Semaphore::new(self.jobs));
        let mut playing = JoinSet::new();
        for case in together {
            let (room, play) = (Arc::clone(&room), self.clone());
            playing.spawn(async move {
                let _place = room.acquire().await;
                play.one(case).await
            });
        }
        let mut ends = playing.join_all().await;
        for case in alone {
            ends.push(self.one(case).await);
        }
        ends.sort_by_key(|end| cases.iter().position(|case| case.name == end.case.name));
        ends
    }

    async fn one(&self, case: &'static Case) -> Ended {
        if self.prove {
            self.proof(case).await
        } else {
            self.play(case, None).await
        }
    }

    /// The case must fail with the fault that is meant for it.
    async fn proof(&self, case: &'static Case) -> Ended {
        let known = sabotage::PROOFS.iter().find(|(name, _)| *name == case.name);
        let (name, sabotage) = known.map_or(("none".to_owned(), None), |(_, it)| {
            (format!("{it:?}"), Some(*it))
        });
        let mut ended = self.play(case, sabotage).await;
        match ended.fault.take() {
            Some(seen) => ended.note = format!("sees {name}: {seen}"),
            None => ended.fault = Some(format!("it does not see a driver with this fault: {name}")),
        }
        ended
    }

    async fn play(&self, case: &'static Case, sabotage: Option<Sabotage>) -> Ended {
        let start = Instant::now();
        let record = Arc::new(Record::new());
        let (recorded, program) = (Arc::clone(&record), self.program.clone());
        let (deadline, saboteur) = (self.deadline, Saboteur::new(sabotage));
        let playing = async move {
            let stage = Stage::build(case, program, recorded, deadline, saboteur).await?;
            (case.play)(stage).await
        };
        let played = timeout(WAITS * deadline, playing).await;
        let played = played.unwrap_or_else(|_| Err(Fault("the case came to no end".to_owned())));
        Ended {
            case,
            seconds: start.elapsed().as_secs_f32(),
            note: case.holds.to_owned(),
            fault: judge(played, &record),
            record: record.lines(),
        }
    }
}

/// A broken rule is the nearer cause of whatever else went wrong.
fn judge(played: Played, record: &Record) -> Option<String> {
    let fault = played.err().map(|fault| fault.to_string());
    match (record.first_broken(), fault) {
        (Some(rule), Some(fault)) => Some(format!("{rule}; and then: {fault}")),
        (rule, fault) => rule.or(fault),
    }
}
