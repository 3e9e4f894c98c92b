//! The forms of output that every command has: `-o`.

use conveyor_client::proto::Resource;
use insta::assert_snapshot;

use super::tidied;
use crate::support::{Server, resource};

async fn two_resources(server: &Server) {
    server.define("any").await;
    for (name, spec) in [
        ("a", r#"{"image":"x:1","n":1.10}"#),
        ("b", r#"{"image":"y:2","n":2}"#),
    ] {
        let resource = Resource {
            spec_json: spec.into(),
            metadata: [("team".to_owned(), "red".to_owned())].into(),
            ..resource("any", name)
        };
        server.try_create(resource).await.unwrap();
    }
}

#[tokio::test]
async fn each_form_shows_lists_and_single_things() {
    let server = Server::start().await;
    two_resources(&server).await;
    assert_snapshot!(tidied(&server.cli(&["get", "resources", "-o", "wide"]).await.said()), @r"
    RESOURCE | PIPELINE | REVISION | AGE | ID | WRITTEN | METADATA
    any/a | 1 | <span> | <id> | <time> | team=red
    any/b | 1 | <span> | <id> | <time> | team=red
    ");
    assert_eq!(
        server.cli(&["get", "resources", "-o", "name"]).await.said(),
        "any/a\nany/b\n"
    );
    let rows = r#"jsonpath={range .items[*]}{.name}{"\t"}{.spec.n}{"\n"}{end}"#;
    assert_eq!(
        server.cli(&["get", "resources", "-o", rows]).await.said(),
        "a\t1.10\nb\t2\n"
    );
    let one = [
        "get",
        "any/a",
        "-o",
        "jsonpath={.spec.image} of {.metadata.team}",
    ];
    assert_eq!(server.cli(&one).await.said(), "x:1 of red\n");
    let bare = [
        "get",
        "any/a",
        "any/b",
        "-o",
        "jsonpath=items[?@.spec.n > 1.5].name",
    ];
    assert_eq!(server.cli(&bare).await.said(), "b\n");
    let runs = server.cli(&["runs", "-o", "wide"]).await.said();
    assert_snapshot!(tidied(&runs), @r"
    RUN | RESOURCE | EVENT | STATE | AGE | DURATION | REASON | REVISION | PIPELINE | STEPS | CREATED
    <id> | any/b | create | PENDING | <span> | waits for a driver that listens to create of any | 1 | 0/0 | <time>
    <id> | any/a | create | PENDING | <span> | waits for a driver that listens to create of any | 1 | 0/0 | <time>
    ");
}

#[tokio::test]
async fn an_empty_list_is_well_formed_in_each_form() {
    let server = Server::start().await;
    for (format, shown) in [
        ("json", "[]\n"),
        ("yaml", ""),
        ("name", ""),
        ("jsonpath={.items[*].name}", ""),
    ] {
        assert_eq!(
            server.cli(&["get", "pipelines", "-o", format]).await.said(),
            shown,
            "{format}"
        );
    }
    assert_snapshot!(server.cli(&["get", "pipelines", "-o", "wide"]).await.said(), @"NAME  RESOURCE  STEPS  REVISION  AGE  ID  DRIVERS  DESCRIPTION");
}

#[tokio::test]
async fn lists_are_bounded_by_a_limit_and_chosen_by_type() {
    let server = Server::start().await;
    two_resources(&server).await;
    server.define("other").await;
    server.create("other", "c").await;
    let names = async |arguments: &[&str]| {
        server
            .cli(&[arguments, &["-o", "name"]].concat())
            .await
            .said()
    };
    assert_eq!(
        names(&["get", "resources", "--limit", "1"]).await,
        "any/a\n"
    );
    assert_eq!(names(&["get", "resources", "--limit", "0"]).await, "");
    assert_eq!(
        names(&["get", "resources", "--type", "other"]).await,
        "other/c\n"
    );
    assert_eq!(
        names(&["get", "runs", "--type", "any"])
            .await
            .lines()
            .count(),
        2
    );
}

#[tokio::test]
async fn columns_of_later_pages_stand_where_those_of_the_first_do() {
    let server = Server::start().await;
    server.define("any").await;
    // A page ends at 3 MiB, so that these take three.
    let spec = format!(r#"{{"pad":"{}"}}"#, "x".repeat(1 << 20));
    for name in ["a-rather-long-name", "b", "c", "d", "e", "f", "g"] {
        let resource = Resource {
            spec_json: spec.clone(),
            ..resource("any", name)
        };
        server.try_create(resource).await.unwrap();
    }
    let table = server.cli(&["get", "resources"]).await.said();
    let column = table.lines().next().unwrap().find("REVISION").unwrap();
    assert_eq!(table.lines().count(), 8, "{table}");
    for line in table.lines().skip(1) {
        assert_eq!(&line[column - 1..column + 2], " 1 ", "{table}");
    }
    let json = server.cli(&["get", "resources", "-o", "json"]).await.said();
    let json: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(json.len(), 7);
}

#[tokio::test]
async fn a_wrong_form_is_explained() {
    let server = Server::start().await;
    for (form, advice) in [
        ("jsno", "did you mean json?"),
        ("xml", "forms are table, wide"),
        ("jsonpath={.a", "a { without its }"),
    ] {
        let refusal = server.cli(&["get", "runs", "-o", form]).await.ended_with(2);
        assert!(refusal.contains(advice), "{refusal}");
    }
}
