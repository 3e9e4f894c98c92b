//! Finished runs go by age, by number, and as their definition says; one in progress never does.

use conveyor_client::proto::{
    GetResourceDefinitionRequest, ListRunsRequest, Retention, RunState, StartRunRequest,
    TailLogsRequest,
};
use tonic::Code;

use super::{OFTEN, ends_runs, ids, limit, limits, run_again, run_goes, runs_of};
use crate::support::{Scripted, Server, eventually, violations};

#[tokio::test]
async fn finished_run_goes_by_its_age_with_all_that_is_its() {
    let server = Server::with(&[OFTEN, ("retention.runs.max_age", "500ms")]).await;
    server.define("image").await;
    let _driver = ends_runs(&server, 10);
    let run = server.create("image", "a").await;
    run_goes(&server, &run).await;
    assert_eq!(runs_of(&server, "a").await, []);
    let all = ListRunsRequest::default();
    let all = server.runs().list_runs(all).await.unwrap().into_inner();
    assert_eq!(all.runs, []);
    let lines = TailLogsRequest {
        run_id: run.clone(),
        ..Default::default()
    };
    assert_eq!(server.tail(lines).await.unwrap_err().code(), Code::NotFound);
    let logs = server.get(&format!("/logs?runid={run}")).await;
    assert_eq!((logs.status, logs.body.as_str()), (200, "[]"));
    let resource = server.read("image", "a", 0).await.unwrap();
    assert!(
        resource.metadata["driverresults.ender"].contains(&run),
        "what its driver said is the resource's, and stays: {resource:?}"
    );
    let again = run_again(&server, "a").await;
    run_goes(&server, &again).await;
}

#[tokio::test]
async fn newest_finished_runs_of_each_resource_stay() {
    let server = Server::with(&[OFTEN, ("retention.runs.max_count", "3")]).await;
    server.define("image").await;
    let _driver = ends_runs(&server, 1);
    for name in ["a", "b"] {
        let first = server.create("image", name).await;
        server.run_is(&first, RunState::Succeeded).await;
        let mut newest = Vec::new();
        for _ in 0..6 {
            newest.insert(0, run_again(&server, name).await);
        }
        newest.truncate(3);
        eventually("three runs are left", async || {
            (ids(&runs_of(&server, name).await) == newest).then_some(())
        })
        .await;
    }
    assert_eq!(runs_of(&server, "a").await.len(), 3, "each has its own");
}

#[tokio::test]
async fn restart_with_a_new_limit_looks_at_what_was_there_before() {
    let mut server = Server::with(&[OFTEN]).await;
    server.define("image").await;
    let driver = ends_runs(&server, 1);
    let first = server.create("image", "a").await;
    server.run_is(&first, RunState::Succeeded).await;
    let mut newest = Vec::new();
    for _ in 0..4 {
        newest.insert(0, run_again(&server, "a").await);
    }
    drop(driver);
    server.set("retention.runs.max_count", "2");
    server.kill_and_start_again().await;
    eventually("two runs are left", async || {
        (ids(&runs_of(&server, "a").await) == newest[..2]).then_some(())
    })
    .await;
    server.set("retention.runs.max_age", "1ms");
    server.kill_and_start_again().await;
    run_goes(&server, &newest[0]).await;
}

