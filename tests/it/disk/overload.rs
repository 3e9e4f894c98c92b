//! A disk that takes less than is to be written: new work is refused in words, what drivers report is slowed and never
//! lost, who reads or follows goes on, and it recovers by itself.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use conveyor_client::proto::resource_service_client::ResourceServiceClient;
use conveyor_client::proto::{
    CreateResourceRequest, Resource, TailLogsRequest, WatchResourcesRequest,
};

use crate::support::{Scripted, Server, eventually, reason_of, resource, soon};

/// A server whose disk stands still once for ten seconds, soon after these creates.
async fn on_a_disk_that_stalls(settings: &[(&str, &str)]) -> Server {
    // The count is kept for each thread: the committer stands still once, at its 25th fdatasync.
    let stall = "inject=fdatasync:delay_enter=10000000:when=25";
    // Only the calls that are traced stop at the tracer: the rest of the server is as quick as ever.
    let trace = [
        "--seccomp-bpf",
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync",
        "-e",
        stall,
    ];
    let server = Server::traced(&trace, settings).await;
    server.define("image").await;
    server
}

/// Writes one by one, up to a few before the stall.
async fn come_near(server: &Server, synced: usize) {
    for n in synced..23 {
        server.create("image", &format!("r{n}")).await;
    }
}

#[tokio::test]
async fn writes_beyond_what_the_disk_takes_are_refused_and_reads_go_on() {
    let server = on_a_disk_that_stalls(&[]).await;
    come_near(&server, 1).await;
    // More than the queue holds. Once that is full it is so by either door.
    let (tell, full) = watch::channel(false);
    let flood = join_all((0..330).map(|n| {
        let (server, tell, mut full) = (&server, &tell, full.clone());
        async move {
            let (name, by_rest) = (format!("large{n}"), n < 300);
            let taken = if by_rest {
                by_rest_is_taken(server, &name).await
            } else {
                full.wait_for(|it| *it).await.expect("the flood goes on");
                by_grpc_is_taken(server, &name).await
            };
            if !taken {
                tell.send_replace(true);
                server.read("image", "r1", 0).await.expect("reads go on");
            }
            (name, by_rest, taken)
        }
    }));
    let flood = timeout(Duration::from_secs(300), flood).await;
    let flood = flood.expect("something is refused, and all else is kept");
    for rest in [true, false] {
        let refused = |(_, by_rest, taken): &(String, bool, bool)| *by_rest == rest && !taken;
        let count = flood.iter().filter(|it| refused(it)).count();
        println!("by REST: {rest}, refused: {count}");
        assert!(count > 0, "more was asked than the queue holds");
    }
    recovers(&server).await;
    for (name, _, taken) in flood {
        let there = server.read("image", &name, 0).await.is_ok();
        assert_eq!(there, taken, "{name} is there where that was answered");
    }
}

