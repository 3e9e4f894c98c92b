//! DriverStream's messages to what the engine knows, and back.

use jiff::Timestamp;
use prost::Message as _;

use super::convert::{duration, json, time_from};
use crate::engine::Options;
use crate::engine::outbox::{CancelReason, Outgoing, ResultAck as Taken, Verdict};
use crate::engine::reports::{RESULT_DATA_BYTES, RESULT_MESSAGE_BYTES, Report, TaskResult};
use crate::engine::sessions::{Hello, WholeTask};
use crate::error::{Error, Result, Violation};
use crate::model::driver::{EventFilter, SLOTS};
use crate::model::log::{BATCH_BYTES, BATCH_LINES, LINE_BYTES, Line};
use crate::model::name::{InstanceId, Name, TaskId};
use crate::model::pipeline::{Labels, Step, check_labels};
use crate::proto::driver_stream_request::Kind as In;
use crate::proto::driver_stream_response::Kind as Out;
use crate::proto::{self, DriverStreamRequest, DriverStreamResponse};
use crate::trace::TraceContext;

/// Largest message to a driver that does not say what it takes, in bytes.
const MESSAGE_BYTES: usize = 4 << 20;
/// Most definitions that a driver listens to.
const DEFINITIONS: usize = 256;
/// Most tasks that a hello names.
const HELD: usize = 10_000;

/// Most tasks that a heartbeat names: twice the slots that an instance can have.
const HEARTBEAT_TASKS: usize = 2000;

/// What came from a driver after its hello.
pub(super) enum Inbound {
    Report(Report),
    /// A message of an arm that this server does not know.
    Unknown,
}

/// Reads a hello.
pub(super) fn hello(it: proto::Hello) -> Result<Hello> {
    let driver = Name::parse(&it.driver, "hello.driver")?;
    if driver.as_str() == "broadcast-message" {
        let what = "\"broadcast-message\" is the name of a route";
        return Err(Error::invalid("hello.driver", what));
    }
    let instance = InstanceId::parse(&it.instance_id, "hello.instance_id")?;
    let slots = if it.slots == 0 { 1 } else { it.slots };
    if !SLOTS.contains(&slots) {
        return Err(Error::invalid("hello.slots", "1 to 1000; 0 means 1"));
    }
    let labels: Labels = it.labels.into_iter().collect();
    let mut violations = Vec::new();
    check_labels(&labels, "hello.labels", &mut violations);
    if !violations.is_empty() {
        return Err(Error::Invalid(violations));
    }
    if it.definitions.len() > DEFINITIONS {
        return Err(Error::invalid(
            "hello.definitions",
            format!("at most {DEFINITIONS} definitions"),
        ));
    }
    if it.tasks.len() > HELD {
        return Err(Error::invalid(
            "hello.tasks",
            format!("at most {HELD} tasks"),
        ));
    }
    let tasks = it
        .tasks
        .iter()
        .map(|held| Ok((task_id(&held.task_id)?, held.token)));
    let sdk = format!("{} {}", it.sdk_name, it.sdk_version);
    Ok(Hello {
        driver,
        instance,
        stream_number: it.stream_number,
        definitions: definitions(&it.definitions)?,
        events: events(&it.events)?,
        labels,
        slots: usize::try_from(slots).expect("it is positive"),
        max_message: match it.max_message_bytes {
            0 => MESSAGE_BYTES,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        },
        sdk: crate::error::cut(sdk.trim(), 128),
        tasks: tasks.collect::<Result<_>>()?,
    })
}

fn definitions(names: &[String]) -> Result<Vec<Name>> {
    let named = names.iter().enumerate();
    let mut names: Vec<Name> = named
        .map(|(at, name)| Name::parse(name, &format!("hello.definitions[{at}]")))
        .collect::<Result<_>>()?;
    names.sort();
    names.dedup();
    Ok(names)
}

fn events(words: &[String]) -> Result<Vec<EventFilter>> {
    let wrong = |at| {
        Error::invalid(
            format!("hello.events[{at}]"),
            "it is create, update, process, delete or *",
        )
    };
    let read = words
        .iter()
        .enumerate()
        .map(|(at, word)| EventFilter::parse(word).ok_or_else(|| wrong(at)));
    let mut events = read.collect::<Result<Vec<_>>>()?;
    if events.is_empty() {
        events.push(EventFilter::Any);
    }
    events.sort();
    events.dedup();
    Ok(events)
}

