//! Writes of definitions: names, revisions, requests said twice, lists.

use conveyor_client::proto::{
    ApplyResourceDefinitionRequest, CreateResourceDefinitionRequest,
    DeleteResourceDefinitionRequest, GetResourceDefinitionRequest, ListResourceDefinitionsRequest,
    Resource, ResourceDefinition, UpdateResourceDefinitionRequest,
};
use tonic::{Code, Status};

use crate::support::{Server, reason_of, resource, violations};

async fn get(server: &Server, name: &str) -> Result<ResourceDefinition, Status> {
    let request = GetResourceDefinitionRequest { name: name.into() };
    Ok(server
        .resources()
        .get_resource_definition(request)
        .await?
        .into_inner())
}

async fn put(
    server: &Server,
    definition: ResourceDefinition,
    expected_revision: i64,
) -> Result<ResourceDefinition, Status> {
    let request = UpdateResourceDefinitionRequest {
        resource_definition: Some(definition),
        expected_revision,
    };
    Ok(server
        .resources()
        .update_resource_definition(request)
        .await?
        .into_inner())
}

async fn apply(
    server: &Server,
    definition: ResourceDefinition,
) -> Result<ResourceDefinition, Status> {
    let request = ApplyResourceDefinitionRequest {
        resource_definition: Some(definition),
    };
    Ok(server
        .resources()
        .apply_resource_definition(request)
        .await?
        .into_inner())
}

async fn delete(server: &Server, name: &str, expected_revision: i64) -> Result<(), Status> {
    let request = DeleteResourceDefinitionRequest {
        name: name.into(),
        expected_revision,
    };
    server
        .resources()
        .delete_resource_definition(request)
        .await
        .map(drop)
}

