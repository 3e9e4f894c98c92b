//! The real grpcurl, with no proto file at hand.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use conveyor_client::proto::RunState;
use serde_json::{Value, json};

use crate::support::Server;

/// Where grpcurl is: on the PATH, or built into a cache the first time. The version is the newest that the Go
/// of a plain Debian 12 builds.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let found = Command::new("sh")
            .args(["-c", "command -v grpcurl"])
            .output()
            .unwrap();
        if found.status.success() {
            return PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
        }
        let cache = PathBuf::from(std::env::var("HOME").unwrap()).join(".cache/conveyor/go");
        let program = cache.join("bin/grpcurl");
        if !program.exists() {
            let status = Command::new("go")
                .args([
                    "install",
                    "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.1",
                ])
                .env("GOPATH", &cache)
                .env("GOFLAGS", "-modcacherw")
                .status()
                .expect("grpcurl or go is installed");
            assert!(status.success(), "go install of grpcurl");
        }
        program
    })
}

async fn grpcurl(server: &Server, before: &[&str], after: &[&str]) -> Output {
    let mut arguments: Vec<String> = vec!["-plaintext".into(), "-max-time".into(), "20".into()];
    arguments.extend(before.iter().map(|part| part.to_string()));
    arguments.push(server.address.to_string());
    arguments.extend(after.iter().map(|part| part.to_string()));
    tokio::task::spawn_blocking(move || Command::new(program()).args(arguments).output().unwrap())
        .await
        .unwrap()
}

