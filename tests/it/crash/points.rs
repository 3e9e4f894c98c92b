//! The server ends, or a stream is cut, at each point between a commit and what is sent after it.
//!
//! Each life of a server has two orders: a cut, and then a kill. `CRASH_TIMES` says how often each place is played with
//! either of them: once by default, 50 times by `make crash`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::{CancelRunRequest, GetRunRequest, RunState};
use conveyor_client::{CancellationToken, Driver, Manager, Outcome, Task};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::server::{Executions, check, check_pairs, create, driver};
use super::{Dice, seed};
use crate::support::{PATIENCE, Scripted, Server, hello};

const MOMENTS: [&str; 2] = ["before", "after"];
const POINTS: [&str; 6] = [
    "welcome",
    "offer",
    "cancel",
    "logack",
    "resultack",
    "answer",
];
/// Short, so that what was lost with a crash is given out again soon.
const SETTINGS: [(&str, &str); 5] = [
    ("driver.lease_time", "3s"),
    ("driver.heartbeat_period", "1s"),
    ("driver.ack_time", "2s"),
    ("driver.refusal_pause", "200ms"),
    ("driver.cancel_grace", "1s"),
];
/// How many at once create runs of two steps, and runs that are cancelled.
const CREATORS: usize = 3;
const CANCELLERS: usize = 2;
/// The time between two creates of one.
const PACE: Duration = Duration::from_millis(40);
/// In how many lives of the server a driver takes part. Streams that end at once make its pauses longer, up to ten
/// seconds, so that each life has a new one beside those that come back.
const LIVES_OF_A_DRIVER: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_ends_and_stream_that_is_cut_at_any_point_lose_and_double_nothing() {
    let seed = seed();
    println!("CRASH_SEED={seed}");
    let mut dice = Dice::new(seed);
    let times = std::env::var("CRASH_TIMES").map_or(1, |times| times.parse().unwrap());
    let begun = Instant::now();
    let (mut kills, mut runs, mut lines) = (0, 0, 0);
    for _ in 0..times {
        let mut play = Play::begin().await;
        let cuts = shuffled(&mut dice);
        for (cut, kill) in cuts.into_iter().zip(shuffled(&mut dice)) {
            play.live(&cut, &kill, &mut dice).await;
            kills += 1;
        }
        let ended = play.end().await;
        runs += ended.0;
        lines += ended.1;
        println!(
            "{kills} kills, {kills} cuts, {runs} runs, {lines} lines, {:.0?}: nothing lost, nothing doubled",
            begun.elapsed()
        );
    }
}

/// All places in an order of the dice.
fn shuffled(dice: &mut Dice) -> Vec<String> {
    let mut places: Vec<_> = MOMENTS
        .iter()
        .flat_map(|moment| POINTS.iter().map(move |point| format!("{moment}:{point}")))
        .collect();
    for at in (1..places.len()).rev() {
        places.swap(at, dice.below(at as u64 + 1) as usize);
    }
    places
}

/// One store, and those who work with it.
struct Play {
    server: Server,
    executions: Executions,
    done: Arc<Mutex<Vec<String>>>,
    cancelled: Arc<Mutex<Vec<String>>>,
    people: JoinSet<()>,
    stop_people: CancellationToken,
    drivers: JoinSet<()>,
    /// What stops those that have not lived long enough, the oldest first.
    stops: Vec<CancellationToken>,
}

impl Play {
    async fn begin() -> Self {
        let server = Server::with(&SETTINGS).await;
        server.define("image").await;
        let two = [("build", "builder"), ("push", "pusher")];
        server.pipeline("two", "image", &two).await;
        let wait = [("wait", "waiter")];
        server.pipeline("wait", "image", &wait).await;
        let mut play = Self {
            server,
            executions: Executions::default(),
            done: Arc::default(),
            cancelled: Arc::default(),
            people: JoinSet::new(),
            stop_people: CancellationToken::new(),
            drivers: JoinSet::new(),
            stops: Vec::new(),
        };
        play.server.kill();
        for number in 0..CREATORS {
            play.creator(number);
        }
        for number in CREATORS..CREATORS + CANCELLERS {
            play.canceller(number);
        }
        play
    }

