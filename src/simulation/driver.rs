//! A driver's process: the client's own ledger, over the simulated network, with work that writes lines and ends.
//!
//! Some lie: they report ends of tasks under tokens that are not theirs.

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

/// What one process knows.
struct Process {
    name: &'static str,
    instance: String,
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
    kill: Arc<Notify>,
) {
    loop {
        let tasks = Tasks::new(2);
        let changed = tasks.changed();
        let process = Arc::new(Process {
            name,
            instance: dice.id().to_string(),
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

/// A process, until its instance is replaced.
async fn live(process: Arc<Process>, network: Network, mut dice: Dice) {
    let mut work = JoinSet::new();
    for number in 1.. {
        let end = stream(&process, &network, number, &mut work, &mut dice).await;
        if end.is_err_and(|status| status.code() == Code::Aborted) {
            return;
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

/// Writes lines and ends, unless it is told to stop.
async fn carry_out(process: Arc<Process>, work: Work, mut dice: Dice) {
    let token = (work.offer.task_id.clone(), work.offer.token);
    process.history.note(Event::Begins {
        token: token.clone(),
    });
    let mut lines = 0;
    let most = dice.of(0..12);
    while lines < most && !work.cancel.is_cancelled() {
        tokio::time::sleep(dice.millis(1..1500)).await;
        work.write(format!("{} {} {lines}", token.0, token.1));
        lines += 1;
    }
    let message = format!("{} {} {lines}", token.0, token.1);
    process.history.note(Event::Ends {
        token,
        lines,
        message: message.clone(),
    });
    let outcome = if dice.percent(85) {
        Outcome::success(message)
    } else {
        Outcome::failure(message)
    };
    process.tasks().finish(&work, Some(outcome));
}

/// One stream, from its hello to its end.
async fn stream(
    process: &Arc<Process>,
    network: &Network,
    number: u64,
    running: &mut JoinSet<()>,
    dice: &mut Dice,
) -> Result<(), Status> {
    let late = |_| Status::deadline_exceeded("the server is silent");
    let (out, queue) = mpsc::channel(8);
    let hello_at = Instant::now();
    let hello = Hello {
        driver: process.name.to_owned(),
        instance_id: process.instance.clone(),
        stream_number: number,
        definitions: vec![KIND.to_owned()],
        events: vec!["*".to_owned()],
        slots: 2,
        tasks: process.tasks().in_hello(),
        ..Hello::default()
    };
    let _ = out.try_send(DriverStreamRequest {
        kind: Some(Out::Hello(hello)),
    });
    let mut client = DriverServiceClient::new(network.clone());
    let opened = timeout(PERIOD, client.driver_stream(ReceiverStream::new(queue)));
    let mut inbox = opened.await.map_err(late)??.into_inner();
    let mut heartbeat = tokio::time::interval_at(hello_at + PERIOD, PERIOD);
    let mut heard = Instant::now();
    let mut next = None;
    let mut welcomed = false;
    loop {
        start_ready(process, running, dice);
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
            () = process.changed.notified() => {}
            () = tokio::time::sleep_until(heard + 2 * PERIOD) => return Err(Status::deadline_exceeded("the server is silent")),
        }
    }
}

impl Process {
    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
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
