//! Commands on the host.

use std::fs;
use std::path::Path;

use conveyor_client::proto::RunState;
use rustix::process::Signal;

use super::{Runner, cancel, works};
use crate::support::{Server, eventually, step};

/// A server that knows `pipeline`, and a driver that runs commands on the host.
async fn start() -> (Server, Runner) {
    let server = Server::start().await;
    server.define("pipeline").await;
    let runner = Runner::start(&server, &["--runtime", "process"]);
    (server, runner)
}

#[tokio::test]
async fn commands_run_in_order_and_their_output_comes_by_stream_and_step() {
    let (server, _runner) = start().await;
    let spec = r#"{"steps": [
        {"name": "first", "command": "echo one; printf 'no end'"},
        {"name": "second", "command": "echo two >&2"}]}"#;
    let id = server.post_spec("r", spec).await;
    let run = server.run_is(&id, RunState::Succeeded).await;
    assert_eq!(
        server.lines(&id).await,
        [
            "driver first step 1 of 2, first: echo one; printf 'no end'",
            "stdout first one",
            "stdout first no end",
            "driver second step 2 of 2, second: echo two >&2",
            "stderr second two",
        ]
    );
    assert_eq!(run.steps[0].message, "2 steps succeeded");
}

#[tokio::test]
async fn the_first_failure_ends_the_task_with_its_exit_code() {
    let (server, _runner) = start().await;
    let spec = r#"{"steps": [
        {"name": "good", "command": "true"},
        {"name": "bad", "command": "exit 42"},
        {"name": "never", "command": "echo never"}]}"#;
    let (success, message, data) = server.outcome_of(spec).await;
    assert!(!success);
    assert_eq!(message, r#"step "bad" failed with exit code 42"#);
    assert_eq!(
        data,
        r#"{"steps":[{"name":"good","exit_code":0},{"name":"bad","exit_code":42}]}"#
    );
}

