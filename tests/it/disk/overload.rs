//! A disk that takes less than is to be written: new work is refused in words, and it recovers by itself.

use std::time::Duration;

use futures_util::future::join_all;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use conveyor_client::proto::Resource;

use crate::support::{Server, eventually, reason_of, resource};

#[tokio::test]
async fn writes_beyond_what_the_disk_takes_are_refused_and_reads_go_on() {
    // The count is kept for each thread: the committer stands still once, at its 25th fdatasync. What is sent meanwhile
    // is more over each door than the queue holds.
    let stall = "inject=fdatasync:delay_enter=10000000:when=25";
    let trace = ["-o", "/dev/null", "-e", "trace=fdatasync", "-e", stall];
    let server = Server::traced(&trace, &[]).await;
    server.define("image").await;
    for n in 0..22 {
        server.create("image", &format!("r{n}")).await;
    }
    let flood = join_all((0..600).map(|n| {
        let server = &server;
        async move {
            let (name, by_rest) = (format!("large{n}"), n % 2 == 0);
            let taken = if by_rest {
                by_rest_is_taken(server, &name).await
            } else {
                by_grpc_is_taken(server, &name).await
            };
            if !taken {
                server.read("image", "r0", 0).await.expect("reads go on");
            }
            (name, by_rest, taken)
        }
    }))
    .await;
    for rest in [true, false] {
        let refused = |(_, by_rest, taken): &(String, bool, bool)| *by_rest == rest && !taken;
        let count = flood.iter().filter(|it| refused(it)).count();
        println!("by REST: {rest}, refused: {count} of 300");
        assert!(count > 0, "more was asked than the queue holds");
    }
    eventually("it takes writes again", async || {
        server.try_create(resource("image", "after")).await.ok()
    })
    .await;
    for (name, _, taken) in flood {
        let there = server.read("image", &name, 0).await.is_ok();
        assert_eq!(there, taken, "{name} is there where that was answered");
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
