//! Panics that are planted in the real services: each costs its own request, and nothing else. One in the middle of a
//! change of the board costs the server; one in the background is begun anew.

use std::time::Duration;

use conveyor_client::proto::driver_service_client::DriverServiceClient;
use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::driver_stream_response::Kind as Said;
use conveyor_client::proto::log_service_client::LogServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{
    Ack, AppendLogsRequest, CreateResourceDefinitionRequest, CreateResourceRequest,
    DriverStreamRequest, DriverStreamResponse, GetResourceRequest, Heartbeat, Hello, Log, LogEntry,
    LogLine, Reconcile, Resource, ResourceDefinition, TailLogsRequest, UpdateResourceRequest,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use super::fuzz::Site;
use crate::sabotage::{PANICS, PANICS_ON_THE_BOARD};

const PATIENCE: Duration = Duration::from_secs(20);

async fn channel(site: &Site) -> Channel {
    let address = format!("http://{}", site.address);
    let endpoint = tonic::transport::Endpoint::from_shared(address).unwrap();
    endpoint.connect().await.unwrap()
}

fn get(name: &str) -> GetResourceRequest {
    GetResourceRequest {
        resource: "app".into(),
        name: name.into(),
        ..GetResourceRequest::default()
    }
}

fn create(name: &str) -> CreateResourceRequest {
    CreateResourceRequest {
        resource: Some(Resource {
            name: name.into(),
            resource: "app".into(),
            ..Resource::default()
        }),
        ..CreateResourceRequest::default()
    }
}

#[test]
fn a_rest_request_that_panics_is_answered_500_and_its_connection_goes_on() {
    let site = Site::start();
    site.runtime.block_on(async {
        let body = format!("{{\"name\":\"{PANICS}\",\"resource\":\"app\"}}");
        let asks = format!(
            "GET /resources/app/{PANICS} HTTP/1.1\r\nhost: localhost\r\n\r\n\
             POST /resources/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}\
             GET /resources/app/a HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
            body.len(),
        );
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        stream.write_all(asks.as_bytes()).await.unwrap();
        let mut answers = String::new();
        let read = timeout(PATIENCE, stream.read_to_string(&mut answers)).await;
        read.expect("the connection ends with its last request").unwrap();
        let heads: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).collect();
        let statuses: Vec<&str> = heads.iter().map(|head| &head[..3]).collect();
        assert_eq!(statuses, ["500", "500", "200"], "{answers}");
        let told = r#"{"error":"the server failed in the middle of this request; its log says where","code":"INTERNAL","details":[]}"#;
        assert!(heads[0].ends_with(told) && heads[1].ends_with(told), "{answers}");
    });
    site.end();
}

#[test]
fn a_call_that_panics_is_internal_and_the_others_of_its_connection_go_on() {
    let site = Site::start();
    site.runtime.block_on(async {
        let mut client = ResourceServiceClient::new(channel(&site).await);
        let failed = client.get_resource(get(PANICS)).await.unwrap_err();
        assert_eq!(failed.code(), Code::Internal, "{failed}");
        // A write holds locks when it panics, and gives them back.
        for _ in 0..2 {
            let failed = timeout(PATIENCE, client.create_resource(create(PANICS))).await;
            assert_eq!(failed.unwrap().unwrap_err().code(), Code::Internal);
        }
        client.create_resource(create("b")).await.unwrap();
        client.get_resource(get("b")).await.unwrap();
    });
    site.end();
}

/// A driver, and what it is offered.
struct Driver {
    say: mpsc::Sender<DriverStreamRequest>,
    hear: Streaming<DriverStreamResponse>,
}

impl Driver {
    async fn connect(channel: &Channel, name: &str) -> Self {
        let (say, said) = mpsc::channel(8);
        let hello = Hello {
            driver: name.into(),
            instance_id: uuid::Uuid::new_v4().to_string(),
            stream_number: 1,
            definitions: vec!["app".into()],
            events: vec!["*".into()],
            slots: 2,
            ..Hello::default()
        };
        say.send(of(Say::Hello(hello))).await.unwrap();
        let mut client = DriverServiceClient::new(channel.clone());
        let hear = client.driver_stream(ReceiverStream::new(said)).await;
        let mut driver = Self {
            say,
            hear: hear.unwrap().into_inner(),
        };
        // Once it is known, runs have a step for it.
        assert!(matches!(driver.next().await, Ok(Said::Welcome(_))));
        driver
    }

    async fn next(&mut self) -> Result<Said, Status> {
        let message = timeout(PATIENCE, self.hear.message()).await.unwrap()?;
        Ok(message.expect("the stream goes on").kind.unwrap())
    }

    async fn task(&mut self) -> Reconcile {
        loop {
            if let Said::Reconcile(task) = self.next().await.unwrap() {
                return task;
            }
        }
    }

