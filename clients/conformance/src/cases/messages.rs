//! Messages that are large, unknown or for the driver's user.

use conveyor_client::proto::driver_stream_response::Kind as FromServer;
use conveyor_client::proto::{Message, Welcome};

use crate::contender::Setup;
use crate::fault::{Played, ensure};
use crate::offer::{Task, print, span, succeed};
use crate::stage::{LEASE, MOMENT, PERIOD, Stage, welcome};

pub(super) async fn unknown(mut stage: Stage) -> Played {
    let (_contender, mut link) = stage.open(1).await?;
    link.heartbeat(&[]).await?;
    // Field 99, of three bytes; the same beside a HeartbeatAck; and a message of no arm at all.
    let newer = [0x9A, 0x06, 3, b'n', b'e', b'w'];
    link.send_bytes(newer.to_vec()).await;
    link.send_bytes([&[0x32, 0][..], &newer].concat()).await;
    link.send_bytes(Vec::new()).await;
    // A LogAck of a task that nobody knows, with a status that nobody knows.
    link.send_bytes(vec![0x22, 5, 0x0A, 1, b'x', 0x20, 77])
        .await;
    let task = Task::new(1, "a");
    link.give(&task, &[succeed("")]).await?;
    link.result(&task).await?;
    link.applied(&task).await;
    link.heartbeat(&[]).await?;
    ensure!(
        stage.no_stream(MOMENT).await,
        "the driver opened another stream"
    );
    Ok(())
}

pub(super) async fn broadcast(mut stage: Stage) -> Played {
    let (contender, mut link) = stage.open(1).await?;
    let message = Message {
        event: "cache".to_owned(),
        payload: "clear all".to_owned(),
        ..Message::default()
    };
    link.send(FromServer::Message(message)).await;
    contender.prints("message cache clear all").await?;
    link.heartbeat(&[]).await
}

pub(super) async fn large(mut stage: Stage) -> Played {
    let contender = stage.start(&Setup::slots(1))?;
    // Nothing else is heard while such a message is under way.
    let patient = Welcome {
        heartbeat_period: Some(span(10 * PERIOD)),
        lease_time: Some(span(10 * LEASE)),
        ..welcome()
    };
    let (mut link, _) = stage.welcome_with(patient).await?;
    let task = Task::new(1, "a");
    let work = print("started");
    let padding = "x".repeat(12 << 20);
    let spec = format!(r#"{{"do": [{work}], "padding": "{padding}"}}"#);
    link.send(FromServer::Reconcile(task.offer_spec(&spec)))
        .await;
    link.accepted(&task).await?;
    contender.says(&task, "started").await?;
    link.result(&task).await.map(drop)
}