#[tokio::test]
async fn what_a_definition_says_wins_over_the_settings() {
    let server = Server::with(&[OFTEN, ("retention.runs.max_count", "1")]).await;
    server.define("image").await;
    let retention = Retention {
        runs: limits("12h", "forever"),
        ..Default::default()
    };
    let updated = limit(&server, "image", retention.clone()).await;
    assert_eq!(updated.retention, Some(retention.clone()));
    let _driver = ends_runs(&server, 1);
    let first = server.create("image", "a").await;
    server.run_is(&first, RunState::Succeeded).await;
    let mut newest = vec![first];
    for _ in 0..4 {
        newest.insert(0, run_again(&server, "a").await);
    }
    assert_eq!(ids(&runs_of(&server, "a").await), newest);
    let fewer = Retention {
        runs: limits("", "2"),
        ..Default::default()
    };
    limit(&server, "image", fewer.clone()).await;
    eventually("two runs are left", async || {
        (ids(&runs_of(&server, "a").await) == newest[..2]).then_some(())
    })
    .await;
    let read = server
        .resources()
        .get_resource_definition(GetResourceDefinitionRequest {
            name: "image".into(),
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(read.retention, Some(fewer));
    limit(&server, "image", Retention::default()).await;
    eventually("the settings hold again", async || {
        (ids(&runs_of(&server, "a").await) == newest[..1]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn limit_that_is_none_is_named_by_its_field() {
    let server = Server::start().await;
    let answer = server
        .post(
            "/resource-definitions",
            r#"{"name":"image","schema":{},"retention":{"runs":{"max_age":"soon"},"logs":{"max_count":"0"}}}"#,
        )
        .await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    let details = answer.json()["details"].clone();
    assert_eq!(details[0]["field"], "retention.runs.max_age");
    assert_eq!(details[1]["field"], "retention.logs.max_count");
    let retention = r#""retention":{"logs":{"max_age":"90d","max_count":"forever"}}"#;
    let good = format!(r#"{{"name":"image","schema":{{}},{retention}}}"#);
    let answer = server.post("/resource-definitions", &good).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert!(answer.body.contains(retention), "{}", answer.body);
    let plain = server.post("/resource-definitions", r#"{"name":"package","schema":{}}"#);
    let plain = plain.await.body;
    assert!(!plain.contains("retention"), "left out when empty: {plain}");
    let wrong = Retention {
        revisions: limits("-1d", ""),
        ..Default::default()
    };
    let definition = conveyor_client::proto::ResourceDefinition {
        name: "other".into(),
        schema_json: "{}".into(),
        retention: Some(wrong),
        ..Default::default()
    };
    let request = conveyor_client::proto::ApplyResourceDefinitionRequest {
        resource_definition: Some(definition),
    };
    let mut resources = server.resources();
    let refused = resources.apply_resource_definition(request).await;
    let violations = violations(&refused.unwrap_err());
    assert_eq!(violations[0].0, "retention.revisions.max_age");
}

#[tokio::test]
async fn run_in_progress_is_never_touched_nor_what_it_needs() {
    let server = Server::with(&[
        OFTEN,
        ("retention.runs.max_age", "1ms"),
        ("retention.runs.max_count", "1"),
        ("retention.logs.max_age", "1ms"),
        ("retention.logs.max_count", "1"),
        ("retention.revisions.max_age", "1ms"),
        ("retention.revisions.max_count", "1"),
        ("retention.changes.max_age", "1ms"),
        ("retention.changes.max_count", "1"),
    ])
    .await;
    server.define("image").await;
    server.define("other").await;
    server
        .pipeline("two", "image", &[("one", "builder"), ("two", "builder")])
        .await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create_in("two", "image", "a").await;
    let task = builder.take().await;
    builder.log(&task, 0, &["one", "two"]).await;
    builder.logged(2).await;
    // Both the resource and the pipeline are replaced while it goes on.
    let first = server.read("image", "a", 0).await.unwrap();
    let second = server.update(first.clone()).await;
    let third = server.update(first).await;
    let pipeline = conveyor_client::proto::Pipeline {
        name: "two".into(),
        resource: "image".into(),
        steps: vec![crate::support::step("other", "builder")],
        ..Default::default()
    };
    let request = conveyor_client::proto::UpdatePipelineRequest {
        pipeline: Some(pipeline),
        ..Default::default()
    };
    server.pipelines().update_pipeline(request).await.unwrap();
    // Others end and go meanwhile: there were looks.
    let mut ender = Scripted::new(&server, "ender", "other").await;
    for n in 0..3 {
        let other = server.create("other", &format!("r{n}")).await;
        let task = ender.take().await;
        ender.log(&task, 0, &["one"]).await;
        ender.report(Scripted::success(&task, 1)).await;
        run_goes(&server, &other).await;
    }
    let open = server.run(&run).await;
    assert_eq!(open.state(), RunState::Running);
    assert_eq!(open.revision, 1, "{open:?}");
    assert_eq!(server.stored_lines(&run).await.len(), 2);
    builder.log(&task, 2, &["three"]).await;
    builder.report(Scripted::success(&task, 3)).await;
    let next = builder.take().await;
    assert_eq!(
        next.run_id, run,
        "its own second step, not one of the new pipeline"
    );
    let whole = server.run(&run).await;
    let (resource, pipeline) = (
        whole.resource_snapshot.unwrap(),
        whole.pipeline_snapshot.unwrap(),
    );
    assert_eq!((resource.revision, pipeline.revision), (1, 1));
    assert_eq!(server.stored_lines(&run).await.len(), 3);
    builder.report(Scripted::success(&next, 0)).await;
    // Those that waited behind it carry out their own revisions, which are old by now.
    for (waiting, revision) in [(second, 2), (third, 3)] {
        let task = builder.take().await;
        assert_eq!(
            (&task.run_id, task.resource.as_ref().unwrap().revision),
            (&waiting, revision)
        );
        builder.report(Scripted::success(&task, 0)).await;
        let task = builder.take().await;
        builder.report(Scripted::success(&task, 0)).await;
        run_goes(&server, &waiting).await;
    }
    assert_eq!(server.read("image", "a", 0).await.unwrap().revision, 3);
}

#[tokio::test]
async fn nearly_full_disk_holds_nothing_back_that_is_due() {
    let mut server = Server::with(&[OFTEN]).await;
    server.define("image").await;
    let driver = ends_runs(&server, 1);
    let run = server.create("image", "a").await;
    server.run_is(&run, RunState::Succeeded).await;
    drop(driver);
    server.set("store.min_free_bytes", "1000000 GiB");
    server.set("retention.runs.max_age", "1ms");
    server.kill_and_start_again().await;
    run_goes(&server, &run).await;
    let again = StartRunRequest {
        resource: "image".into(),
        name: "a".into(),
        ..Default::default()
    };
    let refused = server.runs().start_run(again).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
}

#[tokio::test]
async fn definition_with_work_without_end_holds_up_no_other() {
    let server = Server::with(&[OFTEN, ("retention.runs.max_age", "1ms")]).await;
    server.define("image").await;
    server.define("rare").await;
    let _driver = ends_runs(&server, 0);
    for n in 0..8 {
        server.create("image", &format!("a{n}")).await;
    }
    let mut runs = server.runs();
    let load = async {
        for n in 0.. {
            let request = StartRunRequest {
                resource: "image".into(),
                name: format!("a{}", n % 8),
                ..Default::default()
            };
            runs.start_run(request).await.unwrap();
        }
    };
    let rare = async {
        let mut driver = Scripted::new(&server, "rare", "rare").await;
        let run = server.create("rare", "b").await;
        let task = driver.take().await;
        driver.succeed(&task).await;
        run_goes(&server, &run).await;
    };
    tokio::select! {
        () = load => {}
        () = rare => {}
    }
}
