//! StartRun, CancelRun's arguments, and DeleteDriver.

use conveyor_client::proto::{
    CancelRunRequest, DeleteDriverRequest, GetDriverRequest, Run, RunState, StartRunRequest,
    StepState,
};
use tonic::{Code, Status};

use crate::support::{Scripted, Server, eventually, hello};

async fn start(server: &Server, request: StartRunRequest) -> Result<Run, Status> {
    Ok(server.runs().start_run(request).await?.into_inner())
}

fn of(name: &str) -> StartRunRequest {
    StartRunRequest {
        resource: "image".into(),
        name: name.into(),
        ..Default::default()
    }
}

async fn forget(server: &Server, driver: &str) -> Result<(), Status> {
    server
        .drivers()
        .delete_driver(DeleteDriverRequest {
            name: driver.into(),
        })
        .await
        .map(drop)
}

#[tokio::test]
async fn start_run_carries_out_the_latest_revision_again() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create("image", "a").await;
    server
        .update(server.read("image", "a", 0).await.unwrap())
        .await;
    for _ in 0..2 {
        let task = builder.take().await;
        builder.succeed(&task).await;
    }
    let again = start(&server, of("a")).await.unwrap();
    assert_eq!(
        (again.event.as_str(), again.revision, again.state()),
        ("update", 2, RunState::Pending)
    );
    let task = builder.take().await;
    assert_eq!((&task.run_id, task.event.as_str()), (&again.id, "update"));
    builder.succeed(&task).await;
    let created = start(
        &server,
        StartRunRequest {
            event: "create".into(),
            ..of("a")
        },
    )
    .await
    .unwrap();
    let task = builder.take().await;
    assert_eq!((&task.run_id, task.event.as_str()), (&created.id, "create"));
    assert_eq!(
        server.read("image", "a", 0).await.unwrap().revision,
        2,
        "no new revision"
    );
}

#[tokio::test]
async fn start_run_waits_for_the_run_before_it() {
    let server = Server::start().await;
    server.define("image").await;
    let first = server.create("image", "a").await;
    let again = start(&server, of("a")).await.unwrap();
    assert_eq!(again.waits_for, first);
}

#[tokio::test]
async fn start_run_refuses_what_it_cannot_do() {
    let server = Server::start().await;
    server.define("image").await;
    assert_eq!(
        start(&server, of("absent")).await.unwrap_err().code(),
        Code::NotFound
    );
    server.create("image", "a").await;
    for event in ["delete", "process", "*", "nonsense"] {
        let request = StartRunRequest {
            event: event.into(),
            ..of("a")
        };
        assert_eq!(
            start(&server, request).await.unwrap_err().code(),
            Code::InvalidArgument,
            "{event}"
        );
    }
}

#[tokio::test]
async fn same_request_id_starts_one_run() {
    let mut server = Server::start().await;
    server.define("image").await;
    server.create("image", "a").await;
    server.create("image", "b").await;
    let request = StartRunRequest {
        request_id: "once".into(),
        ..of("a")
    };
    let first = start(&server, request.clone()).await.unwrap();
    assert_eq!(start(&server, request.clone()).await.unwrap().id, first.id);
    server.kill_and_start_again().await;
    assert_eq!(start(&server, request).await.unwrap().id, first.id);
    let other = StartRunRequest {
        request_id: "once".into(),
        ..of("b")
    };
    let code = start(&server, other).await.unwrap_err().code();
    assert!(
        matches!(code, Code::Aborted | Code::AlreadyExists),
        "{code:?}"
    );
}