#[tokio::test]
async fn a_signal_is_told_from_an_exit_code() {
    let (server, _runner) = start().await;
    let spec = r#"{"steps": [{"name": "x", "command": "kill -9 $$"}]}"#;
    let (success, message, data) = server.outcome_of(spec).await;
    assert!(!success);
    assert_eq!(message, r#"step "x" was ended by signal 9"#);
    assert_eq!(data, r#"{"steps":[{"name":"x","exit_code":null}]}"#);
}

#[tokio::test]
async fn a_cancel_ends_what_the_command_has_started() {
    let (server, _runner) = start().await;
    let spec = r#"{"steps": [{"name": "x", "command": "sleep 1000 & echo $!; wait"}]}"#;
    let id = server.post_spec("r", spec).await;
    let pid = server.printed(&id).await;
    assert!(works(&pid));
    cancel(&server, &id).await;
    let run = server.run_is(&id, RunState::Cancelled).await;
    assert!(!works(&pid), "the grandchild is left");
    assert_eq!(run.steps[0].message, r#"cancelled in step "x""#);
}

#[tokio::test]
async fn a_cancelled_command_may_clean_up_and_say_so() {
    let (server, _runner) = start().await;
    let command = "trap 'echo cleaned; exit' TERM; echo ready; while :; do sleep 0.05; done";
    let spec = format!(r#"{{"steps": [{{"name": "x", "command": "{command}"}}]}}"#);
    let id = server.post_spec("r", &spec).await;
    server.printed(&id).await;
    cancel(&server, &id).await;
    server.run_is(&id, RunState::Cancelled).await;
    let lines = server.lines(&id).await;
    assert!(lines.contains(&"stdout x cleaned".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn a_command_that_does_not_heed_a_cancel_is_killed_within_the_grace() {
    let server = Server::with(&[("driver.cancel_grace", "3s")]).await;
    server.define("pipeline").await;
    let _runner = Runner::start(&server, &["--runtime", "process"]);
    let command = "trap '' TERM; echo $$; while :; do sleep 0.05; done";
    let spec = format!(r#"{{"steps": [{{"name": "x", "command": "{command}"}}]}}"#);
    let id = server.post_spec("r", &spec).await;
    let pid = server.printed(&id).await;
    cancel(&server, &id).await;
    let run = server.run_is(&id, RunState::Cancelled).await;
    assert!(!works(&pid));
    assert_eq!(run.steps[0].message, r#"cancelled in step "x""#);
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_ends_with_it() {
    let (server, _runner) = start().await;
    let spec = r#"{"steps": [{"name": "x", "command": "sleep 1000 & echo $!"}]}"#;
    let id = server.post_spec("r", spec).await;
    server.run_is(&id, RunState::Succeeded).await;
    let pid = server.printed(&id).await;
    eventually("the sleep is gone", async || (!works(&pid)).then_some(())).await;
}

#[tokio::test]
async fn told_to_stop_it_ends_its_task_and_told_again_it_drops_it() {
    for signals in [1, 2] {
        let (server, mut runner) = start().await;
        let go = server.place().join("go");
        let command = format!(
            "echo $$; while ! test -e {}; do sleep 0.05; done",
            go.display()
        );
        let spec = format!(r#"{{"steps": [{{"name": "x", "command": "{command}"}}]}}"#);
        let id = server.post_spec("r", &spec).await;
        let pid = server.printed(&id).await;
        for _ in 0..signals {
            runner.signal(Signal::TERM);
            server.drains("command-runner").await;
        }
        if signals == 1 {
            assert!(works(&pid));
            fs::write(go, "").unwrap();
            assert_eq!(runner.exit_code().await, Some(0));
            server.run_is(&id, RunState::Succeeded).await;
        } else {
            assert_eq!(runner.exit_code().await, Some(1));
            assert!(!works(&pid), "the command outlives its driver");
        }
    }
}

#[tokio::test]
async fn each_task_works_in_a_fresh_folder_that_goes_with_it() {
    let (server, _runner) = start().await;
    let spec = r#"{"steps": [
        {"name": "a", "command": "ls -A; pwd; touch left"},
        {"name": "b", "command": "ls -A"}]}"#;
    let mut folders = Vec::new();
    for name in ["one", "two"] {
        let id = server.post_spec(name, spec).await;
        server.run_is(&id, RunState::Succeeded).await;
        let lines = server.lines(&id).await;
        assert_eq!(lines.len(), 4, "an empty folder at first: {lines:?}");
        assert_eq!(lines[3], "stdout b left");
        let folder = lines[1].strip_prefix("stdout a ").unwrap().to_owned();
        assert!(!Path::new(&folder).exists(), "{folder} is left");
        folders.push(folder);
    }
    assert_ne!(folders[0], folders[1]);
}

#[tokio::test]
async fn without_an_image_the_host_must_be_asked_for() {
    let server = Server::start().await;
    server.define("pipeline").await;
    let _runner = Runner::start(&server, &[]);
    let spec = r#"{"steps": [{"name": "x", "command": "true"}]}"#;
    let (success, message, _) = server.outcome_of(spec).await;
    assert!(!success);
    assert!(message.contains("--runtime process"), "{message}");
}

#[tokio::test]
async fn a_spec_with_nothing_to_run_fails_with_a_reason_in_the_log() {
    let (server, _runner) = start().await;
    let id = server.post_spec("r", r#"{"steps": [{"name": 7}]}"#).await;
    let run = server.run_is(&id, RunState::Failed).await;
    let message = &run.steps[0].message;
    assert!(message.starts_with("the spec cannot be read"), "{message}");
    assert_eq!(
        server.lines(&id).await,
        [format!("driver - {message}")],
        "people look into the log first"
    );
}

#[tokio::test]
async fn params_of_a_step_go_before_the_spec_and_commands_know_their_task() {
    let (server, _runner) = start().await;
    let mut steps = vec![step("one", "command-runner"), step("two", "command-runner")];
    steps[1].params_json = r#"{"steps": [{"name": "y", "command":
        "echo $CONVEYOR_STEP $CONVEYOR_EVENT $CONVEYOR_RESOURCE $CONVEYOR_SPEC_COLOUR $WORD; echo \"$CONVEYOR_RESULTS\"; echo $CONVEYOR_RUN_ID",
        "env": {"WORD": "own"}}]}"#
        .into();
    server.try_pipeline("p", "pipeline", steps).await.unwrap();
    let resource = conveyor_client::proto::Resource {
        pipeline: "p".into(),
        spec_json: r#"{"colour": "green", "steps": [{"name": "x", "command": "true"}]}"#.into(),
        ..crate::support::resource("pipeline", "r")
    };
    let (_, id) = server.try_create(resource).await.unwrap();
    server.run_is(&id, RunState::Succeeded).await;
    let lines = server.lines(&id).await;
    let results = r#"[{"step":"one","driver":"command-runner","success":true,"message":"1 step succeeded","data":{"steps":[{"name":"x","exit_code":0}]}}]"#;
    assert_eq!(
        lines[2..],
        [
            "stdout y two process pipeline/r green own".to_owned(),
            format!("stdout y {results}"),
            format!("stdout y {id}"),
        ]
    );
}

#[tokio::test]
async fn drivers_with_commands_of_their_own_share_the_folder_of_a_run() {
    let server = Server::start().await;
    server.define("thing").await;
    server
        .pipeline("p", "thing", &[("1", "writer"), ("2", "reader")])
        .await;
    let place = server.place().to_owned();
    let workspace = place.join("runs");
    let mut runners = Vec::new();
    for (name, command) in [("writer", "echo text > file"), ("reader", "cat file")] {
        let file = place.join(name);
        fs::write(
            &file,
            format!("steps: [{{name: do, command: '{command}'}}]"),
        )
        .unwrap();
        let arguments = [
            "--name",
            name,
            "--definition",
            "thing",
            "--runtime",
            "process",
        ];
        runners.push(Runner::with(&server, &arguments, |command| {
            command.arg("--steps").arg(&file);
            command.arg("--workspace").arg(&workspace);
        }));
    }
    let id = server.create_in("p", "thing", "a").await;
    server.run_is(&id, RunState::Succeeded).await;
    let lines = server.lines(&id).await;
    assert!(lines.contains(&"stdout do text".to_owned()), "{lines:?}");
    let kept = fs::read_to_string(workspace.join(&id).join("file")).unwrap();
    assert_eq!(kept, "text\n", "the folder is its owner's");
}
