//! `conveyor drivers`.

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use insta::assert_snapshot;

use super::tidied;
use crate::support::{Scripted, Server, eventually, hello, params};

#[tokio::test]
async fn drivers_are_listed_and_described() {
    let server = Server::start().await;
    server.define("any").await;
    let mut red = hello("builder", "any");
    red.labels = params(&[("zone", "red"), ("arch", "arm")]);
    (red.sdk_name, red.sdk_version) = ("tests".into(), "1".into());
    let _red = Scripted::join(&server, red).await;
    let _pusher = Scripted::new(&server, "pusher", "any").await;
    assert_snapshot!(tidied(&server.cli(&["drivers"]).await.said()), @r"
    NAME | DEFINITIONS | EVENTS | INSTANCES | TASKS | QUEUED | AGE
    builder | any | * | 1 | 0/1 | 0 | <span>
    pusher | any | * | 1 | 0/1 | 0 | <span>
    ");
    assert_snapshot!(tidied(&server.cli(&["drivers", "list", "-o", "wide"]).await.said()), @r"
    NAME | DEFINITIONS | EVENTS | INSTANCES | TASKS | QUEUED | AGE | SDK | LABELS
    builder | any | * | 1 | 0/1 | 0 | <span> | tests 1 | arch=arm,zone=red
    pusher | any | * | 1 | 0/1 | 0 | <span>
    ");
    assert_eq!(
        server
            .cli(&["drivers", "-o", "name", "--limit", "1"])
            .await
            .said(),
        "builder\n"
    );
    let sheet = server.cli(&["drivers", "describe", "builder"]).await.said();
    assert!(sheet.contains("arch=arm,zone=red"), "{sheet}");
    assert_snapshot!(server.cli(&["drivers", "describe", "bulider"]).await.ended_with(3), @r#"error: driver "bulider" is not known; did you mean builder?"#);
}

#[tokio::test]
async fn a_driver_that_is_away_is_forgotten() {
    let server = Server::start().await;
    server.define("any").await;
    let mut driver = Scripted::new(&server, "builder", "any").await;
    assert!(
        server
            .cli(&["drivers", "delete", "builder"])
            .await
            .refused()
            .contains("builder")
    );
    driver.close().await;
    eventually("the driver is forgotten", async || {
        (server.cli(&["drivers", "delete", "builder"]).await.code == 0).then_some(())
    })
    .await;
    assert_eq!(server.cli(&["drivers", "-o", "name"]).await.said(), "");
    server
        .cli(&["drivers", "delete", "builder", "--ignore-not-found"])
        .await
        .said();
}

#[tokio::test]
async fn a_message_reaches_each_driver() {
    let server = Server::start().await;
    server.define("any").await;
    let mut driver = Scripted::new(&server, "builder", "any").await;
    let send = [
        "drivers",
        "broadcast",
        "clear",
        r#"{"all":true}"#,
        "--id",
        "7",
    ];
    assert_snapshot!(server.cli(&send).await.said(), @"handed to 1 instance");
    match driver.hear().await {
        Hear::Message(message) => {
            assert_eq!(
                (message.event.as_str(), message.payload.as_str()),
                ("clear", r#"{"all":true}"#)
            );
            assert_eq!(message.id, "7");
        }
        other => panic!("expected Message, heard {other:?}"),
    }
    drop(driver);
}
