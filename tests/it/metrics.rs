//! The figures of `GET /metrics`: the documented names, what they count, and that others can read them.

mod bounded;
mod counted;
mod deployed;
mod page;
mod reference;

use std::io::Write;
use std::process::{Command, Stdio};

/// Has Prometheus' own tool look at something. Answers what it complains of.
fn promtool(arguments: &[&str], input: &str) -> Result<(), String> {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/promtool.sh");
    let mut child = Command::new(tool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    // It complains of style without failing.
    if output.status.success()
        && (arguments[0] != "check" || arguments[1] != "metrics" || said.is_empty())
    {
        Ok(())
    } else {
        Err(said)
    }
}
