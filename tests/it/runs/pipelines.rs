//! Resources with a pipeline: its drivers, in order.

use conveyor_client::proto::driver_stream_request::Kind as Say;
use conveyor_client::proto::{
    GetPipelineRequest, Hello, Resource, Result as Outcome, ResultOutcome, RunState, StepState,
    UpdatePipelineRequest,
};

use crate::support::{Scripted, Server, hello, params, resource, step};

#[tokio::test]
async fn steps_go_in_order_and_later_ones_process() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline(
            "p",
            "image",
            &[
                ("clone", "cloner"),
                ("build", "builder"),
                ("push", "pusher"),
            ],
        )
        .await;
    let mut drivers = Vec::new();
    for name in ["cloner", "builder", "pusher"] {
        drivers.push(Scripted::new(&server, name, "image").await);
    }
    let mut outsider = Scripted::new(&server, "outsider", "image").await;
    let id = server.create_in("p", "image", "a").await;
    for (index, event) in ["create", "process", "process"].into_iter().enumerate() {
        for later in &mut drivers[index + 1..] {
            later.hears_nothing(&[]).await;
        }
        let driver = &mut drivers[index];
        let task = driver.take().await;
        assert_eq!(
            (task.event.as_str(), task.cause.as_str()),
            (event, "create")
        );
        assert_eq!(task.pipeline.as_ref().unwrap().name, "p");
        assert_eq!(
            task.step.as_ref().unwrap().id,
            ["clone", "build", "push"][index]
        );
        driver.succeed(&task).await;
    }
    outsider.hears_nothing(&[]).await;
    let run = server.run(&id).await;
    assert_eq!(
        (run.state(), run.pipeline.as_str()),
        (RunState::Succeeded, "p")
    );
    assert!(
        run.steps
            .iter()
            .all(|step| step.state() == StepState::Succeeded)
    );
    assert_eq!(run.pipeline_snapshot.unwrap().steps.len(), 3);
}

#[tokio::test]
async fn update_is_update_at_the_first_step_and_process_after() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline("p", "image", &[("one", "builder"), ("two", "builder")])
        .await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create_in("p", "image", "a").await;
    for _ in 0..2 {
        let task = builder.take().await;
        builder.succeed(&task).await;
    }
    let resource = server.read("image", "a", 0).await.unwrap();
    server.update(resource).await;
    for event in ["update", "process"] {
        let task = builder.take().await;
        assert_eq!(
            (task.event.as_str(), task.cause.as_str()),
            (event, "update")
        );
        builder.succeed(&task).await;
    }
}

#[tokio::test]
async fn same_driver_twice_is_called_twice_and_no_more() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline(
            "p",
            "image",
            &[
                ("first", "builder"),
                ("test", "tester"),
                ("second", "builder"),
            ],
        )
        .await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let mut tester = Scripted::new(&server, "tester", "image").await;
    let id = server.create_in("p", "image", "a").await;
    let first = builder.take().await;
    assert_eq!(first.step.as_ref().unwrap().id, "first");
    builder.succeed(&first).await;
    let test = tester.take().await;
    tester.succeed(&test).await;
    let second = builder.take().await;
    assert_eq!(second.step.as_ref().unwrap().id, "second");
    assert_eq!(second.event, "process");
    builder.succeed(&second).await;
    assert_eq!(server.run(&id).await.state(), RunState::Succeeded);
    builder.hears_nothing(&[]).await;
    tester.hears_nothing(&[]).await;
}

#[tokio::test]
async fn failed_step_stops_the_pipeline() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline(
            "p",
            "image",
            &[("build", "builder"), ("test", "tester"), ("push", "pusher")],
        )
        .await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let mut tester = Scripted::new(&server, "tester", "image").await;
    let mut pusher = Scripted::new(&server, "pusher", "image").await;
    let id = server.create_in("p", "image", "a").await;
    let build = builder.take().await;
    builder.succeed(&build).await;
    let test = tester.take().await;
    tester.fail(&test, "2 tests failed").await;
    let run = server.run(&id).await;
    assert_eq!(run.state(), RunState::Failed);
    let states: Vec<_> = run.steps.iter().map(|step| step.state()).collect();
    assert_eq!(
        states,
        [StepState::Succeeded, StepState::Failed, StepState::Skipped]
    );
    assert_eq!(run.steps[1].message, "2 tests failed");
    assert!(!run.steps[2].reason.is_empty());
    pusher.hears_nothing(&[]).await;
}

#[tokio::test]
async fn results_travel_to_the_later_steps_in_their_order() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline(
            "p",
            "image",
            &[
                ("clone", "cloner"),
                ("build", "builder"),
                ("push", "pusher"),
            ],
        )
        .await;
    let mut cloner = Scripted::new(&server, "cloner", "image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let mut pusher = Scripted::new(&server, "pusher", "image").await;
    server.create_in("p", "image", "a").await;
    let clone = cloner.take().await;
    let cloned = r#"{"z":"main","commit":1.0}"#;
    let result = Outcome {
        message: "cloned".into(),
        data_json: cloned.into(),
        ..Scripted::success(&clone, 0)
    };
    assert_eq!(
        cloner.report(result).await.outcome(),
        ResultOutcome::Applied
    );
    let build = builder.take().await;
    assert_eq!(build.results.len(), 1);
    builder.succeed(&build).await;
    let push = pusher.take().await;
    let [first, second] = &push.results[..] else {
        panic!("two results: {push:?}")
    };
    assert_eq!(
        (first.step.as_str(), first.driver.as_str(), first.success),
        ("clone", "cloner", true)
    );
    assert_eq!(
        (first.message.as_str(), first.data_json.as_str()),
        ("cloned", cloned)
    );
    assert_eq!(
        (second.step.as_str(), second.data_json.as_str()),
        ("build", "")
    );
}

