//! More writes than the disk takes: those that wait are as many as the queue has room for, whatever they wait for.

use std::time::Duration;

use conveyor_client::proto::driver_service_client::DriverServiceClient;
use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{
    Ack, CreateResourceRequest, DeleteResourceRequest, DriverStreamRequest, Hello, Resource,
    Result as TaskResult, UpdateResourceDefinitionRequest, UpdateResourceRequest,
};
use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::callers::{definition, site};
use super::client::{KIND, define};
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

#[tokio::test(start_paused = true)]
async fn writes_of_one_resource_that_wait_for_each_other_are_bounded() {
    let (site, network) = site().await;
    define(&network).await;
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
        tokio::time::sleep(Duration::from_secs(1)).await;
        site.slow_disk(1);
    };
    let (answers, ()) = tokio::join!(join_all(updates), first);
    assert_eq!(refused(&answers), ASKED - ROOM);
    create(&network, "two".to_owned()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn writes_that_wait_for_a_definition_are_bounded() {
    let (site, network) = site().await;
    define(&network).await;
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
        tokio::time::sleep(Duration::from_millis(500)).await;
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
    define(&network).await;
    let (out, queue) = mpsc::channel(2 * TASKS);
    let say = |kind| {
        let message = DriverStreamRequest { kind: Some(kind) };
        out.try_send(message).expect("there is room")
    };
    say(Say::Hello(Hello {
        driver: "builder".to_owned(),
        instance_id: "0192f000-0000-4000-8000-000000000000".to_owned(),
        stream_number: 1,
        definitions: vec![KIND.to_owned()],
        events: vec!["*".to_owned()],
        slots: i32::try_from(TASKS).expect("it is small"),
        ..Hello::default()
    }));
    let mut client = DriverServiceClient::new(network.clone());
    let stream = client.driver_stream(ReceiverStream::new(queue)).await;
    let mut stream = stream.unwrap().into_inner();
    let made = join_all((0..TASKS).map(|n| create(&network, format!("r{n}")))).await;
    assert_eq!(refused(&made), 0);
    let mut results = Vec::new();
    while results.len() < TASKS {
        let heard = stream.message().await.unwrap().and_then(|it| it.kind);
        if let Some(Hear::Reconcile(offer)) = heard {
            let (task_id, token) = (offer.task_id, offer.token);
            say(Say::Ack(Ack {
                task_id: task_id.clone(),
                token,
                ..Ack::default()
            }));
            results.push(TaskResult {
                task_id,
                token,
                success: true,
                ..TaskResult::default()
            });
        }
    }
    // Until all that came so far is on disk.
    create(&network, "before".to_owned()).await.unwrap();
    site.slow_disk(10_000);
    results.into_iter().map(Say::Result).for_each(say);
    tokio::time::sleep(Duration::from_secs(1)).await;
    create(&network, "after".to_owned()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn deletes_that_wait_for_room_are_bounded() {
    let (site, network) = site().await;
    define(&network).await;
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
        tokio::time::sleep(Duration::from_secs(1)).await;
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
