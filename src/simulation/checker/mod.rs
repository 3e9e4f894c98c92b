//! Holds a history against the promises of the server.
//!
//! | file | what it owns |
//! |---|---|
//! | `facts` | a history, sorted by what the checks ask for |
//! | `writes` | promises 1, 2 and 9: what was answered is there, each write with its run, and none on a full disk |
//! | `tasks` | promise 3: who worked, and whose result counts |
//! | `order` | the order of steps and of runs, cancels and timeouts |
//! | `lines` | promise 4 and 5: logs, and what those who do not read them cost |
//! | `tails` | promise 4: what those who follow logs see |
//! | `lists` | lists of runs and revisions, watches of runs, drivers that were forgotten |
//! | `retention` | what goes was due and not wanted, and what is due goes |
//! | `watches` | watches are ordered, unique, reliable, atomic, resumable and bookmarked |
//!
//! Each check answers what is broken, in words that name the promise.

mod facts;
mod lines;
mod lists;
mod order;
mod retention;
mod tails;
mod tasks;
mod watches;
mod writes;

use self::facts::Facts;
use super::history::Event;

/// What of the promises is broken.
pub(super) fn broken(history: &[(u64, Event)]) -> Vec<String> {
    let facts = Facts::of(history);
    let mut broken = Vec::new();
    writes::answered_is_there(&facts, &mut broken);
    writes::changes_stand(&facts, &mut broken);
    writes::writes_and_runs_are_one(&facts, &mut broken);
    writes::nothing_is_taken_on_a_full_disk(&facts, &mut broken);
    tasks::each_token_is_of_one_task(&facts, &mut broken);
    tasks::steps_end_as_somebody_said(&facts, &mut broken);
    tasks::results_count_once(&facts, &mut broken);
    tasks::nobody_is_rejected(&facts, &mut broken);
    order::steps_go_in_order(&facts, &mut broken);
    order::runs_go_one_at_a_time(&facts, &mut broken);
    order::cancels_stand(&facts, &mut broken);
    order::nobody_is_stopped_too_soon(&facts, &mut broken);
    lines::lines_are_stored_once_and_in_order(&facts, &mut broken);
    lines::lines_from_outside_are_whole(&facts, &mut broken);
    tails::tails_see_the_log(&facts, &mut broken);
    lines::slow_readers_harm_nobody(&facts, &mut broken);
    lists::lists_are_whole(&facts, &mut broken);
    lists::runs_are_seen_to_the_end(&facts, &mut broken);
    lists::drivers_are_forgotten_when_asked(&facts, &mut broken);
    watches::watches_hold(&facts, &mut broken);
    retention::nothing_goes_too_soon(&facts, &mut broken);
    retention::nothing_due_is_left(&facts, &mut broken);
    if facts.open != Some(0) {
        broken.push(format!("promise 6: runs that never end: {:?}", facts.open));
    }
    broken
}
