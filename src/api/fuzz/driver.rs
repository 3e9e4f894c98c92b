//! A scripted driver: each two bytes are a message. What it says of its task is true, nearly true or far off.

use bytes::Bytes;
use prost::Message;

use crate::proto::driver_stream_request::Kind;
use crate::proto::driver_stream_response::Kind as Said;
use crate::proto::{
    Ack, Cancel, Drain, DriverStreamResponse, Heartbeat, HeldTask, Hello, Log, LogLine, Reconcile,
    Result as TaskResult, TaskToken,
};

/// What a driver does next.
pub(super) enum Turn {
    /// It says something, or nothing that anybody knows.
    Says(Option<Kind>),
    /// Meanwhile somebody cancels the run that it works on.
    SeesACancel(String),
    /// Meanwhile somebody writes the resource anew.
    SeesAWrite,
}

/// What a driver is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// That it is welcome.
    Welcome,
    /// That a heartbeat was heard, and all that was said before it.
    HeartbeatAck,
    /// Anything else.
    Other,
    /// Nothing more.
    End,
}

/// What a driver under test knows.
#[derive(Default)]
pub(super) struct Player {
    is_welcome: bool,
    task: Option<Reconcile>,
    cancel: Option<Cancel>,
    streams: u64,
}

impl Player {
    /// Whether the server knows who it is.
    pub(super) fn is_welcome(&self) -> bool {
        self.is_welcome
    }

    /// Hears the messages in a piece of an answer, one after the other in their frames; trailers are none.
    pub(super) fn hear(&mut self, piece: Option<&Bytes>) -> Vec<Heard> {
        let Some(mut rest) = piece.map(|it| &**it) else {
            return vec![Heard::End];
        };
        let mut heard = Vec::new();
        while let [_, l0, l1, l2, l3, after @ ..] = rest {
            let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize;
            let (message, after) = after.split_at(after.len().min(length));
            heard.push(self.take(DriverStreamResponse::decode(message).unwrap_or_default()));
            rest = after;
        }
        heard
    }

    fn take(&mut self, message: DriverStreamResponse) -> Heard {
        match message.kind {
            Some(Said::Welcome(_)) => {
                self.is_welcome = true;
                return Heard::Welcome;
            }
            Some(Said::HeartbeatAck(_)) => return Heard::HeartbeatAck,
            Some(Said::Reconcile(task)) => self.task = Some(task),
            Some(Said::Cancel(cancel)) => self.cancel = Some(cancel),
            _ => {}
        }
        Heard::Other
    }

    /// The turn that two bytes pick.
    pub(super) fn turn(&mut self, what: u8, how: u8) -> Turn {
        let (task_id, token) = self.task(how);
        Turn::Says(Some(match what % 10 {
            0 => Kind::Hello(self.hello(how)),
            1 => Kind::Ack(Ack {
                task_id,
                token,
                refused: how & 1 == 1,
                reason: String::new(),
            }),
            2 => Kind::Log(log(task_id, token, number(how / 4))),
            3 => Kind::Result(result(task_id, token, how)),
            4 => Kind::Heartbeat(Heartbeat {
                tasks: vec![TaskToken { task_id, token }; usize::from(how)],
            }),
            5 => Kind::Drain(Drain {}),
            6 => return Turn::Says(None),
            7 => Kind::Log(log(task_id, token, u64::from(how))),
            8 => {
                let run = self.task.as_ref().map(|it| it.run_id.clone());
                return Turn::SeesACancel(run.unwrap_or_default());
            }
            _ => return Turn::SeesAWrite,
        }))
    }

