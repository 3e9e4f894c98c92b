//! Pipelines: their rules, and what a write changes.

use conveyor_client::proto::{
    ApplyPipelineRequest, CreatePipelineRequest, DeletePipelineRequest, GetPipelineRequest,
    ListPipelinesRequest, Pipeline, Step, UpdatePipelineRequest,
};
use prost_types::Value;
use prost_types::value::Kind;
use tonic::{Code, Status};

use crate::support::{Server, reason_of, step, violations};

async fn get(server: &Server, name: &str) -> Result<Pipeline, Status> {
    Ok(server
        .pipelines()
        .get_pipeline(GetPipelineRequest { name: name.into() })
        .await?
        .into_inner())
}

async fn delete(server: &Server, name: &str, expected_revision: i64) -> Result<(), Status> {
    let request = DeletePipelineRequest {
        name: name.into(),
        expected_revision,
    };
    server.pipelines().delete_pipeline(request).await.map(drop)
}

fn pipeline(name: &str, steps: Vec<Step>) -> Pipeline {
    Pipeline {
        name: name.into(),
        resource: "image".into(),
        steps,
        ..Pipeline::default()
    }
}

#[tokio::test]
async fn steps_without_an_id_get_their_number() {
    let server = Server::start().await;
    server.define("image").await;
    let steps = vec![
        step("", "cloner"),
        step("build", "builder"),
        step("", "pusher"),
    ];
    let made = server.try_pipeline("p", "image", steps).await.unwrap();
    let ids: Vec<_> = made.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["1", "build", "3"]);
    assert_eq!(made.revision, 1);
    assert_eq!(get(&server, "p").await.unwrap(), made);
}

#[tokio::test]
async fn step_keeps_all_that_was_said() {
    let server = Server::start().await;
    server.define("image").await;
    let text = r#"{"z":1.50,"a":[9007199254740993]}"#;
    let mut full = step("build", "builder");
    full.name = "Build it".into();
    full.params_json = text.into();
    full.timeout = Some(prost_types::Duration {
        seconds: 90,
        nanos: 500_000_000,
    });
    full.labels = [("arch".to_owned(), "arm".to_owned())].into();
    let made = server
        .try_pipeline("p", "image", vec![full.clone()])
        .await
        .unwrap();
    let kept = &made.steps[0];
    assert_eq!(
        (&kept.name, &kept.params_json, kept.timeout, &kept.labels),
        (&full.name, &full.params_json, full.timeout, &full.labels)
    );
    assert!(kept.params.is_some(), "answers fill both");
}

#[tokio::test]
async fn bad_pipelines_are_refused_with_their_paths() {
    let server = Server::start().await;
    server.define("image").await;
    let many = (0..257)
        .map(|n| step(&format!("s{n}"), "builder"))
        .collect();
    let labels = (0..33).map(|n| (format!("k{n}"), String::new())).collect();
    let both = Step {
        params_json: "1".into(),
        params: Some(Value {
            kind: Some(Kind::BoolValue(true)),
        }),
        ..step("a", "b")
    };
    let timeout = |seconds| Step {
        timeout: Some(prost_types::Duration { seconds, nanos: 0 }),
        ..step("a", "b")
    };
    let cases = [
        ("no name", pipeline("", vec![step("a", "b")]), "name"),
        ("a bad name", pipeline("a b", vec![step("a", "b")]), "name"),
        (
            "no type",
            Pipeline {
                resource: String::new(),
                ..pipeline("p", vec![step("a", "b")])
            },
            "resource",
        ),
        ("no steps", pipeline("p", vec![]), "steps"),
        ("257 steps", pipeline("p", many), "steps"),
        (
            "a step without a driver",
            pipeline("p", vec![step("a", "b"), step("c", "")]),
            "steps[1].driver",
        ),
        (
            "a driver that is no name",
            pipeline("p", vec![step("a", "b/c")]),
            "steps[0].driver",
        ),
        (
            "an id that is no name",
            pipeline("p", vec![step("a b", "c")]),
            "steps[0].id",
        ),
        (
            "an id twice",
            pipeline("p", vec![step("a", "b"), step("a", "c")]),
            "steps[1].id",
        ),
        (
            "an id that a number takes",
            pipeline("p", vec![step("2", "b"), step("", "c")]),
            "steps[",
        ),
        (
            "params that are no JSON",
            pipeline(
                "p",
                vec![Step {
                    params_json: "{".into(),
                    ..step("a", "b")
                }],
            ),
            "steps[0].params",
        ),
        ("params twice", pipeline("p", vec![both]), "steps[0].params"),
        (
            "a timeout of nothing",
            pipeline("p", vec![timeout(0)]),
            "steps[0].timeout",
        ),
        (
            "a timeout below nothing",
            pipeline("p", vec![timeout(-5)]),
            "steps[0].timeout",
        ),
        (
            "a timeout beyond all measure",
            pipeline("p", vec![timeout(i64::MAX)]),
            "steps[0].timeout",
        ),
        (
            "33 labels",
            pipeline(
                "p",
                vec![Step {
                    labels,
                    ..step("a", "b")
                }],
            ),
            "steps[0].labels",
        ),
    ];
    for (what, pipeline, field) in cases {
        let request = CreatePipelineRequest {
            pipeline: Some(pipeline),
            ..Default::default()
        };
        let status = server
            .pipelines()
            .create_pipeline(request)
            .await
            .expect_err(what);
        assert!(
            violations(&status)
                .iter()
                .any(|(at, _)| at.starts_with(field)),
            "{what}: {:?}",
            violations(&status)
        );
    }
    let two = pipeline("a b", vec![step("a", ""), step("b", "")]);
    let request = CreatePipelineRequest {
        pipeline: Some(two),
        ..Default::default()
    };
    let status = server
        .pipelines()
        .create_pipeline(request)
        .await
        .unwrap_err();
    let mut fields: Vec<_> = violations(&status)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    fields.sort();
    assert_eq!(
        fields,
        ["name", "steps[0].driver", "steps[1].driver"],
        "all of them, not only the first"
    );
}

