//! Traces: from a caller's request through the commit to the driver and back, as a collector gets them.

mod collector;

use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use conveyor_client::{CancellationToken, Driver, Manager, Outcome, Task};

use self::collector::Collector;
use crate::support::{Scripted, Server, soon};

/// Has spans sent at once. OpenTelemetry's own variables count too.
const QUICK: [&str; 2] = ["env", "OTEL_BSP_SCHEDULE_DELAY=20"];
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn traceparent() -> String {
    format!("00-{TRACE}-{CALLER}-01")
}

/// A server that sends to a collector, with a pipeline of two steps.
async fn traced(collector: &Collector) -> Server {
    let settings = [("trace.otlp", collector.address.as_str())];
    let server = Server::under(&QUICK, &settings).await;
    server.define("t").await;
    server
        .pipeline("p", "t", &[("build", "builder"), ("deploy", "deployer")])
        .await;
    server
}

/// Creates a resource by REST, in the caller's trace. Answers the id of its run.
async fn create_over_rest(server: &Server) -> String {
    let caller = traceparent();
    let headers = [
        ("content-type", "application/json"),
        ("traceparent", caller.as_str()),
        ("tracestate", "vendor=x"),
    ];
    let body = r#"{"name":"a","resource":"t","pipeline":"p","spec":{}}"#;
    let created = server.http("POST", "/resources/", &headers, body).await;
    assert_eq!(created.status, 201, "{}", created.body);
    created.json()["runid"].as_str().unwrap().to_owned()
}

/// The span of a task, from what its driver was told.
fn told(traceparent: &str) -> String {
    let parts: Vec<&str> = traceparent.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", TRACE, "01"));
    parts[2].to_owned()
}

#[tokio::test]
async fn a_trace_goes_from_the_rest_call_through_the_commit_to_the_drivers_and_back() {
    let collector = Collector::start().await;
    let server = traced(&collector).await;
    let run = create_over_rest(&server).await;
    let mut builder = Scripted::new(&server, "builder", "t").await;
    let build = builder.take().await;
    assert_eq!(build.tracestate, "vendor=x");
    collector
        .receive_from_driver(&build.traceparent, "compile")
        .await;
    builder.succeed(&build).await;
    let mut deployer = Scripted::new(&server, "deployer", "t").await;
    let deploy = deployer.take().await;
    deployer.fail(&deploy, "no room").await;

    let spans = collector
        .spans_when(TRACE, |spans| spans.named("run").len() == 1)
        .await;
    let request = spans.only("POST /resources");
    assert_eq!(request.parent(), CALLER);
    assert_eq!(request.0.kind(), SpanKind::Server);
    assert_eq!(request.0.trace_state, "vendor=x");
    assert_eq!(request.fact("http.route"), "/resources");
    assert_eq!(request.fact("http.response.status_code"), "201");
    let write = spans.only("create_resource");
    assert_eq!(write.parent(), request.id());
    for name in ["commit.queue", "commit.fsync"] {
        assert!(
            spans.named(name).iter().any(|it| it.parent() == write.id()),
            "{name}: {spans:?}"
        );
    }
    let whole = spans.only("run");
    assert_eq!(whole.parent(), write.id());
    assert_eq!(whole.fact("conveyor.run.id"), run);
    assert_eq!(whole.fact("conveyor.run.outcome"), "failed");
    let steps = [
        ("build", "builder", &build, "succeeded", ""),
        ("deploy", "deployer", &deploy, "failed", "no room"),
    ];
    for (step, driver, offer, outcome, failure) in steps {
        let task = spans.one("task", |it| it.fact("conveyor.step.id") == step);
        assert_eq!(task.id(), told(&offer.traceparent), "{step}");
        assert_eq!(task.parent(), whole.id());
        assert_eq!(task.fact("conveyor.driver"), driver);
        assert_eq!(task.fact("conveyor.task.outcome"), outcome);
        assert_eq!(task.fact("conveyor.attempt"), "1");
        assert_eq!(task.0.status.as_ref().map_or("", |it| &it.message), failure);
        for name in ["offer", "result", "commit.queue", "commit.fsync"] {
            let below = spans
                .named(name)
                .into_iter()
                .filter(|it| it.parent() == task.id());
            assert!(below.count() > 0, "{name} of {step}: {spans:?}");
        }
        assert!(task.0.start_time_unix_nano < task.0.end_time_unix_nano);
    }
    // What the driver recorded itself stands below its task.
    let own = spans.only("compile");
    assert_eq!(own.parent(), told(&build.traceparent));
    assert_eq!(collector.service_names(), ["conveyor", "the driver"]);
}

#[tokio::test]
async fn a_trace_goes_on_after_the_server_was_killed() {
    let collector = Collector::start().await;
    let mut server = traced(&collector).await;
    create_over_rest(&server).await;
    let mut builder = Scripted::new(&server, "builder", "t").await;
    let build = builder.take().await;
    builder.log(&build, 0, &["working"]).await;
    builder.logged(1).await;
    collector
        .spans_when(TRACE, |spans| spans.named("offer").len() == 1)
        .await;

    server.kill_and_start_again().await;
    let held = crate::support::held(&build, 1, true);
    let mut builder = builder.next_stream(&server, vec![held]).await;
    builder.report(Scripted::success(&build, 1)).await;
    let mut deployer = Scripted::new(&server, "deployer", "t").await;
    let deploy = deployer.take().await;
    deployer.succeed(&deploy).await;

    let spans = collector
        .spans_when(TRACE, |spans| spans.named("run").len() == 1)
        .await;
    let whole = spans.only("run");
    assert_eq!(whole.parent(), spans.only("create_resource").id());
    assert_eq!(whole.fact("conveyor.run.outcome"), "succeeded");
    for offer in [&build, &deploy] {
        let task = spans.one("task", |it| it.id() == told(&offer.traceparent));
        assert_eq!(task.parent(), whole.id());
        assert_eq!(task.fact("conveyor.task.outcome"), "succeeded");
    }
}

