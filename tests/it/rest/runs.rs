//! Runs over REST: lists with filters and pages, one run, start and cancel.

use conveyor_client::proto::RunState;
use serde_json::{Value, json};

use super::golden;
use crate::support::{Scripted, Server};

/// The ids of the runs that a list shows.
fn ids(list: &Value) -> Vec<&str> {
    let runs = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    runs.iter().map(|run| run["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_run_is_shown_whole() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let body = r#"{"name":"a","resource":"image","spec":{"z":1.10}}"#;
    let run = server.post("/resources", body).await.json()["runid"]
        .as_str()
        .unwrap()
        .to_owned();
    let task = builder.take().await;
    builder
        .report(conveyor_client::proto::Result {
            data_json: r#"{"digest": 1.50}"#.into(),
            message: "built".into(),
            ..Scripted::success(&task, 0)
        })
        .await;
    server.run_is(&run, RunState::Succeeded).await;

    let whole = server.get(&format!("/runs/{run}")).await;
    assert_eq!(whole.headers["content-type"], "application/json");
    assert_eq!(
        golden(&whole.body),
        concat!(
            r#"{"id":"<uuid>","event":"create","resource":"image","name":"a","revision":1,"#,
            r#""state":"RUN_STATE_SUCCEEDED","#,
            r#""steps":[{"id":"builder","driver":"builder","state":"STEP_STATE_SUCCEEDED","attempts":["#,
            r#"{"number":1,"task_id":"<uuid>","instance_id":"<uuid>","state":"ATTEMPT_STATE_SUCCEEDED","#,
            r#""start_time":"<time>","end_time":"<time>"}],"message":"built","data":{"digest":1.50}}],"#,
            r#""create_time":"<time>","start_time":"<time>","end_time":"<time>","#,
            r#""resource_snapshot":{"id":"<uuid>","name":"a","resource":"image","metadata":{"version":"1"},"#,
            r#""spec":{"z":1.10},"revision":1,"create_time":"<time>","update_time":"<time>"}}"#,
        )
    );
    let listed = server.get("/runs").await.json();
    assert_eq!(listed[0]["id"], run.as_str());
    assert_eq!(listed[0]["resource_snapshot"], Value::Null);
}

#[tokio::test]
async fn runs_are_filtered_and_come_page_by_page() {
    let server = Server::start().await;
    server.define("image").await;
    server.define("package").await;
    let a = server.create("image", "a").await;
    let b = server.create("image", "b").await;
    let p = server.create("package", "a").await;
    let mut builder = Scripted::new(&server, "builder", "package").await;
    let task = builder.take().await;
    builder.succeed(&task).await;
    server.run_is(&p, RunState::Succeeded).await;

    assert_eq!(ids(&server.get("/runs/").await.json()), [&p, &b, &a]);
    for (query, wanted) in [
        ("resource=image", vec![&b, &a]),
        ("resource=image&name=a", vec![&a]),
        ("states=RUN_STATE_SUCCEEDED", vec![&p]),
        ("states=RUN_STATE_FAILED", vec![]),
        (
            "states=RUN_STATE_SUCCEEDED&states=RUN_STATE_PENDING",
            vec![&p, &b, &a],
        ),
        (
            "resource=image&states=RUN_STATE_PENDING&unknown=1",
            vec![&b, &a],
        ),
    ] {
        let answer = server.get(&format!("/runs?{query}")).await;
        assert_eq!(ids(&answer.json()), wanted, "{query}");
    }
    assert_eq!(
        ids(&server.get("/resources/image/a/runs").await.json()),
        [&a]
    );

    let mut path =
        "/runs?page_size=1&states=RUN_STATE_PENDING&states=RUN_STATE_SUCCEEDED".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = server.get(&path).await;
        let list = page.json();
        assert!(ids(&list).len() <= 1);
        seen.extend(ids(&list).into_iter().map(str::to_owned));
        let Some(link) = page.headers.get("link") else {
            break;
        };
        let link = link.to_str().unwrap();
        assert!(link.ends_with(">; rel=\"next\""), "{link}");
        path = link[1..link.find('>').unwrap()].to_owned();
        assert!(path.contains("states=RUN_STATE_PENDING&states="), "{path}");
    }
    assert_eq!(seen, [p, b, a]);
}

#[tokio::test]
async fn odd_queries_are_refused_with_the_name_of_the_field() {
    let server = Server::start().await;
    for (query, field) in [
        ("states=FAILED", "states"),
        ("states=run_state_failed", "states"),
        ("states=5", "states"),
        ("states=", "states"),
        ("states=RUN_STATE_FAILED&states=x", "states"),
        ("states=RUN_STATE_UNSPECIFIED", "states"),
        ("page_size=two", "page_size"),
        ("page_size=", "page_size"),
        ("page_size=%2B1", "page_size"),
        ("page_size=01", "page_size"),
        ("page_size=1.0", "page_size"),
        ("page_size=0x1", "page_size"),
        ("page_size=99999999999", "page_size"),
        ("page_size=-1", "page_size"),
        ("page_size=1001", "page_size"),
        ("page_token=zz", "page_token"),
        ("name=a", "resource"),
        ("resource=a%20b", "resource"),
    ] {
        let answer = server.get(&format!("/runs?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        let body = answer.json();
        assert_eq!(body["code"], "INVALID_ARGUMENT", "{query}");
        assert_eq!(body["details"][0]["field"], field, "{query}: {body}");
    }
}

#[tokio::test]
async fn a_run_is_started_again_and_cancelled() {
    let server = Server::start().await;
    server.define("image").await;
    let first = server.create("image", "a").await;

    let started = server
        .http("POST", "/resources/image/a/runs", &[], "")
        .await;
    assert_eq!(started.status, 201, "{}", started.body);
    assert_eq!(started.json()["event"], "update");
    assert_eq!(started.json()["waits_for"], first.as_str());
    let body = r#"{"event":"create","resource":"image"}"#;
    let created = server.post("/resources/image/a/runs/", body).await;
    assert_eq!(
        (created.status, &created.json()["event"]),
        (201, &json!("create"))
    );

    let key = [("idempotency-key", "once")];
    let once = server
        .http("POST", "/resources/image/a/runs", &key, "")
        .await;
    let twice = server
        .http("POST", "/resources/image/a/runs", &key, "")
        .await;
    assert_eq!((once.status, &once.body), (201, &twice.body));

    let path = format!("/runs/{first}/cancel");
    let cancelled = server.post(&path, r#"{"reason":"changed my mind"}"#).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    assert_eq!(cancelled.json()["state"], "RUN_STATE_CANCELLED");
    assert_eq!(cancelled.json()["reason"], "changed my mind");
    let again = server.http("POST", &path, &[], "").await;
    assert_eq!((again.status, again.body), (200, cancelled.body));
}

#[tokio::test]
async fn starts_and_cancels_that_make_no_sense_are_refused() {
    let server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    let none = "01a1fd3d-0000-7000-8000-000000000000";
    for (method, path, body, status) in [
        ("GET", format!("/runs/{none}"), "", 404),
        ("GET", "/runs/1".into(), "", 400),
        ("POST", format!("/runs/{none}/cancel"), "", 404),
        ("POST", format!("/runs/{run}/cancel"), "[]", 400),
        (
            "POST",
            format!("/runs/{run}/cancel"),
            r#"{"reason":1}"#,
            400,
        ),
        (
            "POST",
            format!("/runs/{run}/cancel"),
            r#"{"id":"other"}"#,
            400,
        ),
        ("GET", format!("/runs/{run}/cancel"), "", 405),
        ("DELETE", format!("/runs/{run}"), "", 405),
        ("POST", "/runs".into(), "{}", 405),
        ("POST", "/resources/image/none/runs".into(), "", 404),
        ("POST", "/resources/none/a/runs".into(), "", 404),
        (
            "POST",
            "/resources/image/a/runs".into(),
            r#"{"event":"delete"}"#,
            400,
        ),
        (
            "POST",
            "/resources/image/a/runs".into(),
            r#"{"name":"b"}"#,
            400,
        ),
    ] {
        let answer = server.http(method, &path, &[], body).await;
        assert_eq!(
            answer.status, status,
            "{method} {path} {body}: {}",
            answer.body
        );
        let keys: Vec<_> = answer.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["error", "code", "details"], "{method} {path}");
    }
    assert_eq!(server.run(&run).await.state(), RunState::Pending);
}
