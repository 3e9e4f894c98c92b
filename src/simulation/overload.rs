//! More writes than the disk takes: those that wait are as many as the queue has room for, whatever they wait for.

use std::time::Duration;

use conveyor_client::proto::driver_service_client::DriverServiceClient;
use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{
    Ack, CreateResourceRequest, DeleteResourceRequest, DriverStreamRequest, DriverStreamResponse,
    Hello, Log, LogLine, Reconcile, Resource, Result as TaskResult,
    UpdateResourceDefinitionRequest, UpdateResourceRequest,
};
use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::callers::{definition, site};
use super::client::{KIND, define};
use super::keeping::Keeping;
use super::network::Network;

/// Room that new work has in the queue, for small writes.
const ROOM: usize = 3072;
/// Room in the queue altogether, and in the line of those who wait for it to end or remove something.
const ALL: usize = 4096;
const LINE: usize = 1024;
/// How many are asked for.
const ASKED: usize = 4000;

fn resource(name: String) -> Option<Resource> {
    Some(Resource {
        name,
        resource: KIND.to_owned(),
        ..Resource::default()
    })
}

async fn create(network: &Network, name: String) -> Result<(), Status> {
    let request = CreateResourceRequest {
        resource: resource(name),
        request_id: String::new(),
    };
    let mut client = ResourceServiceClient::new(network.clone());
    client.create_resource(request).await.map(drop)
}

/// How many were refused, all for the same reason; nothing else went wrong.
fn refused(answers: &[Result<(), Status>]) -> usize {
    let refusals: Vec<_> = answers.iter().filter_map(|it| it.as_ref().err()).collect();
    for refusal in &refusals {
        assert_eq!(refusal.code(), Code::ResourceExhausted, "{refusal:?}");
    }
    refusals.len()
}

/// A driver that says what a test says.
struct Driver {
    to: mpsc::Sender<DriverStreamRequest>,
    from: Streaming<DriverStreamResponse>,
}

impl Driver {
    /// Joins with slots for so many tasks. So many messages wait on its side.
    async fn join(network: &Network, slots: usize, waiting: usize) -> Self {
        let (to, said) = mpsc::channel(waiting);
        let mut client = DriverServiceClient::new(network.clone());
        let hello = Say::Hello(Hello {
            driver: "builder".to_owned(),
            instance_id: "0192f000-0000-4000-8000-000000000000".to_owned(),
            stream_number: 1,
            definitions: vec![KIND.to_owned()],
            events: vec!["*".to_owned()],
            slots: i32::try_from(slots).expect("it is small"),
            ..Hello::default()
        });
        let hello = DriverStreamRequest { kind: Some(hello) };
        to.try_send(hello).expect("there is room");
        let from = client.driver_stream(ReceiverStream::new(said)).await;
        let from = from.unwrap().into_inner();
        Self { to, from }
    }

    async fn say(&self, kind: Say) -> Result<(), mpsc::error::SendError<DriverStreamRequest>> {
        self.to.send(DriverStreamRequest { kind: Some(kind) }).await
    }