/// Reads a message that comes after the hello.
pub(super) fn report(it: DriverStreamRequest, now: Timestamp) -> Result<Inbound> {
    let report = match it.kind {
        None => return Ok(Inbound::Unknown),
        Some(In::Hello(_)) => {
            return Err(Error::Protocol(
                "hello comes once, at the start of a stream".to_owned(),
            ));
        }
        Some(In::Ack(ack)) => Report::Ack {
            task: task_id(&ack.task_id)?,
            token: ack.token,
            refused: ack.refused,
        },
        Some(In::Log(log)) => Report::Log {
            task: task_id(&log.task_id)?,
            token: log.token,
            first: log.first_line,
            lines: log
                .lines
                .into_iter()
                .enumerate()
                .map(|(at, it)| line(at, it, now))
                .collect::<Result<_>>()?,
        },
        Some(In::Result(result)) => Report::Result(TaskResult {
            task: task_id(&result.task_id)?,
            token: result.token,
            success: result.success,
            message: result.message,
            data: json(&result.data_json, result.data, "data", usize::MAX)
                .map(|data| data.map(|(text, _)| text)),
            lines: result.lines,
        }),
        Some(In::Heartbeat(heartbeat)) if heartbeat.tasks.len() > HEARTBEAT_TASKS => {
            let text = format!("heartbeat.tasks: at most {HEARTBEAT_TASKS} tasks");
            return Err(Error::Protocol(text));
        }
        Some(In::Heartbeat(heartbeat)) => {
            let tasks = heartbeat
                .tasks
                .iter()
                .map(|task| Ok((task_id(&task.task_id)?, task.token)));
            Report::Heartbeat(tasks.collect::<Result<_>>()?)
        }
        Some(In::Drain(_)) => Report::Drain,
    };
    Ok(Inbound::Report(report))
}

/// A line without a time was written now.
fn line(at: usize, it: proto::LogLine, now: Timestamp) -> Result<Line> {
    #[cfg(test)]
    crate::sabotage::panic_about(&it.message);
    let wrong = |violation: Violation| Error::Invalid(vec![violation]);
    let time = it.time.map_or(Ok(now), |time| {
        time_from(time, &format!("log.lines[{at}].time"))
    });
    Ok(Line {
        time: time.map_err(wrong)?,
        stream: it.stream,
        labels: it.labels.into_iter().collect(),
        message: it.message,
    })
}

fn task_id(text: &str) -> Result<TaskId> {
    TaskId::parse(text, "task_id")
}

