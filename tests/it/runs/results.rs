//! The newest result of each driver, shown in the metadata of a resource.

use conveyor_client::proto::{
    ListResourcesRequest, Resource, Result as Outcome, ResultOutcome, StepState,
};
use serde_json::{Value, json};

use crate::support::{Scripted, Server, params, resource};

fn shown(resource: &Resource, driver: &str) -> Value {
    let key = format!("driverresults.{driver}");
    let text = resource
        .metadata
        .get(&key)
        .unwrap_or_else(|| panic!("{key} in {:?}", resource.metadata));
    serde_json::from_str(text).unwrap()
}

fn shows_no_results(resource: &Resource) {
    let mut keys = resource.metadata.keys();
    assert!(
        !keys.any(|key| key.starts_with("driverresults.")),
        "{:?}",
        resource.metadata
    );
}

#[tokio::test]
async fn newest_result_of_each_driver_stands_in_the_metadata() {
    let server = Server::start().await;
    server.define("image").await;
    server
        .pipeline(
            "p",
            "image",
            &[("one", "builder"), ("two", "tester"), ("three", "builder")],
        )
        .await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let mut tester = Scripted::new(&server, "tester", "image").await;
    server.create_in("p", "image", "a").await;

    let task = builder.take().await;
    let first = Outcome {
        message: "first".into(),
        data_json: r#"{"n":1}"#.into(),
        ..Scripted::success(&task, 0)
    };
    assert_eq!(
        builder.report(first).await.outcome(),
        ResultOutcome::Applied
    );
    let now = server.read("image", "a", 0).await.unwrap();
    let wanted =
        json!({"success": true, "message": "first", "data": {"n": 1}, "driver": "builder"});
    assert_eq!(shown(&now, "builder"), wanted);
    assert!(!now.metadata.contains_key("driverresults.tester"));

    let task = tester.take().await;
    tester.succeed(&task).await;
    let task = builder.take().await;
    builder.fail(&task, "third").await;
    let now = server.read("image", "a", 0).await.unwrap();
    assert_eq!(shown(&now, "builder")["message"], "third");
    assert_eq!(shown(&now, "builder")["success"], false);
    assert_eq!(shown(&now, "tester")["success"], true);
}

#[tokio::test]
async fn result_is_no_write() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let resource = Resource {
        metadata: params(&[("owner", "ada")]),
        ..resource("image", "a")
    };
    let (created, _) = server.try_create(resource).await.unwrap();
    let task = builder.take().await;
    builder.succeed(&task).await;
    let now = server.read("image", "a", 0).await.unwrap();
    assert_eq!((now.revision, now.update_time), (1, created.update_time));
    assert_eq!(now.metadata["version"], "1");
    assert_eq!(now.metadata["owner"], "ada");
    builder.hears_nothing(&[]).await;
    let runs = server
        .runs()
        .list_runs(conveyor_client::proto::ListRunsRequest::default())
        .await
        .unwrap();
    assert_eq!(runs.into_inner().runs.len(), 1, "no event");
}

#[tokio::test]
async fn old_revisions_show_no_results() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create("image", "a").await;
    let task = builder.take().await;
    builder.succeed(&task).await;
    let read = server.read("image", "a", 0).await.unwrap();
    assert!(read.metadata.contains_key("driverresults.builder"));
    // What was read can be written back: the server's own keys are ignored.
    server.update(read).await;
    let old = server.read("image", "a", 1).await.unwrap();
    assert!(
        !old.metadata
            .keys()
            .any(|key| key.starts_with("driverresults.")),
        "{:?}",
        old.metadata
    );
    assert_eq!(old.metadata["version"], "1");
    let now = server.read("image", "a", 0).await.unwrap();
    assert_eq!(now.metadata["version"], "2");
    assert!(
        now.metadata.contains_key("driverresults.builder"),
        "results are the resource's, not the revision's"
    );
}

#[tokio::test]
async fn results_outlive_a_restart() {
    let mut server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create("image", "a").await;
    let task = builder.take().await;
    builder.succeed(&task).await;
    let before = server.read("image", "a", 0).await.unwrap();
    server.kill_and_start_again().await;
    assert_eq!(server.read("image", "a", 0).await.unwrap(), before);
}

#[tokio::test]
async fn resource_made_anew_has_no_results_of_the_old_one() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    server.create("image", "a").await;
    let task = builder.take().await;
    builder.succeed(&task).await;
    server.delete("image", "a").await;
    server.create("image", "a").await;
    shows_no_results(&server.read("image", "a", 0).await.unwrap());
}

#[tokio::test]
async fn shown_results_are_bounded_to_1_mib_the_newest() {
    let server = Server::start().await;
    server.define("image").await;
    let drivers: Vec<String> = (0..6).map(|n| format!("d{n}")).collect();
    let steps: Vec<_> = drivers
        .iter()
        .map(|driver| (driver.as_str(), driver.as_str()))
        .collect();
    server.pipeline("p", "image", &steps).await;
    server.create_in("p", "image", "a").await;
    for driver in &drivers {
        let said = conveyor_client::proto::Hello {
            max_message_bytes: 16 << 20,
            ..crate::support::hello(driver, "image")
        };
        let mut driver = Scripted::join(&server, said).await;
        let task = driver.take().await;
        let data_json = format!("\"{}\"", "x".repeat(240 << 10));
        let result = Outcome {
            data_json,
            ..Scripted::success(&task, 0)
        };
        assert_eq!(
            driver.report(result).await.outcome(),
            ResultOutcome::Applied
        );
    }
    let now = server.read("image", "a", 0).await.unwrap();
    let total: usize = now
        .metadata
        .iter()
        .filter(|(key, _)| key.starts_with("driverresults."))
        .map(|(_, value)| value.len())
        .sum();
    assert!(total <= 1 << 20, "{total}");
    assert!(
        now.metadata.contains_key("driverresults.d5"),
        "the newest is shown"
    );
    assert!(
        !now.metadata.contains_key("driverresults.d0"),
        "the oldest is not"
    );
}

#[tokio::test]
async fn what_is_said_after_a_delete_is_nobodys() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = builder.take().await;
    server.step_is(&run, 0, StepState::Running).await;
    server.delete("image", "a").await;
    builder.succeed(&task).await;
    server.create("image", "a").await;
    shows_no_results(&server.read("image", "a", 0).await.unwrap());
}

#[tokio::test]
async fn list_shows_each_resource_with_its_own_results() {
    let server = Server::start().await;
    server.define("image").await;
    let mut builder = Scripted::new(&server, "builder", "image").await;
    let names = ["a", "a-b", "b", "large", "z"];
    for name in names {
        let mut resource = resource("image", name);
        if name == "large" {
            resource.spec_json = json!({"text": "7".repeat(100 << 10)}).to_string();
        }
        server.try_create(resource).await.unwrap();
        let task = builder.take().await;
        let said = Outcome {
            message: format!("this is {name}"),
            ..Scripted::success(&task, 0)
        };
        builder.report(said).await;
    }
    let request = ListResourcesRequest {
        resource: "image".to_owned(),
        ..ListResourcesRequest::default()
    };
    let page = server.resources().list_resources(request).await.unwrap();
    let page = page.into_inner().resources;
    assert_eq!(page.iter().map(|it| &*it.name).collect::<Vec<_>>(), names);
    for listed in page {
        let message = format!("this is {}", listed.name);
        assert_eq!(shown(&listed, "builder")["message"], message);
        assert_eq!(server.read("image", &listed.name, 0).await.unwrap(), listed);
    }
}