    fn hello(&mut self, how: u8) -> Hello {
        self.streams += 1;
        let (task_id, token) = self.task(how);
        let held = HeldTask {
            task_id,
            token,
            next_line: number(how / 4),
            result_waits: how & 1 == 1,
        };
        // Some of them say of themselves what no driver may say, or ever so much of it.
        let many = if how % 32 == 31 { 33 } else { 1 };
        let label = |nth: usize| (format!("label{nth}"), "x".repeat(many * 8));
        Hello {
            driver: match how % 64 {
                62 => "idle".into(),
                63 => "\u{202e}".into(),
                _ => "builder".into(),
            },
            instance_id: uuid::Uuid::from_u128(u128::from(how & 3)).to_string(),
            stream_number: self.streams,
            definitions: vec![if how % 64 == 62 { "other" } else { "app" }.into(); many],
            events: vec![["*", "delete", "create", "none"][usize::from(how >> 6)].into()],
            labels: (0..many).map(label).collect(),
            slots: if how == 255 { i32::MIN } else { 4 },
            max_message_bytes: if how == 254 { 1 } else { 0 },
            tasks: if how > 128 {
                vec![held; many]
            } else {
                Vec::new()
            },
            ..Hello::default()
        }
    }

    /// The task at hand, mostly.
    fn task(&self, how: u8) -> (String, u64) {
        let task = self.task.clone().unwrap_or_default();
        match how % 16 {
            11 => {
                let cancel = self.cancel.clone().unwrap_or_default();
                (cancel.task_id, cancel.token)
            }
            13 => (task.task_id, task.token.wrapping_add(1)),
            14 => (task.task_id, u64::MAX),
            15 => ("no task".into(), task.token),
            _ => (task.task_id, task.token),
        }
    }
}

/// A result, with data that cannot be read now and then.
fn result(task_id: String, token: u64, how: u8) -> TaskResult {
    TaskResult {
        task_id,
        token,
        success: how & 1 == 0,
        message: if how == 244 {
            "x".repeat(20_000)
        } else {
            String::new()
        },
        data_json: match how {
            240 => "{".into(),
            242 => "[".repeat(1000),
            _ => r#"{"n":1}"#.into(),
        },
        lines: number(how / 4),
        ..TaskResult::default()
    }
}

fn log(task_id: String, token: u64, first_line: u64) -> Log {
    let time = Some(prost_types::Timestamp {
        seconds: if first_line == 7 { i64::MAX } else { 1 },
        nanos: if first_line == 6 { i32::MIN } else { 0 },
    });
    let line = LogLine {
        time,
        message: "line".into(),
        ..LogLine::default()
    };
    Log {
        task_id,
        token,
        first_line,
        lines: vec![line; 3],
    }
}

/// Numbers that counting goes wrong at.
fn number(pick: u8) -> u64 {
    match pick {
        0..=7 => u64::from(pick),
        8 => u64::MAX,
        9 => u64::MAX - 1,
        10 => i64::MAX.cast_unsigned(),
        11 => i64::MIN.cast_unsigned(),
        12 => u64::from(u32::MAX),
        _ => u64::from(pick % 8),
    }
}

/// A driver that does as it should, one that comes back, one that says everything at once, one whose run is cancelled,
/// and one that the server must refuse.
pub(crate) fn scripts() -> Vec<Vec<u8>> {
    vec![
        AS_IT_SHOULD.to_vec(),
        vec![0, 0, 1, 0, 0, 200, 7, 3, 4, 9, 3, 32],
        vec![
            0, 0, 1, 13, 1, 0, 2, 32, 2, 36, 3, 40, 3, 14, 4, 255, 6, 0, 2, 24, 2, 28,
        ],
        vec![0, 255, 0, 254, 3, 0],
        vec![0, 0, 1, 0, 2, 0, 8, 0, 4, 1, 3, 12],
        vec![0, 0, 9, 0, 1, 1, 9, 0, 1, 0, 3, 0],
        vec![0, 31, 0, 63],
        vec![0, 0, 1, 0, 3, 240, 3, 242, 3, 244],
    ]
}

/// The hello of a driver that has nothing to do, and so can be deleted.
pub(crate) const OF_AN_IDLE_ONE: [u8; 4] = [0, 62, 5, 0];

/// Hello, accept, three lines, success, drain.
pub(crate) const AS_IT_SHOULD: [u8; 10] = [0, 0, 1, 0, 2, 0, 3, 12, 5, 0];
