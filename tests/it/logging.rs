//! What the server logs: one JSON object a line where that is asked for, with the ids of what it is about.

use serde_json::Value;

use crate::support::{Scripted, Server, conveyor, eventually};

/// The lines on stderr, each an object.
fn lines(server: &Server) -> Vec<Value> {
    let text = server.stderr();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Waits for a line with this message and gives it.
async fn line(server: &Server, message: &str) -> Value {
    eventually(message, async || {
        lines(server)
            .into_iter()
            .find(|line| line["message"] == message)
    })
    .await
}

#[tokio::test]
async fn json_lines_name_the_request_the_run_the_driver_and_the_task() {
    let settings = [
        ("log_format", "json"),
        ("log", "warn,conveyor=debug"),
        ("driver.ack_time", "100ms"),
    ];
    let server = Server::with(&settings).await;
    server.define("t").await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let caller = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [
        ("content-type", "application/json"),
        ("traceparent", caller.as_str()),
    ];
    let mut driver = Scripted::new(&server, "d", "t").await;
    let body = r#"{"name":"a","resource":"t","spec":{}}"#;
    let created = server.http("POST", "/resources/", &headers, body).await;
    let run = created.json()["runid"].clone();

    let request = eventually("the request is logged", async || {
        lines(&server)
            .into_iter()
            .find(|line| line["message"] == "request" && line["status"] == 201)
    })
    .await;
    assert_eq!(
        (&request["method"], &request["route"]),
        (&"POST".into(), &"/resources".into())
    );
    assert_eq!(request["trace_id"], trace);
    assert_eq!(request["level"], "DEBUG");
    assert!(request["took"].is_string() && request["timestamp"].is_string());

    let connected = line(&server, "a driver is connected").await;
    assert_eq!(
        (&connected["driver"], &connected["instance"]),
        (&"d".into(), &driver.hello.instance_id.clone().into())
    );

    let first = driver.offer().await;
    let lapsed = line(&server, "an offer was not answered in time").await;
    assert_eq!(lapsed["level"], "WARN");
    assert_eq!((&lapsed["run"], &lapsed["driver"]), (&run, &"d".into()));
    assert_eq!(lapsed["task"], first.task_id);
    assert_eq!(lapsed["trace_id"], trace);
    assert_eq!(lapsed["step"], "d");
}

#[tokio::test]
async fn text_is_for_people_and_has_no_colour_in_a_file() {
    let mut server = Server::start().await;
    let driver = Scripted::new(&server, "d", "t").await;
    drop(driver);
    eventually("the driver's end is logged", async || {
        server.stderr().contains("a driver is gone").then_some(())
    })
    .await;
    let text = server.stderr();
    assert!(
        text.contains(" INFO ") && text.contains("a driver is connected driver=d instance="),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "{text}");
    server.kill();
}

#[test]
fn another_format_is_refused_in_words() {
    let output = conveyor(&["up", "--log-format", "xml"]).output().unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr
            .contains(r#"setting log_format: "xml" is not text or json (from flag --log-format)"#),
        "{stderr}"
    );
}
