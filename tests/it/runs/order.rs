//! Runs of one resource go one at a time, in the order they were written.

use conveyor_client::proto::{CancelRunRequest, Hello, RunState};

use crate::support::{Scripted, Server, hello};

#[tokio::test]
async fn runs_of_one_resource_go_one_after_the_other() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::join(
        &server,
        Hello {
            slots: 10,
            ..hello("builder", "image")
        },
    )
    .await;
    let mut runs = vec![server.create("image", "a").await];
    for _ in 0..3 {
        let resource = server.read("image", "a", 0).await.unwrap();
        runs.push(server.update(resource).await);
    }
    for (index, id) in runs.iter().enumerate() {
        let task = builder.take().await;
        assert_eq!(&task.run_id, id);
        assert_eq!(task.resource.as_ref().unwrap().revision, index as i64 + 1);
        builder.hears_nothing(&[&task]).await;
        for later in &runs[index + 1..] {
            let waiting = server.run(later).await;
            assert_eq!(waiting.state(), RunState::Pending);
            assert!(
                runs[index..].contains(&waiting.waits_for),
                "it says which one it waits for"
            );
        }
        assert_eq!(server.run(id).await.waits_for, "");
        builder.succeed(&task).await;
    }
}

#[tokio::test]
async fn order_outlives_a_restart() {
    let mut server = Server::start().await;
    server.define("image").await;
    let mut runs = vec![server.create("image", "a").await];
    for _ in 0..3 {
        let resource = server.read("image", "a", 0).await.unwrap();
        runs.push(server.update(resource).await);
    }
    server.kill_and_start_again().await;
    let mut builder = Scripted::join(
        &server,
        Hello {
            slots: 10,
            ..hello("builder", "image")
        },
    )
    .await;
    for id in &runs {
        let task = builder.take().await;
        assert_eq!(&task.run_id, id);
        builder.hears_nothing(&[&task]).await;
        builder.succeed(&task).await;
    }
}

#[tokio::test]
async fn resource_made_anew_waits_for_the_runs_of_the_old_one() {
    let server = Server::start().await;
    server.define("image").await;
    let said = Hello {
        slots: 10,
        events: vec!["create".into(), "delete".into()],
        ..hello("builder", "image")
    };
    let mut builder = Scripted::join(&server, said).await;
    let created = server.create("image", "a").await;
    let old = builder.take().await;
    server.run_is(&created, RunState::Running).await;
    let deleted = server.delete("image", "a").await;
    let anew = server.create("image", "a").await;
    builder.hears_nothing(&[&old]).await;
    assert!(!server.run(&anew).await.waits_for.is_empty());
    builder.succeed(&old).await;
    let delete = builder.take().await;
    assert_eq!(
        (&delete.run_id, delete.event.as_str()),
        (&deleted, "delete")
    );
    builder.hears_nothing(&[&delete]).await;
    builder.succeed(&delete).await;
    assert_eq!(builder.take().await.run_id, anew);
}

#[tokio::test]
async fn runs_of_different_resources_do_not_wait_for_each_other() {
    let server = Server::start().await;
    server.define("image").await;
    server.define("package").await;
    let said = Hello {
        slots: 10,
        definitions: vec!["image".into(), "package".into()],
        ..hello("builder", "image")
    };
    let mut builder = Scripted::join(&server, said).await;
    let runs = [
        server.create("image", "a").await,
        server.create("image", "b").await,
        server.create("package", "a").await,
    ];
    for id in &runs {
        assert_eq!(&builder.take().await.run_id, id);
    }
}

#[tokio::test]
async fn failed_and_cancelled_runs_let_the_next_one_go() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create("image", "a").await;
    let resource = server.read("image", "a", 0).await.unwrap();
    let second = server.update(resource.clone()).await;
    let third = server.update(resource.clone()).await;
    let fourth = server.update(resource).await;
    let task = builder.take().await;
    builder.fail(&task, "broken").await;
    let task = builder.take().await;
    assert_eq!(task.run_id, second);
    // One that waits is cancelled in the middle of the line.
    server
        .runs()
        .cancel_run(CancelRunRequest {
            id: third.clone(),
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(server.run(&third).await.state(), RunState::Cancelled);
    server
        .runs()
        .cancel_run(CancelRunRequest {
            id: second,
            ..Default::default()
        })
        .await
        .unwrap();
    builder.cancel().await;
    builder.fail(&task, "stopped").await;
    assert_eq!(builder.take().await.run_id, fourth);
}

#[tokio::test]
async fn cancel_of_a_waiting_run_frees_those_behind_it() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline("absent", "image", &[("build", "absent")])
        .await;
    let first = server.create_in("absent", "image", "a").await;
    let mut resource = server.read("image", "a", 0).await.unwrap();
    resource.pipeline = String::new();
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let second = server.update(resource).await;
    builder.hears_nothing(&[]).await;
    server
        .runs()
        .cancel_run(CancelRunRequest {
            id: first,
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(builder.take().await.run_id, second);
}
