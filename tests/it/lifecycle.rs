//! Start, stop, and starts that fail.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use conveyor_client::proto::driver_stream_response::Kind as Hear;
use conveyor_client::proto::{RunState, TailLogsRequest, WatchResourcesRequest, WatchRunRequest};
use rustix::process::Signal;
use tonic::Code;

use crate::support::{Scripted, Server, conveyor, eventually, refused_start, soon};

#[tokio::test]
async fn first_line_of_output_names_the_address() {
    let server = Server::start().await;
    assert_ne!(server.address.port(), 0);
    assert!(
        server
            .first_line
            .starts_with(&format!("listening on http://{}", server.address))
    );
    assert_eq!(server.get("/health").await.json()["status"], "healthy");
}

#[tokio::test]
async fn one_port_serves_grpc_and_rest() {
    let server = Server::start().await;
    server.define("image").await;
    let answer = server.get("/resource-definitions/image").await;
    assert_eq!(
        (answer.status, answer.json()["name"].as_str()),
        (200, Some("image"))
    );
    assert_eq!(answer.headers["content-type"], "application/json");
}

#[tokio::test]
async fn data_is_kept_in_conveyor_data_by_default() {
    let place = tempfile::tempdir().unwrap();
    let mut child = conveyor(&["up", "--listen", "127.0.0.1:0"])
        .current_dir(place.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the directory is made", async || {
        place.path().join("conveyor-data").is_dir().then_some(())
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A start whose standard output is closed ends in words, and leaves a store that was closed.
#[tokio::test]
async fn a_start_that_cannot_say_where_it_listens_closes_its_store() {
    let place = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = conveyor(&["up", "--listen", "127.0.0.1:0"])
        .current_dir(place.path())
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ended = tokio::task::spawn_blocking(|| child.wait_with_output());
    let ended = soon("its end", ended).await.unwrap().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(
        said.contains("cannot say on standard output where it listens"),
        "{said}"
    );
    let files = std::fs::read_dir(place.path().join("conveyor-data")).unwrap();
    let logs = files.map(Result::unwrap).filter(|it| {
        let name = it.file_name();
        name.to_str().is_some_and(|name| name.ends_with(".log"))
    });
    let left: u64 = logs.map(|it| it.metadata().unwrap().len()).sum();
    assert_eq!(left, 0, "a closed store has no writes to bring back");
}

#[test]
fn all_memory_is_of_one_allocator() {
    // jemalloc hears this name only where it stands in for malloc, and so for RocksDB's as well.
    let output = conveyor(&["version"])
        .env("MALLOC_CONF", "stats_print:true")
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("jemalloc statistics"), "{said}");
}

#[tokio::test]
async fn port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let line = refused_start(&["--listen", &listen, "--data", data.path().to_str().unwrap()]);
    assert!(line.contains(&listen), "{line}");
    assert!(line.contains("in use"), "{line}");
}

