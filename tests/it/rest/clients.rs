//! What clients written for Conveyor CI send, byte for byte, and what they read of the answer: its SDKs for Go (resty),
//! Python (requests) and Rust (reqwest), curl, and a browser's EventSource and WebSocket.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Scripted, Server, soon};

/// A client: how its requests look.
struct Client<'a> {
    server: &'a Server,
    /// The headers of a request without a body, and of one with `{length}` bytes of it, in its order.
    bare: &'static str,
    with_body: &'static str,
}

/// Go's resty sets Content-Type on every request; net/http writes the rest.
fn go(server: &Server) -> Client<'_> {
    Client {
        server,
        bare: "User-Agent: go-resty/2.16.5 (https://github.com/go-resty/resty)\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n",
        with_body: "User-Agent: go-resty/2.16.5 (https://github.com/go-resty/resty)\r\nContent-Length: {length}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n",
    }
}

fn python(server: &Server) -> Client<'_> {
    Client {
        server,
        bare: "User-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n",
        with_body: "User-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nContent-Length: {length}\r\nContent-Type: application/json\r\n",
    }
}

/// Its bodies are texts, so that reqwest names no type for them.
fn rust(server: &Server) -> Client<'_> {
    Client {
        server,
        bare: "accept: */*\r\n",
        with_body: "accept: */*\r\ncontent-length: {length}\r\n",
    }
}

impl Client<'_> {
    /// The status and the body of the answer, over a connection that stays open.
    async fn call(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let headers = if body.is_empty() {
            self.bare
        } else {
            self.with_body
        };
        let headers = headers.replace("{length}", &body.len().to_string());
        let host = self.server.address;
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n{body}");
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let head = read_head(&mut stream).await;
        let header = |name: &str| {
            let mut pairs = head.split("\r\n").filter_map(|line| line.split_once(": "));
            pairs
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        };
        assert_eq!(header("content-encoding"), None);
        let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        soon("the body", stream.read_exact(&mut body))
            .await
            .unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        if length > 0 {
            assert_eq!(header("content-type").as_deref(), Some("application/json"));
        }
        (status, String::from_utf8(body).unwrap())
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("the head", stream.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The texts of these fields: what a typed client reads. Each must be there.
fn texts<'a>(body: &'a Value, fields: &[&str]) -> Vec<&'a str> {
    let text = |field: &&str| {
        body[*field]
            .as_str()
            .unwrap_or_else(|| panic!("{field} is a text in {body}"))
    };
    fields.iter().map(text).collect()
}

