//! `conveyor delete`.

use insta::assert_snapshot;

use super::tidied;
use crate::support::{Scripted, Server};

const DOCUMENTS: &str = "name: any\nschema: true\n---\nname: one-step\nresource: any\nsteps: [{driver: builder}]\n---\nname: r\nresource: any\npipeline: one-step\nspec: {}\n";

#[tokio::test]
async fn what_files_name_goes_in_the_order_of_what_names_what() {
    let server = Server::start().await;
    server.file("all.yaml", DOCUMENTS);
    server.cli(&["apply", "-f", "all.yaml"]).await.said();
    let deleted = server.cli(&["delete", "-f", "all.yaml"]).await.said();
    assert_snapshot!(tidied(&deleted), @r"
    resource any/r deleted (run <id>)
    pipeline one-step deleted
    definition any deleted
    ");
    let again = server.cli(&["delete", "-f", "all.yaml"]).await;
    assert_eq!(again.stdout, "");
    assert_snapshot!(again.ended_with(3), @r#"
    error: resource "any/r" is not known
    error: pipeline "one-step" is not known
    error: resource definition "any" is not known
    error: 3 of 3 failed
    "#);
    let ignored = server
        .cli(&["delete", "-f", "all.yaml", "--ignore-not-found"])
        .await
        .said();
    assert_eq!(ignored, "");
}

#[tokio::test]
async fn several_are_named_by_type_or_by_kind() {
    let server = Server::start().await;
    server.apply(DOCUMENTS).await.said();
    server.create("any", "a").await;
    server.create("any", "b").await;
    assert_snapshot!(tidied(&server.cli(&["delete", "any/a", "any/b"]).await.said()), @r"
    resource any/a deleted (run <id>)
    resource any/b deleted (run <id>)
    ");
    assert_snapshot!(server.cli(&["delete", "definition", "any"]).await.refused(), @r#"error: resource definition "any" is in use: there are resources of it"#);
    server.cli(&["delete", "resource", "any/r"]).await.said();
    assert_snapshot!(server.cli(&["delete", "pipelines", "one-step"]).await.said(), @"pipeline one-step deleted");
}

#[tokio::test]
async fn what_fails_is_told_and_the_rest_goes_on() {
    let server = Server::start().await;
    server.define("any").await;
    server.create("any", "builder").await;
    server.create("any", "last").await;
    let ran = server.cli(&["delete", "any/bulider", "any/last"]).await;
    assert_snapshot!(tidied(&ran.stdout), @"resource any/last deleted (run <id>)");
    assert_snapshot!(ran.ended_with(3), @r#"
    error: resource "any/bulider" is not known; did you mean any/builder?
    error: 1 of 2 failed
    "#);
    assert!(server.read("any", "last", 0).await.is_err());
}

#[tokio::test]
async fn what_cannot_be_deleted_is_explained() {
    let server = Server::start().await;
    server.define("any").await;
    let _driver = Scripted::new(&server, "builder", "any").await;
    assert_snapshot!(server.cli(&["delete", "driver", "builder"]).await.refused(), @r#"error: driver "builder" is in use: it is connected, or has open tasks"#);
    let run = server.create("any", "r").await;
    let refusal = server.cli(&["delete", &run]).await.ended_with(2);
    assert_snapshot!(refusal.replace(&run, "RUN"), @"error: run RUN cannot be deleted; `conveyor cancel` stops one");
    assert_eq!(server.cli(&["delete"]).await.code, 2);
    assert_snapshot!(server.cli(&["delete", "pipelines"]).await.ended_with(2), @"error: which of the pipelines? Give names after it; `conveyor get pipelines` lists them");
    assert_eq!(
        server.cli(&["delete", "any/r", "-f", "x.yaml"]).await.code,
        2
    );
}
