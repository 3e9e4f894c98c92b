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
    assert_snapshot!(line.replace(path, "FILE"), @"error: config file FILE line 3: there is no setting driver.lease; the nearest is driver.lease_time");
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
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_snapshot!(stderr, @"error: no server answers at http://127.0.0.1:1: start one with `conveyor up`, or name it with --server");
}

#[test]
fn version_and_help_need_no_server() {
    for arguments in [["version"], ["--version"]] {
        let output = conveyor(&arguments).output().unwrap();
        assert!(output.status.success());
        assert_eq!(
            output.stdout,
            format!("conveyor {}\n", env!("CARGO_PKG_VERSION")).into_bytes()
        );
    }
    for command in ["up", "apply", "get", "runs", "logs", "cancel"] {
        let output = conveyor(&[command, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("Example"), "{help}");
        assert_eq!(command != "up", help.contains("CONVEYOR_SERVER"), "{help}");
    }
}
