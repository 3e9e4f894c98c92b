//! Requests said twice, and writers side by side.

use conveyor_client::proto::{
    CreateResourceRequest, ListRunsRequest, Resource, ResourceChange, UpdateResourceRequest,
};
use tonic::{Code, Status};

use crate::support::{Server, resource};

async fn put(
    server: &Server,
    resource: Resource,
    expected_revision: i64,
) -> Result<ResourceChange, Status> {
    let request = UpdateResourceRequest {
        resource: Some(resource),
        expected_revision,
    };
    Ok(server
        .resources()
        .update_resource(request)
        .await?
        .into_inner())
}

fn spec(name: &str, spec: &str) -> Resource {
    Resource {
        spec_json: spec.into(),
        ..resource("image", name)
    }
}

async fn run_count(server: &Server) -> usize {
    server
        .runs()
        .list_runs(ListRunsRequest::default())
        .await
        .unwrap()
        .into_inner()
        .runs
        .len()
}

#[tokio::test]
async fn of_writers_that_expect_one_revision_one_wins() {
    let server = Server::start().await;
    server.define("image").await;
    server.create("image", "a").await;
    let writers = (0..20).map(|n| put(&server, spec("a", &format!(r#"{{"n":{n}}}"#)), 1));
    let answers = futures_util::future::join_all(writers).await;
    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(won, 1);
    assert!(
        answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .all(|status| status.code() == Code::Aborted)
    );
    assert_eq!(server.read("image", "a", 0).await.unwrap().revision, 2);
    assert_eq!(run_count(&server).await, 2);
}

#[tokio::test]
async fn same_request_id_creates_once_also_after_a_restart() {
    let mut server = Server::start().await;
    server.define("image").await;
    let request = CreateResourceRequest {
        resource: Some(spec("a", r#"{"n":1}"#)),
        request_id: "once".into(),
    };
    let made = server
        .resources()
        .create_resource(request.clone())
        .await
        .unwrap()
        .into_inner();
    for restart in [false, true] {
        if restart {
            server.kill_and_start_again().await;
        }
        let again = server
            .resources()
            .create_resource(request.clone())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(again, made);
        assert_eq!(run_count(&server).await, 1);
    }
    let other = CreateResourceRequest {
        resource: Some(spec("a", r#"{"n":2}"#)),
        ..request.clone()
    };
    let code = server
        .resources()
        .create_resource(other)
        .await
        .unwrap_err()
        .code();
    assert!(
        matches!(code, Code::Aborted | Code::AlreadyExists),
        "{code:?}"
    );
    // The answer stays what it was, though the resource has moved on.
    server.update(spec("a", r#"{"n":3}"#)).await;
    assert_eq!(
        server
            .resources()
            .create_resource(request)
            .await
            .unwrap()
            .into_inner(),
        made
    );
}

#[tokio::test]
async fn requests_with_one_id_at_the_same_time_create_once() {
    let server = Server::start().await;
    server.define("image").await;
    let request = CreateResourceRequest {
        resource: Some(spec("a", "{}")),
        request_id: "once".into(),
    };
    let mut clients: Vec<_> = (0..20).map(|_| server.resources()).collect();
    let answers = futures_util::future::join_all(
        clients
            .iter_mut()
            .map(|client| client.create_resource(request.clone())),
    )
    .await;
    let runs: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().into_inner().run_id)
        .collect();
    assert!(runs.iter().all(|run| run == &runs[0]), "{runs:?}");
    assert_eq!(run_count(&server).await, 1);
}
