//! `conveyor completion`, the manual pages and `conveyor version`.

use insta::assert_snapshot;

use super::Ran;
use crate::support::{Server, conveyor};

/// What a shell is offered for the last word of a line.
async fn offered(server: &Server, line: &[&str]) -> Vec<String> {
    let mut command = server.command(&[&["--", "conveyor"], line].concat());
    command
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", line.len().to_string())
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_IFS", "\n");
    let said = Ran::from(command.output().await.unwrap()).said();
    let words = said.lines().filter(|word| !word.starts_with("--"));
    words.map(str::to_owned).collect()
}

#[tokio::test]
async fn commands_and_names_are_completed() {
    let server = Server::start().await;
    server.define("any").await;
    server
        .pipeline("one-step", "any", &[("1", "builder")])
        .await;
    let run = server.create("any", "r").await;
    assert_eq!(offered(&server, &["des"]).await, ["describe"]);
    assert_eq!(
        offered(&server, &["describe", "pipeline", ""]).await,
        ["one-step"]
    );
    assert_eq!(offered(&server, &["get", "definition", "a"]).await, ["any"]);
    assert_eq!(offered(&server, &["edit", "any"]).await, ["any/r"]);
    assert_eq!(offered(&server, &["run", ""]).await, ["any/r"]);
    assert_eq!(
        offered(&server, &["logs", ""]).await,
        [run.as_str(), "any/r"]
    );
    let things = offered(&server, &["delete", ""]).await;
    assert_eq!(
        things,
        [
            "definitions",
            "pipelines",
            "resources",
            "runs",
            "drivers",
            "any/r"
        ]
    );
}

#[test]
fn without_a_server_commands_are_completed_all_the_same() {
    let mut command = conveyor(&["--", "conveyor", "get", "dri"]);
    command
        .env("CONVEYOR_SERVER", "http://127.0.0.1:1")
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "2");
    let said = Ran::from(command.output().unwrap()).said();
    assert!(said.starts_with("drivers"), "{said}");
}

#[test]
fn each_shell_has_a_script() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Ran::from(conveyor(&["completion", shell]).output().unwrap()).said();
        assert!(
            script.contains("COMPLETE=") && script.contains("conveyor"),
            "{script}"
        );
    }
    let script = Ran::from(conveyor(&["completion", "bash"]).output().unwrap()).said();
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("script"), script).unwrap();
    let mut bash = std::process::Command::new("bash");
    bash.current_dir(place.path()).args([
        "--norc",
        "-c",
        "source ./script && complete -p conveyor",
    ]);
    let said = Ran::from(bash.output().unwrap()).said();
    assert!(said.ends_with(" conveyor\n"), "{said}");
    assert_eq!(
        Ran::from(conveyor(&["completion", "tcsh"]).output().unwrap()).code,
        2
    );
}

#[test]
fn each_command_has_a_manual_page() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("man1");
    let mut command = conveyor(&["man", directory.to_str().unwrap()]);
    Ran::from(command.output().unwrap()).said();
    let page = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
    for command in [
        "apply",
        "diff",
        "get",
        "describe",
        "wait",
        "context-set",
        "drivers-broadcast",
    ] {
        let text = page(&format!("conveyor-{command}.1"));
        assert!(
            text.contains(".SH NAME") && text.contains(".SH OPTIONS"),
            "{command}: {text}"
        );
    }
    assert!(page("conveyor.1").contains("Exit codes:"));
}

#[tokio::test]
async fn both_versions_are_told() {
    let server = Server::start().await;
    let version = env!("CARGO_PKG_VERSION");
    let said = server.cli(&["version"]).await.said();
    assert_eq!(said, format!("conveyor {version}\nserver {version}\n"));
    let json = server.cli(&["version", "-o", "json"]).await.said();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"client": version, "server": version})
    );
    assert_eq!(server.get("/version").await.json()["version"], version);
    let mut command = conveyor(&["version", "--server", "http://127.0.0.1:1"]);
    let alone = Ran::from(command.output().unwrap());
    assert_eq!(
        (alone.code, alone.stdout),
        (0, format!("conveyor {version}\n"))
    );
    assert_snapshot!(alone.stderr, @"server: no server answers at http://127.0.0.1:1: start one with `conveyor up`, or name it with --server");
}
