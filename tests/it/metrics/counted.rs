//! What is counted, and under what.

use conveyor_client::proto::{AppendLogsRequest, LogEntry, RunState};

use super::page::Page;
use super::promtool;
use crate::support::{Scripted, Server, eventually};

#[tokio::test]
async fn each_request_is_counted_once_under_its_method_route_and_code() {
    let server = Server::with(&[("api.body_bytes", "1 KiB")]).await;
    server.define("t").await;
    for round in 0..5 {
        let body = format!(r#"{{"name":"a{round}","resource":"t","spec":{{}}}}"#);
        assert_eq!(server.post("/resources/", &body).await.status, 201);
        assert_eq!(
            server.get(&format!("/resources/t/a{round}/")).await.status,
            200
        );
        let path = format!("/resources/t/a{round}");
        let changed = server.http("PUT", &path, &[], r#"{"spec":{"x":1}}"#).await;
        assert_eq!(changed.status, 200);
        let gone = server.http("DELETE", &path, &[], "").await;
        assert_eq!(gone.status, 204);
    }
    assert_eq!(server.get("/resources/t/none").await.status, 404);
    assert_eq!(server.get("//resources/t/none//").await.status, 404);
    assert_eq!(server.get("/nowhere").await.status, 404);
    assert_eq!(
        server.http("PATCH", "/resources", &[], "").await.status,
        405
    );
    assert_eq!(server.http("GETT", "/resources", &[], "").await.status, 400);
    assert_eq!(
        server.post("/resources", &" ".repeat(2000)).await.status,
        413
    );
    let page = Page::of(&server).await;
    let expected = [
        (
            r#"method="POST",endpoint="/resources",status_code="201""#,
            5.0,
        ),
        (
            r#"method="GET",endpoint="/resources/{resource}/{name}",status_code="200""#,
            5.0,
        ),
        (
            r#"method="PUT",endpoint="/resources/{resource}/{name}",status_code="200""#,
            5.0,
        ),
        (
            r#"method="DELETE",endpoint="/resources/{resource}/{name}",status_code="204""#,
            5.0,
        ),
        (
            r#"method="GET",endpoint="/resources/{resource}/{name}",status_code="404""#,
            2.0,
        ),
        (
            r#"method="GET",endpoint="unmatched",status_code="404""#,
            1.0,
        ),
        (
            r#"method="PATCH",endpoint="/resources",status_code="405""#,
            1.0,
        ),
        (
            r#"method="other",endpoint="/resources",status_code="400""#,
            1.0,
        ),
        (
            r#"method="POST",endpoint="/resources",status_code="413""#,
            1.0,
        ),
    ];
    for (labels, count) in expected {
        let series = format!("http_requests_total{{{labels}}}");
        assert_eq!(page.value(&series), count, "{series}\n{}", page.text);
    }
    let times = r#"http_request_duration_seconds_count{method="POST",endpoint="/resources"}"#;
    assert_eq!(page.value(times), 6.0);
    // The one that asks.
    assert_eq!(page.value("http_requests_in_flight"), 1.0);
}

#[tokio::test]
async fn figures_follow_a_task_from_the_queue_to_its_end() {
    let server = Server::start().await;
    server.define("t").await;
    server.pipeline("p", "t", &[("s", "d")]).await;
    let run = server.create_in("p", "t", "a").await;
    let page = Page::of(&server).await;
    assert_eq!(page.value(r#"conveyor_queue_steps{driver="d"}"#), 1.0);
    assert_eq!(page.value(r#"conveyor_driver_instances{driver="d"}"#), 0.0);
    assert_eq!(
        page.value(r#"conveyor_runs_begun_total{cause="create"}"#),
        1.0
    );
    assert_eq!(page.value("conveyor_runs_open"), 1.0);

    let mut driver = Scripted::new(&server, "d", "t").await;
    let offer = driver.offer().await;
    let page = Page::of(&server).await;
    assert_eq!(page.value(r#"conveyor_queue_steps{driver="d"}"#), 0.0);
    assert_eq!(page.value(r#"conveyor_tasks_open{state="offered"}"#), 1.0);
    assert_eq!(page.value(r#"conveyor_driver_instances{driver="d"}"#), 1.0);
    assert_eq!(page.value(r#"conveyor_driver_slots{driver="d"}"#), 1.0);
    assert_eq!(page.value(r#"conveyor_driver_slots_free{driver="d"}"#), 0.0);
    let streams = r#"conveyor_grpc_requests_in_flight{service="conveyor.v1.DriverService",method="DriverStream"}"#;
    assert_eq!(page.value(streams), 1.0);

    driver.refuse(&offer).await;
    let again = driver.take().await;
    driver.log(&again, 0, &["one", "two"]).await;
    driver.logged(2).await;
    assert_eq!(
        Page::of(&server)
            .await
            .value(r#"conveyor_tasks_open{state="running"}"#),
        1.0
    );
    driver.report(Scripted::success(&again, 2)).await;
    // Its token is dead now.
    driver.log(&again, 2, &["late"]).await;
    driver.log_ack().await;
    let page = Page::of(&server).await;
    let expected = [
        ("conveyor_offers_total", 2.0),
        ("conveyor_offers_refused_total", 1.0),
        ("conveyor_offers_accepted_total", 1.0),
        (r#"conveyor_task_results_total{outcome="succeeded"}"#, 1.0),
        (r#"conveyor_runs_ended_total{outcome="succeeded"}"#, 1.0),
        (r#"conveyor_log_lines_total{source="task"}"#, 2.0),
        ("conveyor_reports_fenced_total", 1.0),
        ("conveyor_runs_open", 0.0),
        (r#"conveyor_driver_slots_free{driver="d"}"#, 1.0),
    ];
    for (series, value) in expected {
        assert_eq!(page.value(series), value, "{series}");
    }
    assert_eq!(server.run(&run).await.state(), RunState::Succeeded);
    promtool(&["check", "metrics"], &page.text).unwrap();
}

#[tokio::test]
async fn lost_tasks_and_lapsed_offers_are_counted() {
    let waits = [
        ("driver.ack_time", "100ms"),
        ("driver.heartbeat_period", "200ms"),
        ("driver.lease_time", "500ms"),
    ];
    let server = Server::with(&waits).await;
    server.define("t").await;
    let mut deaf = Scripted::new(&server, "d", "t").await;
    server.create("t", "a").await;
    deaf.offer().await;
    is_counted(&server, "conveyor_offers_lapsed_total").await;
    drop(deaf);
    let mut silent = Scripted::new(&server, "d", "t").await;
    silent.take().await;
    is_counted(&server, "conveyor_tasks_lost_total").await;
}

#[tokio::test]
async fn a_slow_follower_is_seen_to_be_behind() {
    let server = Server::start().await;
    let run = "00000000-0000-4000-8000-000000000001";
    let page = format!("/logs/pipeline/{run}");
    let mut reader = server.sse(&page, &[]).await;
    let lines = AppendLogsRequest {
        entries: vec![
            LogEntry {
                run_id: run.to_owned(),
                message: "x".repeat(10_000),
                ..LogEntry::default()
            };
            90
        ],
    };
    let batches = tokio_stream::iter(vec![lines; 20]);
    let appended = server.logs().append_logs(batches).await.unwrap();
    assert_eq!(appended.into_inner().count, 1800);
    // What the reader leaves unread fills the sockets between; the rest stays behind.
    let lag = is_counted(&server, "conveyor_log_follower_lag_lines").await;
    let page = Page::of(&server).await;
    assert_eq!(page.value("conveyor_log_followers"), 1.0);
    assert_eq!(page.value(r#"conveyor_http_streams_open{kind="sse"}"#), 1.0);
    for _ in 0..1800 {
        reader.next().await.expect("all lines come");
    }
    eventually("the follower has caught up", async || {
        let page = Page::of(&server).await;
        (page.value("conveyor_log_follower_lag_lines") == 0.0).then_some(())
    })
    .await;
    assert!(lag <= 1800.0);
    drop(reader);
    eventually("the follower has gone", async || {
        let page = Page::of(&server).await;
        (page.value("conveyor_log_followers") == 0.0).then_some(())
    })
    .await;
}

/// Waits until a figure is above 0, and answers it.
async fn is_counted(server: &Server, series: &str) -> f64 {
    eventually(series, async || {
        let value = Page::of(server).await.value(series);
        (value > 0.0).then_some(value)
    })
    .await
}
