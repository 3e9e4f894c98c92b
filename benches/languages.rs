//! Log lines of 100 bytes from the runtime of each language to the disk, and what the driver's process spends on them.
//!
//! The drivers are the contenders of the conformance suite. A line is on disk when it counts: a result is applied after
//! the task's lines, so the time of an attempt, from its ack to its end as the server says it, ends with the last line.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::run_service_client::RunServiceClient;
use conveyor_client::proto::{GetRunRequest, Run, RunState};
use tonic::transport::Channel;

use super::server::{Server, resource, stop};
use super::table::{Aim, Row, Table};
use super::{Bench, Result};

/// Lines of one task.
const LINES: u32 = 100_000;
const LINE_BYTES: usize = 100;
/// What the script says where a toolchain is missing.
const LEFT_OUT: i32 = 3;
/// Longest wait for one task.
const LIMIT: Duration = Duration::from_secs(60);

struct Language {
    lines: Row,
    processor: Row,
}

/// The rows of a language. Names of rows live as long as the program.
fn rows(language: &str) -> Language {
    let lines = format!("log lines of 100 bytes to disk from the runtime in {language}");
    let processor = format!("processor time of a driver in {language} per 100,000 lines");
    let row = |name: String, unit, aim| Row {
        name: name.leak(),
        unit,
        floor: "",
        aim,
    };
    Language {
        lines: row(lines, "lines/s", Aim::More),
        processor: row(processor, "ms", Aim::Less),
    }
}

/// Measures all rows of this subject.
pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let server = Server::start(bench).await?;
    for language in script(&["--list"])?.unwrap_or_default() {
        let place = bench
            .place()
            .to_str()
            .ok_or("a place has a name in UTF-8")?;
        let Some(command) = script(&[&language, place])? else {
            continue;
        };
        server.define(&language).await?;
        let rows = rows(&language);
        let driver = Driver::start(&server, &language, &command)?;
        // The first task warms the program up: a JVM compiles what it runs often.
        driver.task(&server, &language).await?;
        for _ in 0..bench.rounds {
            let before = driver.spent()?;
            let time = driver.task(&server, &language).await?;
            let spent = driver.spent()? - before;
            table.published(rows.lines, f64::from(LINES) / time.as_secs_f64());
            table.published(rows.processor, spent.as_secs_f64() * 1000.0);
        }
    }
    Ok(())
}

/// The lines that the script prints; nothing where a toolchain is missing.
fn script(arguments: &[&str]) -> Result<Option<Vec<String>>> {
    let output = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/contender.sh"))
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    match output.status.code() {
        Some(0) => {
            let text = String::from_utf8(output.stdout)?;
            Ok(Some(text.lines().map(str::to_owned).collect()))
        }
        Some(LEFT_OUT) => Ok(None),
        _ => Err(format!("scripts/contender.sh {arguments:?}: {}", output.status).into()),
    }
}

/// A contender at work.
struct Driver {
    child: Child,
}

impl Driver {
    fn start(server: &Server, language: &str, command: &[String]) -> Result<Self> {
        let (program, arguments) = command.split_first().ok_or("a command has a program")?;
        let child = Command::new(program)
            .args(arguments)
            .env("CONTENDER_SERVER", format!("http://{}", server.address))
            .env("CONTENDER_DRIVER", language)
            .env("CONTENDER_SLOTS", "1")
            .env("CONTENDER_DEFINITIONS", language)
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self { child })
    }

    /// Gives it a task and says how long it took.
    async fn task(&self, server: &Server, language: &str) -> Result<Duration> {
        let spec = format!(
            r#"{{"do":[{{"op":"log","text":"{{n}}","count":{LINES},"size":{LINE_BYTES}}}]}}"#
        );
        let mut request = resource(language, server.new_name(), "");
        if let Some(resource) = &mut request.resource {
            resource.spec_json = spec;
        }
        let channel = server.channel().await?;
        let created = ResourceServiceClient::new(channel.clone())
            .create_resource(request)
            .await?
            .into_inner();
        let run = tokio::time::timeout(LIMIT, ended(channel, &created.run_id)).await??;
        let attempt = run.steps.first().and_then(|step| step.attempts.first());
        let attempt = attempt.ok_or("a run that ended well has an attempt")?;
        let at = |time: Option<prost_types::Timestamp>| -> Result<Duration> {
            let time = time.ok_or("an attempt that ended has its times")?;
            Ok(Duration::try_from(prost_types::Duration {
                seconds: time.seconds,
                nanos: time.nanos,
            })?)
        };
        Ok(at(attempt.end_time)? - at(attempt.start_time)?)
    }

    /// The processor time of the process, threads that have ended included, in steps of 10 ms.
    fn spent(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat
            .rsplit_once(')')
            .ok_or("a name stands in parentheses")?;
        let ticks = |at: usize| -> Result<u64> {
            let field = fields
                .split_whitespace()
                .nth(at)
                .ok_or("the kernel counts it")?;
            Ok(field.parse()?)
        };
        // utime and stime: fields 14 and 15, of which the first two stand before the parenthesis.
        let ticks_per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_secs(ticks(11)? + ticks(12)?) / u32::try_from(ticks_per_second)?)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// Waits for the end of a run.
async fn ended(channel: Channel, id: &str) -> Result<Run> {
    let mut client = RunServiceClient::new(channel);
    loop {
        let request = GetRunRequest { id: id.to_owned() };
        let run = client.get_run(request).await?.into_inner();
        match run.state() {
            RunState::Succeeded => return Ok(run),
            RunState::Failed | RunState::Cancelled => return Err(run.reason.into()),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
