//! Commands in containers: real ones, of podman and runc, from an image made here.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use conveyor_client::proto::RunState;
use tempfile::TempDir;
use uuid::Uuid;

use super::{Runner, cancel};
use crate::support::{Server, eventually};

/// What podman needs to run without systemd, without a network of its own, and in a small machine.
const SETTINGS: &str = r#"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
[engine]
runtime = "runc"
"#;

/// Podman with settings of its own and an image that no other test has. Both go with the value.
struct Podman {
    place: TempDir,
    image: String,
}

impl Podman {
    /// Makes an image of nothing but busybox.
    fn with_image() -> Self {
        let place = TempDir::new().unwrap();
        fs::write(place.path().join("containers.conf"), SETTINGS).unwrap();
        let image = format!("localhost/conveyor-test-{}:1", Uuid::new_v4());
        let podman = Self { place, image };
        let root = podman.place.path().join("root/bin");
        fs::create_dir_all(&root).unwrap();
        let busybox = ["/bin/busybox", "/usr/bin/busybox"];
        let busybox = busybox.iter().find(|path| Path::new(path).exists());
        let busybox = busybox.expect("busybox-static is needed: make deps");
        fs::copy(busybox, root.join("busybox")).unwrap();
        for applet in ["sh", "cat", "ls", "sleep", "pwd", "touch"] {
            symlink("busybox", root.join(applet)).unwrap();
        }
        let archive = podman.place.path().join("root.tar");
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(podman.place.path().join("root"));
        succeed(tar.arg("-cf").arg(&archive).arg("."));
        succeed(
            podman
                .command()
                .arg("import")
                .arg(&archive)
                .arg(&podman.image),
        );
        podman
    }

    fn settings(&self) -> PathBuf {
        self.place.path().join("containers.conf")
    }

    fn command(&self) -> Command {
        let mut command = Command::new("podman");
        command.env("CONTAINERS_CONF", self.settings());
        command
    }

