//! Settings as a person gives them: to `conveyor up`, and the server's address to all other commands.

use insta::assert_snapshot;

use crate::support::{Server, conveyor, refused_start};

#[test]
fn a_wrong_setting_is_one_clear_line() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("conveyor.yml");
    std::fs::write(&file, "listen: 127.0.0.1:0\ndriver:\n  lease: 3s\n").unwrap();
    let path = file.to_str().unwrap();
    let line = refused_start(&["--config", path]);
    assert_snapshot!(line.replace(path, "FILE"), @"error: config file FILE line 3: there is no setting driver.lease; the nearest is driver.lease_time (conveyor up --help shows all)");
    assert_snapshot!(refused_start(&["--listen", "8080"]), @r#"error: setting listen: "8080" is not an address such as 127.0.0.1:8080 (from flag --listen)"#);
}

#[tokio::test]
async fn a_file_in_the_working_directory_is_read() {
    let mut server = Server::start().await;
    let body = format!(
        r#"{{"name":"any","schema":true,"description":"{}"}}"#,
        "x".repeat(200)
    );
    server.file("conveyor.yml", "api:\n  body_bytes: 100\n");
    server.kill_and_start_again().await;
    assert_eq!(
        server.post("/resource-definitions", &body).await.status,
        413
    );
    server.file("conveyor.yml", "api:\n  body_bytes: 1 KiB\n");
    server.kill_and_start_again().await;
    assert_eq!(
        server.post("/resource-definitions", &body).await.status,
        201
    );
}

#[tokio::test]
async fn flag_wins_over_environment_for_the_address_of_the_server() {
    let server = Server::start().await;
    let mut command = conveyor(&["get", "definitions", "--server", "http://127.0.0.1:1"]);
    command.env("CONVEYOR_SERVER", format!("http://{}", server.address));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_snapshot!(stderr, @"error: no server answers at http://127.0.0.1:1: start one with `conveyor up`, or name it with --server");
}

#[test]
fn init_writes_a_file_that_up_reads_and_replaces_none_unasked() {
    let place = tempfile::tempdir().unwrap();
    let init = |arguments: &[&str]| {
        let mut command = conveyor(&[&["init"], arguments].concat());
        command.current_dir(place.path()).output().unwrap()
    };
    let printed = init(&["--output", "-"]).stdout;
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
    let wrote = init(&[]);
    assert_eq!(
        String::from_utf8(wrote.stdout).unwrap(),
        "wrote conveyor.yml\n"
    );
    let file = place.path().join("conveyor.yml");
    assert_eq!(std::fs::read(&file).unwrap(), printed);
    std::fs::write(&file, "mine").unwrap();
    let refused = init(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert_snapshot!(String::from_utf8(refused.stderr).unwrap(), @"error: conveyor.yml is already there: --force replaces it, --output names another file");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert!(init(&["--force"]).status.success());
    assert_eq!(std::fs::read(&file).unwrap(), printed);
    let nowhere = init(&["--output", "gone/conveyor.yml"]);
    assert_snapshot!(String::from_utf8(nowhere.stderr).unwrap(), @"error: cannot write gone/conveyor.yml: its folder is not there; make it first");
    assert_eq!(
        std::fs::read_dir(place.path()).unwrap().count(),
        1,
        "nothing is left behind"
    );
}

#[tokio::test]
async fn a_file_of_conveyor_ci_starts_the_server_with_one_warning() {
    let mut server = Server::start().await;
    let file = "api:\n  port: 1\n  auth_enabled: false\n  data: /nowhere\nnats:\n  port: 4222\n";
    server.file("conveyor.yml", file);
    server.kill_and_start_again().await;
    let warnings = server.stderr();
    assert_eq!(warnings.lines().count(), 1, "{warnings}");
    assert!(
        warnings.contains("WARN") && warnings.contains("nats.port (conveyor.yml line 6"),
        "{warnings}"
    );
    let written = conveyor(&["init", "--output", "-"])
        .output()
        .unwrap()
        .stdout;
    server.file("conveyor.yml", std::str::from_utf8(&written).unwrap());
    server.kill_and_start_again().await;
    assert_eq!(server.stderr(), "");
}

#[test]
fn version_and_help_need_no_server() {
    for arguments in [&["version", "--client"][..], &["--version"]] {
        let output = conveyor(arguments).output().unwrap();
        assert!(output.status.success());
        assert_eq!(
            output.stdout,
            format!("conveyor {}\n", env!("CARGO_PKG_VERSION")).into_bytes()
        );
    }
    for command in [
        "up", "apply", "diff", "get", "describe", "edit", "delete", "watch", "run", "runs", "logs",
        "cancel", "wait", "drivers", "version",
    ] {
        let output = conveyor(&[command, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("Example"), "{help}");
        assert_eq!(command != "up", help.contains("CONVEYOR_SERVER"), "{help}");
    }
}
