//! The rules that hold in every case, judged on each message that the driver sends.
//!
//! A case looks for what it names; these catch what no case looks for. They judge only what the driver
//! can know: a message that crosses one of the server's breaks nothing.

use std::collections::HashMap;

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::{Limits, Log, Reconcile, Result as TaskResult, Welcome};

/// The server's limits that the scripted Welcome names.
pub(crate) const LIMITS: Limits = Limits {
    message_bytes: 8 << 20,
    log_batch_bytes: 1 << 20,
    log_batch_lines: 4096,
    log_line_bytes: 64 << 10,
    result_data_bytes: 256 << 10,
    result_message_bytes: 16 << 10,
};

/// What is known of a task that was offered, on whatever stream.
struct Offered {
    token: u64,
    accepted: bool,
}

/// The tasks of one contender, across its streams.
#[derive(Default)]
pub(crate) struct Tasks(HashMap<String, Offered>);

/// What is known of one stream.
#[derive(Default)]
pub(crate) struct Stream {
    said_hello: bool,
    limits: Option<Limits>,
    /// Of each task the line that may be sent next at most: one after the highest sent.
    next_line: HashMap<String, u64>,
}

impl Stream {
    /// The server sends `message`.
    pub(crate) fn sends(&mut self, message: &FromServer, tasks: &mut Tasks) {
        match message {
            FromServer::Welcome(welcome) => self.welcomes(welcome),
            FromServer::Reconcile(offer) => tasks.offers(offer),
            FromServer::Cancel(_)
            | FromServer::LogAck(_)
            | FromServer::ResultAck(_)
            | FromServer::HeartbeatAck(_)
            | FromServer::Message(_)
            | FromServer::Drain(_) => {}
        }
    }

    /// The driver sends `message`: the rule that it breaks, if it breaks one.
    pub(crate) fn hears(&mut self, message: &FromDriver, tasks: &mut Tasks) -> Option<String> {
        let is_hello = matches!(message, FromDriver::Hello(_));
        if is_hello == std::mem::replace(&mut self.said_hello, true) {
            return Some("a stream begins with its one Hello".to_owned());
        }
        let limits = match (is_hello, self.limits) {
            (true, _) => return None,
            (false, None) => return Some("the driver spoke before the Welcome".to_owned()),
            (false, Some(limits)) => limits,
        };
        match message {
            FromDriver::Ack(ack) => tasks.acks(&ack.task_id, ack.token, !ack.refused),
            FromDriver::Log(log) => tasks
                .reports(&log.task_id, log.token)
                .or_else(|| batch(log, &limits))
                .or_else(|| self.gap(log)),
            FromDriver::Result(result) => tasks
                .reports(&result.task_id, result.token)
                .or_else(|| too_large(result, &limits)),
            FromDriver::Heartbeat(beat) => {
                let mut named = beat.tasks.iter();
                // A heartbeat may overtake an ack.
                named.find_map(|task| tasks.knows(&task.task_id, task.token))
            }
            FromDriver::Hello(_) | FromDriver::Drain(_) => None,
        }
    }

    fn welcomes(&mut self, welcome: &Welcome) {
        self.limits = Some(welcome.limits.unwrap_or(LIMITS));
        for fate in &welcome.tasks {
            self.next_line.insert(fate.task_id.clone(), fate.next_line);
        }
    }

    /// A batch that begins past the last line sent is one that the server drops.
    fn gap(&mut self, log: &Log) -> Option<String> {
        let next = self.next_line.entry(log.task_id.clone()).or_default();
        let (first, due) = (log.first_line, *next);
        *next = due.max(first + log.lines.len() as u64);
        (first > due).then(|| format!("a batch begins at line {first}, and {due} was not sent"))
    }
}

impl Tasks {
    fn offers(&mut self, offer: &Reconcile) {
        let token = offer.token;
        let new = Offered {
            token,
            accepted: false,
        };
        self.0.entry(offer.task_id.clone()).or_insert(new);
    }

    fn acks(&mut self, task_id: &str, token: u64, accepts: bool) -> Option<String> {
        match self.0.get_mut(task_id) {
            Some(task) if task.token == token => {
                task.accepted |= accepts;
                None
            }
            Some(task) => Some(format!(
                "an ack has token {token} instead of {}",
                task.token
            )),
            None => Some(format!(
                "an ack names task `{task_id}`, which was not offered"
            )),
        }
    }

    /// A report on a task is due only once it is accepted.
    fn reports(&self, task_id: &str, token: u64) -> Option<String> {
        let early = self.0.get(task_id).is_some_and(|task| !task.accepted);
        let early = early.then(|| format!("a report on task {task_id} came before its ack"));
        self.knows(task_id, token).or(early)
    }

    /// Whatever names a task carries its token.
    fn knows(&self, task_id: &str, token: u64) -> Option<String> {
        match self.0.get(task_id) {
            Some(task) if task.token == token => None,
            Some(task) => Some(format!(
                "a report has token {token} instead of {}",
                task.token
            )),
            None => Some(format!(
                "a report names task `{task_id}`, which was not offered"
            )),
        }
    }
}

fn batch(log: &Log, limits: &Limits) -> Option<String> {
    let (count, most) = (log.lines.len(), limits.log_batch_lines as usize);
    if count == 0 || count > most {
        return Some(format!(
            "a batch has {count} lines, and 1 to {most} are allowed"
        ));
    }
    let mut bytes = 0;
    for line in &log.lines {
        let labels = line
            .labels
            .iter()
            .map(|(key, value)| key.len() + value.len());
        bytes += line.message.len() + labels.sum::<usize>();
        let (length, most) = (line.message.len(), limits.log_line_bytes as usize);
        if length > most {
            return Some(format!("a line has {length} bytes, and {most} are allowed"));
        }
        if line.time.is_none() {
            return Some("a line has no time".to_owned());
        }
    }
    let most = limits.log_batch_bytes;
    (bytes as u64 > most && count > 1)
        .then(|| format!("a batch has {bytes} bytes, and {most} are allowed"))
}

fn too_large(result: &TaskResult, limits: &Limits) -> Option<String> {
    let (message, data) = (result.message.len(), result.data_json.len());
    if message as u64 > u64::from(limits.result_message_bytes) {
        return Some(format!("a result's message has {message} bytes"));
    }
    (data as u64 > limits.result_data_bytes).then(|| format!("a result's data has {data} bytes"))
}
