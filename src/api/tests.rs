//! The way to the services, over real sockets and with services that do nothing.

mod broken;
mod http;
mod panics;
mod stalled;
mod stub;

use self::http::Site;

#[tokio::test]
async fn a_resource_is_shown_in_the_documented_order_with_its_spec_token_for_token() {
    let site = Site::start().await;
    let answer = site.get("/resources/type/name/5").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.body,
        r#"{"id":"an-id","name":"name","resource":"type","metadata":{"version":"5"},"#.to_owned()
            + r#""spec":{"z": 9007199254740993, "a": 1.10},"revision":5,"#
            + r#""create_time":"2023-11-14T22:13:20.005Z"}"#
    );
}

#[tokio::test]
async fn a_created_resource_is_answered_as_documented() {
    let site = Site::start().await;
    let answer = site
        .post("/resources/", r#"{"name":"a","resource":"t","spec":{}}"#)
        .await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.body,
        r#"{"message":"Resource created successfully","name":"a","runid":"run-1","version":"1"}"#
    );
    assert_eq!(answer.header("conveyor-run-id"), Some("run-1"));
}

#[tokio::test]
async fn a_pipeline_comes_back_whole() {
    let site = Site::start().await;
    let sent = r#"{"name":"p","resource":null,"steps":[{"driver":"d","params":[1, 2.50],"x":{"y":1}},{"params":null}],
        "labels":7,"name":"q","metadata":{"k":"v"}}"#;
    let answer = site.post("/pipelines", sent).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.body,
        r#"{"name":"q","description":"","version":"","resource":"","#.to_owned()
            + r#""steps":[{"id":"","name":"","driver":"d","params":[1, 2.50]},{"id":"","name":"","driver":"","params":null}],"metadata":{"k":"v"}}"#
    );
}

#[tokio::test]
async fn bad_bodies_are_refused_with_the_path_of_the_field() {
    let site = Site::start().await;
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(128), "]".repeat(128));
    let cases = [
        ("null", "", "expected an object at line 1 column 4"),
        (
            "",
            "",
            "not valid JSON: EOF while parsing a value at line 1 column 0",
        ),
        ("[]", "", "expected an object at line 1 column 0"),
        (
            "{} x",
            "",
            "not valid JSON: trailing characters at line 1 column 4",
        ),
        (&deep, "", "nested deeper than 128"),
        (
            r#"{"name":1}"#,
            "name",
            "expected a string at line 1 column 9",
        ),
        (
            r#"{"metadata":{"k":1}}"#,
            "metadata.k",
            "expected a string at line 1 column 18",
        ),
        (
            r#"{"steps":[{},{"id":[]}]}"#,
            "steps[1].id",
            "expected a string at line 1 column 19",
        ),
        (
            r#"{"steps":[[]]}"#,
            "steps[0]",
            "expected an object at line 1 column 10",
        ),
        (
            r#"{"steps":[{"timeout":"x"}]}"#,
            "steps[0].timeout",
            "expected a time such as 2026-01-31T12:00:00Z or a duration such as 1.5s at line 1 column 25",
        ),
    ];
    for (body, field, description) in cases {
        let answer = site.post("/pipelines", body).await;
        assert_eq!(answer.status, 400, "{body}");
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(json["code"], "INVALID_ARGUMENT");
        assert_eq!(json["details"][0]["field"], field, "{body}");
        assert_eq!(json["details"][0]["description"], description, "{body}");
    }
    let answer = site.send(b"POST /pipelines HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 2\r\n\r\n\xff\xfe").await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("not valid UTF-8"), "{}", answer.body);
}

