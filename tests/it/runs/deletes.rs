//! Delete events: only for those who ask for them.

use conveyor_client::proto::{Hello, RunState, StepState};

use crate::support::{Scripted, Server, hello};

fn deleting(driver: &str) -> Hello {
    Hello {
        events: vec!["*".into(), "delete".into()],
        ..hello(driver, "image")
    }
}

#[tokio::test]
async fn star_is_no_delete() {
    let server = Server::start().await;
    server.define("image").await;
    let all = Hello {
        events: vec!["*".into()],
        ..hello("all", "image")
    };
    let mut all = Scripted::join(&server, all).await;
    let mut cleaner = Scripted::join(&server, deleting("cleaner")).await;
    server.create("image", "a").await;
    for driver in [&mut all, &mut cleaner] {
        let task = driver.take().await;
        assert_eq!(task.event, "create");
        driver.succeed(&task).await;
    }
    let id = server.delete("image", "a").await;
    let task = cleaner.take().await;
    assert_eq!(
        (
            task.run_id.as_str(),
            task.event.as_str(),
            task.cause.as_str()
        ),
        (id.as_str(), "delete", "delete")
    );
    all.hears_nothing(&[]).await;
    cleaner.succeed(&task).await;
    let run = server.run(&id).await;
    assert_eq!(
        (run.state(), run.steps.len(), run.event.as_str()),
        (RunState::Succeeded, 1, "delete")
    );
}

#[tokio::test]
async fn delete_that_nobody_asks_for_succeeds_by_itself() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create("image", "a").await;
    let task = builder.take().await;
    builder.succeed(&task).await;
    let id = server.delete("image", "a").await;
    server.run_is(&id, RunState::Succeeded).await;
    builder.hears_nothing(&[]).await;
}

#[tokio::test]
async fn delete_that_nobody_asks_for_waits_for_its_turn() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let created = server.create("image", "a").await;
    let task = builder.take().await;
    server.run_is(&created, RunState::Running).await;
    let deleted = server.delete("image", "a").await;
    let waiting = server.run(&deleted).await;
    assert_eq!(
        (waiting.state(), waiting.waits_for.as_str()),
        (RunState::Pending, created.as_str())
    );
    builder.succeed(&task).await;
    server.run_is(&deleted, RunState::Succeeded).await;
}

#[tokio::test]
async fn delete_with_a_pipeline_skips_drivers_that_did_not_ask() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline(
            "p",
            "image",
            &[("build", "builder"), ("push", "pusher"), ("tell", "teller")],
        )
        .await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let mut pusher = Scripted::join(&server, deleting("pusher")).await;
    let mut teller = Scripted::join(&server, deleting("teller")).await;
    server.create_in("p", "image", "a").await;
    for driver in [&mut builder, &mut pusher, &mut teller] {
        let task = driver.take().await;
        driver.succeed(&task).await;
    }
    let id = server.delete("image", "a").await;
    for driver in [&mut pusher, &mut teller] {
        let task = driver.take().await;
        assert_eq!(task.event, "delete", "delete at every step");
        driver.succeed(&task).await;
    }
    builder.hears_nothing(&[]).await;
    let run = server.run(&id).await;
    let states: Vec<_> = run.steps.iter().map(|step| step.state()).collect();
    assert_eq!(
        states,
        [
            StepState::Skipped,
            StepState::Succeeded,
            StepState::Succeeded
        ]
    );
    assert_eq!(run.state(), RunState::Succeeded);
}

#[tokio::test]
async fn delete_cancels_runs_that_no_driver_has_taken() {
    let server = Server::start().await;
    server.define("image").await;
    let mut cleaner = Scripted::join(
        &server,
        Hello {
            events: vec!["delete".into()],
            ..hello("cleaner", "image")
        },
    )
    .await;
    let created = server.create("image", "a").await;
    let resource = server.read("image", "a", 0).await.unwrap();
    let updated = server.update(resource).await;
    let deleted = server.delete("image", "a").await;
    for id in [&created, &updated] {
        let run = server.run(id).await;
        assert_eq!(run.state(), RunState::Cancelled);
        assert!(!run.reason.is_empty());
    }
    let task = cleaner.take().await;
    assert_eq!(task.run_id, deleted);
    cleaner.succeed(&task).await;
    server.run_is(&deleted, RunState::Succeeded).await;
}

#[tokio::test]
async fn delete_lets_a_run_that_a_driver_has_taken_go_on() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::join(&server, deleting("builder")).await;
    let created = server.create("image", "a").await;
    let task = builder.take().await;
    server.run_is(&created, RunState::Running).await;
    let resource = server.read("image", "a", 0).await.unwrap();
    let updated = server.update(resource).await;
    let deleted = server.delete("image", "a").await;
    assert_eq!(server.run(&updated).await.state(), RunState::Cancelled);
    builder.hears_nothing(&[&task]).await;
    builder.succeed(&task).await;
    assert_eq!(server.run(&created).await.state(), RunState::Succeeded);
    assert_eq!(builder.take().await.run_id, deleted);
}

#[tokio::test]
async fn delete_run_keeps_the_resource_as_it_last_was() {
    let server = Server::start().await;
    server.define("image").await;
    let mut cleaner = Scripted::join(
        &server,
        Hello {
            events: vec!["delete".into()],
            ..hello("cleaner", "image")
        },
    )
    .await;
    server.create("image", "a").await;
    let id = server.delete("image", "a").await;
    let task = cleaner.take().await;
    assert_eq!(task.resource.unwrap().name, "a");
    assert_eq!(server.run(&id).await.resource_snapshot.unwrap().name, "a");
}