async fn text(server: &Server, before: &[&str], after: &[&str]) -> String {
    let output = grpcurl(server, before, after).await;
    assert!(
        output.status.success(),
        "{after:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

async fn call(server: &Server, method: &str, body: Value) -> Value {
    let answer = text(server, &["-d", &body.to_string()], &[method]).await;
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{method}: {error}: {answer}"))
}

#[tokio::test]
async fn list_and_describe_need_no_files() {
    let server = Server::start().await;
    let services = text(&server, &[], &["list"]).await;
    for service in [
        "conveyor.v1.DriverService",
        "conveyor.v1.LogService",
        "conveyor.v1.PipelineService",
        "conveyor.v1.ResourceService",
        "conveyor.v1.RunService",
        "conveyor.v1.ServerService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ] {
        assert!(
            services.lines().any(|line| line == service),
            "{service} in {services}"
        );
    }
    let methods = text(&server, &[], &["list", "conveyor.v1.RunService"]).await;
    assert!(
        methods.contains("conveyor.v1.RunService.WatchRun"),
        "{methods}"
    );
    let stream = text(
        &server,
        &[],
        &["describe", "conveyor.v1.DriverService.DriverStream"],
    )
    .await;
    assert!(
        stream.contains("stream .conveyor.v1.DriverStreamRequest"),
        "{stream}"
    );
    let all = text(&server, &[], &["describe"]).await;
    assert!(all.contains("service ResourceService"), "{all}");
    // The annotations of REST must be there too, or clients cannot read the descriptors.
    let create = text(
        &server,
        &[],
        &["describe", "conveyor.v1.ResourceService.CreateResource"],
    )
    .await;
    assert!(create.contains("/resources"), "{create}");
}

#[tokio::test]
async fn both_versions_of_reflection_answer() {
    let server = Server::start().await;
    for version in ["v1", "v1alpha"] {
        let method = format!("grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let answer = call(&server, &method, json!({"list_services": ""})).await;
        let services = answer["listServicesResponse"]["service"]
            .as_array()
            .unwrap();
        assert!(
            services
                .iter()
                .any(|service| service["name"] == "conveyor.v1.RunService"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn health_says_serving_for_the_server_and_each_service() {
    let server = Server::start().await;
    for service in [
        "",
        "conveyor.v1.DriverService",
        "conveyor.v1.ResourceService",
    ] {
        let answer = call(
            &server,
            "grpc.health.v1.Health/Check",
            json!({"service": service}),
        )
        .await;
        assert_eq!(answer["status"], "SERVING", "{service}");
    }
}

#[tokio::test]
async fn calls_with_json_bodies_work() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 2}}});
    let definition =
        json!({"resource_definition": {"name": "image", "version": "0.1.0", "schema": schema}});
    let made = call(
        &server,
        "conveyor.v1.ResourceService/CreateResourceDefinition",
        definition,
    )
    .await;
    assert_eq!(
        (&made["name"], &made["schema"], &made["dialect"]),
        (&json!("image"), &schema, &json!("draft2020-12"))
    );
    assert_eq!(
        made["schemaJson"],
        r#"{"properties":{"n":{"minimum":2,"type":"integer"}},"type":"object"}"#,
        "sorted keys, whole numbers whole"
    );

    let steps = json!([{"driver": "builder", "params": {"deep": [1, 2.5]}, "timeout": "90s"}]);
    let pipeline = json!({"pipeline": {"name": "p", "resource": "image", "steps": steps}});
    let made = call(
        &server,
        "conveyor.v1.PipelineService/CreatePipeline",
        pipeline,
    )
    .await;
    assert_eq!(
        (&made["steps"][0]["id"], &made["steps"][0]["paramsJson"]),
        (&json!("1"), &json!(r#"{"deep":[1,2.5]}"#))
    );

    let resource =
        json!({"resource": {"name": "a", "resource": "image", "pipeline": "p", "spec": {"n": 3}}});
    let made = call(
        &server,
        "conveyor.v1.ResourceService/CreateResource",
        resource,
    )
    .await;
    assert_eq!(made["resource"]["specJson"], r#"{"n":3}"#);
    let run = made["runId"].as_str().unwrap();

    let read = call(&server, "conveyor.v1.RunService/GetRun", json!({"id": run})).await;
    assert_eq!(
        (&read["state"], &read["event"]),
        (&json!("RUN_STATE_PENDING"), &json!("create"))
    );
    let cancelled = call(
        &server,
        "conveyor.v1.RunService/CancelRun",
        json!({"id": run}),
    )
    .await;
    assert_eq!(cancelled["state"], "RUN_STATE_CANCELLED");
    let watched = call(
        &server,
        "conveyor.v1.RunService/WatchRun",
        json!({"id": run}),
    )
    .await;
    assert_eq!(watched["state"], "RUN_STATE_CANCELLED");
    let listed = call(
        &server,
        "conveyor.v1.RunService/ListRuns",
        json!({"states": ["RUN_STATE_CANCELLED"]}),
    )
    .await;
    assert_eq!(listed["runs"].as_array().unwrap().len(), 1);

    let entry = json!({"entries": [{"run_id": run, "driver": "me", "message": "hello"}]});
    let appended = call(&server, "conveyor.v1.LogService/AppendLogs", entry).await;
    assert_eq!(appended["count"], "1");
    let tail = call(
        &server,
        "conveyor.v1.LogService/TailLogs",
        json!({"run_id": run}),
    )
    .await;
    assert_eq!(tail["entries"][0]["message"], "hello");
}

#[tokio::test]
async fn driver_stream_speaks_json_too() {
    let server = Server::start().await;
    let hello = json!({"hello": {
        "driver": "by-hand",
        "instance_id": "6f8f57715090da2632453988d9a1501b".parse::<uuid::Uuid>().unwrap().to_string(),
        "definitions": ["image"],
    }});
    let answer = call(&server, "conveyor.v1.DriverService/DriverStream", hello).await;
    assert_eq!(answer["welcome"]["leaseTime"], "30s");
}

#[tokio::test]
async fn errors_name_the_field() {
    let server = Server::start().await;
    let bad = json!({"resource_definition": {"name": "a b", "schema": {}}}).to_string();
    let method = "conveyor.v1.ResourceService/CreateResourceDefinition";
    let output = grpcurl(&server, &["-format-error", "-d", &bad], &[method]).await;
    let told =
        String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success());
    for part in [
        "google.rpc.BadRequest",
        "google.rpc.ErrorInfo",
        "\"field\"",
        "\"name\"",
        "\"conveyor\"",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[tokio::test]
async fn driver_in_the_shell_needs_no_runtime() {
    let server = Server::start().await;
    server.define("person").await;
    let mut folders = vec![program().parent().unwrap().to_owned()];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let mut driver = Command::new("examples/greeter.sh")
        .arg(server.address.to_string())
        .env("PATH", std::env::join_paths(folders).unwrap())
        .spawn()
        .unwrap();
    let ada =
        json!({"name": "ada", "resource": "person", "spec": {"greetings": ["Hello", "Welcome"]}});
    let created = server.post("/resources", &ada.to_string()).await.json();
    let run_id = created["runid"].as_str().unwrap();
    let run = server.run_is(run_id, RunState::Succeeded).await;
    assert_eq!(run.steps[0].message, "greeted");
    let lines: Vec<String> = server
        .stored_lines(run_id)
        .await
        .into_iter()
        .map(|line| line.message)
        .collect();
    assert_eq!(lines, ["Hello, ada", "Welcome, ada"]);
    // Its grpcurl ends with the stream, which ends with the server.
    drop(server);
    driver.kill().unwrap();
    driver.wait().unwrap();
}
