//! `conveyor get`.

use conveyor_client::proto::Resource;
use insta::assert_snapshot;

use super::tidied;
use crate::support::{Scripted, Server, resource};

#[tokio::test]
async fn every_kind_has_a_table() {
    let server = Server::start().await;
    server.define("pipeline").await;
    server
        .pipeline("one-step", "pipeline", &[("1", "builder")])
        .await;
    let mut driver = Scripted::new(&server, "builder", "pipeline").await;
    server.create_in("one-step", "pipeline", "r").await;
    driver.take().await;
    for (kind, what) in [
        ("definitions", "pipeline"),
        ("pipelines", "one-step"),
        ("resources", "pipeline/r"),
        ("drivers", "builder"),
    ] {
        let all = server.cli(&["get", kind]).await.said();
        let one = server
            .cli(&["get", kind.trim_end_matches('s'), what])
            .await
            .said();
        assert_eq!(tidied(&all), tidied(&one));
    }
    assert_snapshot!(tidied(&server.cli(&["get", "definitions"]).await.said()), @r"
    NAME | VERSION | DIALECT | REVISION | AGE
    pipeline | draft2020-12 | 1 | <span>
    ");
    assert_snapshot!(tidied(&server.cli(&["get", "pipelines"]).await.said()), @r"
    NAME | RESOURCE | STEPS | REVISION | AGE
    one-step | pipeline | 1 | 1 | <span>
    ");
    assert_snapshot!(tidied(&server.cli(&["get", "resources"]).await.said()), @r"
    RESOURCE | PIPELINE | REVISION | AGE
    pipeline/r | one-step | 1 | <span>
    ");
    assert_snapshot!(tidied(&server.cli(&["get", "drivers"]).await.said()), @r"
    NAME | DEFINITIONS | EVENTS | INSTANCES | TASKS | QUEUED | AGE
    builder | pipeline | * | 1 | 1/1 | 0 | <span>
    ");
}

#[tokio::test]
async fn json_and_yaml_show_the_whole_object() {
    let server = Server::start().await;
    server.define("any").await;
    let spec = r#"{"z":1.10,"a":{"on":"yes"}}"#;
    let resource = Resource {
        spec_json: spec.into(),
        ..resource("any", "r")
    };
    server.try_create(resource).await.unwrap();
    let json = server.cli(&["get", "resources", "-o", "json"]).await.said();
    assert_snapshot!(tidied(&json), @r#"
    [
      {
        "kind": "Resource",
        "resource": "any",
        "name": "r",
        "metadata": {
          "version": "1"
        },
        "spec": {
          "z": 1.10,
          "a": {
            "on": "yes"
          }
        },
        "id": "<id>",
        "revision": 1,
        "create_time": "<time>",
        "update_time": "<time>"
      }
    ]
    "#);
    let yaml = server
        .cli(&["get", "resource", "any/r", "-o", "yaml"])
        .await
        .said();
    // An id stands in quotes where it begins with a digit.
    let yaml = tidied(&yaml).replace("\"<id>\"", "<id>");
    assert_snapshot!(yaml, @r#"
    ---
    kind: Resource
    resource: any
    name: r
    metadata:
      version: "1"
    spec:
      z: 1.10
      a:
        "on": "yes"
    id: <id>
    revision: 1
    create_time: "<time>"
    update_time: "<time>"
    "#);
    let driver = Scripted::new(&server, "builder", "any").await;
    let json = server
        .cli(&["get", "driver", "builder", "-o", "json"])
        .await
        .said();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json["instances"][0]["id"],
        driver.hello.instance_id.as_str()
    );
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let server = Server::start().await;
    server.define("any").await;
    // A page ends at 3 MiB, so that these take three.
    let spec = format!(r#"{{"pad":"{}"}}"#, "x".repeat(1 << 20));
    for n in 0..7 {
        let resource = Resource {
            spec_json: spec.clone(),
            ..resource("any", &format!("r{n}"))
        };
        server.try_create(resource).await.unwrap();
    }
    let table = server.cli(&["get", "resources"]).await.said();
    assert_eq!(table.lines().count(), 8, "{table}");
}

#[tokio::test]
async fn what_is_not_there_is_an_error_that_helps() {
    let server = Server::start().await;
    server.define("image").await;
    assert_snapshot!(server.cli(&["get", "resource", "image/gone"]).await.ended_with(3), @r#"error: resource "image/gone" is not known"#);
    assert_snapshot!(server.cli(&["get", "resource", "r"]).await.ended_with(2), @"error: a resource is TYPE/NAME, such as pipeline/r; `conveyor get resources` lists them");
    let usage = server.cli(&["get", "image"]).await;
    assert_eq!(usage.code, 2);
    assert!(
        usage.stderr.contains("conveyor get resources --type image"),
        "{}",
        usage.stderr
    );
}