/// Answers a hello.
pub(super) fn welcome(
    options: &Options,
    verdicts: Vec<(TaskId, u64, Verdict)>,
) -> DriverStreamResponse {
    let fates = verdicts.into_iter().map(|(task, token, verdict)| {
        let mut fate = proto::TaskFate {
            task_id: task.to_string(),
            token,
            ..Default::default()
        };
        let word = match verdict {
            Verdict::GoOn(next) => {
                fate.next_line = next;
                proto::TaskVerdict::GoOn
            }
            Verdict::Done => proto::TaskVerdict::Done,
            Verdict::Cancel(reason, grace) => {
                fate.reason = cancel_reason(reason).into();
                fate.grace = Some(duration(grace));
                proto::TaskVerdict::Cancel
            }
            Verdict::Stop => proto::TaskVerdict::Stop,
        };
        fate.verdict = word.into();
        fate
    });
    answer(Out::Welcome(proto::Welcome {
        lease_time: Some(duration(options.lease_time)),
        heartbeat_period: Some(duration(options.heartbeat_period)),
        limits: Some(limits()),
        tasks: fates.collect(),
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

fn limits() -> proto::Limits {
    let small = |it: usize| u32::try_from(it).expect("a limit of this program");
    proto::Limits {
        message_bytes: super::MESSAGE_BYTES as u64,
        log_batch_bytes: BATCH_BYTES as u64,
        log_batch_lines: small(BATCH_LINES),
        log_line_bytes: small(LINE_BYTES),
        result_data_bytes: RESULT_DATA_BYTES as u64,
        result_message_bytes: small(RESULT_MESSAGE_BYTES),
    }
}

/// Offers a task. The error says why it cannot be offered to this driver at all.
pub(super) fn reconcile(
    it: WholeTask,
    max_message: usize,
) -> std::result::Result<DriverStreamResponse, String> {
    let run = &it.run;
    let step = &run.steps[it.step];
    let attempt = step.attempts.len() + 1;
    let defined = it
        .pipeline
        .as_ref()
        .and_then(|pipeline| pipeline.steps.get(it.step))
        .cloned();
    let plain = || Step {
        id: step.id.clone(),
        name: step.name.clone(),
        driver: step.driver.clone(),
        params: None,
        timeout: step.timeout,
        labels: step.labels.clone(),
    };
    let message = proto::Reconcile {
        task_id: it.offer.task.to_string(),
        token: it.offer.token,
        run_id: run.id.to_string(),
        event: run.event_word(it.step).to_owned(),
        cause: run.cause.as_str().to_owned(),
        results: earlier_results(&it),
        attempt: i32::try_from(attempt).unwrap_or(i32::MAX),
        time_left: step.timeout.map(duration),
        step: Some(defined.unwrap_or_else(plain).into()),
        traceparent: it
            .trace
            .as_ref()
            .map(TraceContext::traceparent)
            .unwrap_or_default(),
        tracestate: it
            .trace
            .as_ref()
            .map(|trace| trace.tracestate().to_owned())
            .unwrap_or_default(),
        resource: Some(it.resource.into()),
        pipeline: it.pipeline.map(proto::Pipeline::from),
    };
    let answer = answer(Out::Reconcile(message));
    let bytes = answer.encoded_len();
    if bytes > max_message {
        return Err(format!(
            "its task of {bytes} bytes does not fit the {max_message} that the driver takes"
        ));
    }
    Ok(answer)
}

/// What the steps before it said.
fn earlier_results(it: &WholeTask) -> Vec<proto::StepResult> {
    let of = |at: usize| &it.run.steps[at];
    let results = it.results.iter().map(|(at, data)| proto::StepResult {
        step: of(*at).id.to_string(),
        driver: of(*at).driver.to_string(),
        success: true,
        message: of(*at).message.clone(),
        data_json: data
            .as_ref()
            .map(|data| data.as_str().to_owned())
            .unwrap_or_default(),
    });
    results.collect()
}

/// Any message but Welcome and Reconcile, which need more than what stands in the queue.
pub(super) fn message(it: Outgoing) -> DriverStreamResponse {
    answer(match it {
        Outgoing::Cancel {
            task,
            token,
            reason,
            grace,
        } => Out::Cancel(proto::Cancel {
            task_id: task.to_string(),
            token,
            reason: cancel_reason(reason).into(),
            grace: Some(duration(grace)),
        }),
        Outgoing::LogAck { task, token, next } => Out::LogAck(proto::LogAck {
            task_id: task.to_string(),
            token,
            next: next.unwrap_or_default(),
            status: match next {
                Some(_) => proto::LogAckStatus::Stored,
                None => proto::LogAckStatus::Fenced,
            }
            .into(),
        }),
        Outgoing::ResultAck { task, token, ack } => {
            let (outcome, next) = match ack {
                Taken::Applied => (proto::ResultOutcome::Applied, 0),
                Taken::LinesMissing(next) => (proto::ResultOutcome::LinesMissing, next),
                Taken::Fenced => (proto::ResultOutcome::Fenced, 0),
            };
            Out::ResultAck(proto::ResultAck {
                task_id: task.to_string(),
                token,
                outcome: outcome.into(),
                next,
            })
        }
        Outgoing::Notice(notice) => Out::Message(proto::Message {
            event: notice.event,
            payload: notice.payload,
            id: notice.id,
            run_id: notice.run,
        }),
        Outgoing::HeartbeatAck => Out::HeartbeatAck(proto::HeartbeatAck {}),
        Outgoing::Drain => Out::Drain(proto::Drain {}),
        Outgoing::Welcome(_) | Outgoing::Offer { .. } => {
            unreachable!("they are written by the stream itself")
        }
    })
}

fn cancel_reason(reason: CancelReason) -> proto::CancelReason {
    match reason {
        CancelReason::Cancelled => proto::CancelReason::Cancelled,
        CancelReason::Deadline => proto::CancelReason::Deadline,
        CancelReason::Fenced => proto::CancelReason::Fenced,
    }
}

fn answer(kind: Out) -> DriverStreamResponse {
    DriverStreamResponse { kind: Some(kind) }
}
