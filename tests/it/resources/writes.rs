//! Writes of resources: revisions, names, metadata, requests said twice, lists.

use std::collections::HashMap;

use conveyor_client::proto::{
    ApplyResourceRequest, CreateResourceRequest, DeleteResourceRequest,
    ListResourceRevisionsRequest, ListResourcesRequest, ListRunsRequest, Resource, ResourceChange,
    UpdateResourceRequest,
};
use tonic::{Code, Status};

use crate::support::{Server, params, reason_of, resource, violations};

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

async fn apply(server: &Server, resource: Resource) -> Result<ResourceChange, Status> {
    let request = ApplyResourceRequest {
        resource: Some(resource),
    };
    Ok(server
        .resources()
        .apply_resource(request)
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
async fn create_answers_the_resource_and_its_run() {
    let server = Server::start().await;
    server.define("image").await;
    let wanted = Resource {
        metadata: params(&[("owner", "ada"), ("version", "77")]),
        ..spec("a", "{}")
    };
    let (made, run) = server.try_create(wanted).await.unwrap();
    assert_eq!(
        (
            made.revision,
            made.metadata["owner"].as_str(),
            made.metadata["version"].as_str()
        ),
        (1, "ada", "1")
    );
    assert!(uuid::Uuid::parse_str(&made.id).is_ok());
    assert_eq!(server.read("image", "a", 0).await.unwrap(), made);
    let run = server.run(&run).await;
    assert_eq!(
        (run.event.as_str(), run.name.as_str(), run.revision),
        ("create", "a", 1)
    );
    let taken = server.try_create(spec("a", "{}")).await.unwrap_err();
    assert_eq!(taken.code(), Code::AlreadyExists);
    reason_of(&taken);
    assert_eq!(run_count(&server).await, 1);
}

#[tokio::test]
async fn unknown_type_and_pipeline_are_not_found() {
    let server = Server::start().await;
    server.define("image").await;
    server.define("package").await;
    server
        .pipeline("packing", "package", &[("pack", "packer")])
        .await;
    assert_eq!(
        server
            .try_create(resource("absent", "a"))
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    let lost = Resource {
        pipeline: "absent".into(),
        ..spec("a", "{}")
    };
    assert_eq!(
        server.try_create(lost).await.unwrap_err().code(),
        Code::NotFound
    );
    let wrong = Resource {
        pipeline: "packing".into(),
        ..spec("a", "{}")
    };
    let status = server.try_create(wrong).await.unwrap_err();
    assert!(
        violations(&status)
            .iter()
            .any(|(field, _)| field == "pipeline"),
        "{status:?}"
    );
    assert_eq!(run_count(&server).await, 0, "bad input changes nothing");
}

#[tokio::test]
async fn bad_names_and_metadata_are_refused() {
    let server = Server::start().await;
    server.define("image").await;
    let many: HashMap<_, _> = (0..65).map(|n| (format!("k{n}"), "v".to_owned())).collect();
    let key = "k".repeat(129);
    let value = "v".repeat((4 << 10) + 1);
    let cases = [
        ("no name", resource("image", ""), "name"),
        ("a slash", resource("image", "a/1"), "name"),
        ("64 letters", resource("image", &"x".repeat(64)), "name"),
        ("no type", resource("", "a"), "resource"),
        (
            "65 entries",
            Resource {
                metadata: many,
                ..spec("a", "{}")
            },
            "metadata",
        ),
        (
            "a long key",
            Resource {
                metadata: params(&[(&key, "v")]),
                ..spec("a", "{}")
            },
            "metadata",
        ),
        (
            "a long value",
            Resource {
                metadata: params(&[("k", &value)]),
                ..spec("a", "{}")
            },
            "metadata",
        ),
    ];
    for (what, resource, field) in cases {
        let status = server.try_create(resource).await.expect_err(what);
        assert!(
            violations(&status)
                .iter()
                .any(|(at, _)| at.starts_with(field)),
            "{what}: {status:?}"
        );
    }
    let most: HashMap<_, _> = (0..64)
        .map(|n| (format!("{n:0128}"), "v".repeat(4 << 10)))
        .collect();
    server
        .try_create(Resource {
            metadata: most,
            ..spec("a", "{}")
        })
        .await
        .unwrap();
    let status = server
        .resources()
        .create_resource(CreateResourceRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "no resource at all");
}

#[tokio::test]
async fn each_write_makes_a_revision_and_old_ones_stay_readable() {
    let mut server = Server::start().await;
    server.define("image").await;
    let (made, _) = server.try_create(spec("a", r#"{"n":1}"#)).await.unwrap();
    for n in 2..=5 {
        let change = put(&server, spec("a", &format!(r#"{{"n":{n}}}"#)), n - 1)
            .await
            .unwrap();
        assert_eq!(change.resource.unwrap().revision, n);
        assert_eq!(server.run(&change.run_id).await.event, "update");
    }
    server.kill_and_start_again().await;
    for n in 1..=5 {
        let old = server.read("image", "a", n).await.unwrap();
        assert_eq!(
            (old.spec_json, old.revision, &old.id),
            (format!(r#"{{"n":{n}}}"#), n, &made.id)
        );
        assert_eq!(old.metadata["version"], n.to_string());
        assert_eq!(old.create_time, made.create_time);
    }
    assert_eq!(server.read("image", "a", 0).await.unwrap().revision, 5);
    for absent in [6, -1] {
        let code = server.read("image", "a", absent).await.unwrap_err().code();
        assert!(
            matches!(code, Code::NotFound | Code::InvalidArgument),
            "{code:?}"
        );
    }
    let request = ListResourceRevisionsRequest {
        resource: "image".into(),
        name: "a".into(),
        page_size: 3,
        ..Default::default()
    };
    let first = server
        .resources()
        .list_resource_revisions(request.clone())
        .await
        .unwrap()
        .into_inner();
    let rest = ListResourceRevisionsRequest {
        page_token: first.next_page_token,
        ..request
    };
    let rest = server
        .resources()
        .list_resource_revisions(rest)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(rest.next_page_token, "");
    let numbers: Vec<_> = first
        .revisions
        .iter()
        .chain(&rest.revisions)
        .map(|one| one.revision)
        .collect();
    assert_eq!(numbers, [5, 4, 3, 2, 1], "the newest first");
}

#[tokio::test]
async fn write_of_another_revision_than_expected_is_aborted() {
    let server = Server::start().await;
    server.define("image").await;
    server.create("image", "a").await;
    let status = put(&server, spec("a", r#"{"n":2}"#), 2).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    reason_of(&status);
    let delete = DeleteResourceRequest {
        resource: "image".into(),
        name: "a".into(),
        expected_revision: 2,
    };
    assert_eq!(
        server
            .resources()
            .delete_resource(delete)
            .await
            .unwrap_err()
            .code(),
        Code::Aborted
    );
    assert_eq!(server.read("image", "a", 0).await.unwrap().revision, 1);
    assert_eq!(run_count(&server).await, 1);
    assert_eq!(
        put(&server, spec("absent", "{}"), 0)
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
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

#[tokio::test]
async fn apply_of_what_stands_writes_nothing() {
    let server = Server::start().await;
    server.define("image").await;
    let first = apply(&server, spec("a", r#"{"n":1}"#)).await.unwrap();
    assert_eq!(server.run(&first.run_id).await.event, "create");
    let same = apply(&server, spec("a", r#"{"n":1}"#)).await.unwrap();
    assert_eq!((same.run_id.as_str(), same.resource), ("", first.resource));
    let changed = apply(&server, spec("a", r#"{"n":2}"#)).await.unwrap();
    assert_eq!(changed.resource.unwrap().revision, 2);
    assert_eq!(server.run(&changed.run_id).await.event, "update");
    let labelled = Resource {
        metadata: params(&[("owner", "ada")]),
        ..spec("a", r#"{"n":2}"#)
    };
    assert_eq!(
        apply(&server, labelled)
            .await
            .unwrap()
            .resource
            .unwrap()
            .revision,
        3
    );
    assert_eq!(run_count(&server).await, 3);
}

#[tokio::test]
async fn update_writes_even_what_stands() {
    let server = Server::start().await;
    server.define("image").await;
    server.create("image", "a").await;
    let change = put(&server, resource("image", "a"), 0).await.unwrap();
    assert_eq!(change.resource.unwrap().revision, 2);
    assert_ne!(change.run_id, "");
}

#[tokio::test]
async fn deleted_resource_is_gone_with_its_revisions() {
    let server = Server::start().await;
    server.define("image").await;
    let (old, created) = server.try_create(spec("a", "{}")).await.unwrap();
    let deleted = server.delete("image", "a").await;
    for revision in [0, 1] {
        assert_eq!(
            server
                .read("image", "a", revision)
                .await
                .unwrap_err()
                .code(),
            Code::NotFound
        );
    }
    let again = DeleteResourceRequest {
        resource: "image".into(),
        name: "a".into(),
        expected_revision: 0,
    };
    assert_eq!(
        server
            .resources()
            .delete_resource(again)
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    assert_eq!(server.run(&deleted).await.event, "delete");
    assert_eq!(
        server.run(&created).await.resource_snapshot.unwrap().id,
        old.id,
        "runs keep the resource"
    );
    let (anew, _) = server.try_create(spec("a", "{}")).await.unwrap();
    assert_eq!(anew.revision, 1);
    assert_ne!(anew.id, old.id);
    assert_eq!(
        server.read("image", "a", 2).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn lists_are_in_order_of_type_and_name() {
    let server = Server::start().await;
    for definition in ["package", "image"] {
        server.define(definition).await;
        for name in ["c", "a", "b"] {
            server.create(definition, name).await;
        }
    }
    let list = async |resource: &str, page_size: i32| {
        let mut seen = Vec::new();
        let mut request = ListResourcesRequest {
            resource: resource.into(),
            page_size,
            ..Default::default()
        };
        loop {
            let page = server
                .resources()
                .list_resources(request.clone())
                .await
                .unwrap()
                .into_inner();
            seen.extend(
                page.resources
                    .into_iter()
                    .map(|one| format!("{}/{}", one.resource, one.name)),
            );
            if page.next_page_token.is_empty() {
                return seen;
            }
            request.page_token = page.next_page_token;
        }
    };
    let all = [
        "image/a",
        "image/b",
        "image/c",
        "package/a",
        "package/b",
        "package/c",
    ];
    assert_eq!(list("", 0).await, all);
    assert_eq!(list("", 2).await, all);
    assert_eq!(list("package", 2).await, all[3..]);
    let request = ListResourcesRequest {
        resource: "absent".into(),
        ..Default::default()
    };
    assert_eq!(
        server
            .resources()
            .list_resources(request)
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn page_ends_at_3_mib() {
    let server = Server::start().await;
    server.define("image").await;
    for n in 0..5 {
        server
            .try_create(spec(
                &format!("r{n}"),
                &format!(r#"{{"t":"{}"}}"#, "x".repeat(1 << 20)),
            ))
            .await
            .unwrap();
    }
    let mut request = ListResourcesRequest::default();
    let mut seen = 0;
    loop {
        let page = server
            .resources()
            .list_resources(request.clone())
            .await
            .unwrap()
            .into_inner();
        assert!(
            (1..=3).contains(&page.resources.len()),
            "{}",
            page.resources.len()
        );
        seen += page.resources.len();
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen, 5);
}
