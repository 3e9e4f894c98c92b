//! Writes of ours over REST: apply, and the revisions that writes leave.

use crate::support::Server;

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[tokio::test]
async fn a_resource_is_applied_once() {
    let server = Server::start().await;
    server.define("image").await;
    let body = r#"{"name":"a","resource":"image","spec":{"x":1.10}}"#;
    let created = server.post("/resources/apply", body).await;
    assert_eq!(created.status, 200, "{}", created.body);
    assert!(created.headers.contains_key("conveyor-run-id"));
    assert_eq!(created.body, server.get("/resources/image/a").await.body);
    let same = server.post("/resources/apply/", body).await;
    assert_eq!((same.status, &same.body), (200, &created.body));
    assert!(!same.headers.contains_key("conveyor-run-id"));
    let other = server
        .post("/resources/apply", &body.replace("1.10", "1.20"))
        .await;
    assert_eq!(other.json()["revision"], 2);
    let run = other.headers["conveyor-run-id"].to_str().unwrap();
    assert_eq!(server.run(run).await.event, "update");
    for (body, status) in [
        (r#"{"name":"a","resource":"none"}"#, 404),
        (r#"{"name":"a b","resource":"image"}"#, 400),
        ("null", 400),
        ("", 400),
    ] {
        let answer = server.post("/resources/apply", body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_pipeline_is_applied_once_and_none_is_called_apply() {
    let server = Server::start().await;
    server.define("image").await;
    let body = r#"{"name":"p","resource":"image","steps":[{"driver":"d"}]}"#;
    let created = server.post("/pipelines/apply", body).await;
    assert_eq!(created.status, 200, "{}", created.body);
    let same = server.post("/pipelines/apply", body).await;
    assert_eq!((same.status, same.body), (200, created.body));
    let named = body.replace("\"p\"", "\"apply\"");
    for path in ["/pipelines", "/pipelines/apply"] {
        let answer = server.post(path, &named).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        assert_eq!(answer.json()["details"][0]["field"], "name");
    }
    let put = server.http("PUT", "/pipelines/apply", JSON, &named).await;
    assert_eq!(put.status, 405);
    assert_eq!(put.headers["allow"], "POST");
}

#[tokio::test]
async fn revisions_are_listed_newest_first() {
    let server = Server::start().await;
    server.define("image").await;
    server.create("image", "a").await;
    for _ in 0..2 {
        server
            .update(server.read("image", "a", 0).await.unwrap())
            .await;
    }
    let mut path = "/resources/image/a/revisions?page_size=2".to_owned();
    let mut revisions = Vec::new();
    loop {
        let page = server.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        for revision in page.json().as_array().unwrap() {
            let number = revision["revision"].as_i64().unwrap();
            let one = server.get(&format!("/resources/image/a/{number}")).await;
            assert_eq!(one.json(), *revision);
            revisions.push(number);
        }
        let Some(link) = page.headers.get("link") else {
            break;
        };
        let link = link.to_str().unwrap();
        path = link[1..link.find('>').unwrap()].to_owned();
    }
    assert_eq!(revisions, [3, 2, 1]);
    let missing = server.get("/resources/image/none/revisions").await;
    assert_eq!(missing.status, 404, "{}", missing.body);
}

#[tokio::test]
async fn a_revision_has_one_path() {
    let server = Server::start().await;
    server.define("image").await;
    server.create("image", "a").await;
    assert_eq!(server.get("/resources/image/a/1").await.status, 200);
    assert_eq!(server.get("/resources/image/a/%31").await.status, 200);
    for odd in [
        "+1",
        "01",
        "-1",
        "0",
        "1.0",
        "0x1",
        "%2B1",
        "%201",
        "1%20",
        "latest",
        "2",
        "9223372036854775808",
    ] {
        let answer = server.get(&format!("/resources/image/a/{odd}")).await;
        assert_eq!(answer.status, 404, "{odd}: {}", answer.body);
        assert_eq!(answer.json()["code"], "NOT_FOUND");
    }
    for (tag, status) in [("\"01\"", 412), ("\"+1\"", 412), ("\"1\"", 200)] {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        let answer = server
            .http("PUT", "/resources/image/a", &headers, "{}")
            .await;
        assert_eq!(answer.status, status, "{tag}: {}", answer.body);
    }
}
