//! Offers: to whom, how often, and what a token is worth.

use conveyor_client::proto::{
    AttemptState, Hello, Reconcile, Resource, RunState, StepState, TaskVerdict,
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::support::{Scripted, Server, eventually, held, hello, resource, step};

#[tokio::test]
async fn offer_carries_what_the_driver_needs() {
    let server = Server::start().await;
    server.define("image").await;
    let mut first = step("build", "builder");
    first.params_json = r#"{"b":1.50,"a":[1e3]}"#.into();
    first.timeout = Some(prost_types::Duration {
        seconds: 90,
        nanos: 0,
    });
    server
        .try_pipeline("all", "image", vec![first.clone()])
        .await
        .unwrap();
    let spec = r#"{"z":12345678901234567890.0100,"a":{"y":1,"x":2}}"#;
    let wanted = Resource {
        pipeline: "all".into(),
        spec_json: spec.into(),
        ..resource("image", "a")
    };
    let (_, run) = server.try_create(wanted).await.unwrap();
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let offer = builder.offer().await;
    assert_eq!(
        Uuid::parse_str(&offer.task_id).unwrap().get_version_num(),
        7
    );
    assert_eq!(offer.run_id, run);
    assert_eq!(
        (offer.event.as_str(), offer.cause.as_str(), offer.attempt),
        ("create", "create", 1)
    );
    let told = offer.step.clone().unwrap();
    assert_eq!(
        (told.id.as_str(), told.driver.as_str()),
        ("build", "builder")
    );
    assert_eq!(
        told.params_json, first.params_json,
        "params travel as their text"
    );
    assert_eq!(told.params, None, "an offer carries text only");
    let about = offer.resource.clone().unwrap();
    assert_eq!((about.name.as_str(), about.revision), ("a", 1));
    assert_eq!(about.spec_json, spec, "the spec travels token for token");
    assert_eq!(about.spec, None, "an offer carries text only");
    let pipeline = offer.pipeline.clone().unwrap();
    assert_eq!(pipeline.name, "all");
    assert!(
        pipeline.steps.iter().all(|step| step.params.is_none()),
        "an offer carries text only"
    );
    let left = offer.time_left.unwrap();
    assert!((1..=90).contains(&left.seconds), "{left:?}");
    assert_eq!(offer.results, []);
}

#[tokio::test]
async fn offer_is_in_the_batch_that_made_the_step_ready() {
    let mut server = Server::start().await;
    server.define("image").await;
    server
        .pipeline("p", "image", &[("one", "builder"), ("two", "builder")])
        .await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create_in("p", "image", "a").await;
    assert_eq!(server.run(&run).await.steps[0].state(), StepState::Offered);
    let first = builder.take().await;
    builder.succeed(&first).await;
    assert_eq!(server.run(&run).await.steps[1].state(), StepState::Offered);
    let second = builder.offer().await;
    server.kill_and_start_again().await;
    let tasks = vec![held(&second, 0, false)];
    let back = builder.next_stream(&server, tasks).await;
    assert_eq!(back.welcome.tasks[0].verdict(), TaskVerdict::GoOn);
}

#[tokio::test]
async fn step_is_offered_then_running_then_succeeded() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let offer = builder.offer().await;
    let offered = server.run(&run).await;
    assert_eq!(
        (offered.state(), offered.steps[0].state()),
        (RunState::Pending, StepState::Offered)
    );
    assert_eq!(offered.steps[0].attempts, [], "an offer is no attempt");
    assert_eq!(offered.start_time, None);
    builder.accept(&offer).await;
    let running = server.run_is(&run, RunState::Running).await;
    let [attempt] = &running.steps[0].attempts[..] else {
        panic!("one attempt: {running:?}")
    };
    assert_eq!(
        (attempt.number, attempt.state()),
        (1, AttemptState::Running)
    );
    assert_eq!(
        (&attempt.task_id, &attempt.instance_id),
        (&offer.task_id, &builder.hello.instance_id)
    );
    assert!(running.start_time.is_some());
    builder.succeed(&offer).await;
    let done = server.run(&run).await;
    assert_eq!(
        (done.state(), done.steps[0].state()),
        (RunState::Succeeded, StepState::Succeeded)
    );
    assert_eq!(done.steps[0].attempts[0].state(), AttemptState::Succeeded);
    assert!(done.end_time.is_some());
}

#[tokio::test]
async fn refused_offer_goes_to_another_instance() {
    let server = Server::start().await;
    server.define("image").await;
    let mut first = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let offer = first.offer().await;
    let mut second = Scripted::new(&server, "builder", "image").await;
    first.refuse(&offer).await;
    let again = second.take().await;
    assert_eq!(again.run_id, run);
    assert_ne!(
        again.task_id, offer.task_id,
        "each offer has a task id of its own"
    );
    assert!(
        again.token > offer.token,
        "{} > {}",
        again.token,
        offer.token
    );
    assert_eq!(again.attempt, 1, "a refused offer is no attempt");
    first.hears_nothing(&[]).await;
}