#[tokio::test]
async fn driver_name_alone_decides_who_takes_a_step() {
    let server = Server::start().await;
    server.define("image").await;
    server.pipeline("p", "image", &[("build", "builder")]).await;
    let said = Hello {
        events: vec!["update".into()],
        ..hello("builder", "something-else")
    };
    let mut builder = Scripted::join(&server, said).await;
    server.create_in("p", "image", "a").await;
    assert_eq!(builder.take().await.event, "create");
}

#[tokio::test]
async fn step_waits_for_its_driver_and_says_so() {
    let server = Server::start().await;
    server.define("image").await;
    server.pipeline("p", "image", &[("build", "builder")]).await;
    let id = server.create_in("p", "image", "a").await;
    let run = server.run(&id).await;
    assert_eq!(
        (run.state(), run.steps[0].state()),
        (RunState::Pending, StepState::Pending)
    );
    assert!(
        !run.reason.is_empty() || !run.steps[0].reason.is_empty(),
        "{run:?}"
    );
    let mut builder = Scripted::new(&server, "builder", "image").await;
    assert_eq!(builder.take().await.run_id, id);
}

#[tokio::test]
async fn step_goes_only_to_instances_with_all_its_labels() {
    let server = Server::start().await;
    server.define("image").await;
    let mut build = step("build", "builder");
    build.labels = params(&[("arch", "arm"), ("gpu", "yes")]);
    server
        .try_pipeline("p", "image", vec![build])
        .await
        .unwrap();
    let mut plain = Scripted::new(&server, "builder", "image").await;
    let half = Hello {
        labels: params(&[("arch", "arm")]),
        ..hello("builder", "image")
    };
    let mut half = Scripted::join(&server, half).await;
    let id = server.create_in("p", "image", "a").await;
    plain.hears_nothing(&[]).await;
    half.hears_nothing(&[]).await;
    assert_eq!(server.run(&id).await.steps[0].state(), StepState::Pending);
    let labels = params(&[("arch", "arm"), ("gpu", "yes"), ("zone", "b")]);
    let mut fit = Scripted::join(
        &server,
        Hello {
            labels,
            ..hello("builder", "image")
        },
    )
    .await;
    assert_eq!(fit.take().await.run_id, id);
}

#[tokio::test]
async fn label_that_nobody_has_does_not_block_the_queue() {
    let server = Server::start().await;
    server.define("image").await;
    let mut special = step("build", "builder");
    special.labels = params(&[("gpu", "yes")]);
    server
        .try_pipeline("special", "image", vec![special])
        .await
        .unwrap();
    server
        .pipeline("plain", "image", &[("build", "builder")])
        .await;
    for n in 0..30 {
        server.create_in("special", "image", &format!("s{n}")).await;
    }
    let id = server.create_in("plain", "image", "a").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    assert_eq!(builder.take().await.run_id, id);
}

#[tokio::test]
async fn run_keeps_the_pipeline_as_it_was() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline("p", "image", &[("one", "builder"), ("two", "builder")])
        .await;
    let id = server.create_in("p", "image", "a").await;
    let mut pipeline = server
        .pipelines()
        .get_pipeline(GetPipelineRequest { name: "p".into() })
        .await
        .unwrap()
        .into_inner();
    pipeline.steps = vec![step("other", "somebody")];
    let request = UpdatePipelineRequest {
        pipeline: Some(pipeline),
        expected_revision: 1,
    };
    server.pipelines().update_pipeline(request).await.unwrap();
    let mut builder = Scripted::new(&server, "builder", "image").await;
    for step in ["one", "two"] {
        let task = builder.take().await;
        assert_eq!(
            (
                task.run_id.as_str(),
                task.step.as_ref().unwrap().id.as_str()
            ),
            (id.as_str(), step)
        );
        builder.succeed(&task).await;
    }
    assert_eq!(server.run(&id).await.state(), RunState::Succeeded);
}

#[tokio::test]
async fn run_keeps_the_resource_as_it_was() {
    let server = Server::start().await;
    server.define("image").await;
    let first = Resource {
        spec_json: r#"{"n":1}"#.into(),
        ..resource("image", "a")
    };
    let (_, created) = server.try_create(first.clone()).await.unwrap();
    let updated = server
        .update(Resource {
            spec_json: r#"{"n":2}"#.into(),
            ..first
        })
        .await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    for (run, revision, spec) in [(&created, 1, r#"{"n":1}"#), (&updated, 2, r#"{"n":2}"#)] {
        let shown = server.run(run).await;
        assert_eq!(shown.revision, revision);
        assert_eq!(shown.resource_snapshot.unwrap().spec_json, spec);
        let task = builder.take().await;
        assert_eq!(
            (
                &task.run_id,
                task.resource.as_ref().unwrap().spec_json.as_str()
            ),
            (run, spec)
        );
        builder.succeed(&task).await;
    }
}

#[tokio::test]
async fn slot_is_free_for_the_next_step_when_a_result_is_acked() {
    let server = Server::start().await;
    server.define("image").await;
    let steps: Vec<_> = (0..256)
        .map(|n| step(&format!("s{n}"), "builder"))
        .collect();
    server.try_pipeline("long", "image", steps).await.unwrap();
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let id = server.create_in("long", "image", "a").await;
    for n in 0..256 {
        let task = builder.take().await;
        assert_eq!(task.step.as_ref().unwrap().id, format!("s{n}"));
        builder.say(Say::Result(Scripted::success(&task, 0))).await;
        assert_eq!(builder.result_ack().await.outcome(), ResultOutcome::Applied);
    }
    assert_eq!(server.run(&id).await.state(), RunState::Succeeded);
}