#[tokio::test]
async fn cancel_reason_over_200_characters_is_refused() {
    let server = Server::start().await;
    server.define("image").await;
    let id = server.create("image", "a").await;
    let request = CancelRunRequest {
        id: id.clone(),
        reason: "x".repeat(201),
    };
    assert_eq!(
        server.runs().cancel_run(request).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(server.run(&id).await.state(), RunState::Pending);
    let request = CancelRunRequest {
        id: id.clone(),
        reason: "ü".repeat(200),
    };
    server.runs().cancel_run(request).await.unwrap();
    assert_eq!(server.run(&id).await.state(), RunState::Cancelled);
}

#[tokio::test]
async fn driver_with_a_stream_or_an_open_task_is_not_forgotten() {
    let server = Server::start().await;
    server.define("image").await;
    assert_eq!(
        forget(&server, "builder").await.unwrap_err().code(),
        Code::NotFound
    );
    let mut builder = Scripted::new(&server, "builder", "image").await;
    assert_eq!(
        forget(&server, "builder").await.unwrap_err().code(),
        Code::FailedPrecondition,
        "it has a stream"
    );
    let run = server.create("image", "a").await;
    builder.take().await;
    server.run_is(&run, RunState::Running).await;
    builder.close().await;
    assert_eq!(
        forget(&server, "builder").await.unwrap_err().code(),
        Code::FailedPrecondition,
        "it has a task"
    );
}

#[tokio::test]
async fn forgotten_driver_leaves_its_steps_skipped() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline(
            "p",
            "image",
            &[("build", "builder"), ("gone", "gone"), ("push", "builder")],
        )
        .await;
    let mut gone = Scripted::new(&server, "gone", "image").await;
    gone.close().await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let parallel = server.create("image", "parallel").await;
    let piped = server.create_in("p", "image", "piped").await;
    for _ in 0..2 {
        let task = builder.take().await;
        builder.succeed(&task).await;
    }
    eventually("the driver that left can be forgotten", async || {
        forget(&server, "gone").await.ok()
    })
    .await;
    let gone = server
        .drivers()
        .get_driver(GetDriverRequest {
            name: "gone".into(),
        })
        .await;
    assert_eq!(gone.unwrap_err().code(), Code::NotFound);

    let run = server.run(&parallel).await;
    assert_eq!(run.state(), RunState::Succeeded, "its other steps decide");
    let step = run.steps.iter().find(|step| step.driver == "gone").unwrap();
    assert_eq!(step.state(), StepState::Skipped);
    assert!(!step.reason.is_empty());

    let run = server.run(&piped).await;
    let states: Vec<_> = run.steps.iter().map(|step| step.state()).collect();
    assert_eq!(
        states,
        [StepState::Succeeded, StepState::Skipped, StepState::Skipped]
    );
    assert_eq!(run.state(), RunState::Cancelled, "it was cut short");
    builder.hears_nothing(&[]).await;
}

#[tokio::test]
async fn run_of_only_a_forgotten_driver_is_cancelled() {
    let server = Server::start().await;
    server.define("image").await;
    let mut gone = Scripted::join(&server, hello("gone", "image")).await;
    gone.close().await;
    let run = server.create("image", "a").await;
    let next = server
        .update(server.read("image", "a", 0).await.unwrap())
        .await;
    eventually("the driver that left can be forgotten", async || {
        forget(&server, "gone").await.ok()
    })
    .await;
    for id in [&run, &next] {
        let run = server.run_is(id, RunState::Cancelled).await;
        assert_eq!(run.steps[0].state(), StepState::Skipped);
    }
}

#[tokio::test]
async fn long_line_of_runs_that_end_together_overflows_no_stack() {
    // The driver sends no heartbeats, and on a busy machine this takes a while.
    let server = Server::with(&[("driver.lease_time", "10m")]).await;
    server.define("image").await;
    let only = |event: &str, driver: &str| conveyor_client::proto::Hello {
        events: vec![event.to_owned()],
        ..hello(driver, "image")
    };
    let mut builder = Scripted::join(&server, only("create", "builder")).await;
    Scripted::join(&server, only("update", "other"))
        .await
        .close()
        .await;
    let first = server.create("image", "a").await;
    let task = builder.take().await;
    let mut last = String::new();
    for _ in 0..3000 {
        let request = StartRunRequest {
            resource: "image".into(),
            name: "a".into(),
            ..Default::default()
        };
        last = server
            .runs()
            .start_run(request)
            .await
            .unwrap()
            .into_inner()
            .id;
    }
    eventually("the driver is forgotten", async || {
        let name = "other".to_owned();
        let request = conveyor_client::proto::DeleteDriverRequest { name };
        server.drivers().delete_driver(request).await.ok()
    })
    .await;
    builder.succeed(&task).await;
    server.run_is(&first, RunState::Succeeded).await;
    server.run_is(&last, RunState::Cancelled).await;
}