#[tokio::test]
async fn refusing_instance_is_passed_over_for_that_step_for_a_while() {
    let server = Server::with(&[("driver.refusal_pause", "2s")]).await;
    server.define("image").await;
    let mut only = Scripted::new(&server, "builder", "image").await;
    let refused = server.create("image", "a").await;
    let offer = only.offer().await;
    only.refuse(&offer).await;
    let since = Instant::now();
    let other = server.create("image", "b").await;
    let task = only.take().await;
    assert_eq!(task.run_id, other, "other steps are still offered to it");
    only.succeed(&task).await;
    let again = only.take().await;
    assert_eq!(again.run_id, refused);
    assert!(
        since.elapsed().as_millis() >= 1800,
        "offered again after {:?}",
        since.elapsed()
    );
}

#[tokio::test]
async fn refused_step_keeps_its_place_in_the_queue() {
    let server = Server::start().await;
    server.define("image").await;
    let mut first = Scripted::new(&server, "builder", "image").await;
    let oldest = server.create("image", "a").await;
    let offer = first.offer().await;
    server.create("image", "b").await;
    first.drain().await;
    first.refuse(&offer).await;
    server.step_is(&oldest, 0, StepState::Pending).await;
    let mut second = Scripted::new(&server, "builder", "image").await;
    assert_eq!(second.offer().await.run_id, oldest);
}

#[tokio::test]
async fn slots_are_never_exceeded() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::join(
        &server,
        Hello {
            slots: 3,
            ..hello("builder", "image")
        },
    )
    .await;
    for n in 0..8 {
        server.create("image", &format!("r{n}")).await;
    }
    let mut open = vec![
        builder.take().await,
        builder.take().await,
        builder.take().await,
    ];
    for done in 0..8 {
        let tasks: Vec<&Reconcile> = open.iter().collect();
        builder.hears_nothing(&tasks).await;
        let task = open.remove(0);
        builder.succeed(&task).await;
        if done < 5 {
            open.push(builder.take().await);
        }
    }
}

#[tokio::test]
async fn oldest_step_is_offered_first() {
    let server = Server::start().await;
    server.define("image").await;
    let mut written = Vec::new();
    server
        .pipeline("one", "image", &[("build", "builder")])
        .await;
    for n in 0..20 {
        written.push(server.create_in("one", "image", &format!("r{n}")).await);
    }
    let mut builder = Scripted::new(&server, "builder", "image").await;
    for run in written {
        let task = builder.take().await;
        assert_eq!(task.run_id, run);
        builder.succeed(&task).await;
    }
}

#[tokio::test]
async fn task_too_large_for_the_driver_fails_its_step_and_not_the_stream() {
    let server = Server::start().await;
    server.define("image").await;
    let small = Hello {
        max_message_bytes: 64 << 10,
        ..hello("builder", "image")
    };
    let mut builder = Scripted::join(&server, small).await;
    let spec = format!(r#"{{"text": "{}"}}"#, "x".repeat(128 << 10));
    let large = Resource {
        spec_json: spec,
        ..resource("image", "large")
    };
    let (_, run) = server.try_create(large).await.unwrap();
    let failed = server.run_is(&run, RunState::Failed).await;
    assert_eq!(failed.steps[0].state(), StepState::Failed);
    assert!(!failed.steps[0].reason.is_empty(), "the reason is said");
    server.create("image", "small").await;
    let task = builder.take().await;
    builder.succeed(&task).await;
}

#[tokio::test]
async fn offer_not_pushed_before_the_stream_broke_is_made_to_the_next() {
    let server = Server::start().await;
    server.define("image").await;
    let builder = Scripted::new(&server, "builder", "image").await;
    let said = builder.hello.clone();
    drop(builder);
    let run = server.create("image", "a").await;
    let mut back = Scripted::join(
        &server,
        Hello {
            stream_number: 2,
            ..said
        },
    )
    .await;
    let task = back.take().await;
    assert_eq!((task.run_id.as_str(), task.attempt), (run.as_str(), 1));
    back.succeed(&task).await;
}

#[tokio::test]
async fn hundred_runs_go_through_two_instances() {
    let server = Server::start().await;
    server.define("image").await;
    let mut runs = Vec::new();
    for n in 0..100 {
        runs.push(server.create("image", &format!("r{n}")).await);
    }
    for _ in 0..2 {
        let said = Hello {
            slots: 4,
            ..hello("builder", "image")
        };
        let builder = Scripted::join(&server, said).await;
        tokio::spawn(builder.work());
    }
    eventually("all runs succeed", async || {
        for run in &runs {
            if server.run(run).await.state() != RunState::Succeeded {
                return None;
            }
        }
        Some(())
    })
    .await;
}
