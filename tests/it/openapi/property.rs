//! schemathesis calls every route with what the document allows and with what it does not, and holds each answer
//! against the document. What it checks, and why something is relaxed, stands in schemathesis.toml.
//!
//! `API_SEED` and `API_EXAMPLES` try other calls, and more.

use std::process::Command;
use std::time::Duration;

use tokio::time::timeout;

use super::python;
use crate::support::{Scripted, Server};

/// How long it may take. It is done in half a minute.
const MOST: Duration = Duration::from_secs(900);

#[tokio::test]
async fn no_call_gets_an_answer_that_is_not_in_the_document() {
    let Some(program) = python::program("st") else {
        return;
    };
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create("image", "busy").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["one", "two"]).await;
    builder.logged(2).await;

    let setting = |name, default: &str| std::env::var(name).unwrap_or(default.to_owned());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/openapi");
    let mut command = Command::new(program);
    command
        .args(["--config-file", &format!("{folder}/schemathesis.toml")])
        .args(["run", &format!("http://{}/openapi.json", server.address)])
        .args(["--seed", &setting("API_SEED", "1")])
        .args(["--max-examples", &setting("API_EXAMPLES", "15")])
        .env("SCHEMATHESIS_HOOKS", format!("{folder}/hooks.py"))
        .current_dir(server.place());
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = timeout(MOST, run).await.expect("it ends").unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert!(told.contains(" passed"), "it called something: {told}");
    let stderr = server.stderr();
    let broken = |line: &&str| line.contains(" ERROR ") || line.contains("panicked");
    let complaints: Vec<&str> = stderr.lines().filter(broken).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}
