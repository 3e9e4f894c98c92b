//! The command runner: a real driver process that runs real commands for a real server.

mod containers;
mod examples;
mod host;

use std::fs;
use std::process::{Child, Command, Stdio};

use conveyor_client::proto::{CancelRunRequest, GetDriverRequest, Resource, Run, RunState};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Server, conveyor, eventually, resource};

/// A process of the driver. It ends with the value.
struct Runner(Child);

impl Runner {
    /// Starts it with these arguments.
    fn start(server: &Server, arguments: &[&str]) -> Self {
        Self::with(server, arguments, |_| ())
    }

    /// Starts it with these arguments after a last change to its command.
    fn with(server: &Server, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let address = format!("http://{}", server.address);
        let mut command = conveyor(&["driver", "command-runner", "--server", &address]);
        command
            .args(arguments)
            .env("CONVEYOR_LOG", "warn")
            .stdin(Stdio::null());
        change(&mut command);
        Self(command.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.0.id() as i32).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end by itself.
    async fn exit_code(&mut self) -> Option<i32> {
        eventually("the driver ends", async || self.0.try_wait().unwrap())
            .await
            .code()
    }

    /// Ends it with no warning.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Creates a resource of `pipeline` with this spec and gives the id of its run.
    async fn post_spec(&self, name: &str, spec: &str) -> String {
        let resource = Resource {
            spec_json: spec.into(),
            ..resource("pipeline", name)
        };
        self.try_create(resource).await.unwrap().1
    }

    /// Runs a spec to its end: whether it succeeded, what the driver said, and its data.
    async fn outcome_of(&self, spec: &str) -> (bool, String, String) {
        let id = self.post_spec("r", spec).await;
        let run = self.ended(&id).await;
        let step = &run.steps[0];
        let success = run.state() == RunState::Succeeded;
        (success, step.message.clone(), step.data_json.clone())
    }

    /// Waits for the end of a run.
    async fn ended(&self, id: &str) -> Run {
        let ends = [RunState::Succeeded, RunState::Failed, RunState::Cancelled];
        self.run_where(id, "the run ends", |run| ends.contains(&run.state()))
            .await
    }

    /// Waits until the only instance of a driver drains, or is gone.
    async fn drains(&self, driver: &str) {
        eventually("the driver drains", async || {
            let request = GetDriverRequest {
                name: driver.into(),
            };
            let driver = self.drivers().get_driver(request).await.unwrap();
            let instances = driver.into_inner().instances;
            instances.iter().all(|one| one.draining).then_some(())
        })
        .await
    }

    /// The stored lines of a run as `stream step message`.
    async fn lines(&self, run: &str) -> Vec<String> {
        let lines = self.stored_lines(run).await;
        let line = |entry: &conveyor_client::proto::LogEntry| {
            let step = entry.labels.get("step").map_or("-", String::as_str);
            format!("{} {step} {}", entry.stream, entry.message)
        };
        lines.iter().map(line).collect()
    }

    /// The first stored line of a run that the driver's command wrote to stdout, when it has come.
    async fn printed(&self, run: &str) -> String {
        eventually("the command prints", async || {
            let lines = self.stored_lines(run).await;
            let line = lines.into_iter().find(|entry| entry.stream == "stdout")?;
            Some(line.message)
        })
        .await
    }
}

/// Cancels a run.
async fn cancel(server: &Server, id: &str) {
    let request = CancelRunRequest {
        id: id.to_owned(),
        reason: String::new(),
    };
    server.runs().cancel_run(request).await.unwrap();
}

/// Whether a process still works. One that has ended and waits for its parent to notice does not.
fn works(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}
