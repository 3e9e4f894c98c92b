//! WatchRun: whole states, to the end of the run.

use conveyor_client::proto::{CancelRunRequest, Run, RunState, WatchRunRequest};
use rustix::process::Signal;
use tonic::{Code, Streaming};

use crate::support::{Scripted, Server, soon};

async fn watch(server: &Server, id: &str) -> Streaming<Run> {
    server
        .runs()
        .watch_run(WatchRunRequest {
            id: id.into(),
            follow: None,
        })
        .await
        .unwrap()
        .into_inner()
}

async fn next(stream: &mut Streaming<Run>) -> Option<Run> {
    soon("the next state of the run", stream.message())
        .await
        .unwrap()
}

#[tokio::test]
async fn watch_shows_the_state_at_once_and_each_change_to_the_end() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline("p", "image", &[("one", "builder"), ("two", "builder")])
        .await;
    let id = server.create_in("p", "image", "a").await;
    let mut stream = watch(&server, &id).await;
    let first = next(&mut stream).await.unwrap();
    assert_eq!(
        (first.id.as_str(), first.state()),
        (id.as_str(), RunState::Pending)
    );
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let task = builder.take().await;
    while next(&mut stream)
        .await
        .expect("the run has not ended")
        .state()
        != RunState::Running
    {}
    builder.succeed(&task).await;
    let task = builder.take().await;
    builder.succeed(&task).await;
    let mut last = None;
    while let Some(run) = next(&mut stream).await {
        last = Some(run);
    }
    assert_eq!(last.unwrap().state(), RunState::Succeeded);
}

#[tokio::test]
async fn watch_of_an_ended_run_shows_it_once() {
    let server = Server::start().await;
    server.define("image").await;
    let id = server.create("image", "a").await;
    server
        .runs()
        .cancel_run(CancelRunRequest {
            id: id.clone(),
            ..Default::default()
        })
        .await
        .unwrap();
    let mut stream = watch(&server, &id).await;
    assert_eq!(
        next(&mut stream).await.unwrap().state(),
        RunState::Cancelled
    );
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn watch_of_an_unknown_run_is_not_found() {
    let server = Server::start().await;
    let id = uuid::Uuid::now_v7().to_string();
    let code = match server
        .runs()
        .watch_run(WatchRunRequest { id, follow: None })
        .await
    {
        Ok(response) => response.into_inner().message().await.unwrap_err().code(),
        Err(status) => status.code(),
    };
    assert_eq!(code, Code::NotFound);
}

#[tokio::test]
async fn watch_ends_unavailable_when_the_server_drains() {
    let mut server = Server::start().await;
    server.define("image").await;
    let id = server.create("image", "a").await;
    let mut stream = watch(&server, &id).await;
    next(&mut stream).await.unwrap();
    server.signal(Signal::TERM);
    let status = soon("the end of the watch", stream.message())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(server.exit_code().await, Some(0));
}
