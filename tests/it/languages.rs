//! One pipeline whose steps are carried out by drivers in different languages, each written with the runtime of its
//! language: the contenders of the conformance suite, beside a real server.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use conveyor_client::proto::RunState;
use serde_json::{Value, json};

use crate::support::{Server, eventually};

/// The exit code of the script where a toolchain is missing and this is not CI.
const LEFT_OUT: i32 = 3;

/// A driver at work, until it goes out of scope.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn script(arguments: &[&str]) -> std::process::Output {
    // Cargo builds the examples of the workspace with its tests.
    let target = Path::new(env!("CARGO_BIN_EXE_conveyor")).parent().unwrap();
    Command::new("scripts/contender.sh")
        .args(arguments)
        .env("CONTENDER_RUST", target.join("examples/contender"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap()
}

/// The words of each language's command. A language whose toolchain is missing is left out, said aloud.
fn commands(place: &Path) -> Vec<(String, Vec<String>)> {
    let lines = |bytes: &[u8]| -> Vec<String> {
        let text = std::str::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let mut commands = Vec::new();
    for language in lines(&script(&["--list"]).stdout) {
        let output = script(&[&language, place.to_str().unwrap()]);
        match output.status.code() {
            Some(0) => commands.push((language, lines(&output.stdout))),
            Some(LEFT_OUT) => {}
            other => panic!("the contender in {language} is not built: {other:?}"),
        }
    }
    commands
}

fn start(server: &Server, language: &str, command: &[String]) -> Driver {
    let child = Command::new(&command[0])
        .args(&command[1..])
        .env("CONTENDER_SERVER", format!("http://{}", server.address))
        .env("CONTENDER_DRIVER", format!("in-{language}"))
        .env("CONTENDER_SLOTS", "1")
        .env("CONTENDER_DEFINITIONS", "greeting")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Driver(child)
}

/// The lines of one driver, in order.
fn said<'a>(log: &'a Value, driver: &str) -> Vec<&'a str> {
    let lines = log.as_array().unwrap().iter();
    lines
        .filter(|line| line["driver"] == driver)
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn one_pipeline_runs_over_drivers_in_every_language() {
    let place = tempfile::tempdir().unwrap();
    let build: PathBuf = place.path().to_owned();
    let commands = tokio::task::spawn_blocking(move || commands(&build))
        .await
        .unwrap();
    assert!(!commands.is_empty());
    let server = Server::start().await;
    let _drivers: Vec<Driver> = commands
        .iter()
        .map(|(language, command)| start(&server, language, command))
        .collect();

    for (language, _) in &commands {
        let path = format!("/drivers/in-{language}");
        // A JVM and interpreters start beside all the other tests: each has its own patience.
        eventually(
            &format!("the driver in {language} is connected"),
            async || {
                let driver = server.get(&path).await.json();
                driver["instances"].is_array().then_some(())
            },
        )
        .await;
    }
    server.define("greeting").await;
    let steps: Vec<Value> = commands
        .iter()
        .map(|(language, _)| json!({"id": language, "driver": format!("in-{language}")}))
        .collect();
    let pipeline = json!({"name": "relay", "resource": "greeting", "steps": steps});
    assert_eq!(
        server
            .post("/pipelines", &pipeline.to_string())
            .await
            .status,
        201
    );
    let work = json!([
        {"op": "log", "text": "line {n}", "count": 3},
        {"op": "echo"},
        {"op": "result", "text": "passed on", "data": {"passed": true}},
    ]);
    let hello =
        json!({"name": "hello", "resource": "greeting", "pipeline": "relay", "spec": {"do": work}});
    let created = server.post("/resources", &hello.to_string()).await.json();
    let run_id = created["runid"].as_str().unwrap();
    server.run_is(run_id, RunState::Succeeded).await;

    let log = server
        .get(&format!("/logs?runid={run_id}&limit=1000"))
        .await
        .json();
    for (at, (language, _)) in commands.iter().enumerate() {
        let lines = said(&log, &format!("in-{language}"));
        assert_eq!(lines[..3], ["line 0", "line 1", "line 2"], "{language}");
        // Each was told what those before it said, in whatever languages.
        let told: Value = serde_json::from_str(lines[3]).unwrap();
        let earlier: Vec<&str> = told["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| {
                assert_eq!(result["data"], json!({"passed": true}), "{language}");
                result["step"].as_str().unwrap()
            })
            .collect();
        let before: Vec<&str> = commands[..at].iter().map(|(it, _)| it.as_str()).collect();
        assert_eq!(earlier, before, "{language}");
    }
}
