//! Promises 4 and 5: logs, and what those who do not read them cost.

use std::collections::BTreeMap;

use super::facts::{Facts, Line};
use crate::simulation::history::{Batch, Event};

/// Most bytes of lines that one answer carries: 32 KiB, and a line beyond it.
const PIECE: usize = 64 << 10;
/// Most bytes that wait for one driver.
const WAITING: usize = 8 << 20;
/// The tail that does not rest.
const QUICK: u64 = 1;

/// Each line once, in order; what was acked is there, and so is what a result counts.
pub(super) fn lines_are_stored_once_and_in_order(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let lines = count_lines(facts, broken);
    let has = |task: &str| lines.get(task).copied().unwrap_or_default();
    let counted: BTreeMap<_, _> = facts
        .ends
        .values()
        .map(|end| (end.token, end.lines))
        .collect();
    for (_, event) in &facts.events {
        match event {
            Event::Stored { token, next } if has(&token.0) < *next => {
                broken.push(format!(
                    "promises 1 and 4: {event:?}, and {} are there",
                    has(&token.0)
                ));
            }
            Event::Applied { token }
                if counted.get(token).is_some_and(|it| *it != has(&token.0)) =>
            {
                broken.push(format!(
                    "promise 4: {token:?} wrote {:?}, and {} are there",
                    counted[token],
                    has(&token.0)
                ));
            }
            _ => {}
        }
    }
}

/// How many lines of each task are there.
fn count_lines<'a>(facts: &Facts<'a>, broken: &mut Vec<String>) -> BTreeMap<&'a str, u64> {
    let mut lines: BTreeMap<&str, u64> = BTreeMap::new();
    for (run, log) in &facts.logs {
        // Of what is no run, or no longer one, numbers are forgotten with the lines.
        let restarts = !facts.standing.contains(run);
        let mut due = 1;
        for Line { seq, message, .. } in log {
            if *seq != due && !(*seq == 1 && restarts) {
                broken.push(format!("promise 4: line {seq} of {run} stands at {due}"));
            }
            due = *seq + 1;
            let Some((task, line)) = task_line(message) else {
                continue;
            };
            let next = lines.entry(task).or_default();
            if line != *next {
                broken.push(format!(
                    "promise 4: {message:?} in {run}, and line {next} was due"
                ));
            }
            *next = line + 1;
        }
    }
    lines
}

/// Lines that were appended together stand together, once where that was answered, and once at most elsewhere.
pub(super) fn lines_from_outside_are_whole(facts: &Facts<'_>, broken: &mut Vec<String>) {
    for (_, event) in &facts.events {
        let (run, batch, least) = match event {
            Event::AppendAsked { run, batch } => (run, batch, 0),
            Event::Appended { run, batch } => (run, batch, 1),
            _ => continue,
        };
        let log: Vec<&str> = facts.log(run).iter().map(|line| line.message).collect();
        let (found, whole) = occurrences(&log, batch);
        if !whole || found < least || found > 1 {
            broken.push(format!(
                "promise 4: {event:?}, and it is there {found} times (whole: {whole})"
            ));
        }
    }
}

/// How often the first line of a batch is in a log, and whether the others follow it there.
fn occurrences(log: &[&str], batch: &Batch) -> (usize, bool) {
    let lines: Vec<String> = batch.messages().collect();
    let begins = |at: &usize| log[*at] == lines[0];
    let found: Vec<usize> = (0..log.len()).filter(begins).collect();
    let follows = |at: &usize| {
        log[*at..].len() >= lines.len()
            && lines
                .iter()
                .zip(&log[*at..])
                .all(|(it, stands)| it == stands)
    };
    (found.len(), found.iter().all(follows))
}

/// What the server holds for one who does not read is bounded, and those beside him see every log to its end.
pub(super) fn slow_readers_harm_nobody(facts: &Facts<'_>, broken: &mut Vec<String>) {
    let mut unread = BTreeMap::new();
    for (_, event) in &facts.events {
        match event {
            Event::Waiting { bytes } if *bytes > WAITING => broken.push(format!(
                "promise 5: {bytes} bytes wait for one driver, and {WAITING} is the most"
            )),
            Event::Piece { tail, bytes } if *bytes > PIECE => broken.push(format!(
                "promise 5: {bytes} bytes at once for tail {tail}, and {PIECE} is the most"
            )),
            Event::Written { run, .. } | Event::Started { run, .. } if !run.is_empty() => {
                unread.entry(run).or_insert(true);
            }
            Event::TailEnds { tail: QUICK, run } | Event::TailLost { tail: QUICK, run } => {
                unread.insert(run, false);
            }
            Event::Settled { .. } => break,
            _ => {}
        }
    }
    for (run, _) in unread.iter().filter(|(_, unread)| **unread) {
        broken.push(format!(
            "promise 5: the tail that is quick did not come to the end of {run}"
        ));
    }
}

/// The task and the number that a line of a driver names.
pub(super) fn task_line(message: &str) -> Option<(&str, u64)> {
    let mut words = message.split(' ');
    let (task, _) = (words.next()?, words.next()?);
    Some((task, words.next()?.parse().ok()?))
}
