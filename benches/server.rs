//! A server under load: a process of its own on an empty store.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use conveyor_client::proto::pipeline_service_client::PipelineServiceClient;
use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{
    CreatePipelineRequest, CreateResourceDefinitionRequest, CreateResourceRequest, Pipeline,
    Resource, ResourceDefinition, Step,
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::transport::Channel;

use super::http::{Connection, get};
use super::{Bench, Result};

/// Longest wait for the first line of a process.
const START: Duration = Duration::from_secs(20);
/// Longest wait for its end once it is asked to stop.
const STOP: Duration = Duration::from_secs(20);
/// The spec of every resource: about what a small build needs.
pub(crate) const SPEC: &str = r#"{"repository":"https://git.example.org/shop/cart.git","commit":"8f14e45fceea167a5a36dedd4bea2543","branch":"main","steps":[{"command":"make build"},{"command":"make test"}],"environment":{"CI":"true"}}"#;

/// A running server.
pub(crate) struct Server {
    child: Child,
    data: TempDir,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How long it took from its start to its first healthy answer.
    pub(crate) ready_after: Duration,
    names: Cell<u64>,
}

impl Server {
    /// Starts the measured server on an empty store and waits until it is healthy.
    pub(crate) async fn start(bench: &Bench) -> Result<Self> {
        Self::start_with(bench, &[]).await
    }

    /// The same with settings, given as environment variables, for its first start.
    pub(crate) async fn start_with(bench: &Bench, settings: &[(&str, &str)]) -> Result<Self> {
        let data = TempDir::new_in(bench.place())?;
        let started = launch(bench, &data, "127.0.0.1:0", settings).await?;
        Ok(Self {
            child: started.child,
            data,
            address: started.address,
            ready_after: started.ready_after,
            names: Cell::new(0),
        })
    }

    /// Kills the server as a crash would, and starts it again where it was.
    pub(crate) async fn restart(&mut self, bench: &Bench) -> Result<()> {
        self.kill();
        self.start_again(bench).await
    }

    /// Kills the server as a crash would.
    pub(crate) fn kill(&mut self) {
        stop(&mut self.child);
    }

    /// Starts the server that was killed where it was.
    pub(crate) async fn start_again(&mut self, bench: &Bench) -> Result<()> {
        let started = launch(bench, &self.data, &self.address.to_string(), &[]).await?;
        self.child = started.child;
        self.ready_after = started.ready_after;
        Ok(())
    }

    /// Stops the server as its service manager would, and starts it again where it was.
    pub(crate) async fn restart_cleanly(&mut self, bench: &Bench) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let ended = async {
            while self.child.try_wait()?.is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Result::Ok(())
        };
        tokio::time::timeout(STOP, ended).await??;
        let started = launch(bench, &self.data, &self.address.to_string(), &[]).await?;
        self.child = started.child;
        self.ready_after = started.ready_after;
        Ok(())
    }

    /// How much its store takes on the disk, in KiB.
    pub(crate) fn disk_kib(&self) -> Result<f64> {
        let mut bytes = 0;
        for entry in std::fs::read_dir(self.data.path().join("data"))? {
            // A file may be removed while they are counted.
            bytes += entry?.metadata().map_or(0, |file| file.blocks() * 512);
        }
        Ok(bytes as f64 / 1024.0)
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its store is.
    pub(crate) fn store(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// A connection of its own.
    pub(crate) async fn channel(&self) -> Result<Channel> {
        channel(self.address).await
    }

    /// A name that no resource has had.
    pub(crate) fn new_name(&self) -> String {
        let number = self.names.get();
        self.names.set(number + 1);
        format!("r-{number:09}")
    }

    /// Makes a definition that takes any object.
    pub(crate) async fn define(&self, name: &str) -> Result<()> {
        let request = CreateResourceDefinitionRequest {
            resource_definition: Some(ResourceDefinition {
                name: name.to_owned(),
                schema_json: r#"{"type":"object"}"#.to_owned(),
                ..ResourceDefinition::default()
            }),
            ..CreateResourceDefinitionRequest::default()
        };
        let mut client = ResourceServiceClient::new(self.channel().await?);
        client.create_resource_definition(request).await?;
        Ok(())
    }

    /// Makes a pipeline of so many steps of one driver.
    pub(crate) async fn create_pipeline(
        &self,
        name: &str,
        definition: &str,
        driver: &str,
        steps: usize,
    ) -> Result<()> {
        let request = pipeline(name, definition, driver, steps);
        let mut client = PipelineServiceClient::new(self.channel().await?);
        client.create_pipeline(request).await?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// A process that has answered.
struct Started {
    child: Child,
    address: SocketAddr,
    ready_after: Duration,
}

async fn launch(
    bench: &Bench,
    data: &TempDir,
    listen: &str,
    settings: &[(&str, &str)],
) -> Result<Started> {
    let start = Instant::now();
    let mut child = Command::new(&bench.program)
        .args(["up", "--listen", listen, "--log", "warn", "--data"])
        .arg(data.path().join("data"))
        .envs(settings.iter().copied())
        .current_dir(data.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(data.path().join("stderr"))?)
        .spawn()?;
    let line = first_line(&mut child).await?;
    let address = address_in(&line).ok_or_else(|| format!("no address: {line}"))?;
    Connection::open(address)
        .await?
        .call(&get("/health"))
        .await?;
    Ok(Started {
        child,
        address,
        ready_after: start.elapsed(),
    })
}

/// A connection of its own to a server or a floor.
pub(crate) async fn channel(address: SocketAddr) -> Result<Channel> {
    let channel = Channel::from_shared(format!("http://{address}"))?;
    Ok(channel.connect().await?)
}

/// Asks to make a pipeline of so many steps of one driver.
pub(crate) fn pipeline(
    name: &str,
    definition: &str,
    driver: &str,
    steps: usize,
) -> CreatePipelineRequest {
    let step = Step {
        driver: driver.to_owned(),
        ..Step::default()
    };
    CreatePipelineRequest {
        pipeline: Some(Pipeline {
            name: name.to_owned(),
            resource: definition.to_owned(),
            steps: vec![step; steps],
            ..Pipeline::default()
        }),
        ..CreatePipelineRequest::default()
    }
}

/// Asks to make a resource, with a pipeline unless its name is empty.
pub(crate) fn resource(definition: &str, name: String, pipeline: &str) -> CreateResourceRequest {
    CreateResourceRequest {
        resource: Some(Resource {
            resource: definition.to_owned(),
            name,
            pipeline: pipeline.to_owned(),
            spec_json: SPEC.to_owned(),
            ..Resource::default()
        }),
        ..CreateResourceRequest::default()
    }
}

/// How much memory a process holds, in MiB.
pub(crate) fn resident_mib(pid: u32) -> Result<f64> {
    status_mib(pid, "VmRSS:")
}

/// The most memory that a process held since its peak was forgotten, in MiB.
pub(crate) fn peak_mib(pid: u32) -> Result<f64> {
    status_mib(pid, "VmHWM:")
}

/// Lets the kernel count a process's peak of memory anew.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    Ok(std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

fn status_mib(pid: u32, name: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kib.ok_or("the kernel says how much")?.parse::<f64>()? / 1024.0)
}

/// The first line that a process writes. What it writes later is read and dropped.
pub(crate) async fn first_line(child: &mut Child) -> Result<String> {
    let output = child.stdout.take().ok_or("its output is piped")?;
    let (first, line) = oneshot::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(output)
            .lines()
            .map_while(std::io::Result::ok);
        // Nobody waits any more where the process was too slow.
        let _ = first.send(lines.next());
        lines.for_each(drop);
    });
    let line = tokio::time::timeout(START, line).await??;
    Ok(line.ok_or("the process ended before it said a line")?)
}

/// Ends a process and waits for its end.
pub(crate) fn stop(child: &mut Child) {
    // It may have ended by itself already.
    let _ = child.kill();
    let _ = child.wait();
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let rest = line.strip_prefix("listening on http://")?;
    let address = rest.split_whitespace().next()?;
    address.trim_end_matches(['/', ',']).parse().ok()
}
