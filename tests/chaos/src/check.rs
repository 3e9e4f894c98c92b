//! What must be true of a run that has ended, and of all that is there at the end.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use conveyor_client::Client;
use conveyor_client::proto::{
    AttemptState, GetRunRequest, ListResourcesRequest, ListRunsRequest, Run, RunState, StepRun,
    StepState,
};

use crate::Result;
use crate::book::{Book, Line, Print, log_print};
use crate::follower::stored;
use crate::request::answered;
use crate::worker::{Done, text};

/// Most results of a list.
const PAGE: i32 = 1000;

/// Looks at one run and its whole log.
pub(crate) fn run(run: &Run, lines: &[Line], book: &Book) {
    let fault = |what: String| book.fault(format!("run {}: {what}", run.id));
    if run.end_time.is_none() {
        fault(format!("followed to its end, and {:?}", run.state()));
    }
    if !lines.iter().map(|it| it.seq).eq(1..=lines.len() as u64) {
        fault("the numbers of its lines have a gap or go back".to_owned());
    }
    for it in &run.steps {
        if let Err(what) = step(run.state(), it, lines) {
            fault(format!("step {}: {what}", it.id));
        }
    }
    let mut of_steps = run.steps.iter().flat_map(|step| {
        step.attempts
            .iter()
            .map(|attempt| (step.id.as_str(), attempt.number))
    });
    let known: HashSet<_> = of_steps.by_ref().collect();
    if let Some(line) = lines
        .iter()
        .find(|it| !known.contains(&(it.step.as_str(), it.attempt)))
    {
        fault(format!("a line of no attempt: {line:?}"));
    }
}

fn step(run: RunState, step: &StepRun, lines: &[Line]) -> std::result::Result<(), String> {
    let of = |state| {
        let of_state = step.attempts.iter().filter(move |it| it.state() == state);
        of_state.count()
    };
    if of(AttemptState::Running) > 0 {
        return Err("the run has ended, and an attempt goes on".to_owned());
    }
    let applied = of(AttemptState::Succeeded) + of(AttemptState::Failed);
    let succeeded = step.state() == StepState::Succeeded;
    if applied > 1 || succeeded != (of(AttemptState::Succeeded) == 1) {
        return Err(format!("{applied} results count: {step:?}"));
    }
    if run == RunState::Succeeded && !succeeded && step.state() != StepState::Skipped {
        return Err(format!("{:?} in a run that succeeded", step.state()));
    }
    // Nothing here fails by itself: one that did was lost five times, or its offer lapsed ten times.
    if run == RunState::Failed
        && step.state() == StepState::Failed
        && !(step.reason.contains("lost") || step.reason.contains("laps"))
    {
        return Err(format!("failed: {} {}", step.reason, step.message));
    }
    for attempt in &step.attempts {
        let own: Vec<&str> = lines
            .iter()
            .filter(|it| it.step == step.id && it.attempt == attempt.number)
            .map(|it| it.message.as_str())
            .collect();
        let wanted: Vec<_> = (0..own.len() as u64)
            .map(|number| text(&attempt.task_id, number))
            .collect();
        if let Some((is, should)) = own.iter().zip(&wanted).find(|(is, should)| *is != should) {
            let number = attempt.number;
            return Err(format!("attempt {number} has the line {is}, not {should}"));
        }
        if attempt.state() == AttemptState::Succeeded {
            let done: Done =
                serde_json::from_str(&step.data_json).map_err(|error| error.to_string())?;
            if done.task != attempt.task_id || done.lines != own.len() as u64 {
                let (task, written, there) = (&attempt.task_id, done.lines, own.len());
                return Err(format!(
                    "task {task} succeeded, the result is of {}; {written} lines were written, {there} are there",
                    done.task
                ));
            }
        }
    }
    Ok(())
}

/// Holds all that was answered, and seen since `kept`, against what is there.
pub(crate) async fn everything(client: &Client, book: &Book, kept: Option<Duration>) -> Result<()> {
    let ended: Vec<_> = book
        .runs()
        .iter()
        .filter(|(_, it)| kept.is_none_or(|kept| it.seen.elapsed() < kept))
        .map(|(id, it)| (id.clone(), it.run.clone(), it.lines, it.log))
        .collect();
    let mut runs = client.runs();
    for (id, print, number, log) in ended {
        let request = GetRunRequest { id: id.clone() };
        let run = answered("get run", async || runs.get_run(request.clone()).await).await?;
        if Print::from(&run) != print {
            book.fault(format!("run {id} has changed after its end"));
        }
        let lines = stored(client, &id).await?;
        if (lines.len(), log_print(&lines)) != (number, log) {
            let there = lines.len();
            book.fault(format!(
                "run {id}: {number} lines were read, {there} are there, or others"
            ));
        }
    }
    let listed = all_runs(client).await?;
    let known: HashSet<String> = book.runs().keys().cloned().collect();
    for id in listed.difference(&known) {
        book.fault(format!("run {id} is of no write that was answered"));
    }
    if kept.is_none() {
        for id in known.difference(&listed) {
            book.fault(format!("run {id} is gone"));
        }
    }
    let there = all_resources(client).await?;
    let wanted: BTreeMap<_, _> = book
        .resources()
        .iter()
        .filter_map(|(key, revision)| Some((key.clone(), (*revision)?)))
        .collect();
    for (key, revision) in &wanted {
        if there.get(key) != Some(revision) {
            let is = there.get(key);
            book.fault(format!("{key:?} was answered at {revision}, and is {is:?}"));
        }
    }
    for key in there.keys().filter(|key| !wanted.contains_key(key)) {
        book.fault(format!("{key:?} is there, and should not be"));
    }
    Ok(())
}

