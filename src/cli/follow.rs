//! A run as it goes on: each state of it, over restarts of the server, to its end.

use conveyor_client::Client;
use conveyor_client::proto::{Run, RunState, WatchRunRequest};
use jiff::Timestamp;
use tonic::{Status, Streaming};

use super::reconnect::Reconnect;
use super::show::{self, has_ended};
use super::{Exit, Failure};

/// A run that is followed.
pub(super) struct Follow {
    client: Client,
    id: String,
    states: Option<Streaming<Run>>,
    reconnect: Reconnect,
    ended: bool,
}

impl Follow {
    /// Begins with the state that it is in.
    pub(super) fn new(client: &Client, id: &str, reconnect: Reconnect) -> Self {
        Self {
            client: client.clone(),
            id: id.to_owned(),
            states: None,
            reconnect,
            ended: false,
        }
    }

    /// The next state; `None` after the one in which it has ended.
    pub(super) async fn next(&mut self) -> Result<Option<Run>, Failure> {
        while !self.ended {
            match self.message().await {
                Ok(run) => {
                    self.reconnect.heard();
                    self.ended = has_ended(&run);
                    return Ok(Some(run));
                }
                Err(status) => {
                    self.states = None;
                    self.reconnect.pause(status).await?;
                }
            }
        }
        Ok(None)
    }

    /// Follows it to its end.
    pub(super) async fn end(mut self) -> Result<Run, Failure> {
        loop {
            match self.next().await? {
                Some(run) if has_ended(&run) => return Ok(run),
                Some(_) => {}
                None => return Err(Failure::Missing(format!("run {} is gone", self.id))),
            }
        }
    }

    async fn message(&mut self) -> Result<Run, Status> {
        let states = match &mut self.states {
            Some(states) => states,
            None => {
                let request = WatchRunRequest {
                    id: self.id.clone(),
                    follow: None,
                };
                let states = self.client.runs().watch_run(request).await?;
                self.states.insert(states.into_inner())
            }
        };
        let gone = || Status::unavailable("the server ended the stream before the run had ended");
        states.message().await?.ok_or_else(gone)
    }
}

/// What changed from one state of a run to the next, a line each.
pub(super) fn changes(before: Option<&Run>, after: &Run) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, step) in after.steps.iter().enumerate() {
        let known = before.and_then(|before| before.steps.get(place));
        let same = |it: &_| {
            let it: &conveyor_client::proto::StepRun = it;
            (it.state, it.attempts.len()) == (step.state, step.attempts.len())
        };
        if known.is_some_and(same) {
            continue;
        }
        let (title, word) = (show::step_title(step), show::step_word(step.state()));
        let attempt = match step.attempts.len() {
            0 | 1 => String::new(),
            number => format!(" (attempt {number})"),
        };
        let words = words(show::step_words(step));
        lines.push(format!(
            "step {title} ({}) {word}{attempt}{words}",
            step.driver
        ));
    }
    let said = |run: &Run| (run.state, run.reason.clone());
    if before.map(said) != Some(said(after)) {
        let word = show::state_word(after.state());
        lines.push(format!("run {word}{}{}", took(after), words(&after.reason)));
    }
    lines
}

/// How long a run took that has ended.
fn took(run: &Run) -> String {
    if !has_ended(run) || run.start_time.is_none() {
        return String::new();
    }
    let span = show::span(
        run.start_time.as_ref(),
        run.end_time.as_ref(),
        Timestamp::now(),
    );
    format!(" in {span}")
}

/// The first line of what somebody wrote, after a colon.
fn words(text: &str) -> String {
    match text.lines().next() {
        None => String::new(),
        Some(line) => format!(": {}", line.replace(char::is_control, "")),
    }
}

/// Success of a run that has ended as success of a command.
pub(super) fn outcome(run: &Run) -> Result<(), Failure> {
    match run.state() {
        RunState::Succeeded => Ok(()),
        RunState::Cancelled => Err(Failure::Said(Exit::Cancelled)),
        RunState::Failed
        | RunState::Unspecified
        | RunState::Pending
        | RunState::Running
        | RunState::Cancelling => Err(Failure::Said(Exit::Failed)),
    }
}
