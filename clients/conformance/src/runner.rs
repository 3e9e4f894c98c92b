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
use crate::stage::Stage;

/// A case as a whole may take so many times what one wait may.
const WAITS: u32 = 6;

/// What came of a case.
pub(crate) struct Ended {
    pub(crate) case: &'static Case,
    pub(crate) seconds: f32,
    /// Why it failed, if it did.
    pub(crate) fault: Option<String>,
    /// What was said last.
    pub(crate) record: Vec<String>,
}

/// Plays all of `cases`, `jobs` at once, and gives their ends in the same order.
pub(crate) async fn play(
    cases: Vec<&'static Case>,
    program: &Program,
    deadline: Duration,
    jobs: usize,
) -> Vec<Ended> {
    let (alone, together): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.alone);
    let room = Arc::new(Semaphore::new(jobs));
    let mut playing = JoinSet::new();
    for case in together {
        let (room, program) = (Arc::clone(&room), program.clone());
        playing.spawn(async move {
            let _place = room.acquire().await;
            play_one(case, program, deadline).await
        });
    }
    let mut ends = playing.join_all().await;
    for case in alone {
        ends.push(play_one(case, program.clone(), deadline).await);
    }
    let place = |end: &Ended| cases.iter().position(|case| case.name == end.case.name);
    ends.sort_by_key(place);
    ends
}

async fn play_one(case: &'static Case, program: Program, deadline: Duration) -> Ended {
    let start = Instant::now();
    let record = Arc::new(Record::new());
    let recorded = Arc::clone(&record);
    let playing = async move {
        let stage = Stage::build(case.name, program, recorded, deadline, case.up).await?;
        (case.play)(stage).await
    };
    let played = timeout(WAITS * deadline, playing).await;
    let played = played.unwrap_or_else(|_| Err(Fault("the case came to no end".to_owned())));
    let fault = judge(played, &record);
    Ended {
        case,
        seconds: start.elapsed().as_secs_f32(),
        record: record.lines(),
        fault,
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
