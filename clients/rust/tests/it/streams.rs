//! Hello, welcome, reconnect: what a driver says of itself and of the tasks it holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::*;
use conveyor_client::{CancelReason as Why, Driver, Error, Outcome, Task};
use tonic::Status;

use crate::script::{DEADLINE, Script, fate, offer, soon};
use crate::support::{InHand, Running, by_hand, until};

#[tokio::test]
async fn hello_says_who_the_driver_is_and_nothing_follows_before_welcome() {
    let mut server = Script::start().await;
    let driver = Driver::new("greeter", |_: Task| async { Outcome::success("") })
        .definitions(["person"])
        .events(["create", "delete"])
        .label("os", "linux")
        .slots(3);
    let _running = Running::start(server.url(), driver);
    let mut link = server.link().await;
    let hello = link.hello().await;
    assert_eq!(hello.driver, "greeter");
    assert_eq!(hello.definitions, ["person"]);
    assert_eq!(hello.events, ["create", "delete"]);
    assert_eq!(hello.labels["os"], "linux");
    assert_eq!((hello.slots, hello.stream_number), (3, 1));
    assert_eq!(hello.max_message_bytes, 16 << 20);
    assert_eq!(hello.instance_id.len(), 36);
    assert!(hello.tasks.is_empty());
    // An offer before the Welcome is out of order and must not be answered.
    link.offer(offer("early", 1, "a")).await;
    let quiet = tokio::time::timeout(Duration::from_millis(300), link.next()).await;
    assert!(
        quiet.is_err(),
        "the driver spoke before the Welcome: {quiet:?}"
    );
}

#[tokio::test]
async fn next_stream_counts_up_and_names_held_task_and_waiting_result() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(2);
    let _running = Running::start(server.url(), driver);
    let (mut link, first) = server.welcome(vec![]).await;
    link.offer(offer("working", 1, "a")).await;
    link.offer(offer("done", 2, "b")).await;
    assert!(!link.ack().await.refused && !link.ack().await.refused);
    let (one, two) = (
        InHand::next(&mut tasks).await,
        InHand::next(&mut tasks).await,
    );
    let (working, done) = if one.task.task_id == "done" {
        (two, one)
    } else {
        (one, two)
    };
    done.end(Outcome::success("built").data([1, 2])).await;
    assert_eq!(link.result().await.data_json, "[1,2]");
    // The ack of the result is lost with the stream.
    link.end(Status::unavailable("restart")).await;

    let mut link = server.link().await;
    let hello = link.hello().await;
    assert_eq!(
        (&hello.instance_id, hello.stream_number),
        (&first.instance_id, 2)
    );
    let named: Vec<_> = hello
        .tasks
        .iter()
        .map(|t| (&*t.task_id, t.token, t.result_waits))
        .collect();
    assert_eq!(named, [("done", 2, true), ("working", 1, false)]);
    let fates = vec![
        fate("done", 2, TaskVerdict::GoOn, 0),
        fate("working", 1, TaskVerdict::GoOn, 0),
    ];
    let welcome = Welcome {
        tasks: fates,
        ..crate::script::welcome()
    };
    link.send(FromServer::Welcome(welcome)).await;
    assert_eq!(link.result().await.task_id, "done");
    link.result_ack("done", 2, ResultOutcome::Applied, 0).await;
    working.end(Outcome::success("")).await;
    assert_eq!(link.result().await.task_id, "working");
}

#[tokio::test]
async fn each_verdict_of_a_welcome_is_heeded() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(3);
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    let mut held = Vec::new();
    for (task, token) in [("cancel", 1), ("done", 2), ("stop", 3)] {
        link.offer(offer(task, token, task)).await;
        link.ack().await;
        held.push(InHand::next(&mut tasks).await);
    }
    drop(link);
    let mut cancel = fate("cancel", 1, TaskVerdict::Cancel, 0);
    cancel.set_reason(CancelReason::Deadline);
    cancel.grace = Some(crate::script::duration(60_000));
    let fates = vec![
        cancel,
        fate("done", 2, TaskVerdict::Done, 0),
        fate("stop", 3, TaskVerdict::Stop, 0),
    ];
    let (mut link, hello) = server.welcome(fates).await;
    assert_eq!(hello.tasks.len(), 3);
    let why = soon("the cancel", held[0].task.cancel.cancelled()).await;
    assert_eq!(
        (why.reason, why.grace),
        (Why::Deadline, Duration::from_secs(60))
    );
    assert_eq!(
        soon("the stop", held[2].task.cancel.cancelled())
            .await
            .reason,
        Why::Fenced
    );
    assert_eq!(link.heartbeat().await, ["cancel"]);
    for task in held {
        task.end(Outcome::success("late")).await;
    }
    // Only the cancelled one may still report.
    assert_eq!(link.result().await.task_id, "cancel");
    assert_eq!(link.heartbeat().await, ["cancel"]);
}

#[tokio::test]
async fn silent_server_gets_a_new_stream() {
    let mut server = Script::start().await;
    let (driver, _tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    // Heartbeats stay unanswered.
    let (_silent, _) = server.welcome(vec![]).await;
    let (_link, hello) = server.welcome(vec![]).await;
    assert_eq!(hello.stream_number, 2);
}

#[tokio::test]
async fn replaced_instance_stops_its_tasks_and_draws_a_new_id() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    let (mut link, first) = server.welcome(vec![]).await;
    link.offer(offer("mine", 1, "a")).await;
    link.ack().await;
    let held = InHand::next(&mut tasks).await;
    link.end(Status::aborted("replaced")).await;
    assert_eq!(
        soon("the stop", held.task.cancel.cancelled()).await.reason,
        Why::Fenced
    );
    let (_link, second) = server.welcome(vec![]).await;
    assert_ne!(first.instance_id, second.instance_id);
    assert!(second.tasks.is_empty());
}

