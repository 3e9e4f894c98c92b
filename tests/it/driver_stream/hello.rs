//! The first word of a stream, and which of two streams of an instance stays.

use std::collections::HashMap;

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::{
    Ack, Drain, Driver, GetDriverRequest, Heartbeat, Hello, ListDriversRequest, Log,
    Result as Outcome,
};
use tonic::{Code, Status};

use crate::support::{Scripted, Server, eventually, hello, reason_of};

async fn driver(server: &Server, name: &str) -> Result<Driver, Status> {
    let request = GetDriverRequest { name: name.into() };
    Ok(server.drivers().get_driver(request).await?.into_inner())
}

#[tokio::test]
async fn stream_without_hello_ends_deadline_exceeded() {
    let server = Server::with(&[("driver.hello_time", "300ms")]).await;
    let mut stream = Scripted::silent(&server);
    assert_eq!(stream.ended().await.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn anything_before_hello_is_an_invalid_argument() {
    let server = Server::start().await;
    let firsts = [
        Say::Ack(Ack::default()),
        Say::Log(Log::default()),
        Say::Result(Outcome::default()),
        Say::Heartbeat(Heartbeat::default()),
        Say::Drain(Drain {}),
    ];
    for first in firsts {
        let mut stream = Scripted::silent(&server);
        stream.say(first.clone()).await;
        assert_eq!(
            stream.ended().await.code(),
            Code::InvalidArgument,
            "{first:?}"
        );
    }
}

#[tokio::test]
async fn second_hello_is_an_invalid_argument() {
    let server = Server::start().await;
    let mut stream = Scripted::new(&server, "builder", "image").await;
    let again = Hello {
        stream_number: 2,
        ..stream.hello.clone()
    };
    stream.say(Say::Hello(again)).await;
    assert_eq!(stream.ended().await.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn bad_hello_is_refused_and_makes_no_driver() {
    let server = Server::start().await;
    let good = hello("builder", "image");
    let labels: HashMap<_, _> = (0..33).map(|n| (format!("k{n}"), String::new())).collect();
    let bad = [
        (
            "no driver",
            Hello {
                driver: String::new(),
                ..good.clone()
            },
        ),
        (
            "a driver with a space",
            Hello {
                driver: "a builder".into(),
                ..good.clone()
            },
        ),
        (
            "a driver's name of 64 letters",
            Hello {
                driver: "b".repeat(64),
                ..good.clone()
            },
        ),
        (
            "no instance",
            Hello {
                instance_id: String::new(),
                ..good.clone()
            },
        ),
        (
            "an instance that is no UUID",
            Hello {
                instance_id: "first".into(),
                ..good.clone()
            },
        ),
        (
            "less than no slots",
            Hello {
                slots: -1,
                ..good.clone()
            },
        ),
        (
            "too many slots",
            Hello {
                slots: 1001,
                ..good.clone()
            },
        ),
        (
            "an unknown event",
            Hello {
                events: vec!["created".into()],
                ..good.clone()
            },
        ),
        (
            "a definition that is no name",
            Hello {
                definitions: vec!["a/b".into()],
                ..good.clone()
            },
        ),
        (
            "too many labels",
            Hello {
                labels,
                ..good.clone()
            },
        ),
    ];
    for (what, hello) in bad {
        let mut stream = Scripted::silent(&server);
        stream.say(Say::Hello(hello)).await;
        let status = stream.ended().await;
        assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status:?}");
    }
    let drivers = server
        .drivers()
        .list_drivers(ListDriversRequest::default())
        .await
        .unwrap();
    assert_eq!(
        drivers.into_inner().drivers,
        [],
        "a bad hello makes no driver known"
    );
}

#[tokio::test]
async fn welcome_says_what_holds() {
    let settings = [
        ("driver.lease_time", "4s"),
        ("driver.heartbeat_period", "1s"),
    ];
    let server = Server::with(&settings).await;
    let stream = Scripted::new(&server, "builder", "image").await;
    let welcome = &stream.welcome;
    assert_eq!(welcome.lease_time.unwrap().seconds, 4);
    assert_eq!(welcome.heartbeat_period.unwrap().seconds, 1);
    assert_eq!(welcome.server_version, env!("CARGO_PKG_VERSION"));
    assert_eq!(welcome.tasks, []);
    let limits = welcome.limits.unwrap();
    assert_eq!(limits.message_bytes, 8 << 20);
    assert_eq!(limits.log_batch_bytes, 1 << 20);
    assert_eq!(limits.log_batch_lines, 4096);
    assert_eq!(limits.log_line_bytes, 64 << 10);
    assert_eq!(limits.result_data_bytes, 256 << 10);
    assert_eq!(limits.result_message_bytes, 16 << 10);
}

#[tokio::test]
async fn defaults_of_lease_and_heartbeat_are_30_s_and_10_s() {
    let server = Server::start().await;
    let stream = Scripted::new(&server, "builder", "image").await;
    assert_eq!(stream.welcome.lease_time.unwrap().seconds, 30);
    assert_eq!(stream.welcome.heartbeat_period.unwrap().seconds, 10);
}

#[tokio::test]
async fn driver_is_known_from_its_first_hello_on_also_while_away() {
    let mut server = Server::start().await;
    assert_eq!(
        driver(&server, "builder").await.unwrap_err().code(),
        Code::NotFound
    );
    let labels = [("arch".to_owned(), "arm".to_owned())].into();
    let said = Hello {
        slots: 3,
        labels,
        events: vec!["create".into(), "delete".into()],
        sdk_name: "scripted".into(),
        sdk_version: "7".into(),
        ..hello("builder", "image")
    };
    let mut stream = Scripted::join(&server, said.clone()).await;
    let known = driver(&server, "builder").await.unwrap();
    assert_eq!(known.definitions, ["image"]);
    assert_eq!(known.events, ["create", "delete"]);
    assert_eq!(known.queued, 0);
    let [instance] = &known.instances[..] else {
        panic!("one instance: {known:?}")
    };
    assert_eq!(instance.id, said.instance_id);
    assert_eq!(
        (instance.slots, instance.tasks, instance.draining),
        (3, 0, false)
    );
    assert_eq!(instance.labels, said.labels);
    assert!(
        instance.sdk.contains("scripted") && instance.sdk.contains('7'),
        "{}",
        instance.sdk
    );

    stream.close().await;
    eventually("its instance is gone", async || {
        driver(&server, "builder")
            .await
            .unwrap()
            .instances
            .is_empty()
            .then_some(())
    })
    .await;
    server.kill_and_start_again().await;
    let away = driver(&server, "builder").await.unwrap();
    assert_eq!(
        (away.definitions, away.events),
        (known.definitions, known.events)
    );
    assert_eq!(away.create_time, known.create_time);
}

#[tokio::test]
async fn new_hello_changes_what_a_driver_listens_to() {
    let server = Server::start().await;
    let mut first = Scripted::new(&server, "builder", "image").await;
    first.close().await;
    let _second = Scripted::new(&server, "builder", "package").await;
    assert_eq!(
        driver(&server, "builder").await.unwrap().definitions,
        ["package"]
    );
}

#[tokio::test]
async fn higher_stream_number_replaces_the_lower() {
    let server = Server::start().await;
    server.define("image").await;
    let mut old = Scripted::new(&server, "builder", "image").await;
    let mut new = old.next_stream(&server, vec![]).await;
    let status = old.ended().await;
    assert_eq!(
        (status.code(), reason_of(&status)),
        (Code::Aborted, "REPLACED".into())
    );
    server.create("image", "a").await;
    new.take().await;
}

#[tokio::test]
async fn of_equal_and_lower_stream_numbers_the_first_stays() {
    let server = Server::start().await;
    server.define("image").await;
    let said = Hello {
        stream_number: 5,
        ..hello("builder", "image")
    };
    let mut first = Scripted::join(&server, said.clone()).await;
    for stream_number in [5, 4] {
        let mut late = Scripted::silent(&server);
        late.say(Say::Hello(Hello {
            stream_number,
            ..said.clone()
        }))
        .await;
        let status = late.ended().await;
        assert_eq!(
            (status.code(), reason_of(&status)),
            (Code::Aborted, "REPLACED".into()),
            "{stream_number}"
        );
    }
    server.create("image", "a").await;
    first.take().await;
}

#[tokio::test]
async fn same_instance_id_under_another_driver_is_another_instance() {
    let server = Server::start().await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let twin = Hello {
        driver: "tester".into(),
        stream_number: 9,
        ..builder.hello.clone()
    };
    let mut tester = Scripted::join(&server, twin).await;
    builder.hears_nothing(&[]).await;
    tester.hears_nothing(&[]).await;
}

#[tokio::test]
async fn zero_slots_mean_one() {
    let server = Server::start().await;
    let _stream = Scripted::join(
        &server,
        Hello {
            slots: 0,
            ..hello("builder", "image")
        },
    )
    .await;
    assert_eq!(
        driver(&server, "builder").await.unwrap().instances[0].slots,
        1
    );
}
