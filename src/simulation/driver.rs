//! A driver's process: the client's own ledger, over the simulated network, with work that writes lines and ends.
//!
//! Some lie: they report ends of tasks under tokens that are not theirs. Some use the id of a process that was before
//! them or that still is. Some leave when their tasks are done.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conveyor_client::Outcome;
use conveyor_client::proto::driver_service_client::DriverServiceClient;
use conveyor_client::proto::driver_stream_request::Kind as Out;
use conveyor_client::proto::driver_stream_response::Kind as In;
use conveyor_client::proto::{self, DriverStreamRequest, Hello, Result as TaskResult};
use conveyor_client::simulation::{Tasks, Work};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::client::KIND;
use super::dice::Dice;
use super::history::{Event, History};
use super::network::Network;

const PERIOD: Duration = Duration::from_secs(10);

/// The ids that processes of each driver have drawn: a cheap clone.
#[derive(Clone, Default)]
pub(super) struct Instances(Arc<Mutex<Vec<(&'static str, String)>>>);

impl Instances {
    /// A new id, or one that was drawn before.
    fn draw(&self, name: &'static str, dice: &mut Dice) -> String {
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = drawn.iter().filter(|(of, _)| *of == name);
        let used: Vec<_> = own.map(|(_, id)| id.clone()).collect();
        if dice.percent(20) && !used.is_empty() {
            return dice.pick(&used);
        }
        let new = dice.id().to_string();
        drawn.push((name, new.clone()));
        new
    }
}

/// What one process knows.
struct Process {
    name: &'static str,
    instance: String,
    /// When it takes no more tasks, and ends after those it has.
    leaves: Option<Instant>,
    history: History,
    tasks: Mutex<Tasks>,
    changed: Arc<Notify>,
}

/// Runs one process after the other: each works until it is killed.
pub(super) async fn run(
    name: &'static str,
    network: Network,
    history: History,
    mut dice: Dice,
    (kill, instances): (Arc<Notify>, Instances),
) {
    loop {
        let leaves = dice.percent(25).then(|| dice.millis(5000..60_000));
        let tasks = Tasks::new(2);
        let changed = tasks.changed();
        let process = Arc::new(Process {
            name,
            instance: instances.draw(name, &mut dice),
            leaves: leaves.map(|after| Instant::now() + after),
            history: history.clone(),
            tasks: Mutex::new(tasks),
            changed,
        });
        let life = live(process, network.clone(), dice.fork());
        tokio::select! {
            biased;
            () = kill.notified() => {}
            () = life => {}
        }
        // Its process is gone, and so are its connections.
        network.cut();
        tokio::time::sleep(dice.millis(100..5000)).await;
    }
}

/// A process, until its instance is replaced or it has left.
async fn live(process: Arc<Process>, network: Network, mut dice: Dice) {
    let mut work = JoinSet::new();
    for number in 1.. {
        let end = stream(&process, &network, number, &mut work, &mut dice).await;
        if process.tasks().is_drained() {
            return;
        }
        if let Err(status) = end {
            match status.code() {
                Code::Aborted => return,
                Code::InvalidArgument => process.is_rejected(&status),
                _ => {}
            }
        }
        let wait = Instant::now() + dice.millis(100..3000);
        while timeout_at_change(&process, wait).await {
            start_ready(&process, &mut work, &mut dice);
        }
    }
}

/// Waits for a change of the tasks, or until then. False when the time is over.
async fn timeout_at_change(process: &Process, until: Instant) -> bool {
    tokio::time::timeout_at(until, process.changed.notified())
        .await
        .is_ok()
}

fn start_ready(process: &Arc<Process>, running: &mut JoinSet<()>, dice: &mut Dice) {
    while let Some(work) = { process.tasks().next_start() } {
        running.spawn(carry_out(Arc::clone(process), work, dice.fork()));
    }
}

/// Writes lines and ends, or stops when it is told to; some do not heed it.
async fn carry_out(process: Arc<Process>, work: Work, mut dice: Dice) {
    let token = (work.offer.task_id.clone(), work.offer.token);
    process.history.note(Event::Begins {
        token: token.clone(),
    });
    let mut lines = 0;
    let most = dice.of(0..12);
    let heeds = dice.percent(90);
    while lines < most && !(heeds && work.cancel.is_cancelled()) {
        tokio::time::sleep(dice.millis(1..1500)).await;
        work.write(format!("{} {} {lines}", token.0, token.1));
        lines += 1;
    }
    let message = format!("{} {} {lines}", token.0, token.1);
    let success = dice.percent(85);
    process.history.note(Event::Ends {
        token,
        lines,
        message: message.clone(),
        success,
    });
    let outcome = if success {
        Outcome::success(message)
    } else {
        Outcome::failure(message)
    };
    process.tasks().finish(&work, Some(outcome));
}

fn silent() -> Status {
    Status::deadline_exceeded("the server is silent")
}

/// One stream, from its hello to its end.
async fn stream(
    process: &Arc<Process>,
    network: &Network,
    number: u64,
    running: &mut JoinSet<()>,
    dice: &mut Dice,
) -> Result<(), Status> {
    let (out, queue) = mpsc::channel(8);
    let hello_at = Instant::now();
    let hello = process.hello(number);
    let _ = out.try_send(DriverStreamRequest {
        kind: Some(Out::Hello(hello)),
    });
    let mut client = DriverServiceClient::new(network.clone());
    let opened = timeout(PERIOD, client.driver_stream(ReceiverStream::new(queue)));
    let mut inbox = opened.await.map_err(|_| silent())??.into_inner();
    let mut heartbeat = tokio::time::interval_at(hello_at + PERIOD, PERIOD);
    let mut heard = Instant::now();
    let mut next = None;
    let mut welcomed = false;
    let never = hello_at + Duration::from_secs(24 * 60 * 60);
    let mut leaves = process.leaves.unwrap_or(never);
    loop {
        start_ready(process, running, dice);
        if process.tasks().is_drained() {
            return Ok(());
        }
        if welcomed && next.is_none() {
            next = process.tasks().next_message(Instant::now().into_std());
        }
        tokio::select! {
            biased;
            message = inbox.message() => {
                heard = Instant::now();
                match message?.and_then(|message| message.kind) {
                    Some(In::Welcome(welcome)) => {
                        process.tasks().welcome(welcome, hello_at.into_std());
                        welcomed = true;
                    }
                    Some(message) => {
                        if let Some(lie) = process.hears(&message, dice) {
                            let _ = out.try_send(DriverStreamRequest { kind: Some(lie) });
                        }
                        process.tasks().receive(message, heard.into_std());
                    }
                    None => return Ok(()),
                }
            }
            room = out.reserve(), if next.is_some() => match room {
                Ok(room) => room.send(DriverStreamRequest { kind: next.take() }),
                Err(_) => return Ok(()),
            },
            _ = heartbeat.tick() => process.tasks().beat(),
            () = tokio::time::sleep_until(leaves) => {
                process.tasks().drain();
                leaves = never;
            }
            () = process.changed.notified() => {}
            () = tokio::time::sleep_until(heard + 2 * PERIOD) => return Err(silent()),
        }
    }
}

impl Process {
    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it says first on its stream of this number.
    fn hello(&self, number: u64) -> Hello {
        Hello {
            driver: self.name.to_owned(),
            instance_id: self.instance.clone(),
            stream_number: number,
            definitions: vec![KIND.to_owned()],
            events: self.events(),
            slots: 2,
            tasks: self.tasks().in_hello(),
            ..Hello::default()
        }
    }

    /// All of them hear of what is made; one of what is deleted too.
    fn events(&self) -> Vec<String> {
        let events = if self.name == "beta" {
            &["*", "delete"][..]
        } else {
            &["*"]
        };
        events.iter().map(|it| (*it).to_owned()).collect()
    }

    fn is_rejected(&self, status: &Status) {
        self.history.note(Event::Rejected {
            instance: self.instance.clone(),
            why: status.to_string(),
        });
    }

    /// Notes what the server says, and answers a lie where this is one who lies.
    fn hears(&self, message: &In, dice: &mut Dice) -> Option<Out> {
        let event = match message {
            In::Reconcile(it) => Event::Offered {
                instance: self.instance.clone(),
                token: (it.task_id.clone(), it.token),
                run: it.run_id.clone(),
                step: it
                    .step
                    .as_ref()
                    .map(|step| step.id.clone())
                    .unwrap_or_default(),
            },
            In::LogAck(it) if it.status() == proto::LogAckStatus::Stored => Event::Stored {
                token: (it.task_id.clone(), it.token),
                next: it.next,
            },
            In::ResultAck(it) if it.outcome() == proto::ResultOutcome::Applied => Event::Applied {
                token: (it.task_id.clone(), it.token),
            },
            In::Cancel(it) if it.reason() == proto::CancelReason::Deadline => Event::OutOfTime {
                token: (it.task_id.clone(), it.token),
            },
            _ => return None,
        };
        self.history.note(event);
        let In::Reconcile(it) = message else {
            return None;
        };
        dice.percent(10).then(|| {
            Out::Result(TaskResult {
                task_id: it.task_id.clone(),
                token: it.token + 1,
                success: true,
                message: "a lie".to_owned(),
                ..TaskResult::default()
            })
        })
    }
}
