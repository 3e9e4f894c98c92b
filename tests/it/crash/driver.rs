//! kill -9 of a driver in the middle of a step.

use std::process::{Child, Stdio};

use conveyor_client::proto::{AttemptState, Resource, RunState};

use crate::support::{Server, conveyor, resource};

/// A driver process that ends with its value.
struct Runner(Child);

impl Runner {
    fn start(server: &Server) -> Self {
        let url = format!("http://{}", server.address);
        let arguments = [
            "driver",
            "command-runner",
            "--runtime",
            "process",
            "--definition",
            "job",
            "--server",
            &url,
        ];
        let child = conveyor(&arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn step_of_a_killed_driver_is_taken_over_after_its_lease() {
    let settings = [
        ("driver.lease_time", "2s"),
        ("driver.heartbeat_period", "500ms"),
    ];
    let server = Server::with(&settings).await;
    server.define("job").await;
    let first = Runner::start(&server);
    let gate = server.place().join("gate");
    let command = format!(
        "echo begun; while [ ! -e {} ]; do sleep 0.05; done; echo ended",
        gate.display()
    );
    let spec = serde_json::json!({"steps": [{"name": "wait", "command": command}]}).to_string();
    let (_, run) = server
        .try_create(Resource {
            spec_json: spec,
            ..resource("job", "a")
        })
        .await
        .unwrap();
    server.run_is(&run, RunState::Running).await;
    crate::support::eventually("the command has begun", async || {
        server
            .stored_lines(&run)
            .await
            .iter()
            .any(|entry| entry.message == "begun")
            .then_some(())
    })
    .await;
    let _second = Runner::start(&server);
    drop(first);
    let taken = server
        .run_where(&run, "the step is taken over", |run| {
            run.steps[0].attempts.len() == 2
        })
        .await;
    assert_eq!(taken.steps[0].attempts[0].state(), AttemptState::Lost);
    assert_ne!(
        taken.steps[0].attempts[0].instance_id,
        taken.steps[0].attempts[1].instance_id
    );
    std::fs::write(&gate, "").unwrap();
    server.run_is(&run, RunState::Succeeded).await;
    let entries = server.stored_lines(&run).await;
    assert!(
        entries
            .iter()
            .map(|entry| entry.seq)
            .eq(1..=entries.len() as u64)
    );
    let second: Vec<_> = entries
        .iter()
        .filter(|entry| entry.attempt == 2)
        .map(|entry| entry.message.as_str())
        .collect();
    assert!(
        second.contains(&"begun") && second.contains(&"ended"),
        "{second:?}"
    );
    let first: Vec<_> = entries
        .iter()
        .filter(|entry| entry.attempt == 1)
        .map(|entry| entry.message.as_str())
        .collect();
    assert!(
        !first.contains(&"ended"),
        "a killed driver reports nothing: {first:?}"
    );
}