    /// One life: the server cuts a stream at one place, and then ends at another.
    async fn live(&mut self, cut: &str, kill: &str, dice: &mut Dice) {
        let orders = format!(
            "{cut}:cut:{},{kill}:kill:{}",
            1 + dice.below(3),
            1 + dice.below(3)
        );
        println!("{orders}");
        self.server.crash_next_at(&orders);
        self.server.start_again().await;
        self.new_driver();
        let visits = tokio::spawn(visit(self.server.new_channel()));
        assert_eq!(self.server.exit_code().await, None, "a signal ended it");
        visits.abort();
        let said = self.server.stderr();
        let points: Vec<_> = said
            .lines()
            .filter_map(|it| it.strip_prefix("crash point "))
            .collect();
        assert_eq!(points, [cut, kill]);
    }

    /// Lets everything come to its end and looks at it; gives the number of runs and of lines.
    async fn end(mut self) -> (usize, usize) {
        self.server.crash_next_at("");
        self.server.start_again().await;
        self.new_driver();
        self.stop_people.cancel();
        while let Some(ended) = self.people.join_next().await {
            ended.unwrap();
        }
        let done = self.done.lock().unwrap().clone();
        for run in &done {
            self.server.run_is(run, RunState::Succeeded).await;
        }
        let cancelled = self.cancelled.lock().unwrap().clone();
        for run in &cancelled {
            self.server.run_is(run, RunState::Cancelled).await;
        }
        self.server.kill_and_start_again().await;
        let mut lines = 0;
        for run in &done {
            check(&self.server, run, &self.executions).await;
            lines += self.server.stored_lines(run).await.len();
        }
        let all = [done, cancelled].concat();
        let runs = all.len();
        check_pairs(&self.server, all).await;
        self.stops.iter().for_each(CancellationToken::cancel);
        while let Some(ended) = self.drivers.join_next().await {
            ended.unwrap();
        }
        (runs, lines)
    }

    fn new_driver(&mut self) {
        let waiter = Driver::new("waiter", |task: Task| async move {
            task.cancel.cancelled().await;
            Outcome::success("stopped")
        });
        let manager = Manager::new(format!("http://{}", self.server.address))
            .driver(driver("builder", &self.executions))
            .driver(driver("pusher", &self.executions))
            .driver(waiter.slots(8));
        let stop = CancellationToken::new();
        self.stops.push(stop.clone());
        self.drivers
            .spawn(async move { manager.run(stop).await.unwrap() });
        if self.stops.len() > LIVES_OF_A_DRIVER {
            self.stops.remove(0).cancel();
        }
    }

    fn creator(&mut self, number: usize) {
        let (client, done) = (self.server.resources(), self.done.clone());
        let stop = self.stop_people.clone();
        self.people.spawn(async move {
            for turn in 0.. {
                if stop.is_cancelled() {
                    return;
                }
                let run = create(client.clone(), "two", &format!("r{number}-{turn}")).await;
                done.lock().unwrap().push(run);
                sleep(PACE).await;
            }
        });
    }

    /// Creates runs that wait for their cancel, and cancels each when a driver has it.
    fn canceller(&mut self, number: usize) {
        let (client, cancelled) = (self.server.resources(), self.cancelled.clone());
        let (mut runs, stop) = (self.server.runs(), self.stop_people.clone());
        self.people.spawn(async move {
            for turn in 0.. {
                if stop.is_cancelled() {
                    return;
                }
                let id = create(client.clone(), "wait", &format!("w{number}-{turn}")).await;
                let deadline = Instant::now() + PATIENCE;
                loop {
                    assert!(Instant::now() < deadline, "run {id} was never cancelled");
                    sleep(Duration::from_millis(10)).await;
                    let Ok(run) = runs.get_run(GetRunRequest { id: id.clone() }).await else {
                        continue;
                    };
                    if run.into_inner().state() == RunState::Pending {
                        continue;
                    }
                    let request = CancelRunRequest {
                        id: id.clone(),
                        ..Default::default()
                    };
                    if runs.cancel_run(request).await.is_ok() {
                        break;
                    }
                }
                cancelled.lock().unwrap().push(id);
            }
        });
    }
}

/// Says hello again and again, as a driver that was never there, so that there is a welcome to end at.
async fn visit(channel: tonic::transport::Channel) {
    loop {
        let mut stream = Scripted::over(channel.clone());
        // The server may be gone.
        let _ = stream
            .try_say(Say::Hello(hello("visitor", "nothing")))
            .await;
        stream.heard_within(Duration::from_millis(100)).await;
        sleep(Duration::from_millis(50)).await;
    }
}
