//! The rows of the documented surface that have no story of their own: each request, good and bad, in its order, with
//! its status and what the answer holds.

use serde_json::{Value, json};

use super::golden;
use crate::support::Server;

/// Method, path, body, and the status that must be answered.
type Row = (&'static str, &'static str, &'static str, u16);

/// Carries out rows one after the other, and gives the bodies.
async fn carry_out<const N: usize>(server: &Server, rows: [Row; N]) -> [String; N] {
    let mut bodies = [const { String::new() }; N];
    for (at, (method, path, body, status)) in rows.into_iter().enumerate() {
        let json = [("content-type", "application/json")];
        let answer = server.http(method, path, &json, body).await;
        assert_eq!(
            answer.status, status,
            "{method} {path} {body}: {}",
            answer.body
        );
        if status >= 400 {
            let told = answer.json();
            let keys: Vec<_> = told.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["error", "code", "details"], "{method} {path}");
        }
        bodies[at] = answer.body;
    }
    bodies
}

fn parse(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[tokio::test]
async fn the_root_and_the_health_say_what_this_is() {
    let server = Server::start().await;
    let [root, health] = carry_out(
        &server,
        [("GET", "/", "", 200), ("GET", "/health/", "", 200)],
    )
    .await;
    assert!(
        root.starts_with("Conveyor ") && root.contains("/resources"),
        "{root}"
    );
    let health = parse(&health);
    assert_eq!(health["status"], "healthy");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let off = now.as_secs().abs_diff(health["time"].as_u64().unwrap());
    assert!(off < 60, "{health}");
    assert_eq!(health.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn definitions_keep_their_ids_whoever_writes_them() {
    let server = Server::start().await;
    let [made, applied, applied_too, put, read, _, _, _, list] = carry_out(
        &server,
        [
            (
                "POST",
                "/resource-definitions/",
                r#"{"id":"mine","name":"a","schema":{"b":1,"a":2}}"#,
                201,
            ),
            (
                "POST",
                "/resource-definitions/apply",
                r#"{"name":"a","schema":{"b":1},"version":"2"}"#,
                201,
            ),
            (
                "PUT",
                "/resource-definitions/apply/",
                r#"{"name":"a","schema":{"b":1},"version":"3"}"#,
                201,
            ),
            (
                "PUT",
                "/resource-definitions/a",
                r#"{"id":"","schema":true,"version":"4"}"#,
                200,
            ),
            ("GET", "/resource-definitions/a", "", 200),
            ("GET", "/resource-definitions/none", "", 404),
            ("PUT", "/resource-definitions/none", r#"{"schema":{}}"#, 404),
            ("DELETE", "/resource-definitions/none", "", 404),
            ("GET", "/resource-definitions", "", 200),
        ],
    )
    .await;
    let id = parse(&made)["id"].clone();
    assert!(uuid::Uuid::try_parse(id.as_str().unwrap()).is_ok(), "{id}");
    for (body, version) in [(applied, "2"), (applied_too, "3"), (put, "4"), (read, "4")] {
        let body = parse(&body);
        assert_eq!((&body["id"], &body["version"]), (&id, &json!(version)));
    }
    assert!(made.contains(r#""schema":{"b":1,"a":2}"#), "{made}");
    assert_eq!(parse(&list).as_array().unwrap().len(), 1);
    carry_out(
        &server,
        [
            ("POST", "/resource-definitions", "null", 400),
            ("POST", "/resource-definitions", "", 400),
            ("POST", "/resource-definitions", r#"{"schema":{}}"#, 400),
            (
                "POST",
                "/resource-definitions",
                r#"{"NAME":"b","schema":{}}"#,
                400,
            ),
            (
                "POST",
                "/resource-definitions",
                r#"{"name":"b","schema":{"type":"nothing"}}"#,
                400,
            ),
            (
                "POST",
                "/resource-definitions",
                r#"{"name":"b","schema":{"$ref":"http://127.0.0.1/x"}}"#,
                400,
            ),
            (
                "POST",
                "/resource-definitions",
                r#"{"name":"b","schema":{"$ref":"file:///etc/passwd"}}"#,
                400,
            ),
            (
                "POST",
                "/resource-definitions/apply",
                r#"{"schema":{}}"#,
                400,
            ),
            (
                "PUT",
                "/resource-definitions/a",
                r#"{"schema":"text"}"#,
                400,
            ),
            ("DELETE", "/resource-definitions/a", "", 204),
            ("GET", "/resource-definitions/a", "", 404),
            ("GET", "/resource-definitions", "", 200),
        ],
    )
    .await;
}

#[tokio::test]
async fn resources_go_through_their_life() {
    let server = Server::start().await;
    let [.., first, second, old, _, _] = carry_out(
        &server,
        [
            (
                "POST",
                "/resource-definitions",
                r#"{"name":"t","schema":{}}"#,
                201,
            ),
            (
                "POST",
                "/resource-definitions",
                r#"{"name":"u","schema":{}}"#,
                201,
            ),
            (
                "POST",
                "/pipelines",
                r#"{"name":"line","resource":"t","steps":[{"driver":"d"}]}"#,
                201,
            ),
            (
                "POST",
                "/resources/",
                r#"{"name":"n","resource":"t","spec":{"v":1},"metadata":{"k":"v","version":"9"}}"#,
                201,
            ),
            (
                "POST",
                "/resources",
                r#"{"name":"n","resource":"u","spec":{}}"#,
                201,
            ),
            ("POST", "/resources", r#"{"name":"n","resource":"t"}"#, 409),
            (
                "PUT",
                "/resources/t/n",
                r#"{"spec":{"v":2},"pipeline":"none"}"#,
                404,
            ),
            ("PUT", "/resources/none/n", r#"{"spec":{}}"#, 404),
            (
                "PUT",
                "/resources/t/n",
                r#"{"resource":"u","spec":{}}"#,
                400,
            ),
            ("GET", "/resources/t/n", "", 200),
            (
                "PUT",
                "/resources/t/%6E",
                r#"{"spec":{"v":2},"pipeline":"line"}"#,
                200,
            ),
            ("GET", "/resources/t/n/1/", "", 200),
            ("GET", "/resources/t/n/3", "", 404),
            ("GET", "/resources/T/n", "", 404),
        ],
    )
    .await;
    assert_eq!(old, first, "a revision stays as it was");
    assert_eq!(parse(&first)["metadata"], json!({"k": "v", "version": "1"}));
    let second = parse(&second);
    assert_eq!(
        (&second["metadata"], &second["spec"]),
        (&json!({"version": "2"}), &json!({"v": 2}))
    );
    assert_eq!(second["pipeline"], "line");

    let [.., all, of_one, again, anew] = carry_out(
        &server,
        [
            ("DELETE", "/pipelines/line", "", 409),
            ("DELETE", "/resource-definitions/t", "", 409),
            ("GET", "/resources/none", "", 404),
            ("GET", "/resources", "", 200),
            ("GET", "/resources/t/", "", 200),
            ("DELETE", "/resources/t/n", "", 204),
            ("GET", "/resources/t/n/1", "", 404),
            ("DELETE", "/resources/t/n", "", 404),
            ("GET", "/resources/t", "", 200),
            ("GET", "/resources?page_size=1", "", 200),
            ("POST", "/resources", r#"{"name":"n","resource":"t"}"#, 201),
            ("GET", "/resources/t/n", "", 200),
        ],
    )
    .await;
    assert_eq!(
        (all.as_str(), parse(&of_one)[0]["resource"].as_str()),
        ("[]", Some("u"))
    );
    assert_eq!(parse(&again)["version"], "1");
    assert_ne!(parse(&anew)["id"], second["id"]);
    assert_eq!(parse(&anew)["spec"], json!({}));
}

#[tokio::test]
async fn pipelines_go_through_their_life() {
    let server = Server::start().await;
    let [_, made, .., put, list, _, _] = carry_out(
        &server,
        [
            ("POST", "/resource-definitions", r#"{"name":"t","schema":{}}"#, 201),
            ("POST", "/pipelines/", r#"{"name":"p","resource":"t","steps":[{"driver":"a"},{"driver":"b"}],"metadata":null}"#, 201),
            ("POST", "/pipelines", r#"{"name":"p","resource":"t","steps":[{"driver":"a"}]}"#, 409),
            ("POST", "/pipelines", r#"{"name":"q","resource":"none","steps":[{"driver":"a"}]}"#, 404),
            ("POST", "/pipelines", r#"{"name":"q","resource":"t","steps":null}"#, 400),
            ("POST", "/pipelines", r#"{"name":"q","resource":"t","steps":[{"id":"1","driver":"a"},{"id":"1","driver":"b"}]}"#, 400),
            ("PUT", "/pipelines/none", r#"{"resource":"t","steps":[{"driver":"a"}]}"#, 404),
            ("PUT", "/pipelines/p", r#"{"resource":"t","steps":[]}"#, 400),
            ("PUT", "/pipelines/p", r#"{"resource":"t","steps":[{"id":"x","name":"n","driver":"a","timeout":"90s"}],"version":"2"}"#, 200),
            ("GET", "/pipelines", "", 200),
            ("DELETE", "/pipelines/p/", "", 204),
            ("DELETE", "/pipelines/p", "", 404),
        ],
    )
    .await;
    assert_eq!(
        golden(&made),
        concat!(
            r#"{"name":"p","description":"","version":"","resource":"t","#,
            r#""steps":[{"id":"1","name":"","driver":"a"},{"id":"2","name":"","driver":"b"}],"metadata":{},"#,
            r#""id":"<uuid>","revision":1,"create_time":"<time>","update_time":"<time>"}"#,
        )
    );
    assert_eq!(parse(&put)["id"], parse(&made)["id"]);
    assert_eq!(parse(&put)["steps"][0]["timeout"], "90s");
    assert_eq!(list, format!("[{put}]"));
}

#[tokio::test]
async fn log_lines_are_filtered_and_bad_ones_refused() {
    let server = Server::start().await;
    let [.., all, of_driver, of_both, part, none] = carry_out(
        &server,
        [
            ("POST", "/logs", r#"{"runid":"r|1","driver":"a","pipeline":"p","timestamp":"1","message":"one"}"#, 201),
            ("POST", "/logs/", r#"{"runid":"r|1","driver":"b","pipeline":"p","timestamp":"1970-01-01T01:00:02+01:00","message":"two"}"#, 201),
            ("POST", "/logs", r#"{"runid":"r|1","driver":"b","pipeline":"q","timestamp":"1000000003000000000","message":"three\n"}"#, 201),
            ("POST", "/logs", r#"{"driver":"a","message":"no run"}"#, 400),
            ("POST", "/logs", r#"{"runid":7}"#, 400),
            ("POST", "/logs", r#"{"runid":"r|1","timestamp":5}"#, 400),
            ("POST", "/logs", r#"{"runid":"r|1","timestamp":"soon"}"#, 400),
            ("POST", "/logs", "null", 400),
            ("GET", "/logs", "", 400),
            ("GET", "/logs?runid=r%7C1&limit=x", "", 400),
            ("GET", "/logs?runid=r%7C1&after=-1", "", 400),
            ("GET", "/logs?runid=r%7C1", "", 200),
            ("GET", "/logs?runid=r%7C1&driver=b", "", 200),
            ("GET", "/logs?runid=r%7C1&driver=b&pipeline=p", "", 200),
            ("GET", "/logs?runid=r%7C1&after=1&limit=1", "", 200),
            ("GET", "/logs?runid=other", "", 200),
        ],
    )
    .await;
    let line = |driver: &str, pipeline: &str, time: u64, message: &str| json!({"runid": "r|1", "driver": driver, "pipeline": pipeline, "timestamp": time.to_string(), "message": message});
    let (one, two) = (line("a", "p", 1, "one"), line("b", "p", 2, "two"));
    let three = line("b", "q", 1_000_000_003, "three\n");
    assert_eq!(parse(&all), json!([one, two, three]));
    assert_eq!(parse(&of_driver), json!([two, three]));
    assert_eq!(parse(&of_both), json!([two]));
    assert_eq!(parse(&part), json!([two]));
    assert_eq!(none, "[]");
}

#[tokio::test]
async fn broadcasts_that_are_too_large_or_no_json_are_refused() {
    let server = Server::start().await;
    let large = format!(
        r#"{{"event":"e","payload":"{}"}}"#,
        "x".repeat((64 << 10) + 1)
    );
    let answer = server.post("/drivers/broadcast-message", &large).await;
    assert_eq!(
        (answer.status, &answer.json()["details"][0]["field"]),
        (400, &json!("payload"))
    );
    carry_out(
        &server,
        [
            ("POST", "/drivers/broadcast-message", "", 400),
            ("POST", "/drivers/broadcast-message", "[]", 400),
            (
                "POST",
                "/drivers/broadcast-message",
                r#"{"payload":{"no":"text"}}"#,
                400,
            ),
            (
                "POST",
                "/drivers/broadcast-message/",
                r#"{"event":"e","payload":"p","more":1}"#,
                200,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn bodies_of_other_kinds_are_refused_and_none_at_all_is_json() {
    let server = Server::start().await;
    let body = r#"{"name":"t","schema":{}}"#;
    for (content_type, status) in [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/vnd.api+json", 201),
        ("Application/JSON", 409),
    ] {
        let headers = [("content-type", content_type)];
        let answer = server
            .http("POST", "/resource-definitions", &headers, body)
            .await;
        assert_eq!(answer.status, status, "{content_type}: {}", answer.body);
    }
    let answer = server
        .http("PUT", "/resource-definitions/t", &[], body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let twice = r#"{"name":"x","schema":{},"name":"twice","later":{"unknown":[]}}"#;
    let answer = server.post("/resource-definitions", twice).await;
    assert_eq!(
        (answer.status, &answer.json()["name"]),
        (201, &json!("twice"))
    );
}

#[tokio::test]
async fn pages_of_other_hosts_are_kept_out_over_every_door() {
    let server = Server::with(&[("api.origins", "https://friend.example")]).await;
    let own = format!("http://{}", server.address);
    for (path, origin, status) in [
        ("/runs", "https://evil.example", 403),
        ("/watch/resources?follow=false", "https://evil.example", 403),
        ("/logs/pipeline/r?follow=false", "null", 403),
        ("/runs", own.as_str(), 200),
        (
            "/watch/resources?follow=false",
            "https://friend.example",
            200,
        ),
    ] {
        let answer = server.http("GET", path, &[("origin", origin)], "").await;
        assert_eq!(answer.status, status, "{path} {origin}: {}", answer.body);
        let shared = answer.headers.get("access-control-allow-origin");
        assert_eq!(
            shared.is_some(),
            origin == "https://friend.example",
            "{path} {origin}"
        );
    }
    let post = [("origin", "https://evil.example")];
    for path in [
        "/logs/bulk",
        "/resources/t/n/runs",
        "/runs/x/cancel",
        "/resources/apply",
    ] {
        let answer = server.http("POST", path, &post, "{}").await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
    }
    let elsewhere = server
        .raw(b"GET /runs HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n")
        .await;
    assert!(elsewhere.starts_with("HTTP/1.1 403 "), "{elsewhere}");
}
