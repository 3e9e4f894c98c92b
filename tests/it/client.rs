//! The Rust client's own calls against the real server: define, create, apply, get, delete, tail.

use conveyor_client::{Driver, Error, Manager, Outcome, Resource, Tailed, Task, connect};
use serde_json::json;
use tonic::Code;

use crate::support::{Server, soon};

fn image(spec: serde_json::Value) -> Resource {
    Resource::new("image", "web", spec).unwrap()
}

#[tokio::test]
async fn resource_is_created_applied_read_and_deleted() {
    let server = Server::start().await;
    let client = connect(&format!("http://{}", server.address))
        .await
        .unwrap();
    client
        .define("image", json!({"type": "object"}))
        .await
        .unwrap();
    let created = client.create(image(json!({"tag": "v1"}))).await.unwrap();
    assert_eq!(created.resource.revision, 1);
    let same = client.apply(image(json!({"tag": "v1"}))).await.unwrap();
    assert_eq!((same.resource.revision, same.run_id), (1, None));
    let other = client.apply(image(json!({"tag": "v2"}))).await.unwrap();
    assert!(other.run_id.is_some() && other.run_id != created.run_id);
    let read = client.get("image", "web").await.unwrap();
    assert_eq!(read, other.resource);
    assert_eq!(read.spec::<serde_json::Value>().unwrap()["tag"], "v2");
    let again = client.create(image(json!({}))).await.unwrap_err();
    assert!(
        matches!(&again, Error::Answer(status) if status.code() == Code::AlreadyExists),
        "{again}"
    );
    client.delete("image", "web").await.unwrap();
    let gone = client.get("image", "web").await.unwrap_err();
    assert!(
        matches!(&gone, Error::Answer(status) if status.code() == Code::NotFound),
        "{gone}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_gives_every_line_once_over_a_kill_of_the_server() {
    let mut server = Server::start().await;
    let url = format!("http://{}", server.address);
    let client = connect(&url).await.unwrap();
    client
        .define("image", json!({"type": "object"}))
        .await
        .unwrap();
    let (go, gone) = tokio::sync::watch::channel(false);
    let builder = Driver::new("builder", move |task: Task| {
        let mut gone = gone.clone();
        async move {
            task.log.line("stdout", "one\ntwo").await;
            // An error means that the test is over.
            let _ = gone.wait_for(|gone| *gone).await;
            task.log.line("stdout", "three").await;
            Outcome::success("")
        }
    });
    let manager = Manager::new(url).driver(builder.definitions(["image"]));
    let working = tokio::spawn(manager.run(Default::default()));
    let run_id = client
        .create(image(json!({})))
        .await
        .unwrap()
        .run_id
        .unwrap();
    let mut tail = client.tail(run_id);
    let mut lines = Vec::new();
    while lines.len() < 2 {
        lines.push(soon("a line", tail.next()).await.unwrap().unwrap());
    }
    server.kill_and_start_again().await;
    go.send(true).unwrap();
    while let Some(item) = soon("a line", tail.next()).await.unwrap() {
        lines.push(item);
    }
    let texts = lines.iter().map(|item| match item {
        Tailed::Line(line) => &*line.message,
        Tailed::Gap(_) => "a gap",
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["one", "two", "three"]);
    assert!(soon("the end again", tail.next()).await.unwrap().is_none());
    working.abort();
}