    /// Accepts the next task.
    async fn take(&mut self) -> Reconcile {
        loop {
            let heard = self.from.message().await.unwrap().expect("it goes on");
            if let Some(Hear::Reconcile(task)) = heard.kind {
                let ack = Ack {
                    task_id: task.task_id.clone(),
                    token: task.token,
                    ..Ack::default()
                };
                self.say(Say::Ack(ack)).await.expect("it goes on");
                return task;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_resource_that_wait_for_each_other_are_bounded() {
    let (site, network) = site().await;
    define(&network, Keeping::for_ever()).await;
    create(&network, "one".to_owned()).await.unwrap();
    site.slow_disk(10_000);
    let updates = (0..ASKED).map(|_| async {
        let request = UpdateResourceRequest {
            resource: resource("one".to_owned()),
            expected_revision: 0,
        };
        let mut client = ResourceServiceClient::new(network.clone());
        client.update_resource(request).await.map(drop)
    });
    let first = async {
        sleep(Duration::from_secs(1)).await;
        site.slow_disk(1);
    };
    let (answers, ()) = tokio::join!(join_all(updates), first);
    assert_eq!(refused(&answers), ASKED - ROOM);
    create(&network, "two".to_owned()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn writes_that_wait_for_a_definition_are_bounded() {
    let (site, network) = site().await;
    define(&network, Keeping::for_ever()).await;
    site.slow_disk(10_000);
    let update = async {
        let request = UpdateResourceDefinitionRequest {
            resource_definition: definition(KIND),
            expected_revision: 0,
        };
        let mut client = ResourceServiceClient::new(network.clone());
        client.update_resource_definition(request).await.map(drop)
    };
    let creates = async {
        // The definition is on its way to the disk.
        sleep(Duration::from_millis(500)).await;
        site.slow_disk(1);
        join_all((0..ASKED).map(|n| create(&network, format!("r{n}")))).await
    };
    let (update, answers) = tokio::join!(update, creates);
    update.unwrap();
    assert_eq!(refused(&answers), ASKED - (ROOM - 1));
}

#[tokio::test(start_paused = true)]
async fn small_results_that_wait_leave_room_for_new_work() {
    /// More than the queue has room for, if each could be of the largest size.
    const TASKS: usize = 300;
    let (site, network) = site().await;
    define(&network, Keeping::for_ever()).await;
    let mut driver = Driver::join(&network, TASKS, 2 * TASKS).await;
    let made = join_all((0..TASKS).map(|n| create(&network, format!("r{n}")))).await;
    assert_eq!(refused(&made), 0);
    let mut results = Vec::new();
    while results.len() < TASKS {
        let task = driver.take().await;
        results.push(TaskResult {
            task_id: task.task_id,
            token: task.token,
            success: true,
            ..TaskResult::default()
        });
    }
    // Until all that came so far is on disk.
    create(&network, "before".to_owned()).await.unwrap();
    site.slow_disk(10_000);
    for result in results {
        driver.say(Say::Result(result)).await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    create(&network, "after".to_owned()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn deletes_that_wait_for_room_are_bounded() {
    let (site, network) = site().await;
    define(&network, Keeping::for_ever()).await;
    create(&network, "one".to_owned()).await.unwrap();
    site.slow_disk(10_000);
    let asked = ALL + LINE + 100;
    let deletes = (0..asked).map(|_| async {
        let request = DeleteResourceRequest {
            resource: KIND.to_owned(),
            name: "one".to_owned(),
            expected_revision: 0,
        };
        let mut client = ResourceServiceClient::new(network.clone());
        client.delete_resource(request).await.map(drop)
    });
    let first = async {
        sleep(Duration::from_secs(1)).await;
        site.slow_disk(1);
    };
    let (answers, ()) = tokio::join!(join_all(deletes), first);
    let (done, rest): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    let is_refusal =
        |it: &Result<(), Status>| it.as_ref().is_err_and(|it| it.code() != Code::NotFound);
    let refusals: Vec<_> = rest.into_iter().filter(is_refusal).collect();
    assert_eq!(refused(&refusals), asked - ALL - LINE);
    create(&network, "two".to_owned()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_lines_holds_up_no_write_for_more_than_two_groups() {
    /// What a group takes at most: half of it to write, half to tell.
    const GROUP: Duration = Duration::from_secs(20);
    let (site, network) = site().await;
    define(&network, Keeping::for_ever()).await;
    create(&network, "one".to_owned()).await.unwrap();
    let mut driver = Driver::join(&network, 1, 1).await;
    let task = driver.take().await;
    let (task_id, token) = (task.task_id, task.token);
    site.stop_disk(true);
    let flood = async {
        // More than the queue has room for, each nearly 1 MiB.
        for n in 0..96 {
            let lines = vec![
                LogLine {
                    message: "x".repeat(60 << 10),
                    ..LogLine::default()
                };
                16
            ];
            let log = Log {
                task_id: task_id.clone(),
                token,
                first_line: n * 16,
                lines,
            };
            if driver.say(Say::Log(log)).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let write = async {
        // The clock stands still while there is something to do: all that the server takes is taken then.
        sleep(Duration::from_secs(1)).await;
        let write = create(&network, "two".to_owned());
        let begins = async {
            sleep(Duration::from_secs(1)).await;
            site.slow_disk(10_000);
            site.stop_disk(false);
            Instant::now()
        };
        let (written, begun) = tokio::join!(timeout(4 * GROUP, write), begins);
        written.expect("it is answered").expect("it is not refused");
        begun.elapsed()
    };
    tokio::select! {
        waited = write => assert!(waited <= 2 * GROUP, "it waited for {waited:?}"),
        () = flood => {}
    }
}
