//! `conveyor context`, and which server the other commands take.

use std::path::Path;

use insta::assert_snapshot;

use super::Ran;
use crate::support::{Server, conveyor};

/// Runs a command with a file of contexts of its own, in an environment that names no server.
fn with(file: &Path, arguments: &[&str]) -> Ran {
    let mut command = conveyor(arguments);
    command
        .env("CONVEYOR_CLI_CONFIG", file)
        .output()
        .unwrap()
        .into()
}

#[tokio::test]
async fn a_context_is_made_used_listed_and_removed() {
    let server = Server::start().await;
    server.define("any").await;
    let file = server.place().join("deep/contexts.yml");
    let address = format!("http://{}", server.address);
    let set = |arguments: &[&str]| with(&file, &[&["context", "set"], arguments].concat());
    assert_snapshot!(set(&["lab", "--server", &address]).said(), @"context lab created");
    assert_snapshot!(set(&["far", "--server", "http://127.0.0.1:1", "-o", "name"]).said(), @"context far created");
    assert_eq!(
        with(&file, &["get", "definitions", "-o", "name"]).said(),
        "any\n"
    );
    assert_snapshot!(with(&file, &["context", "use", "far"]).said(), @"context far is the current one");
    assert_snapshot!(with(&file, &["get", "definitions"]).ended_with(5), @"error: no server answers at http://127.0.0.1:1: start one with `conveyor up`, or name it with --server");
    let listed = with(&file, &["context", "list"]).said();
    assert_snapshot!(listed.replace(&address, "ADDRESS"), @r"
    CURRENT  NAME  SERVER                  OUTPUT
    *        far   http://127.0.0.1:1      name
             lab   ADDRESS
    ");
    assert_eq!(
        with(
            &file,
            &["get", "definitions", "-o", "name", "--context", "lab"]
        )
        .said(),
        "any\n"
    );
    assert_eq!(
        with(&file, &["get", "definitions", "--server", &address]).said(),
        "any\n",
        "-o of far"
    );
    assert_snapshot!(set(&["lab", "-o", "json"]).said(), @"context lab configured");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_snapshot!(kept.replace(&address, "ADDRESS"), @r"
    ---
    current: far
    contexts:
      far:
        server: http://127.0.0.1:1
        output: name
      lab:
        server: ADDRESS
        output: json
    ");
    assert_snapshot!(with(&file, &["context", "delete", "far"]).said(), @"context far deleted");
    assert_snapshot!(with(&file, &["context", "list", "-o", "jsonpath={.items[*].name} {.items[*].current}"]).said(), @"lab false");
}

#[test]
fn a_wrong_context_is_explained() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("contexts.yml");
    assert_snapshot!(with(&file, &["context", "use", "lab"]).ended_with(3), @"error: there is no context lab; `conveyor context list` shows them, `conveyor context set` makes one");
    assert_snapshot!(with(&file, &["context", "set", "lab"]).ended_with(2), @"error: a context needs a server: conveyor context set lab --server http://HOST:PORT");
    with(
        &file,
        &["context", "set", "lab", "--server", "http://127.0.0.1:1"],
    )
    .said();
    assert_snapshot!(with(&file, &["get", "runs", "--context", "lap"]).ended_with(3), @"error: there is no context lap; did you mean lab?");
    assert_snapshot!(with(&file, &["context", "delete", "nothing"]).ended_with(3), @"error: there is no context nothing; `conveyor context list` shows them, `conveyor context set` makes one");
    std::fs::write(&file, "contexts:\n  lab:\n    sever: x\n").unwrap();
    let path = file.display().to_string();
    assert_snapshot!(with(&file, &["get", "runs"]).ended_with(2).replace(&path, "FILE"), @"error: contexts in FILE: unknown field `sever`, expected one of server, output at line 3, column 5");
}

#[tokio::test]
async fn the_environment_wins_over_contexts() {
    let server = Server::start().await;
    server.define("any").await;
    let file = server.file(
        "contexts.yml",
        "current: far\ncontexts:\n  far: {server: 'http://127.0.0.1:1'}\n",
    );
    let mut command = server.command(&["get", "definitions", "-o", "name"]);
    let output = command
        .env("CONVEYOR_CLI_CONFIG", file)
        .output()
        .await
        .unwrap();
    assert_eq!(Ran::from(output).said(), "any\n");
}

#[tokio::test]
async fn a_flag_wins_over_the_environment() {
    let server = Server::start().await;
    server.define("any").await;
    let address = format!("http://{}", server.address);
    let contexts = format!("contexts:\n  lab: {{server: '{address}'}}\n");
    let file = server.place().join(server.file("contexts.yml", &contexts));
    let flags: [&[&str]; 3] = [
        &["--context", "lab"],
        &["--server", &address],
        // A server and a context together: the address of the one, the form of the other.
        &["--server", &address, "--context", "lab"],
    ];
    for flags in flags {
        let mut command = conveyor(&[&["get", "definitions", "-o", "name"], flags].concat());
        command
            .env("CONVEYOR_CLI_CONFIG", &file)
            .env("CONVEYOR_SERVER", "http://127.0.0.1:1")
            .env("CONVEYOR_CONTEXT", "lab");
        assert_eq!(
            Ran::from(command.output().unwrap()).said(),
            "any\n",
            "{flags:?}"
        );
    }
    let mut command = conveyor(&["get", "definitions", "--context", "lap"]);
    command
        .env("CONVEYOR_CLI_CONFIG", &file)
        .env("CONVEYOR_SERVER", &address);
    assert_snapshot!(Ran::from(command.output().unwrap()).ended_with(3), @"error: there is no context lap; did you mean lab?");
}
