//! The driver runtime of the Rust client against the real server, over a network that fails.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conveyor_client::proto::{AttemptState, CancelRunRequest, RunState, StepState};
use conveyor_client::{CancelReason, CancellationToken, Driver, Manager, Outcome, Task};
use futures_util::StreamExt as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Proxy, Scripted, Server, eventually, soon};

const SHORT: [(&str, &str); 2] = [
    ("driver.lease_time", "1500ms"),
    ("driver.heartbeat_period", "300ms"),
];

/// Drivers that work until the value goes.
struct Working(CancellationToken);

impl Working {
    fn at(url: &str, driver: Driver) -> Self {
        let abort = CancellationToken::new();
        let manager = Manager::new(url).driver(driver).abort_on(abort.clone());
        let stop = abort.clone();
        tokio::spawn(async move { manager.run(stop).await });
        Self(abort)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn url(server: &Server) -> String {
    format!("http://{}", server.address)
}

/// The tutorial's driver, as the example that cargo builds with the tests.
struct Greeter(Child);

impl Greeter {
    fn start(server: &Server) -> Self {
        let built = Path::new(env!("CARGO_BIN_EXE_conveyor")).with_file_name("examples/greeter");
        let mut command = Command::new(built);
        Self(command.env("CONVEYOR_SERVER", url(server)).spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Greeter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn tutorials_driver_greets_by_rest_and_websocket_and_drains_on_sigterm() {
    let server = Server::start().await;
    let mut greeter = Greeter::start(&server);
    let person = r#"{"name": "person", "schema": {"type": "object", "required": ["greetings"],
        "properties": {"greetings": {"type": "array", "items": {"type": "string"}}}}}"#;
    server.post("/resource-definitions", person).await;
    let ada =
        r#"{"name": "ada", "resource": "person", "spec": {"greetings": ["Hello", "Good day"]}}"#;
    let created = server.post("/resources/", ada).await.json();
    let run = created["runid"].as_str().unwrap();

    let log = format!("/drivers/streams/logs/greeter/{run}");
    let stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let (mut socket, _) =
        tokio_tungstenite::client_async(format!("ws://{}{log}", server.address), stream)
            .await
            .unwrap();
    let mut said = Vec::new();
    loop {
        match soon("a frame", socket.next()).await {
            Some(Ok(Message::Text(text))) => {
                let [_, line]: [String; 2] = serde_json::from_str(&text).unwrap();
                if said.is_empty() {
                    // It ends the work that it has, and takes no more.
                    greeter.signal(Signal::TERM);
                }
                said.push(line);
            }
            Some(Ok(Message::Ping(_))) => {}
            Some(Ok(Message::Close(_))) | None => break,
            other => panic!("expected a line, not {other:?}"),
        }
    }
    assert_eq!(said, ["Hello, ada", "Good day, ada"]);
    server.run_is(run, RunState::Succeeded).await;
    let ended = eventually("the driver ends", async || greeter.0.try_wait().unwrap()).await;
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_in_the_middle_of_10000_lines_lose_and_double_none() {
    let server = Server::start().await;
    server.define("image").await;
    let proxy = Arc::new(Proxy::to(server.address).await);
    let network = proxy.clone();
    let driver = Driver::new("builder", move |task: Task| {
        let network = network.clone();
        async move {
            for n in 0..10_000 {
                task.log.info(format!("line {n}")).await;
                if [1_111, 4_321, 5_000, 5_003, 9_999].contains(&n) {
                    network.cut();
                }
            }
            Outcome::success("all said")
        }
    });
    let _working = Working::at(&proxy.url(), driver.definitions(["image"]));
    let run = server.create("image", "a").await;
    let done = server.run_is(&run, RunState::Succeeded).await;
    assert_eq!(
        done.steps[0].attempts.len(),
        1,
        "the task stayed with its driver"
    );
    let entries = server.stored_lines(&run).await;
    let wanted: Vec<_> = (0..10_000).map(|n| format!("line {n}")).collect();
    assert!(entries.iter().map(|entry| &entry.message).eq(&wanted));
    assert!(entries.iter().map(|entry| entry.seq).eq(1..=10_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitioned_driver_is_fenced_and_the_step_done_by_another() {
    let server = Server::with(&SHORT).await;
    server.define("image").await;
    let proxy = Proxy::to(server.address).await;
    let (tell, mut told) = mpsc::channel(1);
    let cut_off = Driver::new("builder", move |task: Task| {
        let tell = tell.clone();
        async move {
            task.log.info("begun").await;
            let cancellation = task.cancel.cancelled().await;
            tell.send(cancellation.reason).await.ok();
            Outcome::success("from the other side")
        }
    });
    let _cut_off = Working::at(&proxy.url(), cut_off.definitions(["image"]));
    let run = server.create("image", "a").await;
    server.run_is(&run, RunState::Running).await;
    eventually("it has begun", async || {
        (!server.stored_lines(&run).await.is_empty()).then_some(())
    })
    .await;
    proxy.silence(true);
    server
        .run_where(&run, "the lease ends", |run| {
            run.steps[0].attempts[0].state() == AttemptState::Lost
        })
        .await;
    let mut other = Scripted::new(&server, "builder", "image").await;
    let task = other.take().await;
    other.succeed(&task).await;
    let ended = server.run_is(&run, RunState::Succeeded).await;
    proxy.silence(false);
    let reason = soon("the one that is back is told", told.recv()).await;
    assert_eq!(reason, Some(CancelReason::Fenced));
    assert_eq!(
        server.run(&run).await,
        ended,
        "what it says now changes nothing"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_blocks_its_thread_keeps_its_lease_and_gets_the_next_task() {
    let server = Server::with(&SHORT).await;
    server.define("image").await;
    let driver = Driver::new("builder", |_task: Task| async {
        std::thread::sleep(Duration::from_secs(4));
        Outcome::success("slow")
    });
    let _working = Working::at(&url(&server), driver.definitions(["image"]));
    for name in ["a", "b"] {
        let run = server.create("image", name).await;
        let run = server.run_is(&run, RunState::Succeeded).await;
        assert_eq!(run.steps[0].attempts.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_restart_in_the_middle_of_a_step_is_no_new_attempt() {
    let mut server = Server::start().await;
    server.define("image").await;
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    let driver = Driver::new("builder", move |task: Task| {
        let opened = opened.clone();
        async move {
            task.log.info("before").await;
            opened.notified().await;
            task.log.info("after").await;
            Outcome::success("done").data(7)
        }
    });
    let _working = Working::at(&url(&server), driver.definitions(["image"]));
    let run = server.create("image", "a").await;
    server.run_is(&run, RunState::Running).await;
    server.kill_and_start_again().await;
    gate.notify_one();
    let run = server.run_is(&run, RunState::Succeeded).await;
    assert_eq!(
        (run.steps[0].attempts.len(), run.steps[0].data_json.as_str()),
        (1, "7")
    );
    let lines = server.stored_lines(&run.id).await;
    let messages: Vec<_> = lines.iter().map(|entry| entry.message.as_str()).collect();
    assert_eq!(messages, ["before", "after"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn result_while_the_server_is_away_arrives_when_it_is_back() {
    let mut server = Server::start().await;
    server.define("image").await;
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    let finished = Arc::new(Mutex::new(false));
    let finishes = finished.clone();
    let driver = Driver::new("builder", move |_task: Task| {
        let (opened, finishes) = (opened.clone(), finishes.clone());
        async move {
            opened.notified().await;
            *finishes.lock().unwrap() = true;
            Outcome::success("done meanwhile")
        }
    });
    let _working = Working::at(&url(&server), driver.definitions(["image"]));
    let run = server.create("image", "a").await;
    server.run_is(&run, RunState::Running).await;
    server.kill();
    gate.notify_one();
    eventually("the work is done", async || {
        finished.lock().unwrap().then_some(())
    })
    .await;
    sleep(Duration::from_millis(300)).await;
    server.start_again().await;
    let run = server.run_is(&run, RunState::Succeeded).await;
    assert_eq!(
        (run.steps[0].message.as_str(), run.steps[0].attempts.len()),
        ("done meanwhile", 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_reaches_the_work_and_its_result_is_kept() {
    let server = Server::start().await;
    server.define("image").await;
    let driver = Driver::new("builder", |task: Task| async move {
        let cancellation = task.cancel.cancelled().await;
        Outcome::failure(format!("stopped: {:?}", cancellation.reason))
    });
    let _working = Working::at(&url(&server), driver.definitions(["image"]));
    let run = server.create("image", "a").await;
    server.run_is(&run, RunState::Running).await;
    let cancel = CancelRunRequest {
        id: run.clone(),
        ..Default::default()
    };
    server.runs().cancel_run(cancel).await.unwrap();
    let run = server.run_is(&run, RunState::Cancelled).await;
    assert_eq!(run.steps[0].state(), StepState::Cancelled);
    assert_eq!(run.steps[0].message, "stopped: Cancelled");
}