    async fn line(&mut self, task: &Reconcile, message: &str) {
        let line = LogLine {
            message: message.into(),
            ..LogLine::default()
        };
        let (task_id, token) = (task.task_id.clone(), task.token);
        let ack = Ack {
            task_id: task_id.clone(),
            token,
            ..Ack::default()
        };
        self.say.send(of(Say::Ack(ack))).await.unwrap();
        let log = Log {
            task_id,
            token,
            first_line: 0,
            lines: vec![line],
        };
        self.say.send(of(Say::Log(log))).await.unwrap();
    }
}

fn of(kind: Say) -> DriverStreamRequest {
    DriverStreamRequest { kind: Some(kind) }
}

#[test]
fn a_drivers_stream_that_panics_ends_internal_at_once_and_the_other_drivers_work_on() {
    let site = Site::start();
    site.runtime.block_on(async {
        let channel = channel(&site).await;
        let mut struck = Driver::connect(&channel, "struck").await;
        let mut other = Driver::connect(&channel, "other").await;
        let mut client = ResourceServiceClient::new(channel.clone());
        client.create_resource(create("b")).await.unwrap();
        let (theirs, task) = (struck.task().await, other.task().await);
        struck.line(&theirs, PANICS).await;
        let ended = loop {
            if let Err(status) = struck.next().await {
                break status;
            }
        };
        assert_eq!(ended.code(), Code::Internal, "{ended}");
        other.line(&task, "fine").await;
        loop {
            if let Said::LogAck(ack) = other.next().await.unwrap() {
                assert_eq!(ack.next, 1);
                break;
            }
        }
        other
            .say
            .send(of(Say::Heartbeat(Heartbeat::default())))
            .await
            .unwrap();
        client.get_resource(get("b")).await.unwrap();
        // The driver comes back as after any end, and keeps its task until its lease is over.
        drop(struck);
        Driver::connect(&channel, "struck").await;
    });
    site.end();
}

#[test]
fn a_panic_in_the_middle_of_a_change_of_the_board_ends_all_writing() {
    let site = Site::start();
    site.runtime.block_on(async {
        let mut client = ResourceServiceClient::new(channel(&site).await);
        let failed = client.create_resource(create(PANICS_ON_THE_BOARD)).await;
        assert_eq!(failed.unwrap_err().code(), Code::Internal);
        let refused = client.create_resource(create("b")).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused}");
        let reason = site.failed().borrow().clone();
        assert!(reason.unwrap().contains("half done"));
    });
    // What is on disk has nothing of it, and the next start begins from there.
    let again = site.again();
    again.runtime.block_on(async {
        let mut client = ResourceServiceClient::new(channel(&again).await);
        let missing = client.get_resource(get(PANICS_ON_THE_BOARD)).await;
        assert_eq!(missing.unwrap_err().code(), Code::NotFound);
        client.create_resource(create("b")).await.unwrap();
    });
    again.end();
}

#[test]
fn retention_goes_on_with_what_else_is_due_after_a_panic() {
    let soon = [
        ("retention.period", "10ms"),
        ("retention.revisions.max_age", "1ms"),
        ("retention.logs.max_age", "1ms"),
    ];
    let site = Site::with(&soon);
    site.runtime.block_on(async {
        let channel = channel(&site).await;
        let mut resources = ResourceServiceClient::new(channel.clone());
        // Its old revisions are looked at before logs are, and panic each time.
        let definition = CreateResourceDefinitionRequest {
            resource_definition: Some(ResourceDefinition {
                name: PANICS.into(),
                schema_json: "{}".into(),
                ..ResourceDefinition::default()
            }),
            ..CreateResourceDefinitionRequest::default()
        };
        resources
            .create_resource_definition(definition)
            .await
            .unwrap();
        let of_it = Resource {
            name: "a".into(),
            resource: PANICS.into(),
            ..Resource::default()
        };
        let made = CreateResourceRequest {
            resource: Some(of_it.clone()),
            ..CreateResourceRequest::default()
        };
        resources.create_resource(made).await.unwrap();
        let replaced = UpdateResourceRequest {
            resource: Some(of_it),
            ..UpdateResourceRequest::default()
        };
        resources.update_resource(replaced).await.unwrap();
        for _ in 0..3 {
            append_and_see_it_go(&channel).await;
        }
    });
    site.end();
}

/// Appends a line under a run id that nobody knows, and waits until retention has removed it.
async fn append_and_see_it_go(channel: &Channel) {
    let run = uuid::Uuid::new_v4().to_string();
    let mut logs = LogServiceClient::new(channel.clone());
    let line = LogEntry {
        run_id: run.clone(),
        message: "line".into(),
        ..LogEntry::default()
    };
    let request = AppendLogsRequest {
        entries: vec![line],
    };
    logs.append_logs(tokio_stream::iter([request]))
        .await
        .unwrap();
    let stored = TailLogsRequest {
        run_id: run,
        follow: Some(false),
        ..TailLogsRequest::default()
    };
    let gone = async {
        loop {
            let mut tail = match logs.tail_logs(stored.clone()).await {
                Ok(tail) => tail.into_inner(),
                Err(status) => return assert_eq!(status.code(), Code::NotFound),
            };
            let first = tail.message().await.unwrap();
            if first.is_none_or(|first| first.gap.is_some()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("retention goes on");
}
