//! Old revisions go by age and by number, never the current one, never one that a kept run shows.

use conveyor_client::proto::{
    ListResourceRevisionsRequest, Pipeline, Resource, RunState, UpdatePipelineRequest,
};
use tonic::Code;

use super::{OFTEN, ends_runs, run_goes};
use crate::support::{Scripted, Server, eventually, reason_of, step};

/// The numbers of the revisions of `image/a`, the newest first.
async fn revisions(server: &Server) -> Vec<i64> {
    let request = ListResourceRevisionsRequest {
        resource: "image".into(),
        name: "a".into(),
        ..Default::default()
    };
    let mut resources = server.resources();
    let listed = resources.list_resource_revisions(request).await.unwrap();
    let revisions = listed.into_inner().revisions;
    revisions.iter().map(|it| it.revision).collect()
}

async fn revisions_are(server: &Server, wanted: &[i64]) {
    eventually(&format!("revisions {wanted:?} are left"), async || {
        (revisions(server).await == wanted).then_some(())
    })
    .await;
}

/// Writes `image/a` so often, and awaits the end of each run. Answers the resource.
async fn write(server: &Server, times: usize) -> Resource {
    let resource = server.read("image", "a", 0).await.unwrap();
    for _ in 0..times {
        let run = server.update(resource.clone()).await;
        eventually("the run ends", async || {
            let request = conveyor_client::proto::GetRunRequest { id: run.clone() };
            match server.runs().get_run(request).await {
                Ok(run) => (run.into_inner().state() == RunState::Succeeded).then_some(()),
                Err(status) => (status.code() == Code::NotFound).then_some(()),
            }
        })
        .await;
    }
    server.read("image", "a", 0).await.unwrap()
}

#[tokio::test]
async fn newest_revisions_stay_and_those_that_runs_show() {
    let mut server = Server::with(&[OFTEN, ("retention.revisions.max_count", "2")]).await;
    server.define("image").await;
    let _driver = ends_runs(&server, 0);
    server.create("image", "a").await;
    let current = write(&server, 5).await;
    assert_eq!(current.revision, 6);
    assert_eq!(
        revisions(&server).await,
        [6, 5, 4, 3, 2, 1],
        "each is shown by its run"
    );
    server.set("retention.runs.max_count", "4");
    server.kill_and_start_again().await;
    revisions_are(&server, &[6, 5, 4, 3]).await;
    server.set("retention.runs.max_count", "1");
    server.kill_and_start_again().await;
    revisions_are(&server, &[6, 5]).await;

    let gone = server.read("image", "a", 2).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(reason_of(&gone), "NOT_KEPT");
    assert!(gone.message().contains("no longer kept"), "{gone:?}");
    let gone = server.get("/resources/image/a/2").await;
    assert_eq!(gone.status, 404);
    let error = gone.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("no longer kept"), "{error}");
    let never = server.read("image", "a", 7).await.unwrap_err();
    assert_eq!(reason_of(&never), "NOT_FOUND");
    assert_eq!(server.read("image", "a", 5).await.unwrap().revision, 5);
}

#[tokio::test]
async fn revision_goes_so_long_after_it_was_replaced() {
    let server = Server::with(&[
        OFTEN,
        ("retention.revisions.max_age", "300ms"),
        ("retention.runs.max_age", "1ms"),
    ])
    .await;
    server.define("image").await;
    let _driver = ends_runs(&server, 0);
    server.create("image", "a").await;
    write(&server, 3).await;
    revisions_are(&server, &[4]).await;
    write(&server, 1).await;
    revisions_are(&server, &[5]).await;
}

#[tokio::test]
async fn revisions_stay_for_ever_without_a_word() {
    let server = Server::with(&[OFTEN, ("retention.runs.max_age", "1ms")]).await;
    server.define("image").await;
    let _driver = ends_runs(&server, 0);
    let run = server.create("image", "a").await;
    run_goes(&server, &run).await;
    for _ in 0..3 {
        let resource = server.read("image", "a", 0).await.unwrap();
        let run = server.update(resource).await;
        run_goes(&server, &run).await;
    }
    assert_eq!(revisions(&server).await, [4, 3, 2, 1]);
    let first = server.read("image", "a", 1).await.unwrap();
    assert_eq!(first.revision, 1);
}

#[tokio::test]
async fn run_shows_resource_and_pipeline_as_they_were_until_it_goes() {
    let server = Server::with(&[
        OFTEN,
        ("retention.revisions.max_age", "1ms"),
        ("retention.revisions.max_count", "1"),
        ("retention.changes.max_age", "1ms"),
    ])
    .await;
    server.define("image").await;
    server
        .pipeline("one", "image", &[("build", "builder")])
        .await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create_in("one", "image", "a").await;
    let task = builder.take().await;
    builder.report(Scripted::success(&task, 0)).await;
    let resource = server.read("image", "a", 0).await.unwrap();
    for _ in 0..3 {
        server.update(resource.clone()).await;
        let task = builder.take().await;
        builder.report(Scripted::success(&task, 0)).await;
    }
    let pipeline = Pipeline {
        name: "one".into(),
        resource: "image".into(),
        steps: vec![step("pack", "builder")],
        ..Default::default()
    };
    let request = UpdatePipelineRequest {
        pipeline: Some(pipeline),
        ..Default::default()
    };
    server.pipelines().update_pipeline(request).await.unwrap();
    server.delete("image", "a").await;
    // Something else goes meanwhile: there was a look after all of this.
    server.create("image", "b").await;
    let resource = server.read("image", "b", 0).await.unwrap();
    server.update(resource).await;
    let shown = server.run(&run).await;
    assert_eq!(shown.resource_snapshot.unwrap().revision, 1);
    assert_eq!(shown.pipeline_snapshot.unwrap().steps[0].id, "build");
}