#[tokio::test]
async fn data_directory_that_cannot_be_written_is_one_clear_line() {
    // Below a file no directory can be made, whoever asks.
    let file = tempfile::NamedTempFile::new().unwrap();
    let data = file.path().join("data");
    let line = refused_start(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    assert!(line.contains(data.to_str().unwrap()), "{line}");
}

#[tokio::test]
async fn store_already_open_is_one_clear_line() {
    let server = Server::start().await;
    let data = server.data();
    let line = refused_start(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    assert!(line.contains(data.to_str().unwrap()), "{line}");
    server.define("image").await;
}

#[tokio::test]
async fn store_of_a_newer_format_is_one_clear_line() {
    let mut server = Server::start().await;
    server.define("image").await;
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    let data = server.data();
    write_newer_format(&data);
    let line = refused_start(&["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
    assert!(line.contains("format") && line.contains("newer"), "{line}");
}

/// Raises the version in the record of the format: a message of one field, behind eight bytes of position.
fn write_newer_format(data: &Path) {
    let options = rocksdb::Options::default();
    let families = rocksdb::DB::list_cf(&options, data).unwrap();
    let store = rocksdb::DB::open_cf(&options, data, families).unwrap();
    let meta = store.cf_handle("meta").unwrap();
    let entries = store.iterator_cf(&meta, rocksdb::IteratorMode::Start);
    let (key, value) = entries
        .map(|entry| entry.unwrap())
        .find(|(_, value)| value.len() == 10 && value[8] == 8)
        .expect("the store says its format");
    let mut newer = value.to_vec();
    newer[9] += 1;
    store.put_cf(&meta, key, newer).unwrap();
}

#[tokio::test]
async fn address_beyond_loopback_needs_insecure_and_says_why() {
    let data = tempfile::tempdir().unwrap();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let line = refused_start(&["--listen", listen, "--data", data.path().to_str().unwrap()]);
        assert!(
            line.contains("--insecure") && line.contains("authentication"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn setting_that_makes_no_sense_is_one_clear_line() {
    let data = tempfile::tempdir().unwrap();
    let line = refused_start(&[
        "--listen",
        "nowhere",
        "--data",
        data.path().to_str().unwrap(),
    ]);
    assert!(line.contains("listen"), "{line}");
}

#[tokio::test]
async fn settings_come_from_file_and_environment_and_flags_win() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("conveyor.yml");
    std::fs::write(&file, "driver:\n  lease_time: 7s\n  heartbeat_period: 2s\n").unwrap();
    let settings = [
        ("config", file.to_str().unwrap()),
        ("driver.heartbeat_period", "3s"),
        ("listen", "127.0.0.1:1"),
    ];
    // The listen address of the environment is one that nobody may bind; the flag is the test's own.
    let server = Server::with(&settings).await;
    let driver = Scripted::new(&server, "builder", "image").await;
    assert_eq!(driver.welcome.lease_time.unwrap().seconds, 7);
    assert_eq!(driver.welcome.heartbeat_period.unwrap().seconds, 3);
}

#[tokio::test]
async fn sigterm_with_drivers_and_tails_connected_drains_within_5_s() {
    let mut server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let mut idle = Scripted::new(&server, "idle", "package").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["one"]).await;
    builder.logged(1).await;
    let tail = TailLogsRequest {
        run_id: run.clone(),
        ..Default::default()
    };
    let mut tail = server.logs().tail_logs(tail).await.unwrap().into_inner();
    let mut watch = server
        .runs()
        .watch_run(WatchRunRequest {
            id: run.clone(),
            follow: None,
        })
        .await
        .unwrap()
        .into_inner();
    let mut changes = server
        .resources()
        .watch_resources(WatchResourcesRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut events = server.sse(&format!("/logs/pipeline/{run}"), &[]).await;
    soon("the first line", tail.message()).await.unwrap();
    soon("the state", watch.message()).await.unwrap();
    soon("the resource", changes.message()).await.unwrap();
    events.next().await.expect("the first line");

    let begun = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "it took {:?}",
        begun.elapsed()
    );
    for driver in [&mut builder, &mut idle] {
        assert!(matches!(driver.hear().await, Hear::Drain(_)));
        assert_eq!(driver.ended().await.code(), Code::Unavailable);
    }
    assert_eq!(tail.message().await.unwrap_err().code(), Code::Unavailable);
    server.start_again().await;
    assert_eq!(server.run(&run).await.state(), RunState::Running);
    assert_eq!(server.stored_lines(&run).await.len(), 1);
}

#[tokio::test]
async fn sigterm_drains_though_peers_neither_read_nor_speak() {
    let mut server = Server::start().await;
    server.define("image").await;
    let _deaf = Scripted::new(&server, "deaf", "image").await;
    let _silent = std::net::TcpStream::connect(server.address).unwrap();
    let mut half = std::net::TcpStream::connect(server.address).unwrap();
    std::io::Write::write_all(&mut half, b"POST /resources HTTP/1.1\r\nContent-Le").unwrap();
    server.get("/health").await;
    let begun = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    assert!(
        begun.elapsed() < Duration::from_millis(5_500),
        "it took {:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn ctrl_c_drains_too() {
    let mut server = Server::start().await;
    server.define("image").await;
    server.signal(Signal::INT);
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test]
async fn second_signal_ends_at_once() {
    // A drain that may take a minute, held up by a peer that reads nothing.
    let mut server = Server::with(&[("drain_time", "60s")]).await;
    server.define("image").await;
    let _deaf = Scripted::new(&server, "deaf", "image").await;
    let mut half = std::net::TcpStream::connect(server.address).unwrap();
    std::io::Write::write_all(&mut half, b"POST /resources HTTP/1.1\r\nContent-Le").unwrap();
    server.get("/health").await;
    server.signal(Signal::TERM);
    server.signal(Signal::INT);
    let begun = Instant::now();
    server.exit_code().await;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "it took {:?}",
        begun.elapsed()
    );
    server.start_again().await;
    server.read("image", "a", 0).await.unwrap_err();
}

#[tokio::test]
async fn drained_server_takes_no_new_calls_and_restarts_whole() {
    let mut server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    let before = server.run(&run).await;
    server.signal(Signal::TERM);
    assert_eq!(server.exit_code().await, Some(0));
    server.start_again().await;
    assert_eq!(server.run(&run).await, before);
}

#[test]
fn output_that_nobody_reads_stops_no_start() {
    let place = tempfile::tempdir().unwrap();
    let mut child = conveyor(&[
        "up",
        "--listen",
        "127.0.0.1:0",
        "--data",
        place.path().to_str().unwrap(),
    ])
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .process_group(0)
    .spawn()
    .unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::fs::read_dir(place.path()).unwrap().next().is_none() {
        assert!(Instant::now() < deadline, "the store is made");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    child.wait().unwrap();
}
