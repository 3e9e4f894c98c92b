//! What a driver says first.

use std::time::Duration;

use uuid::Uuid;

use crate::contender::Setup;
use crate::fault::{Fault, Played, ensure, equal};
use crate::offer::Task;
use crate::stage::Stage;

pub(super) async fn first(mut stage: Stage) -> Played {
    let _contender = stage.start(&Setup {
        definitions: "person,place",
        events: "create,delete",
        labels: "os=linux,zone=b",
        ..Setup::slots(3)
    })?;
    let (mut link, hello) = stage.hello().await?;
    equal("the driver", &*hello.driver, stage.driver())?;
    equal("the definitions", hello.definitions, ["person", "place"])?;
    equal("the events", hello.events, ["create", "delete"])?;
    let mut labels: Vec<_> = hello.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
    labels.sort_unstable();
    equal("the labels", labels, [("os", "linux"), ("zone", "b")])?;
    equal("the slots", hello.slots, 3)?;
    equal("the stream's number", hello.stream_number, 1)?;
    equal("the largest message", hello.max_message_bytes, 16 << 20)?;
    ensure!(!hello.sdk_name.is_empty(), "the name of the SDK is missing");
    ensure!(
        !hello.sdk_version.is_empty(),
        "the version of the SDK is missing"
    );
    ensure!(hello.tasks.is_empty(), "a new process holds no task");
    id(&hello.instance_id)?;
    // An offer before the Welcome is out of order, and must not be answered.
    link.offer(&Task::new(1, "early"), &[]).await;
    link.quiet(Duration::from_millis(300)).await
}

pub(super) async fn new_id_per_process(mut stage: Stage) -> Played {
    let mut ids = Vec::new();
    for _ in 0..2 {
        let _contender = stage.start(&Setup::slots(1))?;
        let (_link, hello) = stage.hello().await?;
        equal("the first stream's number", hello.stream_number, 1)?;
        ids.push(id(&hello.instance_id)?);
    }
    ensure!(
        ids[0] != ids[1],
        "both processes have the instance id {}",
        ids[0]
    );
    Ok(())
}

fn id(text: &str) -> Played<Uuid> {
    Uuid::parse_str(text).map_err(|_| Fault(format!("the instance id `{text}` is no UUID")))
}