#[tokio::test]
async fn refused_driver_ends_with_an_error_that_says_what_to_do() {
    type Make = fn(&'static str) -> Status;
    let codes: [Make; 5] = [
        |text| Status::invalid_argument(text),
        |text| Status::failed_precondition(text),
        |text| Status::unauthenticated(text),
        |text| Status::permission_denied(text),
        |text| Status::unimplemented(text),
    ];
    for status in codes {
        let mut server = Script::start().await;
        let (driver, _tasks) = by_hand(1);
        let running = Running::start(server.url(), driver);
        server.link().await.end(status("no such driver here")).await;
        let error = running.ended().await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
        assert!(error.to_string().contains("no such driver here"), "{error}");
    }
}

#[tokio::test]
async fn comes_back_after_every_other_code() {
    let mut server = Script::start().await;
    let (driver, _tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver);
    for status in [
        Status::deadline_exceeded(""),
        Status::resource_exhausted(""),
        Status::unavailable(""),
        Status::internal(""),
        Status::unknown(""),
    ] {
        server.welcome(vec![]).await.0.end(status).await;
    }
    server.welcome(vec![]).await;
}

#[tokio::test]
async fn waits_for_a_server_that_is_away() {
    // Bound and not listened at: nobody else has the port meanwhile.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = nobody.local_addr().unwrap();
    let (driver, _tasks) = by_hand(1);
    let running = Running::start(format!("http://{address}"), driver);
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.stop.cancel();
    running.ended().await.unwrap();
    let error = conveyor_client::connect(&format!("http://{address}"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("start one with `conveyor up`"),
        "{error}"
    );
    for address in ["not an address", "127.0.0.1:8080", "https://127.0.0.1:8080"] {
        let error = conveyor_client::connect(address).await.unwrap_err();
        assert!(matches!(error, Error::Address { .. }), "{address}: {error}");
    }
}

#[tokio::test]
async fn unknown_arm_is_skipped_and_broadcast_is_handed_on() {
    let mut server = Script::start().await;
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    let (driver, _tasks) = by_hand(1);
    let driver = driver.on_message(move |message| {
        assert_eq!(message.payload, "hi");
        count.fetch_add(1, Ordering::SeqCst);
        panic!("the user's fault");
    });
    let _running = Running::start(server.url(), driver);
    let (mut link, _) = server.welcome(vec![]).await;
    link.send_unknown().await;
    link.send_unknown().await;
    let message = Message {
        payload: "hi".to_owned(),
        ..Message::default()
    };
    link.send(FromServer::Message(message)).await;
    until("the message", || heard.load(Ordering::SeqCst) == 1).await;
    link.offer(offer("after", 1, "a")).await;
    assert_eq!(link.ack().await.task_id, "after");
}

#[test]
fn blocking_work_does_not_hold_up_heartbeats() {
    // The user's runtime has one thread, and the work blocks it.
    let user = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let play = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut server = play.block_on(Script::start());
    let (blocked, let_go) = std::sync::mpsc::channel::<()>();
    let let_go = std::sync::Mutex::new(let_go);
    let driver = Driver::new("blocker", move |_: Task| {
        let _ = let_go.lock().unwrap().recv_timeout(DEADLINE);
        async { Outcome::success("") }
    });
    let url = server.url();
    let test = std::thread::spawn(move || {
        play.block_on(async {
            let (mut link, _) = server.welcome(vec![]).await;
            link.offer(offer("long", 1, "a")).await;
            link.ack().await;
            // More than a lease's worth of heartbeats, and no new stream.
            for _ in 0..4 {
                assert_eq!(link.heartbeat().await, ["long"]);
            }
            blocked.send(()).unwrap();
            assert!(link.result().await.success);
            link.result_ack("long", 1, ResultOutcome::Applied, 0).await;
        });
    });
    let stop = conveyor_client::CancellationToken::new();
    let manager = conveyor_client::Manager::new(url).driver(driver);
    let wait = async {
        let run = manager.run(stop.clone());
        tokio::pin!(run);
        while !test.is_finished() {
            let _ = tokio::time::timeout(Duration::from_millis(20), &mut run).await;
        }
    };
    user.block_on(wait);
    test.join().unwrap();
}

#[tokio::test]
async fn work_stops_at_the_lease_end_when_asked_to() {
    let mut server = Script::start().await;
    let (driver, mut tasks) = by_hand(1);
    let _running = Running::start(server.url(), driver.stop_at_lease_end(true));
    let (mut link, _) = server.welcome(vec![]).await;
    link.offer(offer("cut-off", 1, "a")).await;
    link.ack().await;
    let held = InHand::next(&mut tasks).await;
    link.heartbeat().await;
    assert!(!held.task.cancel.is_cancelled());
    drop(link);
    // The next streams get no Welcome, so the lease is never renewed.
    let why = soon("the lease's end", held.task.cancel.cancelled()).await;
    assert_eq!(why.reason, Why::Fenced);
}
