//! How many series there are is up to the server, not to those who call it.

use super::page::Page;
use crate::support::Server;

#[tokio::test]
async fn callers_cannot_make_series() {
    let server = Server::start().await;
    let ask = async |number: u32| {
        server.get(&format!("/made/up/{number}")).await;
        server
            .get(&format!("/resources/type{number}/name{number}"))
            .await;
        server
            .http(&format!("MADE{number}"), "/resources", &[], "")
            .await;
        let grpc = [("content-type", "application/grpc")];
        server
            .http("POST", &format!("/made.Up/Call{number}"), &grpc, "")
            .await;
    };
    ask(0).await;
    Page::of(&server).await;
    let before = Page::of(&server).await;
    for number in 1..50 {
        ask(number).await;
    }
    let after = Page::of(&server).await;
    assert_eq!(after.len(), before.len());
    let unmatched = r#"http_requests_total{method="GET",endpoint="unmatched",status_code="404"}"#;
    assert_eq!(after.value(unmatched), 50.0);
    let rpc = r#"conveyor_grpc_requests_total{service="unmatched",method="unmatched",code="UNIMPLEMENTED"}"#;
    assert_eq!(after.value(rpc), 50.0);
}

#[tokio::test]
async fn a_collector_that_takes_open_metrics_gets_it() {
    let server = Server::start().await;
    let accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    let open = server
        .http("GET", "/metrics", &[("accept", accept)], "")
        .await;
    assert!(
        open.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text; version=1.0.0")
    );
    assert!(open.body.ends_with("# EOF\n"), "{}", open.body);
    assert!(open.body.contains("# TYPE http_requests counter\n"));
    assert!(open.body.contains("# UNIT process_cpu_seconds seconds\n"));
    let plain = server.get("/metrics").await;
    assert_eq!(
        plain.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert!(plain.body.contains("# TYPE http_requests_total counter\n"));
    assert!(!plain.body.contains("# EOF") && !plain.body.contains("# UNIT"));
}
