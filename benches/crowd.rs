//! Many driver instances at once, each with a connection and a stream of its own, as the client runtime has them:
//! they beat, hold what they accepted until they are told to finish it, and come back when their server is gone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{
    HeldTask, Hello, Reconcile, ResultOutcome, TaskToken, TaskVerdict, Welcome,
};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use uuid::Uuid;

use super::Result;
use super::driver::Driver;

/// How often a driver beats: what Welcome says by default.
pub(crate) const PERIOD: Duration = Duration::from_secs(10);
/// How long a stream may take to open, and the shortest and longest wait before the next try: the client runtime's.
const OPEN: Duration = Duration::from_secs(10);
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Longest wait for all of them to have done something.
const PATIENCE: Duration = Duration::from_secs(40);

/// What all are told to do.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Order {
    /// Say nothing.
    Rest,
    /// Beat once in each period, each at a moment of its own.
    Beat,
    /// Report what is held as done, and say nothing else.
    Finish,
}

/// Drivers of one name, with one slot each.
pub(crate) struct Crowd {
    orders: watch::Sender<Order>,
    events: Arc<Events>,
    members: JoinSet<Result<()>>,
}

/// One permit for each time that it happened.
struct Events {
    welcomed: Semaphore,
    cut_off: Semaphore,
    accepted: Semaphore,
    finished: Semaphore,
}

impl Crowd {
    /// Joins a server, or a floor that answers anything at all, and waits until all are answered.
    pub(crate) async fn join(
        address: SocketAddr,
        name: &str,
        definition: &str,
        size: usize,
    ) -> Result<Self> {
        let none = || Semaphore::new(0);
        let mut crowd = Self {
            orders: watch::Sender::new(Order::Rest),
            events: Arc::new(Events {
                welcomed: none(),
                cut_off: none(),
                accepted: none(),
                finished: none(),
            }),
            members: JoinSet::new(),
        };
        for at in 0..size {
            let member = Member {
                address,
                hello: hello(name, definition),
                held: None,
                moment: PERIOD.mul_f64(at as f64 / size as f64),
                orders: crowd.orders.subscribe(),
                events: Arc::clone(&crowd.events),
            };
            crowd.members.spawn(member.live());
        }
        crowd.welcomed(size).await?;
        Ok(crowd)
    }

    /// Tells all what to do from now on.
    pub(crate) fn order(&self, order: Order) {
        self.orders.send_replace(order);
    }

    /// Waits until so many were welcomed.
    pub(crate) async fn welcomed(&mut self, many: usize) -> Result<()> {
        all(&self.events.welcomed, many, &mut self.members).await
    }

    /// Waits until so many have seen their stream end.
    pub(crate) async fn cut_off(&mut self, many: usize) -> Result<()> {
        all(&self.events.cut_off, many, &mut self.members).await
    }

    /// Waits until so many have accepted a task.
    pub(crate) async fn accepted(&mut self, many: usize) -> Result<()> {
        all(&self.events.accepted, many, &mut self.members).await
    }

    /// Waits until so many know that their result is on disk.
    pub(crate) async fn finished(&mut self, many: usize) -> Result<()> {
        all(&self.events.finished, many, &mut self.members).await
    }
}

async fn all(event: &Semaphore, many: usize, members: &mut JoinSet<Result<()>>) -> Result<()> {
    let many = u32::try_from(many)?;
    tokio::select! {
        all = timeout(PATIENCE, event.acquire_many(many)) => {
            let missing = || format!("only {} of {many} after {PATIENCE:?}", event.available_permits());
            all.map_err(|_| missing())??.forget();
            Ok(())
        }
        Some(failed) = members.join_next() => failed?,
    }
}

/// One driver instance.
struct Member {
    address: SocketAddr,
    hello: Hello,
    held: Option<Reconcile>,
    /// When in the period it beats.
    moment: Duration,
    orders: watch::Receiver<Order>,
    events: Arc<Events>,
}

impl Member {
    /// One stream after the other. It ends only where the server breaks the protocol.
    async fn live(mut self) -> Result<()> {
        let mut wait = SHORTEST_WAIT;
        loop {
            self.hello.stream_number += 1;
            self.hello.tasks = self.held.iter().map(held_task).collect();
            if let Ok(Ok(driver)) = timeout(OPEN, self.open()).await {
                wait = SHORTEST_WAIT;
                self.serve(driver).await?;
                self.events.cut_off.add_permits(1);
            }
            sleep(jittered(wait)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn open(&self) -> Result<(Driver, Hear)> {
        let mut driver = Driver::open(self.address, self.hello.clone()).await?;
        let answer = driver.hear().await?;
        Ok((driver, answer))
    }

    /// One stream, until it breaks.
    async fn serve(&mut self, (mut driver, answer): (Driver, Hear)) -> Result<()> {
        if let Hear::Welcome(welcome) = answer {
            self.check(&welcome)?;
        }
        self.events.welcomed.add_permits(1);
        let mut beats = interval_at(Instant::now() + self.moment, PERIOD);
        beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let order = *self.orders.borrow();
            tokio::select! {
                heard = driver.hear() => match heard {
                    Ok(heard) => self.take(heard, &driver).await?,
                    Err(_) => return Ok(()),
                },
                _ = beats.tick(), if order == Order::Beat => {
                    if driver.beat(self.held.iter().map(token).collect()).await.is_err() {
                        return Ok(());
                    }
                }
                told = self.orders.changed() => {
                    told?;
                    beats.reset_after(self.moment);
                    if *self.orders.borrow() == Order::Finish && let Some(task) = &self.held {
                        driver.succeed(task, 0).await?;
                    }
                }
            }
        }
    }

    /// A task that was named goes on; nothing else will do.
    fn check(&self, welcome: &Welcome) -> Result<()> {
        let goes_on = |verdict| verdict == TaskVerdict::GoOn;
        if welcome.tasks.len() == usize::from(self.held.is_some())
            && welcome.tasks.iter().all(|fate| goes_on(fate.verdict()))
        {
            return Ok(());
        }
        Err(format!("{:?} was held, and heard {:?}", self.held, welcome.tasks).into())
    }

    async fn take(&mut self, heard: Hear, driver: &Driver) -> Result<()> {
        match heard {
            Hear::Reconcile(task) if self.held.is_none() => {
                driver.accept(&task).await?;
                self.held = Some(task);
                self.events.accepted.add_permits(1);
            }
            Hear::ResultAck(ack) if ack.outcome() == ResultOutcome::Applied => {
                self.held = None;
                self.events.finished.add_permits(1);
            }
            Hear::HeartbeatAck(_) => {}
            other => return Err(format!("unexpected: {other:?}").into()),
        }
        Ok(())
    }
}

fn hello(name: &str, definition: &str) -> Hello {
    Hello {
        driver: name.to_owned(),
        instance_id: Uuid::new_v4().to_string(),
        definitions: vec![definition.to_owned()],
        slots: 1,
        ..Hello::default()
    }
}

fn held_task(task: &Reconcile) -> HeldTask {
    HeldTask {
        task_id: task.task_id.clone(),
        token: task.token,
        ..HeldTask::default()
    }
}

fn token(task: &Reconcile) -> TaskToken {
    TaskToken {
        task_id: task.task_id.clone(),
        token: task.token,
    }
}

/// Once to twice as long.
fn jittered(wait: Duration) -> Duration {
    let (random, _) = Uuid::new_v4().as_u64_pair();
    wait.mul_f64(1.0 + random as f64 / u64::MAX as f64)
}