fn definition(name: &str, schema: &str) -> ResourceDefinition {
    ResourceDefinition {
        name: name.into(),
        schema_json: schema.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn names_are_letters_digits_and_hyphens() {
    let server = Server::start().await;
    let longest = "x".repeat(63);
    for name in ["a", "A", "0", "image", "my-image-2", "-", longest.as_str()] {
        // Whether a name may begin with "-" is all that is left open.
        let made = server.try_define(name, "{}").await;
        assert!(made.is_ok() || name == "-", "{name}: {made:?}");
    }
    let long = "x".repeat(64);
    for name in [
        "",
        "a b",
        "a/b",
        "a.b",
        "a_b",
        "ä",
        "a\n",
        long.as_str(),
        "apply",
    ] {
        let status = server.try_define(name, "{}").await.expect_err(name);
        assert!(
            violations(&status).iter().any(|(field, _)| field == "name"),
            "{name}: {status:?}"
        );
    }
}

#[tokio::test]
async fn created_definition_reads_back_and_its_name_is_taken() {
    let mut server = Server::start().await;
    let wanted = ResourceDefinition {
        description: "an image".into(),
        version: "0.1.0".into(),
        ..definition("image", r#"{"type":"object"}"#)
    };
    let request = CreateResourceDefinitionRequest {
        resource_definition: Some(wanted.clone()),
        ..Default::default()
    };
    let made = server
        .resources()
        .create_resource_definition(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (&made.description, &made.version, made.revision),
        (&wanted.description, &wanted.version, 1)
    );
    assert!(uuid::Uuid::parse_str(&made.id).is_ok());
    assert_eq!(made.create_time, made.update_time);
    assert_eq!(get(&server, "image").await.unwrap(), made);
    let taken = server
        .resources()
        .create_resource_definition(request)
        .await
        .unwrap_err();
    assert_eq!(taken.code(), Code::AlreadyExists);
    reason_of(&taken);
    server.kill_and_start_again().await;
    assert_eq!(get(&server, "image").await.unwrap(), made);
    let absent = get(&server, "absent").await.unwrap_err();
    assert_eq!(absent.code(), Code::NotFound);
    reason_of(&absent);
}

#[tokio::test]
async fn update_makes_a_revision_keeps_the_id_and_expects_what_it_says() {
    let server = Server::start().await;
    let made = server.define("image").await;
    let next = put(&server, definition("image", "true"), 1).await.unwrap();
    assert_eq!(
        (&next.id, next.revision, next.schema_json.as_str()),
        (&made.id, 2, "true")
    );
    assert_eq!(next.create_time, made.create_time);
    let stale = put(&server, definition("image", "false"), 1)
        .await
        .unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    reason_of(&stale);
    assert_eq!(get(&server, "image").await.unwrap(), next);
    assert_eq!(
        put(&server, definition("absent", "{}"), 0)
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    assert_eq!(
        put(&server, definition("image", "7"), 0)
            .await
            .unwrap_err()
            .code(),
        Code::InvalidArgument
    );
    assert_eq!(get(&server, "image").await.unwrap(), next);
}

#[tokio::test]
async fn apply_writes_only_what_differs() {
    let server = Server::start().await;
    let made = apply(&server, definition("image", "{}")).await.unwrap();
    assert_eq!(made.revision, 1);
    let same = apply(&server, definition("image", "{}")).await.unwrap();
    assert_eq!(same, made);
    let changed = ResourceDefinition {
        version: "2".into(),
        ..definition("image", "{}")
    };
    let next = apply(&server, changed).await.unwrap();
    assert_eq!((next.revision, &next.id), (2, &made.id));
}

#[tokio::test]
async fn definition_in_use_is_not_deleted() {
    let server = Server::start().await;
    server.define("image").await;
    server.define("package").await;
    server.define("free").await;
    server.create("image", "a").await;
    server
        .pipeline("p", "package", &[("build", "builder")])
        .await;
    for name in ["image", "package"] {
        assert_eq!(
            delete(&server, name, 0).await.unwrap_err().code(),
            Code::FailedPrecondition,
            "{name}"
        );
    }
    assert_eq!(
        delete(&server, "free", 7).await.unwrap_err().code(),
        Code::Aborted
    );
    delete(&server, "free", 1).await.unwrap();
    assert_eq!(
        get(&server, "free").await.unwrap_err().code(),
        Code::NotFound
    );
    assert_eq!(
        delete(&server, "free", 0).await.unwrap_err().code(),
        Code::NotFound
    );
    server.delete("image", "a").await;
    delete(&server, "image", 0).await.unwrap();
}

#[tokio::test]
async fn stored_resources_are_checked_at_their_own_next_write() {
    let server = Server::start().await;
    server.define("image").await;
    server.create("image", "a").await;
    put(&server, definition("image", r#"{"required": ["n"]}"#), 0)
        .await
        .unwrap();
    assert_eq!(server.read("image", "a", 0).await.unwrap().revision, 1);
    let status = server.try_create(resource("image", "b")).await.unwrap_err();
    assert!(!violations(&status).is_empty());
    let fits = Resource {
        spec_json: r#"{"n": 1}"#.into(),
        ..resource("image", "a")
    };
    server.update(fits).await;
}

#[tokio::test]
async fn definitions_are_listed_in_name_order_by_pages() {
    let server = Server::start().await;
    let mut names: Vec<String> = (0..12).map(|n| format!("d{n}")).collect();
    for name in names.iter().rev() {
        server.define(name).await;
    }
    names.sort();
    let mut seen = Vec::new();
    let mut request = ListResourceDefinitionsRequest {
        page_size: 5,
        ..Default::default()
    };
    loop {
        let page = server
            .resources()
            .list_resource_definitions(request.clone())
            .await
            .unwrap()
            .into_inner();
        assert!(page.resource_definitions.len() <= 5);
        seen.extend(page.resource_definitions.into_iter().map(|one| one.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen, names);
}

#[tokio::test]
async fn same_request_id_gives_the_same_answer() {
    let mut server = Server::start().await;
    let request = CreateResourceDefinitionRequest {
        resource_definition: Some(definition("image", "{}")),
        request_id: "r-1".into(),
    };
    let made = server
        .resources()
        .create_resource_definition(request.clone())
        .await
        .unwrap()
        .into_inner();
    let again = server
        .resources()
        .create_resource_definition(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, made);
    server.kill_and_start_again().await;
    let again = server
        .resources()
        .create_resource_definition(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, made);
    let other = CreateResourceDefinitionRequest {
        resource_definition: Some(definition("other", "{}")),
        ..request
    };
    let code = server
        .resources()
        .create_resource_definition(other)
        .await
        .unwrap_err()
        .code();
    assert!(
        matches!(code, Code::Aborted | Code::AlreadyExists),
        "{code:?}"
    );
    assert_eq!(
        get(&server, "other").await.unwrap_err().code(),
        Code::NotFound
    );
}