fn parse(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

#[tokio::test]
async fn the_go_client_works() {
    let server = Server::start().await;
    let go = go(&server);
    let definition = r#"{"id":"","name":"flow","description":"d","version":"1.0.0","schema":{"properties":{"steps":{"type":"array"}},"type":"object"}}"#;
    let (status, body) = go.call("POST", "/resource-definitions/", definition).await;
    assert_eq!(status, 201, "{body}");
    let made = parse(&body);
    assert_eq!(
        texts(&made, &["name", "description", "version"]),
        ["flow", "d", "1.0.0"]
    );
    assert!(uuid::Uuid::try_parse(texts(&made, &["id"])[0]).is_ok());
    assert_eq!(made["schema"]["type"], "object");

    let applied = definition.replace("1.0.0", "1.0.1");
    let (status, body) = go
        .call("POST", "/resource-definitions/apply", &applied)
        .await;
    assert_eq!(
        (status, texts(&parse(&body), &["version", "id"])),
        (201, vec!["1.0.1", texts(&made, &["id"])[0]])
    );
    let (status, body) = go.call("GET", "/resource-definitions/flow", "").await;
    assert_eq!((status, &parse(&body)["version"]), (200, &json!("1.0.1")));
    let (status, body) = go
        .call("PUT", "/resource-definitions/flow", definition)
        .await;
    assert_eq!(
        (status, &parse(&body)["version"]),
        (200, &json!("1.0.0")),
        "{body}"
    );

    // A map and a pipeline that were not set are null and left out.
    let resource = r#"{"id":"","name":"a","resource":"flow","metadata":null,"spec":{"steps":[]}}"#;
    let (status, body) = go.call("POST", "/resources/", resource).await;
    assert_eq!(status, 201, "{body}");
    let made = parse(&body);
    assert_eq!(
        texts(&made, &["name", "message"]),
        ["a", "Resource created successfully"]
    );
    assert!(uuid::Uuid::try_parse(texts(&made, &["runid"])[0]).is_ok());

    let (status, read) = go.call("GET", "/resources/flow/a", "").await;
    assert_eq!(
        (status, texts(&parse(&read), &["name", "resource"])),
        (200, vec!["a", "flow"])
    );
    // What was read is changed and written back, with the keys that the server owns, as Go sorts them.
    let mut back = parse(&read);
    for ours in ["revision", "create_time", "update_time"] {
        back.as_object_mut().unwrap().remove(ours);
    }
    back["spec"] = json!({"steps": [1]});
    let (status, body) = go.call("PUT", "/resources/flow/a", &back.to_string()).await;
    assert_eq!(
        (status, &parse(&body)["metadata"]["version"]),
        (200, &json!("2")),
        "{body}"
    );
    assert_eq!(parse(&body)["spec"], back["spec"]);

    let (status, body) = go.call("GET", "/resources/flow/none", "").await;
    assert_eq!((status, parse(&body)["error"].is_string()), (404, true));
    assert_eq!(
        go.call("DELETE", "/resources/flow/a", "").await,
        (204, String::new())
    );
    assert_eq!(
        go.call("DELETE", "/resource-definitions/flow", "").await,
        (204, String::new())
    );
}

#[tokio::test]
async fn a_go_log_and_pipeline_with_nothing_set_are_taken() {
    let server = Server::start().await;
    server.define("flow").await;
    let go = go(&server);
    let line = r#"{"runid":"r","driver":"d","pipeline":"","timestamp":"","message":"m"}"#;
    let answer = server.post("/logs", line).await;
    assert_eq!((answer.status, answer.body.as_str()), (201, "Created"));
    let stored = server.get("/logs?runid=r&driver=d&pipeline=").await.json();
    assert!(texts(&stored[0], &["timestamp"])[0].parse::<u64>().unwrap() > 1_700_000_000);
    assert_eq!(stored.as_array().unwrap().len(), 1);
    for odd in ["-5", "+5", "5.0", " 5", "1e9", "0x5", "17000000000000"] {
        let line = line.replace(r#""timestamp":"""#, &format!(r#""timestamp":"{odd}""#));
        let answer = server.post("/logs", &line).await;
        assert_eq!(answer.status, 400, "{odd}: {}", answer.body);
        assert_eq!(answer.json()["details"][0]["field"], "timestamp", "{odd}");
    }

    let pipeline = r#"{"name":"p","description":"","version":"","resource":"flow","steps":[{"id":"1","name":"","driver":"d"}],"metadata":null}"#;
    let (status, body) = go.call("POST", "/pipelines/", pipeline).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(texts(&parse(&body), &["name", "resource"]), ["p", "flow"]);
    assert_eq!(
        texts(&parse(&body)["steps"][0], &["id", "driver"]),
        ["1", "d"]
    );
}

#[tokio::test]
async fn the_python_client_works() {
    let server = Server::start().await;
    let python = python(&server);
    let definition = r#"{"name": "flow", "description": "caf\u00e9", "version": "0.0.1", "schema": {"type": "object"}}"#;
    for (path, wanted) in [
        ("/resource-definitions/", 201),
        ("/resource-definitions/apply/", 201),
        ("/resource-definitions/", 409),
    ] {
        let (status, body) = python.call("POST", path, definition).await;
        assert_eq!(status, wanted, "{path}: {body}");
    }
    let resource = r#"{"name": "a", "resource": "flow", "spec": {"image": "x", "steps": [{"name": "s", "command": "pwd"}]}}"#;
    let (status, body) = python.call("POST", "/resources/", resource).await;
    assert_eq!(status, 201, "{body}");
    let (status, body) = python.call("GET", "/resources/flow/a/1", "").await;
    assert_eq!((status, &parse(&body)["spec"]["image"]), (200, &json!("x")));
}

#[tokio::test]
async fn the_rust_client_works() {
    let server = Server::start().await;
    let rust = rust(&server);
    let definition = r#"{"name":"flow","description":"","version":"0.0.1","schema":{}}"#;
    let (status, body) = rust
        .call("PUT", "/resource-definitions/apply", definition)
        .await;
    assert_eq!(status, 201, "{body}");
    let (status, body) = rust
        .call("PUT", "/resource-definitions/apply/", definition)
        .await;
    assert_eq!(status, 201, "{body}");
    let (status, body) = rust
        .call(
            "POST",
            "/resources/",
            r#"{"name":"a","resource":"flow","spec":{}}"#,
        )
        .await;
    assert_eq!((status, texts(&parse(&body), &["name"])), (201, vec!["a"]));
}

#[tokio::test]
async fn a_browser_follows_a_log_by_event_source_and_is_told_when_to_stay_away() {
    let server = Server::start().await;
    server.define("flow").await;
    let mut driver = Scripted::new(&server, "builder", "flow").await;
    let run = server.create("flow", "a").await;
    let task = driver.take().await;
    driver.log(&task, 0, &["one", "two"]).await;
    driver.logged(2).await;
    driver.succeed(&task).await;
    let browser = [
        ("connection", "keep-alive"),
        ("accept", "text/event-stream"),
        ("cache-control", "no-cache"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-dest", "empty"),
    ];
    let path = format!("/logs/streams/builder/{run}");
    let mut events = server.sse(&path, &browser).await;
    let mut last = String::new();
    let mut lines = Vec::new();
    while let Some(event) = events.next().await {
        for (name, value) in event {
            match name.as_str() {
                "id" => last = value,
                "data" => lines.push(value),
                _ => (),
            }
        }
    }
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(
        texts(
            &parse(&lines[1]),
            &["runid", "driver", "pipeline", "message"]
        ),
        [&run, "builder", "", "two"]
    );
    let origin = format!("http://{}", server.address);
    let again = [
        &browser[..],
        &[("last-event-id", &last), ("origin", &origin)],
    ]
    .concat();
    assert_eq!(server.http("GET", &path, &again, "").await.status, 204);
}

#[tokio::test]
async fn a_browser_follows_a_log_by_websocket() {
    let server = Server::start().await;
    server.define("flow").await;
    let mut driver = Scripted::new(&server, "builder", "flow").await;
    let run = server.create("flow", "a").await;
    let task = driver.take().await;
    driver.log(&task, 0, &["one"]).await;
    driver.logged(1).await;
    let host = server.address;
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "GET /drivers/streams/logs/builder/{run} HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive, Upgrade\r\nPragma: no-cache\r\n\
         Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0\r\nUpgrade: websocket\r\nOrigin: http://{host}\r\nSec-WebSocket-Version: 13\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    assert!(
        !head.contains("extensions"),
        "what it cannot do it does not promise: {head}"
    );
    let mut frame = [0; 2];
    soon("a frame", stream.read_exact(&mut frame))
        .await
        .unwrap();
    assert_eq!(frame[0], 0x81, "one whole text");
    let mut text = vec![0; frame[1].into()];
    soon("its text", stream.read_exact(&mut text))
        .await
        .unwrap();
    let [time, message]: [String; 2] = serde_json::from_slice(&text).unwrap();
    assert!(time.parse::<u64>().is_ok());
    assert_eq!(message, "one");
    driver.report(Scripted::success(&task, 1)).await;
    soon("the close", stream.read_exact(&mut frame))
        .await
        .unwrap();
    let mut code = [0; 2];
    soon("its code", stream.read_exact(&mut code))
        .await
        .unwrap();
    assert_eq!((frame, u16::from_be_bytes(code)), ([0x88, 2], 1000));
}