async fn all_runs(client: &Client) -> Result<HashSet<String>> {
    let mut request = ListRunsRequest {
        page_size: PAGE,
        ..ListRunsRequest::default()
    };
    let mut all = HashSet::new();
    let mut runs = client.runs();
    loop {
        let page = answered("list runs", async || runs.list_runs(request.clone()).await).await?;
        all.extend(page.runs.into_iter().map(|run| run.id));
        if page.next_page_token.is_empty() {
            return Ok(all);
        }
        request.page_token = page.next_page_token;
    }
}

async fn all_resources(client: &Client) -> Result<BTreeMap<(String, String), i64>> {
    let mut request = ListResourcesRequest {
        page_size: PAGE,
        ..ListResourcesRequest::default()
    };
    let mut all = BTreeMap::new();
    let mut resources = client.resources();
    loop {
        let page = answered("list resources", async || {
            resources.list_resources(request.clone()).await
        })
        .await?;
        let named = page.resources.into_iter();
        all.extend(named.map(|it| ((it.resource, it.name), it.revision)));
        if page.next_page_token.is_empty() {
            return Ok(all);
        }
        request.page_token = page.next_page_token;
    }
}

#[cfg(test)]
mod tests {
    use conveyor_client::proto::Attempt;

    use super::*;

    fn attempt(number: i32, state: AttemptState) -> Attempt {
        Attempt {
            number,
            task_id: format!("task-{number}"),
            state: state.into(),
            ..Attempt::default()
        }
    }

    /// A run of one step, lost once and then done, with two lines and three.
    fn good() -> (Run, Vec<Line>) {
        let step = StepRun {
            id: "s".to_owned(),
            state: StepState::Succeeded.into(),
            attempts: vec![
                attempt(1, AttemptState::Lost),
                attempt(2, AttemptState::Succeeded),
            ],
            data_json: r#"{"task":"task-2","lines":3}"#.to_owned(),
            ..StepRun::default()
        };
        let run = Run {
            id: "r".to_owned(),
            state: RunState::Succeeded.into(),
            steps: vec![step],
            end_time: Some(prost_types::Timestamp::default()),
            ..Run::default()
        };
        let of = |attempt, lines| (0..lines).map(move |number| (attempt, number));
        let lines = of(1, 2).chain(of(2, 3)).enumerate();
        let lines = lines.map(|(at, (attempt, number))| Line {
            seq: at as u64 + 1,
            step: "s".to_owned(),
            attempt,
            message: text(&format!("task-{attempt}"), number),
        });
        (run, lines.collect())
    }

    fn faults(spoil: impl Fn(&mut Run, &mut Vec<Line>)) -> usize {
        let (mut it, mut lines) = good();
        spoil(&mut it, &mut lines);
        let book = Book::default();
        run(&it, &lines, &book);
        book.faults()
    }

    fn count_again(lines: &mut [Line]) {
        let numbers = 1..;
        lines
            .iter_mut()
            .zip(numbers)
            .for_each(|(line, seq)| line.seq = seq);
    }

    #[test]
    fn what_is_right_has_no_fault() {
        assert_eq!(faults(|_, _| {}), 0);
    }

    #[test]
    fn each_line_that_is_lost_doubled_or_moved_is_a_fault() {
        for at in 0..5 {
            // A lost attempt may have had fewer lines, a done one said how many.
            let lost = faults(|_, lines| {
                lines.remove(at);
                count_again(lines);
            });
            assert!(lost > 0 || at == 1, "line {at} is lost");
            let doubled = faults(|_, lines| {
                lines.insert(at, lines[at].clone());
                count_again(lines);
            });
            assert!(doubled > 0, "line {at} is doubled");
        }
        let moved = faults(|_, lines| {
            lines.swap(2, 3);
            count_again(lines);
        });
        assert!(moved > 0);
        assert!(faults(|_, lines| lines[0].step = "other".to_owned()) > 0);
    }

    #[test]
    fn each_result_that_is_lost_doubled_or_of_another_is_a_fault() {
        let state = |at: usize, state: AttemptState| {
            faults(|run, _| run.steps[0].attempts[at].state = state.into())
        };
        assert!(state(0, AttemptState::Succeeded) > 0, "two results");
        assert!(state(1, AttemptState::Lost) > 0, "none");
        assert!(state(0, AttemptState::Running) > 0, "one goes on");
        let of_another = |run: &mut Run, _: &mut Vec<Line>| {
            run.steps[0].data_json = r#"{"task":"task-1","lines":3}"#.to_owned();
        };
        assert!(faults(of_another) > 0);
        assert!(faults(|run, _| run.steps[0].state = StepState::Failed.into()) > 0);
        assert!(faults(|run, _| run.end_time = None) > 0);
    }
}
