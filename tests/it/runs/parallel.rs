//! Resources without a pipeline: one parallel step for each driver that listens.

use conveyor_client::proto::{Hello, RunState, StepState};

use crate::support::{Scripted, Server, hello};

#[tokio::test]
async fn every_driver_that_listens_gets_a_step_at_once() {
    let server = Server::start().await;
    server.define("image").await;
    server.define("package").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let mut tester = Scripted::new(&server, "tester", "image").await;
    let mut packer = Scripted::new(&server, "packer", "package").await;
    let id = server.create("image", "a").await;
    let (built, tested) = (builder.take().await, tester.take().await);
    packer.hears_nothing(&[]).await;
    assert_eq!((&built.run_id, &tested.run_id), (&id, &id));
    assert_eq!(
        (built.event.as_str(), tested.event.as_str()),
        ("create", "create")
    );
    assert_eq!((&built.pipeline, &tested.pipeline), (&None, &None));
    builder.succeed(&built).await;
    assert_eq!(server.run(&id).await.state(), RunState::Running);
    tester.succeed(&tested).await;
    let run = server.run(&id).await;
    assert_eq!(run.state(), RunState::Succeeded);
    let mut drivers: Vec<_> = run.steps.iter().map(|step| step.driver.as_str()).collect();
    drivers.sort();
    assert_eq!(drivers, ["builder", "tester"]);
    assert_ne!(run.steps[0].id, run.steps[1].id);
}

#[tokio::test]
async fn several_instances_of_a_driver_make_one_step() {
    let server = Server::start().await;
    server.define("image").await;
    let _first = Scripted::new(&server, "builder", "image").await;
    let _second = Scripted::new(&server, "builder", "image").await;
    let id = server.create("image", "a").await;
    assert_eq!(server.run(&id).await.steps.len(), 1);
}

#[tokio::test]
async fn one_failed_step_does_not_stop_the_others() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let mut tester = Scripted::new(&server, "tester", "image").await;
    let id = server.create("image", "a").await;
    let (built, tested) = (builder.take().await, tester.take().await);
    builder.fail(&built, "broken").await;
    assert_eq!(
        server.run(&id).await.state(),
        RunState::Running,
        "failed only when all have ended"
    );
    tester.succeed(&tested).await;
    let run = server.run(&id).await;
    assert_eq!(run.state(), RunState::Failed);
    assert!(!run.reason.is_empty());
    let step = run
        .steps
        .iter()
        .find(|step| step.driver == "tester")
        .unwrap();
    assert_eq!(step.state(), StepState::Succeeded);
}

#[tokio::test]
async fn steps_are_fixed_when_the_run_is_written() {
    let server = Server::start().await;
    server.define("image").await;
    let _builder = Scripted::new(&server, "builder", "image").await;
    let id = server.create("image", "a").await;
    let mut late = Scripted::new(&server, "late", "image").await;
    late.hears_nothing(&[]).await;
    assert_eq!(server.run(&id).await.steps.len(), 1);
}

#[tokio::test]
async fn run_waits_for_the_first_driver_that_comes() {
    let server = Server::start().await;
    server.define("image").await;
    let id = server.create("image", "a").await;
    let waiting = server.run(&id).await;
    assert_eq!(waiting.state(), RunState::Pending);
    assert!(!waiting.reason.is_empty(), "it says why it waits");
    let mut other = Scripted::new(&server, "packer", "package").await;
    other.hears_nothing(&[]).await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let task = builder.take().await;
    assert_eq!(task.run_id, id);
    let mut second = Scripted::new(&server, "second", "image").await;
    second.hears_nothing(&[]).await;
    builder.succeed(&task).await;
    let run = server.run(&id).await;
    assert_eq!((run.state(), run.steps.len()), (RunState::Succeeded, 1));
}

#[tokio::test]
async fn waiting_run_outlives_a_restart() {
    let mut server = Server::start().await;
    server.define("image").await;
    let id = server.create("image", "a").await;
    server.kill_and_start_again().await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    assert_eq!(builder.take().await.run_id, id);
}

#[tokio::test]
async fn driver_that_is_away_gets_its_step_when_it_is_back() {
    let mut server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    builder.close().await;
    let id = server.create("image", "a").await;
    assert_eq!(server.run(&id).await.steps[0].driver, "builder");
    server.kill_and_start_again().await;
    let mut back = Scripted::new(&server, "builder", "image").await;
    let task = back.take().await;
    back.succeed(&task).await;
    assert_eq!(server.run(&id).await.state(), RunState::Succeeded);
}

#[tokio::test]
async fn driver_gets_only_the_events_it_names() {
    let server = Server::start().await;
    server.define("image").await;
    let updates = Hello {
        events: vec!["update".into()],
        ..hello("updater", "image")
    };
    let mut updater = Scripted::join(&server, updates).await;
    let all = Hello {
        events: vec!["*".into()],
        ..hello("all", "image")
    };
    let mut all = Scripted::join(&server, all).await;
    server.create("image", "a").await;
    let created = all.take().await;
    updater.hears_nothing(&[]).await;
    all.succeed(&created).await;
    let resource = server.read("image", "a", 0).await.unwrap();
    let id = server.update(resource).await;
    let (first, second) = (updater.take().await, all.take().await);
    for task in [first, second] {
        assert_eq!(
            (&task.run_id, task.event.as_str(), task.cause.as_str()),
            (&id, "update", "update")
        );
        assert_eq!(task.resource.unwrap().revision, 2);
    }
}

#[tokio::test]
async fn driver_with_several_definitions_gets_them_all() {
    let server = Server::start().await;
    for name in ["image", "package"] {
        server.define(name).await;
    }
    let said = Hello {
        definitions: vec!["image".into(), "package".into()],
        slots: 2,
        ..hello("builder", "image")
    };
    let mut builder = Scripted::join(&server, said).await;
    let image = server.create("image", "a").await;
    let package = server.create("package", "a").await;
    assert_eq!(builder.take().await.run_id, image);
    assert_eq!(builder.take().await.run_id, package);
}