#[tokio::test]
async fn pipeline_of_an_unknown_type_is_not_found() {
    let server = Server::start().await;
    let status = server
        .try_pipeline("p", "absent", vec![step("a", "b")])
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn taken_name_is_refused_and_the_same_request_is_not() {
    let mut server = Server::start().await;
    server.define("image").await;
    let request = CreatePipelineRequest {
        pipeline: Some(pipeline("p", vec![step("a", "b")])),
        request_id: "once".into(),
    };
    let made = server
        .pipelines()
        .create_pipeline(request.clone())
        .await
        .unwrap()
        .into_inner();
    server.kill_and_start_again().await;
    assert_eq!(
        server
            .pipelines()
            .create_pipeline(request.clone())
            .await
            .unwrap()
            .into_inner(),
        made
    );
    let plain = CreatePipelineRequest {
        request_id: String::new(),
        ..request
    };
    assert_eq!(
        server
            .pipelines()
            .create_pipeline(plain)
            .await
            .unwrap_err()
            .code(),
        Code::AlreadyExists
    );
}

#[tokio::test]
async fn update_and_apply_count_revisions() {
    let server = Server::start().await;
    server.define("image").await;
    let made = server.pipeline("p", "image", &[("a", "b")]).await;
    let put = |steps, expected_revision| UpdatePipelineRequest {
        pipeline: Some(pipeline("p", steps)),
        expected_revision,
    };
    let next = server
        .pipelines()
        .update_pipeline(put(vec![step("x", "y")], 1))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (next.revision, &next.id, next.create_time),
        (2, &made.id, made.create_time)
    );
    let stale = server
        .pipelines()
        .update_pipeline(put(vec![step("a", "b")], 1))
        .await
        .unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    reason_of(&stale);
    let apply = |steps| ApplyPipelineRequest {
        pipeline: Some(pipeline("p", steps)),
    };
    let same = server
        .pipelines()
        .apply_pipeline(apply(vec![step("x", "y")]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(same, next);
    let changed = server
        .pipelines()
        .apply_pipeline(apply(vec![step("x", "z")]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(changed.revision, 3);
}

#[tokio::test]
async fn pipeline_in_use_is_not_deleted() {
    let server = Server::start().await;
    server.define("image").await;
    server.pipeline("p", "image", &[("a", "b")]).await;
    server.create_in("p", "image", "a").await;
    assert_eq!(
        delete(&server, "p", 0).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    server.delete("image", "a").await;
    assert_eq!(
        delete(&server, "p", 9).await.unwrap_err().code(),
        Code::Aborted
    );
    delete(&server, "p", 1).await.unwrap();
    assert_eq!(get(&server, "p").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(
        delete(&server, "p", 0).await.unwrap_err().code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn pipelines_are_listed_in_name_order() {
    let server = Server::start().await;
    server.define("image").await;
    for name in ["c", "a", "b"] {
        server.pipeline(name, "image", &[("s", "d")]).await;
    }
    let request = ListPipelinesRequest {
        page_size: 2,
        ..Default::default()
    };
    let first = server
        .pipelines()
        .list_pipelines(request.clone())
        .await
        .unwrap()
        .into_inner();
    let rest = ListPipelinesRequest {
        page_token: first.next_page_token,
        ..request
    };
    let rest = server
        .pipelines()
        .list_pipelines(rest)
        .await
        .unwrap()
        .into_inner();
    let names: Vec<_> = first
        .pipelines
        .iter()
        .chain(&rest.pipelines)
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(
        (names, rest.next_page_token.as_str()),
        (vec!["a", "b", "c"], "")
    );
}