    /// What podman prints.
    fn ask(&self, arguments: &[&str]) -> String {
        let output = succeed(self.command().args(arguments));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The containers made from the image.
    fn containers(&self) -> String {
        let filter = format!("ancestor={}", self.image);
        self.ask(&["ps", "--all", "--quiet", "--filter", &filter])
    }

    /// The volumes of a step.
    fn volumes(&self, run: &str) -> String {
        let filter = format!("label=conveyor.step={run}/1");
        self.ask(&["volume", "ls", "--quiet", "--filter", &filter])
    }

    /// A spec that runs commands in the image.
    fn spec(&self, commands: &[&str]) -> String {
        let step = |command: &&str| serde_json::json!({"name": "x", "command": command});
        let steps: Vec<_> = commands.iter().map(step).collect();
        serde_json::json!({"image": self.image, "steps": steps}).to_string()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let mut remove = self.command();
        remove.args(["rmi", "--force", &self.image]);
        let _ = remove.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn succeed(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; is it installed? make deps"));
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

async fn start(podman: &Podman, settings: &[(&str, &str)]) -> (Server, Runner) {
    let server = Server::with(settings).await;
    server.define("pipeline").await;
    let runner = driver(&server, podman);
    (server, runner)
}

fn driver(server: &Server, podman: &Podman) -> Runner {
    Runner::with(server, &["--runtime", "podman"], |command| {
        command.env("CONTAINERS_CONF", podman.settings());
    })
}

#[tokio::test]
async fn commands_run_in_containers_that_share_a_folder_and_leave_nothing() {
    let podman = Podman::with_image();
    let (server, _runner) = start(&podman, &[]).await;
    let spec = podman.spec(&[
        "pwd; echo kept > file; echo problem >&2",
        "cat file; ls /bin/busybox; echo $CONVEYOR_RESOURCE",
        "exit 3",
    ]);
    let id = server.post_spec("r", &spec).await;
    let run = server.run_is(&id, RunState::Failed).await;
    assert_eq!(run.steps[0].message, r#"step "x" failed with exit code 3"#);
    let mut lines = server.lines(&id).await;
    lines.retain(|line| !line.starts_with("driver "));
    // The two streams of one command have no order between them.
    lines[..2].sort();
    assert_eq!(
        lines,
        [
            "stderr x problem",
            "stdout x /workspace",
            "stdout x kept",
            "stdout x /bin/busybox",
            "stdout x pipeline/r",
        ]
    );
    assert_eq!(podman.containers(), "");
    assert_eq!(podman.volumes(&id), "");
}

#[tokio::test]
async fn a_cancel_ends_the_container() {
    let podman = Podman::with_image();
    let (server, _runner) = start(&podman, &[]).await;
    let spec = podman.spec(&["sleep 1000 & echo started; wait"]);
    let id = server.post_spec("r", &spec).await;
    server.printed(&id).await;
    assert_ne!(podman.containers(), "");
    cancel(&server, &id).await;
    let run = server.run_is(&id, RunState::Cancelled).await;
    assert_eq!(run.steps[0].message, r#"cancelled in step "x""#);
    assert_eq!(podman.containers(), "");
    assert_eq!(podman.volumes(&id), "");
}

#[tokio::test]
async fn a_cancelled_command_in_a_container_may_clean_up_too() {
    let podman = Podman::with_image();
    let (server, _runner) = start(&podman, &[]).await;
    let command = "trap 'echo cleaned; exit' TERM; echo ready; while :; do sleep 0.05; done";
    let id = server.post_spec("r", &podman.spec(&[command])).await;
    server.printed(&id).await;
    cancel(&server, &id).await;
    server.run_is(&id, RunState::Cancelled).await;
    let lines = server.lines(&id).await;
    assert!(lines.contains(&"stdout x cleaned".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn a_workspace_is_the_folder_of_containers_too() {
    let podman = Podman::with_image();
    let server = Server::start().await;
    server.define("pipeline").await;
    let workspace = server.place().join("runs");
    let _runner = Runner::with(&server, &["--workspace"], |command| {
        command.arg(&workspace);
        command.env("CONTAINERS_CONF", podman.settings());
    });
    let spec = podman.spec(&["echo text > file"]);
    let id = server.post_spec("r", &spec).await;
    server.run_is(&id, RunState::Succeeded).await;
    let kept = fs::read_to_string(workspace.join(&id).join("file")).unwrap();
    assert_eq!(kept, "text\n");
}

#[tokio::test]
async fn what_a_dead_driver_left_goes_before_the_next_attempt() {
    let podman = Podman::with_image();
    let lease = [
        ("driver.lease_time", "2s"),
        ("driver.heartbeat_period", "500ms"),
    ];
    let (server, mut first) = start(&podman, &lease).await;
    let spec = podman.spec(&["echo started; sleep 1000"]);
    let id = server.post_spec("r", &spec).await;
    server.printed(&id).await;
    first.kill();
    let left = podman.containers();
    assert_ne!(left, "", "the container outlives its driver");
    let _second = driver(&server, &podman);
    eventually("the second attempt replaces the container", async || {
        let now = podman.containers();
        (!now.is_empty() && !now.contains(&left)).then_some(())
    })
    .await;
    cancel(&server, &id).await;
    let run = server.run_is(&id, RunState::Cancelled).await;
    assert_eq!(run.steps[0].attempts.len(), 2);
    assert_eq!(podman.containers(), "");
    assert_eq!(podman.volumes(&id), "");
}

#[tokio::test]
async fn an_image_that_cannot_be_had_is_named() {
    let podman = Podman::with_image();
    let (server, _runner) = start(&podman, &[]).await;
    let spec =
        r#"{"image": "localhost/no-such-image:1", "steps": [{"name": "x", "command": "true"}]}"#;
    let (success, message, _) = server.outcome_of(spec).await;
    assert!(!success);
    assert_eq!(
        message,
        "the image localhost/no-such-image:1 is not on this host and could not be pulled"
    );
}

/// A folder with a `docker` that is a client without an engine.
fn docker_without_engine(place: &Path) -> PathBuf {
    let folder = place.join("programs");
    fs::create_dir(&folder).unwrap();
    let docker = folder.join("docker");
    fs::write(
        &docker,
        "#!/bin/sh\necho 'Cannot connect to the daemon' >&2\nexit 1\n",
    )
    .unwrap();
    fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[tokio::test]
async fn a_docker_client_without_its_engine_does_not_count() {
    let podman = Podman::with_image();
    let server = Server::start().await;
    server.define("pipeline").await;
    let programs = docker_without_engine(server.place());
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let _runner = Runner::with(&server, &[], |command| {
        command.env("CONTAINERS_CONF", podman.settings());
        command.env("PATH", path);
    });
    let id = server.post_spec("r", &podman.spec(&["echo hello"])).await;
    server.run_is(&id, RunState::Succeeded).await;
    assert_eq!(server.printed(&id).await, "hello");
}

#[tokio::test]
async fn without_an_engine_the_message_says_what_to_do() {
    let server = Server::start().await;
    server.define("pipeline").await;
    let programs = docker_without_engine(server.place());
    let _runner = Runner::with(&server, &[], |command| {
        command.env("PATH", programs);
    });
    let spec = r#"{"image": "busybox", "steps": [{"name": "x", "command": "true"}]}"#;
    let (success, message, _) = server.outcome_of(spec).await;
    assert!(!success);
    for part in [
        "docker: Cannot connect to the daemon",
        "podman: not installed",
        "install podman or docker",
        "--runtime process",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}
