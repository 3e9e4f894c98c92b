//! Lists of resources: their order and their pages.

use conveyor_client::proto::{ListResourcesRequest, Resource};
use tonic::Code;

use crate::support::{Server, resource};

fn spec(name: &str, spec: &str) -> Resource {
    Resource {
        spec_json: spec.into(),
        ..resource("image", name)
    }
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
