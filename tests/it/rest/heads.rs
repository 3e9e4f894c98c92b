//! The head of requests: HEAD, Allow, methods, and what is too large or no HTTP at all, over raw connections.

use serde_json::Value;
use tokio::net::TcpStream;

use crate::support::{Server, soon};

/// The status and the JSON body of an answer as it came over the wire.
fn read(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap();
    let header = |name: &str| {
        let mut found = head.split("\r\n").filter_map(|line| line.split_once(": "));
        found.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    assert_eq!(header("content-type"), Some("application/json"), "{answer}");
    assert_eq!(
        header("content-length"),
        Some(body.len().to_string().as_str()),
        "{answer}"
    );
    let body: Value = serde_json::from_str(body).unwrap();
    let keys: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["error", "code", "details"]);
    (status.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

#[tokio::test]
async fn what_is_no_http_is_refused_in_json() {
    let server = Server::start().await;
    for request in [
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nx: \u{1}\r\n\r\n",
        "G@T / HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST /logs HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1, 2\r\n\r\n",
        "{\"name\":\"a\"}\r\n\r\n",
    ] {
        let (status, body) = read(&server.raw(request.as_bytes()).await);
        assert_eq!(status, 400, "{request:?}");
        assert_eq!(body["error"], "the request is not HTTP");
        assert_eq!(body["code"], "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused_in_json() {
    let server = Server::start().await;
    let host = server.address;
    let headers = |count: usize| {
        (0..count)
            .map(|at| format!("x-{at}: y\r\n"))
            .collect::<String>()
    };
    for (what, path, headers) in [
        ("101 headers", "/".to_owned(), headers(99)),
        ("500 headers", "/".to_owned(), headers(498)),
        (
            "17 KiB",
            "/".to_owned(),
            format!("x: {}\r\n", "y".repeat(17 << 10)),
        ),
        (
            "100 KiB",
            "/".to_owned(),
            format!("x: {}\r\n", "y".repeat(100 << 10)),
        ),
        (
            "1 MiB",
            "/".to_owned(),
            format!("x: {}\r\n", "y".repeat(1 << 20)),
        ),
        (
            "a target of 17 KiB",
            format!("/{}", "y".repeat(17 << 10)),
            String::new(),
        ),
        (
            "a target of 65 KiB",
            format!("/{}", "y".repeat(65 << 10)),
            String::new(),
        ),
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n");
        let (status, body) = read(&server.raw(request.as_bytes()).await);
        assert_eq!(status, 431, "{what}");
        assert_eq!(body["code"], "RESOURCE_EXHAUSTED");
        assert!(body["error"].as_str().unwrap().contains("over 16 KiB"));
    }
    let most = format!(
        "GET /health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{}\r\n",
        headers(98)
    );
    assert!(
        server
            .raw(most.as_bytes())
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    let fits = format!(
        "GET /health HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nx: {}\r\n\r\n",
        "y".repeat(15 << 10)
    );
    assert!(
        server
            .raw(fits.as_bytes())
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
}

#[tokio::test]
async fn a_refusal_after_an_answer_leaves_the_answer_whole() {
    let server = Server::start().await;
    let host = server.address;
    let request = format!("GET /runs HTTP/1.1\r\nhost: {host}\r\n\r\nGET\r\n\r\n");
    let answers = server.raw(request.as_bytes()).await;
    let (first, second) = answers.split_once("[]").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    assert_eq!(read(second).0, 400);
}

#[tokio::test]
async fn a_text_that_looks_like_a_refusal_is_let_through() {
    let server = Server::start().await;
    server.define("image").await;
    let bare = "HTTP/1.1 431 Request Header Fields Too Large\\r\\nconnection: close\\r\\ncontent-length: 0\\r\\n\\r\\n";
    let line = format!(r#"{{"runid":"r","message":"{bare}"}}"#);
    assert_eq!(server.post("/logs", &line).await.status, 201);
    let lines = server.get("/logs?runid=r").await.json();
    assert!(lines[0]["message"].as_str().unwrap().ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn words_that_are_no_methods_are_refused_in_the_documented_words() {
    let server = Server::start().await;
    for path in ["/", "/resources/", "/nothing"] {
        for method in ["FOO", "get", "PROPFIND"] {
            let answer = server.http(method, path, &[], "").await;
            assert_eq!(answer.status, 400, "{method} {path}");
            assert_eq!(answer.json()["error"], "Invalid http method");
        }
    }
}

#[tokio::test]
async fn methods_that_are_not_for_a_path_are_told_what_is() {
    let server = Server::start().await;
    for (path, allow) in [
        ("/", "GET,HEAD"),
        ("/health", "GET,HEAD"),
        ("/resource-definitions", "GET,HEAD,POST"),
        ("/resource-definitions/x", "GET,HEAD,PUT,DELETE"),
        ("/resource-definitions/apply", "POST,PUT"),
        ("/resources", "GET,HEAD,POST"),
        ("/resources/apply", "POST"),
        ("/resources/t", "GET,HEAD"),
        ("/resources/t/n", "GET,HEAD,PUT,DELETE"),
        ("/resources/t/n/1", "GET,HEAD"),
        ("/resources/t/n/runs", "GET,HEAD,POST"),
        ("/resources/t/n/revisions", "GET,HEAD"),
        ("/pipelines", "GET,HEAD,POST"),
        ("/pipelines/p", "GET,HEAD,PUT,DELETE"),
        ("/pipelines/apply", "POST"),
        ("/runs", "GET,HEAD"),
        ("/runs/x", "GET,HEAD"),
        ("/runs/x/cancel", "POST"),
        ("/drivers", "GET,HEAD"),
        ("/drivers/d", "GET,HEAD,DELETE"),
        ("/drivers/broadcast-message", "POST"),
        ("/logs", "GET,HEAD,POST"),
        ("/logs/bulk", "POST"),
        ("/logs/streams/d/r", "GET,HEAD"),
        ("/logs/pipeline/r", "GET,HEAD"),
        ("/drivers/streams/logs/d/r", "GET,HEAD"),
        ("/watch/resources", "GET,HEAD"),
        ("/watch/resources/t", "GET,HEAD"),
        ("/watch/runs/r", "GET,HEAD"),
    ] {
        for path in [path.to_owned(), format!("{}/", path.trim_end_matches('/'))] {
            let answer = server.http("PATCH", &path, &[], "").await;
            assert_eq!(answer.status, 405, "{path}: {}", answer.body);
            assert_eq!(sorted(&answer.headers["allow"]), sorted(allow), "{path}");
            assert_eq!(answer.json()["code"], "UNIMPLEMENTED");
        }
    }
    let options = server.http("OPTIONS", "/resources", &[], "").await;
    assert_eq!(options.status, 405);
}

fn sorted(allow: impl AsRef<[u8]>) -> Vec<String> {
    let text = String::from_utf8(allow.as_ref().to_vec()).unwrap();
    let mut methods: Vec<_> = text.split(',').map(str::to_owned).collect();
    methods.sort();
    methods
}

#[tokio::test]
async fn head_is_answered_wherever_get_is() {
    let server = Server::start().await;
    server.define("image").await;
    server.pipeline("line", "image", &[("1", "builder")]).await;
    let run = server.create_in("line", "image", "a").await;
    for path in [
        "/",
        "/health",
        "/resource-definitions",
        "/resource-definitions/image",
        "/resource-definitions/none",
        "/resources",
        "/resources/image",
        "/resources/image/a",
        "/resources/image/a/1",
        "/resources/image/a/01",
        "/resources/image/a/runs",
        "/resources/image/a/revisions",
        "/pipelines",
        "/pipelines/line/",
        "/runs?page_size=1",
        "/runs?page_size=x",
        &format!("/runs/{run}"),
        "/drivers",
        "/drivers/none",
        "/nothing",
        "/logs?runid=x",
        "/watch/resources?follow=false",
        &format!("/logs/pipeline/{run}?follow=false"),
    ] {
        let get = server.get(path).await;
        let head = server.http("HEAD", path, &[], "").await;
        assert_eq!(
            (head.status, head.body.as_str()),
            (get.status, ""),
            "{path}"
        );
        for name in ["content-type", "content-length", "link"] {
            assert_eq!(
                head.headers.get(name),
                get.headers.get(name),
                "{path} {name}"
            );
        }
    }
}

/// The status and the body of a GET over HTTP/2 with these headers.
async fn get_over_http2(server: &Server, headers: &[(String, String)]) -> (u16, Value) {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut client = soon("the handshake", client.ready()).await.unwrap();
    let mut request = http::Request::get(format!("http://{}/runs", server.address));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let (answer, _) = client
        .send_request(request.body(()).unwrap(), true)
        .unwrap();
    let answer = soon("an answer", answer).await.unwrap();
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let mut body = answer.into_body();
    let mut text = Vec::new();
    while let Some(piece) = soon("the body", body.data()).await {
        text.extend_from_slice(&piece.unwrap());
    }
    (status, serde_json::from_slice(&text).unwrap())
}

#[tokio::test]
async fn http2_has_the_same_limits() {
    let server = Server::start().await;
    let many = |count: usize| -> Vec<(String, String)> {
        let header = |at| (format!("x-{at}"), "y".to_owned());
        (0..count).map(header).collect()
    };
    let large = |bytes: usize| vec![("x".to_owned(), "y".repeat(bytes))];
    for (headers, status) in [
        (many(100), 200),
        (many(101), 431),
        (large(15 << 10), 200),
        (large(17 << 10), 431),
        (large(60 << 10), 431),
    ] {
        let (had, body) = get_over_http2(&server, &headers).await;
        assert_eq!(had, status, "{} headers: {body}", headers.len());
        assert_eq!(body.is_array(), status == 200, "{body}");
    }
}