#[tokio::test]
async fn violations_are_named_from_the_root_of_the_body_and_counted_past_a_thousand() {
    let site = Site::start().await;
    let answer = site.post("/resources", r#"{"name":"one-wrong"}"#).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body,
        r#"{"error":"the spec is wrong","code":"INVALID_ARGUMENT","details":[{"field":"spec.steps[0].command","description":"must be a string"}]}"#
    );
    let answer = site.post("/resources", r#"{"name":"all-wrong"}"#).await;
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let details = json["details"].as_array().unwrap();
    assert_eq!(details.len(), 1001);
    assert_eq!(details[999]["field"], "spec.items[999]");
    assert_eq!(details[1000]["description"], "and 200 more");
}

#[tokio::test]
async fn the_path_wins_and_a_body_that_differs_is_refused() {
    let site = Site::start().await;
    let answer = site.put("/resources/t/%61%20b", r#"{"spec":1}"#, &[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        r#"{"id":"","name":"a b","resource":"t","metadata":{},"spec":1}"#
    );
    assert_eq!(answer.header("conveyor-run-id"), Some("run-2"));
    let answer = site.put("/resources/t/a", r#"{"name":"b"}"#, &[]).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains(r#""field":"name""#), "{}", answer.body);
    let answer = site.get("/resources/t/a/latest").await;
    assert_eq!(answer.status, 404, "{}", answer.body);
    let answer = site
        .send(b"DELETE /resources/t/a HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(answer.header("conveyor-run-id"), Some("run-3"));
}

#[tokio::test]
async fn if_match_expects_a_revision() {
    let site = Site::start().await;
    for (tag, status) in [
        ("\"7\"", 412),
        ("\"8\"", 200),
        ("*", 200),
        ("7", 412),
        ("\"0\"", 412),
    ] {
        let answer = site.put("/resources/t/a", "{}", &[("if-match", tag)]).await;
        assert_eq!(answer.status, status, "{tag}");
    }
    let answer = site
        .put("/resources/t/a?expected_revision=7", "{}", &[])
        .await;
    assert_eq!(answer.status, 409);
}

#[tokio::test]
async fn a_list_points_to_its_next_page() {
    let site = Site::start().await;
    let answer = site.get("/resources/t?page_size=2&page_token=old").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "[]"));
    assert_eq!(
        answer.header("link"),
        Some("</resources/t?page_size=2&page_token=t%2B2>; rel=\"next\"")
    );
    let answer = site.get("/resources?page_size=two").await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.contains(r#""field":"page_size""#),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn what_is_not_there_is_told_in_json() {
    let site = Site::start().await;
    let answer = site.get("/nothing").await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.body,
        r#"{"error":"there is no route /nothing","code":"NOT_FOUND","details":[]}"#
    );
    let answer = site.put("/resources/", "{}", &[]).await;
    assert_eq!(answer.status, 405);
    assert!(
        answer.header("allow").unwrap().contains("POST"),
        "{answer:?}"
    );
    assert!(
        answer.body.contains(r#""code":"UNIMPLEMENTED""#),
        "{}",
        answer.body
    );
    let answer = site
        .send(b"HEAD /resources HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn content_types_other_than_json_are_refused() {
    let site = Site::start().await;
    for (content_type, status) in [
        ("application/json; charset=utf-8", 201),
        ("application/vnd.x+json", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let answer = site
            .call(
                "POST",
                "/pipelines",
                "{}",
                &[("content-type", content_type)],
            )
            .await;
        assert_eq!(answer.status, status, "{content_type}");
    }
    assert_eq!(site.call("POST", "/pipelines", "{}", &[]).await.status, 201);
}

#[tokio::test]
async fn what_is_too_large_is_refused_in_json() {
    let site = Site::start().await;
    let body = format!(r#"{{"name":"{}"}}"#, "a".repeat(http::BODY_BYTES));
    let answer = site.post("/pipelines", &body).await;
    assert_eq!(answer.status, 413);
    assert!(
        answer.body.contains("RESOURCE_EXHAUSTED"),
        "{}",
        answer.body
    );
    let asks = "POST /pipelines HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 999999\r\n\r\n";
    assert_eq!(site.send(asks.as_bytes()).await.status, 413);
    let long = "a".repeat(16 << 10);
    let answer = site.call("GET", "/", "", &[("x", &long)]).await;
    assert_eq!(answer.status, 431);
    assert!(
        answer.body.contains("RESOURCE_EXHAUSTED"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn web_pages_from_elsewhere_are_kept_out() {
    let site = Site::start().await;
    for (host, origin, status) in [
        ("localhost:8080", None, 200),
        ("127.1.2.3", None, 200),
        ("[::1]:80", None, 200),
        ("named.example", None, 200),
        ("evil.example", None, 403),
        ("localhost:8080", Some("http://localhost:8080"), 200),
        ("localhost:8080", Some("http://localhost:9090"), 403),
        ("localhost:8080", Some("null"), 403),
        ("localhost:8080", Some("https://friend.example"), 200),
    ] {
        let origin_line = origin
            .map(|origin| format!("origin: {origin}\r\n"))
            .unwrap_or_default();
        let request = format!(
            "GET /health HTTP/1.1\r\nhost: {host}\r\n{origin_line}connection: close\r\n\r\n"
        );
        let answer = site.send(request.as_bytes()).await;
        assert_eq!(answer.status, status, "{host} {origin:?}");
        let shared = (origin == Some("https://friend.example")).then_some("https://friend.example");
        assert_eq!(answer.header("access-control-allow-origin"), shared);
    }
}

#[tokio::test]
async fn health_follows_the_state_of_the_server() {
    let site = Site::start().await;
    let answer = site.get("/health").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.starts_with(r#"{"status":"healthy","time":1"#),
        "{}",
        answer.body
    );
    site.serving.send(false).unwrap();
    assert_eq!(site.get("/health").await.status, 503);
}

#[tokio::test]
async fn posted_lines_have_their_time_read_in_every_form() {
    let site = Site::start().await;
    for (timestamp, read) in [
        ("1700000000", "1700000000.000000000"),
        ("1700000000123456789", "1700000000.123456789"),
        ("2023-11-14T22:13:20.5Z", "1700000000.500000000"),
        ("2023-11-14T23:13:20+01:00", "1700000000.000000000"),
        ("2023-11-14 23:13:20+0100", "1700000000.000000000"),
    ] {
        let body = format!(r#"{{"runid":"r","timestamp":"{timestamp}","message":"m"}}"#);
        let answer = site.post("/logs", &body).await;
        assert!(answer.body.contains(read), "{timestamp}: {}", answer.body);
    }
    for timestamp in ["yesterday", "1700000000123", "2023-11-14T22:13:20"] {
        let body = format!(r#"{{"runid":"r","timestamp":"{timestamp}"}}"#);
        let answer = site.post("/logs", &body).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer.body.contains(r#""field":"timestamp""#),
            "{}",
            answer.body
        );
    }
    let answer = site.post("/logs", r#"{"runid":"r","message":"m"}"#).await;
    assert_eq!((answer.status, answer.body.as_str()), (201, "Created"));
    let answer = site.post("/logs", "{}").await;
    assert!(
        answer.body.contains(r#""field":"runid""#),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn stored_lines_are_listed() {
    let site = Site::start().await;
    let answer = site.get("/logs?runid=live&after=1&limit=1").await;
    assert_eq!(
        answer.body,
        r#"[{"runid":"live","driver":"d","pipeline":"p","timestamp":"1700000002","message":"line 2 😀\t\""}]"#
    );
    assert_eq!(site.get("/logs?runid=live&pipeline=other").await.body, "[]");
    let all: Vec<serde_json::Value> =
        serde_json::from_str(&site.get("/logs?runid=live").await.body).unwrap();
    assert_eq!(all.len(), 3);
    let answer = site.get("/logs").await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.body.contains(r#""field":"runid""#),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn events_of_an_ended_run_end() {
    let site = Site::start().await;
    let answer = site.get("/logs/streams/d/ended?after=1").await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(
        answer.body,
        "id: 2\ndata: {\"runid\":\"ended\",\"driver\":\"d\",\"pipeline\":\"p\",\"timestamp\":\"1700000002\",\"message\":\"line 2 😀\\t\\\"\"}\n\n\
         id: 3\ndata: {\"runid\":\"ended\",\"driver\":\"d\",\"pipeline\":\"p\",\"timestamp\":\"1700000003\",\"message\":\"line 3 😀\\t\\\"\"}\n\n\
         id: 3\nevent: end\ndata: {}\n\n"
    );
    let answer = site
        .call("GET", "/logs/pipeline/ended", "", &[("last-event-id", "3")])
        .await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let answer = site.get("/logs/pipeline/ended?after=2&format=json").await;
    assert_eq!(
        answer.body,
        "id: 3\ndata: {\"runid\":\"ended\",\"driver\":\"d\",\"pipeline\":\"p\",\"step\":\"1\",\"attempt\":1,\"seq\":3,\"stream\":\"stdout\",\
         \"time\":\"2023-11-14T22:13:23.000000001Z\",\"labels\":{\"k\":\"v\"},\"message\":\"line 3 😀\\t\\\"\"}\n\n\
         id: 3\nevent: end\ndata: {}\n\n"
    );
}

#[tokio::test]
async fn a_stop_ends_a_live_stream_without_an_end_event() {
    let site = Site::start().await;
    let live = site.call("GET", "/logs/pipeline/live?after=3", "", &[]);
    let (answer, ()) = tokio::join!(live, async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        site.stop.cancel();
    });
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_websocket_gets_each_line_and_a_normal_close() {
    let site = Site::start().await;
    for path in [
        "/drivers/streams/logs/d/ended",
        "/logs/streams/d/ended",
        "/logs/pipeline/ended/",
    ] {
        let (texts, code) = site.websocket(path).await;
        assert_eq!(
            texts,
            [1, 2, 3].map(|at| format!(r#"["170000000{at}","line {at} 😀\t\""]"#)),
            "{path}"
        );
        assert_eq!(code, 1000);
    }
    let (texts, _) = site
        .websocket("/logs/pipeline/ended?format=json&after=2")
        .await;
    assert!(texts[0].contains(r#""seq":3"#), "{texts:?}");
}

#[tokio::test]
async fn a_websocket_keeps_its_place_among_the_connections() {
    let site = Site::with_connections(1).await;
    let socket = site.open_websocket("/logs/pipeline/live").await;
    let mut second = std::pin::pin!(site.get("/health"));
    tokio::select! {
        answer = &mut second => panic!("the only place is taken: {answer:?}"),
        () = tokio::time::sleep(std::time::Duration::from_millis(200)) => (),
    }
    drop(socket);
    assert_eq!(second.await.status, 200);
}

#[tokio::test]
async fn grpc_stands_on_the_same_port() {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    let site = Site::start().await;
    let channel = site.channel().await;
    let mut health = HealthClient::new(channel);
    let request = HealthCheckRequest {
        service: "conveyor.v1.LogService".into(),
    };
    let answer = health.check(request).await.unwrap().into_inner();
    assert_eq!(answer.status, 1);
    let unknown = site
        .call(
            "POST",
            "/x.Y/Z",
            "",
            &[("content-type", "application/grpc")],
        )
        .await;
    assert_eq!(unknown.header("grpc-status"), Some("12"));
}

#[tokio::test]
async fn half_a_preface_and_silence_are_dropped() {
    let site = Site::start().await;
    for start in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nhost:"] {
        let answer = site.say(start.as_bytes()).await;
        assert_eq!(answer, b"", "{start:?}");
    }
}
