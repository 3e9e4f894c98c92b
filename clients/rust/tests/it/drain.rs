//! How a driver ends: it drains, or it is told to end at once.

use std::time::Duration;

use conveyor_client::proto::driver_stream_request::Kind as FromDriver;
use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::*;
use conveyor_client::{CancelReason as Why, CancellationToken, Error, Manager, Outcome};
use tonic::Status;

use crate::script::{Script, fate, offer, soon};
use crate::support::{InHand, Running, by_hand};

#[tokio::test]
async fn idle_driver_says_drain_and_closes() {
    let mut server = Script::start().await;
    let (driver, _tasks) = by_hand(1);
    let running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    // A heartbeat shows that the Welcome has arrived.
    link.heartbeat().await;
    running.stop.cancel();
    let rest = link.closed().await;
    assert!(matches!(rest[..], [FromDriver::Drain(_)]), "{rest:?}");
    drop(link);
    running.ended().await.unwrap();
}

#[tokio::test]
async fn draining_driver_refuses_offers_ends_its_task_and_says_drain_on_each_stream() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(2);
    let running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let held = InHand::next(&mut tasks).await;
    running.stop.cancel();
    assert!(matches!(link.heed().await, Some(FromDriver::Drain(_))));
    link.offer(offer("u", 2, "b")).await;
    let ack = link.ack().await;
    assert!(ack.refused && ack.reason.contains("draining"), "{ack:?}");
    assert!(!held.task.cancel.is_cancelled());
    link.end(Status::unavailable("restart")).await;

    let (mut link, hello) = server
        .welcome(vec![fate("t", 1, TaskVerdict::GoOn, 0)])
        .await;
    assert_eq!(hello.tasks.len(), 1);
    assert!(matches!(link.heed().await, Some(FromDriver::Drain(_))));
    held.end(Outcome::success("in time")).await;
    assert_eq!(link.result().await.message, "in time");
    link.result_ack("t", 1, ResultOutcome::Applied, 0).await;
    assert!(link.closed().await.is_empty());
    drop(link);
    running.ended().await.unwrap();
}

#[tokio::test]
async fn servers_drain_does_not_stop_the_work() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let held = InHand::next(&mut tasks).await;
    link.send(FromServer::Drain(Drain {})).await;
    held.task.log.info("still here").await;
    assert_eq!(link.log().await.lines[0].message, "still here");
    link.end(Status::unavailable("the server stops")).await;
    let (mut link, _) = server
        .welcome(vec![fate("t", 1, TaskVerdict::GoOn, 1)])
        .await;
    assert!(!held.task.cancel.is_cancelled());
    held.end(Outcome::success("")).await;
    assert_eq!(link.result().await.lines, 1);
}

#[tokio::test]
async fn abort_gives_the_tasks_back_at_once() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let held = InHand::next(&mut tasks).await;
    running.stop.cancel();
    assert!(matches!(link.heed().await, Some(FromDriver::Drain(_))));
    running.abort.cancel();
    assert_eq!(
        soon("the stop", held.task.cancel.cancelled()).await.reason,
        Why::Fenced
    );
    held.end(Outcome::failure("cut short")).await;
    // A clean close after the Drain, with no result that would count.
    assert!(link.closed().await.is_empty());
    drop(link);
    running.ended().await.unwrap();
}

#[tokio::test]
async fn drain_timeout_gives_back_what_is_left() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let stop = CancellationToken::new();
    let manager = Manager::new(server.url()).driver(driver);
    let manager = manager.drain_timeout(Duration::from_millis(50));
    let running = tokio::spawn(manager.run(stop.clone()));
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let held = InHand::next(&mut tasks).await;
    stop.cancel();
    let why = soon("the stop", held.task.cancel.cancelled()).await;
    assert_eq!(why.reason, Why::Fenced);
    drop(held);
    let rest = link.closed().await;
    assert!(matches!(rest[..], [FromDriver::Drain(_)]), "{rest:?}");
    drop(link);
    soon("the end", running).await.unwrap().unwrap();
}

#[tokio::test]
async fn dropping_the_run_ends_the_work() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let manager = Manager::new(server.url()).driver(driver);
    let running = tokio::spawn(manager.run(CancellationToken::new()));
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("t", 1, "a")).await;
    link.ack().await;
    let held = InHand::next(&mut tasks).await;
    running.abort();
    let why = soon("the stop", held.task.cancel.cancelled()).await;
    assert_eq!(why.reason, Why::Fenced);
    let rest = link.closed().await;
    assert!(matches!(rest[..], [FromDriver::Drain(_)]), "{rest:?}");
}

#[tokio::test]
async fn one_refused_driver_drains_the_others() {
    let mut server = Script::start().await;
    let (first, _first_tasks) = by_hand(1);
    let (second, _second_tasks) = by_hand(1);
    let manager = Manager::new(server.url()).driver(first).driver(second);
    let running = tokio::spawn(manager.run(CancellationToken::new()));
    let (mut link, _) = server.welcome(vec![]).await;
    let refused = server.link().await;
    link.heartbeat().await;
    refused.end(Status::permission_denied("not you")).await;
    let rest = link.closed().await;
    assert!(matches!(rest[..], [FromDriver::Drain(_)]), "{rest:?}");
    drop(link);
    let ended = soon("the end", running).await.unwrap();
    assert!(matches!(ended, Err(Error::Refused { .. })), "{ended:?}");
}
