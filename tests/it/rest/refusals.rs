//! What is answered when something is wrong: the status, the code and the field.

use serde_json::Value;

use crate::support::{Answer, Server};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// Status, code and the fields named.
fn told(answer: &Answer) -> (u16, String, Vec<String>) {
    let body = answer.json();
    let keys: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["error", "code", "details"]);
    assert!(!body["error"].as_str().unwrap().is_empty());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let details = body["details"].as_array().unwrap().iter();
    let fields = details.map(|detail| text(&detail["field"])).collect();
    (answer.status, text(&body["code"]), fields)
}

async fn site() -> Server {
    let server = Server::start().await;
    let schema = r#"{"type":"object","properties":{"steps":{"items":{"required":["command"],
        "properties":{"command":{"type":"string"}}}},"n":{"type":"integer"}}}"#;
    server.try_define("image", schema).await.unwrap();
    server.define("other").await;
    server.pipeline("line", "image", &[("1", "builder")]).await;
    server.create_in("line", "image", "taken").await;
    server
}

#[tokio::test]
async fn bad_resources_are_told_from_missing_and_taken_ones() {
    let server = site().await;
    for (body, status, code, fields) in [
        (
            r#"{"name":"taken","resource":"image"}"#,
            409,
            "ALREADY_EXISTS",
            &[][..],
        ),
        (
            r#"{"name":"a","resource":"unknown"}"#,
            404,
            "NOT_FOUND",
            &[],
        ),
        (
            r#"{"name":"a","resource":"image","pipeline":"unknown"}"#,
            404,
            "NOT_FOUND",
            &[],
        ),
        (
            r#"{"name":"a","resource":"other","pipeline":"line"}"#,
            400,
            "INVALID_ARGUMENT",
            &["pipeline"],
        ),
        (r#"{"name":"a"}"#, 400, "INVALID_ARGUMENT", &["resource"]),
        (
            r#"{"resource":"image"}"#,
            400,
            "INVALID_ARGUMENT",
            &["name"],
        ),
        (
            r#"{"name":"a b","resource":"image"}"#,
            400,
            "INVALID_ARGUMENT",
            &["name"],
        ),
        (
            r#"{"name":"a","resource":"image","spec":[]}"#,
            400,
            "INVALID_ARGUMENT",
            &["spec"],
        ),
        (
            r#"{"name":"a","resource":"image","spec":null}"#,
            400,
            "INVALID_ARGUMENT",
            &["spec"],
        ),
        (
            r#"{"name":"a","resource":"image","metadata":{"k":1}}"#,
            400,
            "INVALID_ARGUMENT",
            &["metadata.k"],
        ),
        (
            r#"{"name":"a","resource":"image","spec":{"n":"x","steps":[{"command":"y"},{"command":1}]}}"#,
            400,
            "INVALID_ARGUMENT",
            &["spec.n", "spec.steps[1].command"],
        ),
    ] {
        let (had, named, mut at) = told(&server.post("/resources", body).await);
        at.sort();
        assert_eq!((had, named.as_str()), (status, code), "{body}");
        assert_eq!(at, fields, "{body}");
    }
    assert_eq!(server.get("/resources/image/a").await.status, 404);
}

#[tokio::test]
async fn bad_definitions_and_pipelines_are_refused() {
    let server = site().await;
    for (path, body, status, fields) in [
        (
            "/resource-definitions",
            r#"{"name":"image","schema":{}}"#,
            409,
            &[][..],
        ),
        (
            "/resource-definitions",
            r#"{"name":"apply","schema":{}}"#,
            400,
            &["name"],
        ),
        (
            "/resource-definitions",
            r#"{"name":"a/b","schema":{}}"#,
            400,
            &["name"],
        ),
        ("/resource-definitions", r#"{"name":"a"}"#, 400, &["schema"]),
        (
            "/resource-definitions",
            r#"{"name":"a","schema":null}"#,
            400,
            &["schema"],
        ),
        (
            "/resource-definitions",
            r#"{"name":"a","schema":"text"}"#,
            400,
            &["schema"],
        ),
        (
            "/pipelines",
            r#"{"name":"line","resource":"image","steps":[{"driver":"d"}]}"#,
            409,
            &[],
        ),
        (
            "/pipelines",
            r#"{"name":"p","resource":"unknown","steps":[{"driver":"d"}]}"#,
            404,
            &[],
        ),
        (
            "/pipelines",
            r#"{"name":"p","resource":"image"}"#,
            400,
            &["steps"],
        ),
        (
            "/pipelines",
            r#"{"name":"p","resource":"image","steps":[{"id":"1"}]}"#,
            400,
            &["steps[0].driver"],
        ),
    ] {
        let (had, _, at) = told(&server.post(path, body).await);
        assert_eq!(had, status, "{path} {body}");
        assert_eq!(at, fields, "{path} {body}");
    }
    let used = server
        .http("DELETE", "/resource-definitions/image", &[], "")
        .await;
    assert_eq!(told(&used).0, 409);
    let used = server.http("DELETE", "/pipelines/line", &[], "").await;
    assert_eq!(told(&used).0, 409);
    let free = server
        .http("DELETE", "/resource-definitions/other", &[], "")
        .await;
    assert_eq!(free.status, 204, "{}", free.body);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = site().await;
    for path in [
        "/resource-definitions/none",
        "/resources/image/none",
        "/resources/none/taken",
        "/resources/image/taken/2",
        "/resources/none",
        "/pipelines/none",
    ] {
        let answer = server.get(path).await;
        assert_eq!(told(&answer).0, 404, "{path}");
        assert_eq!(told(&answer).1, "NOT_FOUND");
    }
    let answer = server
        .http("PUT", "/resources/image/none", JSON, "{}")
        .await;
    assert_eq!(told(&answer).0, 404);
}

#[tokio::test]
async fn a_body_that_differs_from_the_path_is_refused() {
    let server = site().await;
    for (path, body, field) in [
        ("/resources/image/taken", r#"{"name":"b"}"#, "name"),
        (
            "/resources/image/taken",
            r#"{"resource":"other"}"#,
            "resource",
        ),
        ("/pipelines/line", r#"{"name":"b"}"#, "name"),
        (
            "/resource-definitions/image",
            r#"{"name":"b","schema":{}}"#,
            "name",
        ),
    ] {
        let answer = server.http("PUT", path, JSON, body).await;
        let (status, _, fields) = told(&answer);
        assert_eq!(
            (status, fields),
            (400, vec![field.to_owned()]),
            "{path} {body}"
        );
    }
}

#[tokio::test]
async fn a_spec_of_four_mebibytes_fits_no_more_does() {
    let server = site().await;
    let body = |bytes: usize| {
        let text = "x".repeat(bytes);
        format!(r#"{{"name":"large","resource":"other","spec":{{"t":"{text}"}}}}"#)
    };
    let over = server.post("/resources", &body(4 << 20)).await;
    assert_eq!(told(&over).0, 413);
    let fits = server.post("/resources", &body((4 << 20) - 1000)).await;
    assert_eq!(fits.status, 201, "{}", fits.body);
    let read = server.get("/resources/other/large").await;
    assert!(read.body.len() > (4 << 20) - 1000);
}

#[tokio::test]
async fn texts_name_the_field_as_the_caller_wrote_it() {
    let server = site().await;
    for (path, body, field) in [
        ("/logs", r#"{"message":"x"}"#, "runid"),
        ("/resources", r#"{'name':"a"}"#, ""),
        ("/resources", r#"{"name":"a","resource":"image",}"#, ""),
        ("/resources", r#"{"name":"a","metadata":{x}}"#, "metadata"),
        (
            "/pipelines",
            r#"{"steps":[{"driver":"d"},{x}]}"#,
            "steps[1]",
        ),
    ] {
        let answer = server.post(path, body).await;
        assert_eq!(told(&answer).2, [field], "{path} {body}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        let subject = if field.is_empty() { "the body" } else { field };
        assert!(
            error.starts_with(&format!("{subject}: ")),
            "{body}: {error}"
        );
    }
}
