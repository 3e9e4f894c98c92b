//! Drivers over REST: known ones, their instances, and how one is forgotten.

use conveyor_client::proto::Hello;

use super::golden;
use crate::support::{Scripted, Server, eventually, hello};

#[tokio::test]
async fn drivers_are_listed_shown_and_forgotten() {
    let server = Server::start().await;
    assert_eq!(server.get("/drivers").await.body, "[]");
    let builder = Scripted::join(
        &server,
        Hello {
            labels: [("arch".to_owned(), "arm64".to_owned())].into(),
            slots: 3,
            ..hello("builder", "image")
        },
    )
    .await;
    Scripted::new(&server, "archiver", "image")
        .await
        .close()
        .await;

    let shown = server.get("/drivers/builder").await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    let golden = golden(&shown.body);
    assert!(
        golden.starts_with(concat!(
            r#"{"name":"builder","definitions":["image"],"events":["*"],"#,
            r#""instances":[{"id":"<uuid>","slots":3,"labels":{"arch":"arm64"},"connect_time":"<time>""#,
        )),
        "{golden}"
    );
    let page = server.get("/drivers?page_size=1").await;
    assert_eq!(page.json()[0]["name"], "archiver");
    let link = page.headers["link"].to_str().unwrap();
    let next = server.get(&link[1..link.find('>').unwrap()]).await;
    assert_eq!(next.body, format!("[{}]", shown.body));
    assert!(!next.headers.contains_key("link"));

    let busy = server.http("DELETE", "/drivers/builder", &[], "").await;
    assert_eq!(busy.status, 409, "{}", busy.body);
    let gone = eventually("the driver is forgotten", async || {
        let answer = server.http("DELETE", "/drivers/archiver", &[], "").await;
        (answer.status != 409).then_some(answer)
    })
    .await;
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    assert_eq!(server.get("/drivers/archiver").await.status, 404);
    drop(builder);
}

#[tokio::test]
async fn drivers_that_are_not_there_are_not_found() {
    let server = Server::start().await;
    for (method, path, status) in [
        ("GET", "/drivers/none", 404),
        ("DELETE", "/drivers/none", 404),
        ("GET", "/drivers/a%20b", 400),
        ("GET", "/drivers?page_size=0x", 400),
        ("GET", "/drivers/broadcast-message", 405),
        ("POST", "/drivers", 405),
    ] {
        let answer = server.http(method, path, &[], "").await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        assert!(answer.json()["code"].is_string());
    }
}

#[tokio::test]
async fn a_driver_of_the_name_of_a_route_is_refused() {
    let server = Server::start().await;
    let mut driver = Scripted::silent(&server);
    let hello = hello("broadcast-message", "image");
    driver
        .say(conveyor_client::proto::driver_stream_request::Kind::Hello(
            hello,
        ))
        .await;
    let status = driver.ended().await;
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(status.message().contains("name of a route"), "{status}");
}
