//! Writes of resources: revisions, names, metadata, requests said twice, lists.

use std::collections::HashMap;

use conveyor_client::proto::{
    ApplyResourceRequest, CreateResourceRequest, DeleteResourceRequest,
    ListResourceRevisionsRequest, ListRunsRequest, Resource, ResourceChange, UpdateResourceRequest,
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
