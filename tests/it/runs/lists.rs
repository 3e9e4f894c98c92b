//! ListRuns: filters and pages.

use conveyor_client::proto::{ListRunsRequest, ListRunsResponse, RunState};
use tonic::{Code, Status};

use crate::support::{Scripted, Server};

async fn list(server: &Server, request: ListRunsRequest) -> Result<ListRunsResponse, Status> {
    Ok(server.runs().list_runs(request).await?.into_inner())
}

fn ids(response: &ListRunsResponse) -> Vec<&str> {
    response.runs.iter().map(|run| run.id.as_str()).collect()
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_filtered() {
    let server = Server::start().await;
    server.define("image").await;
    server.define("package").await;
    let a = server.create("image", "a").await;
    let b = server.create("image", "b").await;
    let p = server.create("package", "a").await;
    let a2 = server
        .update(server.read("image", "a", 0).await.unwrap())
        .await;
    let mut builder = Scripted::new(&server, "builder", "package").await;
    let task = builder.take().await;
    builder.succeed(&task).await;

    let all = list(&server, ListRunsRequest::default()).await.unwrap();
    assert_eq!(ids(&all), [&a2, &p, &b, &a]);
    assert_eq!(all.next_page_token, "");
    assert!(
        all.runs.iter().all(|run| run.resource_snapshot.is_none()),
        "snapshots are in GetRun only"
    );

    let image = ListRunsRequest {
        resource: "image".into(),
        ..Default::default()
    };
    assert_eq!(
        ids(&list(&server, image.clone()).await.unwrap()),
        [&a2, &b, &a]
    );
    let one = ListRunsRequest {
        name: "a".into(),
        ..image
    };
    assert_eq!(ids(&list(&server, one).await.unwrap()), [&a2, &a]);
    let ended = ListRunsRequest {
        states: vec![RunState::Succeeded.into()],
        ..Default::default()
    };
    assert_eq!(ids(&list(&server, ended).await.unwrap()), [&p]);
    let two = ListRunsRequest {
        states: vec![RunState::Succeeded.into(), RunState::Pending.into()],
        ..Default::default()
    };
    assert_eq!(ids(&list(&server, two).await.unwrap()), [&a2, &p, &b, &a]);
}

#[tokio::test]
async fn name_without_type_is_refused() {
    let server = Server::start().await;
    let request = ListRunsRequest {
        name: "a".into(),
        ..Default::default()
    };
    assert_eq!(
        list(&server, request).await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn pages_hold_every_run_once() {
    let server = Server::start().await;
    server.define("image").await;
    let mut written = Vec::new();
    for n in 0..25 {
        written.insert(0, server.create("image", &format!("r{n}")).await);
    }
    for filter in ["", "image"] {
        let mut seen = Vec::new();
        let mut request = ListRunsRequest {
            page_size: 10,
            resource: filter.into(),
            ..Default::default()
        };
        loop {
            let page = list(&server, request.clone()).await.unwrap();
            assert!(page.runs.len() <= 10);
            seen.extend(page.runs.into_iter().map(|run| run.id));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, written);
    }
}

#[tokio::test]
async fn page_size_outside_its_range_and_bad_tokens_are_refused() {
    let server = Server::start().await;
    for page_size in [-1, 1001] {
        let request = ListRunsRequest {
            page_size,
            ..Default::default()
        };
        assert_eq!(
            list(&server, request).await.unwrap_err().code(),
            Code::InvalidArgument,
            "{page_size}"
        );
    }
    let request = ListRunsRequest {
        page_token: "not-a-token".into(),
        ..Default::default()
    };
    assert_eq!(
        list(&server, request).await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn run_that_does_not_exist_is_not_found() {
    let server = Server::start().await;
    let unknown = uuid::Uuid::now_v7().to_string();
    for (id, code) in [
        (unknown, Code::NotFound),
        ("no-uuid".into(), Code::InvalidArgument),
    ] {
        let get = conveyor_client::proto::GetRunRequest { id: id.clone() };
        let got = server.runs().get_run(get).await.unwrap_err().code();
        assert!(got == code || got == Code::NotFound, "{id}: {got:?}");
        let cancel = conveyor_client::proto::CancelRunRequest {
            id: id.clone(),
            ..Default::default()
        };
        let got = server.runs().cancel_run(cancel).await.unwrap_err().code();
        assert!(got == code || got == Code::NotFound, "{id}: {got:?}");
    }
}