#[tokio::test]
async fn a_stop_sends_what_waits() {
    let collector = Collector::start().await;
    let mut server = traced(&collector).await;
    create_over_rest(&server).await;
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    let spans = collector.spans(TRACE);
    assert_eq!(spans.named("POST /resources").len(), 1, "{spans:?}");
}

#[tokio::test]
async fn without_a_collector_a_callers_trace_is_passed_on_as_it_came() {
    let server = Server::start().await;
    server.define("t").await;
    server.pipeline("p", "t", &[("build", "builder")]).await;
    create_over_rest(&server).await;
    server.create_in("p", "t", "b").await;
    let mut builder = Scripted::new(&server, "builder", "t").await;
    let offer = builder.take().await;
    assert_eq!(
        (offer.traceparent, offer.tracestate),
        (traceparent(), "vendor=x".to_owned())
    );
    let mut other = Scripted::new(&server, "builder", "t").await;
    let offer = other.take().await;
    assert_eq!(
        (offer.traceparent, offer.tracestate),
        (String::new(), String::new())
    );
}

#[tokio::test]
async fn a_caller_that_does_not_record_is_followed_and_a_ratio_of_0_records_nothing() {
    let collector = Collector::start().await;
    let settings = [
        ("trace.otlp", collector.address.as_str()),
        ("trace.sample_ratio", "0"),
    ];
    let mut server = Server::with(&settings).await;
    server.define("t").await;
    let silent = format!("00-{TRACE}-{CALLER}-00");
    let headers = [
        ("content-type", "application/json"),
        ("traceparent", silent.as_str()),
    ];
    let body = r#"{"name":"a","resource":"t","spec":{}}"#;
    assert_eq!(
        server
            .http("POST", "/resources", &headers, body)
            .await
            .status,
        201
    );
    assert_eq!(server.get("/resources/t/a").await.status, 200);
    let mut driver = Scripted::new(&server, "d", "t").await;
    let offer = driver.take().await;
    assert!(
        offer.traceparent.starts_with(&format!("00-{TRACE}-"))
            && offer.traceparent.ends_with("-00")
    );
    driver.succeed(&offer).await;
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    assert_eq!(collector.count(), 0);
}

#[tokio::test]
async fn the_variables_of_opentelemetry_name_a_collector_and_the_service() {
    let collector = Collector::start().await;
    let endpoint = format!("OTEL_EXPORTER_OTLP_ENDPOINT={}", collector.address);
    let variables = ["env", &endpoint, "OTEL_SERVICE_NAME=ours", QUICK[1]];
    let server = Server::under(&variables, &[]).await;
    let caller = traceparent();
    server
        .http("GET", "/health", &[("traceparent", &caller)], "")
        .await;
    collector
        .spans_when(TRACE, |spans| spans.named("GET /health").len() == 1)
        .await;
    assert_eq!(collector.service_names(), ["ours"]);
}

#[tokio::test]
async fn a_collector_that_is_away_or_deaf_harms_nobody() {
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let deaf_address = format!("http://{}", deaf.local_addr().unwrap());
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away_address = format!("http://{}", away.local_addr().unwrap());
    drop(away);
    for address in [away_address, deaf_address] {
        let small = [
            "env",
            "OTEL_BSP_MAX_QUEUE_SIZE=8",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=4",
        ];
        let mut server = Server::under(&small, &[("trace.otlp", &address)]).await;
        server.define("t").await;
        // More spans than the queue holds.
        for number in 0..100 {
            let path = format!("/resources/t/a{number}");
            assert_eq!(server.get(&path).await.status, 404);
        }
        let began = SystemTime::now();
        server.signal(rustix::process::Signal::TERM);
        assert_eq!(server.exit_code().await, Some(0));
        assert!(
            began.elapsed().unwrap() < Duration::from_secs(6),
            "{address}"
        );
    }
    drop(deaf);
}

#[tokio::test]
async fn the_runtime_tells_a_task_its_place() {
    let server = Server::start().await;
    server.define("t").await;
    server.pipeline("p", "t", &[("build", "builder")]).await;
    let (told, mut hears) = tokio::sync::mpsc::channel(1);
    let driver = Driver::new("builder", move |task: Task| {
        let told = told.clone();
        async move {
            told.send((task.traceparent, task.tracestate))
                .await
                .unwrap();
            Outcome::success("")
        }
    });
    let stop = CancellationToken::new();
    let manager =
        Manager::new(format!("http://{}", server.address)).driver(driver.definitions(["t"]));
    tokio::spawn(manager.run(stop.clone()));
    create_over_rest(&server).await;
    let heard = soon("the task", hears.recv()).await.unwrap();
    assert_eq!(heard, (traceparent(), "vendor=x".to_owned()));
    stop.cancel();
}