#[tokio::test]
async fn what_drivers_report_is_slowed_and_never_lost_and_followers_go_on() {
    /// Batches of nearly 1 MiB: more than the queue has room for.
    const BATCHES: u64 = 100;
    const LINES: u64 = 16;
    let server = on_a_disk_that_stalls(&[]).await;
    server.define("job").await;
    let mut driver = Scripted::new(&server, "builder", "job").await;
    // A run that is over, whose log is read while the disk stands still.
    let over = server.create("job", "over").await;
    let task = driver.take().await;
    driver.log(&task, 0, &["done"]).await;
    driver.succeed(&task).await;
    server.create("job", "long").await;
    let task = driver.take().await;
    let run = task.run_id.clone();
    let before = server.resident_bytes();
    let reports = async {
        let line = "x".repeat(60 << 10);
        for n in 0..BATCHES {
            driver
                .log(&task, n * LINES, &[line.as_str(); LINES as usize])
                .await;
        }
        driver.logged(BATCHES * LINES).await;
        driver.succeed(&task).await;
    };
    let writes = async {
        // By then the committer has stood still, or does now: this goes on until something is refused.
        for round in 0.. {
            // More than the queue has room for.
            let flood = join_all((0..400).map(|n| {
                let (server, name) = (&server, format!("large{round}-{n}"));
                async move { by_grpc_is_taken(server, &name).await }
            }));
            let (taken, ()) = tokio::join!(flood, read_on(&server, &over, "over"));
            if taken.contains(&false) {
                break;
            }
            assert!(round < 20, "nothing was ever refused");
        }
    };
    let tailed = tokio::spawn(numbers_of_all_lines(&server, &run));
    let ((), ()) = tokio::join!(reports, writes);
    let grown = server.resident_bytes().saturating_sub(before);
    println!("grown by {} MiB", grown >> 20);
    assert!(grown < 350 << 20, "the server has grown by {grown} bytes");
    let numbers = soon("the end of the log", tailed).await.unwrap();
    assert_eq!(numbers, (1..=BATCHES * LINES).collect::<Vec<_>>());
    recovers(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_small_writes_over_many_connections_costs_bounded_memory() {
    const CONNECTIONS: usize = 500;
    const EACH: usize = 20;
    let server = on_a_disk_that_stalls(&[]).await;
    come_near(&server, 1).await;
    let channels: Vec<_> = (0..CONNECTIONS).map(|_| server.new_channel()).collect();
    // All connections stand before it begins.
    join_all(channels.iter().map(|channel| async {
        let mut client = ResourceServiceClient::new(channel.clone());
        let request = WatchResourcesRequest {
            follow: Some(false),
            ..WatchResourcesRequest::default()
        };
        client.watch_resources(request).await.unwrap();
    }))
    .await;
    let before = server.resident_bytes();
    let flood = join_all(channels.iter().enumerate().flat_map(|(at, channel)| {
        (0..EACH).map(move |n| {
            let mut client = ResourceServiceClient::new(channel.clone());
            let request = CreateResourceRequest {
                resource: Some(resource("image", &format!("small-{at}-{n}"))),
                ..CreateResourceRequest::default()
            };
            async move { client.create_resource(request).await }
        })
    }));
    let mut flood = std::pin::pin!(flood);
    let mut peak = before;
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    let answers = loop {
        tokio::select! {
            answers = &mut flood => break answers,
            _ = looks.tick() => peak = peak.max(server.resident_bytes()),
        }
    };
    let refused: Vec<_> = answers.iter().filter_map(|it| it.as_ref().err()).collect();
    refused.iter().for_each(|status| is_told_in_words(status));
    let grown = peak - before;
    println!(
        "{} of {} refused, grown by {} MiB",
        refused.len(),
        answers.len(),
        grown >> 20
    );
    // How many come while the disk stands still is the machine's business.
    assert!(!refused.is_empty(), "more was asked than the queue holds");
    assert!(grown < 320 << 20, "the server has grown by {grown} bytes");
    recovers(&server).await;
}

async fn recovers(server: &Server) {
    eventually("it takes writes again", async || {
        server.try_create(resource("image", "after")).await.ok()
    })
    .await;
}

/// What stands can be read, replayed and watched.
async fn read_on(server: &Server, run: &str, name: &str) {
    server.read("job", name, 0).await.expect("reads go on");
    let lines = soon("the lines of a run that is over", server.stored_lines(run)).await;
    assert_eq!(lines.len(), 1);
    let request = WatchResourcesRequest {
        resource: "job".to_owned(),
        ..WatchResourcesRequest::default()
    };
    let watch = server.resources().watch_resources(request).await;
    let mut watch = watch.expect("watches go on").into_inner();
    let first = soon("a resource", watch.message()).await.unwrap();
    assert!(first.is_some());
}

/// Follows the log of a run to its end.
fn numbers_of_all_lines(
    server: &Server,
    run: &str,
) -> impl Future<Output = Vec<u64>> + Send + use<> {
    let mut logs = server.logs();
    let request = TailLogsRequest {
        run_id: run.to_owned(),
        ..TailLogsRequest::default()
    };
    async move {
        let mut tail = logs.tail_logs(request).await.unwrap().into_inner();
        let mut numbers = Vec::new();
        while let Some(page) = tail.message().await.unwrap() {
            numbers.extend(page.entries.iter().map(|entry| entry.seq));
        }
        numbers
    }
}

fn spec() -> String {
    format!(r#"{{"text":"{}"}}"#, "x".repeat(200 << 10))
}

async fn by_grpc_is_taken(server: &Server, name: &str) -> bool {
    let large = Resource {
        spec_json: spec(),
        ..resource("image", name)
    };
    match server.try_create(large).await {
        Ok(_) => true,
        Err(status) => {
            is_told_in_words(&status);
            false
        }
    }
}

fn is_told_in_words(status: &Status) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert_eq!(reason_of(status), "OVERLOADED");
    let retry = status
        .get_details_retry_info()
        .expect("it says when to try again");
    assert_eq!(retry.retry_delay, Some(Duration::from_secs(1)));
}

async fn by_rest_is_taken(server: &Server, name: &str) -> bool {
    let body = format!(
        r#"{{"name":"{name}","resource":"image","spec":{}}}"#,
        spec()
    );
    let answer = server.post("/resources", &body).await;
    if answer.status == 201 {
        return true;
    }
    assert_eq!(answer.status, 429, "{}", answer.body);
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(answer.json()["code"], "RESOURCE_EXHAUSTED");
    false
}
