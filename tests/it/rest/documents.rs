//! The examples of the documents, sent as printed.

use conveyor_client::proto::RunState;
use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::Message;

use super::golden;
use crate::support::{Scripted, Server, soon};

/// A definition for the resource of the tutorial.
const PIPELINE_DEFINITION: &str = r#"{
  "name": "pipeline",
  "description": "Commands in an image",
  "version": "0.1.0",
  "schema": {
    "type": "object",
    "required": ["image", "steps"],
    "properties": {
      "image": {"type": "string"},
      "steps": {"type": "array", "items": {"type": "object", "required": ["name", "command"],
        "properties": {"name": {"type": "string"}, "command": {"type": "string"}}}}
    }
  }
}"#;

/// "Triggering a CI/CD Process", as printed.
const UBUNTU_PIPELINE: &str = r#"{
  "name": "ubuntu-pipeline-6",
  "resource": "pipeline",
  "spec": {
    "image": "jimjuniorb/hello-node:1.2.3",
    "steps": [
      {
        "name": "print-working-directory",
        "command": "pwd"
      },
      {
        "name": "list-files",
        "command": "ls -l"
      },
      {
        "name": "show-os-info",
        "command": "cat /etc/os-release"
      }
    ]
  }
}
"#;

/// "Resources", as printed.
const EXAMPLE_RESOURCE: &str = r#"{
  "name": "example-resource",
  "resource": "workflow",
  "spec": {
    "pipeline": {
      "name": "build-and-deploy",
      "stages": [
        "test",
        "build",
        "deploy"
      ],
      "distributed": true,
      "runners": [
        "cloud-native"
      ]
    }
  }
}
"#;

/// "Pipelines", as printed.
const DOCKER_PIPELINE: &str = r#"{
  "name": "docker-pipeline",
  "resource": "docker-resource",
  "description": "A pipeline to build and publish a docker image",
  "steps": [
      {
        "id": "1",
        "name": "Clone git repository",
        "driver": "git-cloner"
      },
      {
        "id": "2",
        "name": "Run tests",
        "driver": "test-runner"
      },
      {
        "id": "3",
        "name": "Build and Compile",
        "driver": "builder"
      },
      {
        "id": "4",
        "name": "Generate docker image",
        "driver": "image-generator"
      },
      {
        "id": "5",
        "name": "Publish to registry",
        "driver": "image-pusher"
      }
  ]
}
"#;

#[tokio::test]
async fn a_definition_is_answered_whole() {
    let server = Server::start().await;
    let answer = server
        .post("/resource-definitions/", PIPELINE_DEFINITION)
        .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let shown = concat!(
        r#"{"id":"<uuid>","name":"pipeline","description":"Commands in an image","version":"0.1.0","#,
        r#""schema":{"type":"object","required":["image","steps"],"properties":{"image":{"type":"string"},"#,
        r#""steps":{"type":"array","items":{"type":"object","required":["name","command"],"#,
        r#""properties":{"name":{"type":"string"},"command":{"type":"string"}}}}}},"#,
        r#""dialect":"draft2020-12","revision":1,"create_time":"<time>","update_time":"<time>"}"#,
    );
    assert_eq!(golden(&answer.body), shown);
    let read = server.get("/resource-definitions/pipeline").await;
    assert_eq!((read.status, read.body), (200, answer.body.clone()));
    let list = server.get("/resource-definitions").await;
    assert_eq!(list.body, format!("[{}]", answer.body));

    let applied = server
        .post("/resource-definitions/apply", PIPELINE_DEFINITION)
        .await;
    assert_eq!((applied.status, applied.body), (201, answer.body.clone()));
    let json = [("content-type", "application/json")];
    let put = server
        .http(
            "PUT",
            "/resource-definitions/apply",
            &json,
            PIPELINE_DEFINITION,
        )
        .await;
    assert_eq!((put.status, put.body), (201, answer.body));
}

#[tokio::test]
async fn the_tutorial_works_as_printed() {
    let server = Server::start().await;
    server
        .post("/resource-definitions/", PIPELINE_DEFINITION)
        .await;
    let mut driver = Scripted::new(&server, "command-runner", "pipeline").await;

    let answer = server.post("/resources/", UBUNTU_PIPELINE).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(
        golden(&answer.body),
        r#"{"message":"Resource created successfully","name":"ubuntu-pipeline-6","runid":"<uuid>","version":"1"}"#
    );
    let run = answer.json()["runid"].as_str().unwrap().to_owned();
    let task = driver.take().await;
    assert_eq!(
        (task.run_id.as_str(), task.event.as_str()),
        (run.as_str(), "create")
    );

    let path = format!("/drivers/streams/logs/command-runner/{run}");
    let url = format!("ws://{}{path}", server.address);
    let stream = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    driver.log(&task, 0, &["/work", "total 0"]).await;
    for message in ["/work", "total 0"] {
        let frame = soon("a line", socket.next()).await.unwrap().unwrap();
        let [time, text]: [String; 2] = serde_json::from_str(frame.to_text().unwrap()).unwrap();
        assert!(time.parse::<u64>().is_ok(), "decimal unix seconds: {time}");
        assert_eq!(text, message);
    }
    driver.logged(2).await;
    driver.report(Scripted::success(&task, 2)).await;
    server.run_is(&run, RunState::Succeeded).await;
    let close = soon("the close", socket.next()).await.unwrap().unwrap();
    assert!(matches!(close, Message::Close(Some(frame)) if u16::from(frame.code) == 1000));

    let read = server.get("/resources/pipeline/ubuntu-pipeline-6").await;
    assert_eq!(
        golden(&read.body),
        concat!(
            r#"{"id":"<uuid>","name":"ubuntu-pipeline-6","resource":"pipeline","metadata":{"#,
            r#""driverresults.command-runner":"{\"success\":true,\"message\":\"\",\"data\":null,\"driver\":\"command-runner\"}","#,
            r#""version":"1"},"spec":{"image":"jimjuniorb/hello-node:1.2.3","steps":[{"name":"print-working-directory","command":"pwd"},"#,
            r#"{"name":"list-files","command":"ls -l"},{"name":"show-os-info","command":"cat /etc/os-release"}]},"#,
            r#""revision":1,"create_time":"<time>","update_time":"<time>"}"#,
        )
    );
    let lines = server
        .get(&format!("/logs?runid={run}&driver=command-runner"))
        .await
        .json();
    assert_eq!(lines[1]["message"], "total 0");
}

#[tokio::test]
async fn a_spec_comes_back_token_for_token() {
    let server = Server::start().await;
    server.define("workflow").await;
    let answer = server.post("/resources/", EXAMPLE_RESOURCE).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let read = server.get("/resources/workflow/example-resource/").await;
    let spec = concat!(
        r#""spec":{"pipeline":{"name":"build-and-deploy","stages":["test","build","deploy"],"#,
        r#""distributed":true,"runners":["cloud-native"]}}"#,
    );
    assert!(read.body.contains(spec), "{}", read.body);

    let odd = r#"{"z":9007199254740993,"a":1.10,"e":1E+2,"u":"\u00e9<>&","big":123456789012345678901234567890}"#;
    let body = format!(r#"{{"name":"odd","resource":"workflow","spec":{odd}}}"#);
    assert_eq!(server.post("/resources", &body).await.status, 201);
    let read = server.get("/resources/workflow/odd").await;
    assert!(
        read.body.contains(&format!("\"spec\":{odd}")),
        "{}",
        read.body
    );
}

#[tokio::test]
async fn the_pipeline_of_the_documents_is_kept_and_followed() {
    let server = Server::start().await;
    server.define("docker-resource").await;
    let answer = server.post("/pipelines/", DOCKER_PIPELINE).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(
        golden(&answer.body),
        concat!(
            r#"{"name":"docker-pipeline","description":"A pipeline to build and publish a docker image","version":"","#,
            r#""resource":"docker-resource","steps":[{"id":"1","name":"Clone git repository","driver":"git-cloner"},"#,
            r#"{"id":"2","name":"Run tests","driver":"test-runner"},{"id":"3","name":"Build and Compile","driver":"builder"},"#,
            r#"{"id":"4","name":"Generate docker image","driver":"image-generator"},"#,
            r#"{"id":"5","name":"Publish to registry","driver":"image-pusher"}],"metadata":{},"#,
            r#""id":"<uuid>","revision":1,"create_time":"<time>","update_time":"<time>"}"#,
        )
    );
    let read = server.get("/pipelines/docker-pipeline").await;
    assert_eq!((read.status, read.body), (200, answer.body));

    let mut cloner = Scripted::new(&server, "git-cloner", "docker-resource").await;
    let body = r#"{"name":"build-app-1","resource":"docker-resource","pipeline":"docker-pipeline","spec":{}}"#;
    let answer = server.post("/resources/", body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let task = cloner.take().await;
    assert_eq!(task.pipeline.unwrap().name, "docker-pipeline");
    let read = server.get("/resources/docker-resource/build-app-1").await;
    assert!(
        golden(&read.body).starts_with(
            r#"{"id":"<uuid>","name":"build-app-1","pipeline":"docker-pipeline","resource":"docker-resource","#
        ),
        "{}",
        read.body
    );
}

#[tokio::test]
async fn updates_and_deletes_name_their_runs() {
    let server = Server::start().await;
    server.define("image").await;
    let run = server.create("image", "a").await;
    let json = [("content-type", "application/json"), ("if-match", "\"1\"")];
    let read = server.get("/resources/image/a").await;
    let answer = server
        .http("PUT", "/resources/image/a", &json, &read.body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["metadata"]["version"], "2");
    assert_ne!(answer.headers["conveyor-run-id"], run);
    let stale = server
        .http("PUT", "/resources/image/a", &json, &read.body)
        .await;
    assert_eq!(stale.status, 412, "{}", stale.body);
    let first = server.get("/resources/image/a/1").await;
    assert_eq!(first.json()["metadata"]["version"], "1");

    let answer = server.http("DELETE", "/resources/image/a", &[], "").await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let run = answer.headers["conveyor-run-id"].to_str().unwrap();
    assert_eq!(server.run(run).await.event, "delete");
    assert_eq!(server.get("/resources/image/a").await.status, 404);
    assert_eq!(server.get("/resources/image/a/1").await.status, 404);
    let again = server.http("DELETE", "/resources/image/a", &[], "").await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn the_same_idempotency_key_gets_the_same_answer() {
    let server = Server::start().await;
    server.define("image").await;
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "once"),
    ];
    let body = r#"{"name":"a","resource":"image"}"#;
    let first = server.http("POST", "/resources", &headers, body).await;
    let second = server.http("POST", "/resources", &headers, body).await;
    assert_eq!((first.status, second.status), (201, 201), "{}", second.body);
    assert_eq!(first.body, second.body);
    let other = body.replace("\"a\"", "\"b\"");
    assert_eq!(
        server
            .http("POST", "/resources", &headers, &other)
            .await
            .status,
        409
    );
}

#[tokio::test]
async fn lists_go_page_by_page() {
    let server = Server::start().await;
    server.define("image").await;
    for name in ["a", "b", "c"] {
        server.create("image", name).await;
    }
    let mut path = "/resources/image?page_size=2".to_owned();
    let mut names = Vec::new();
    loop {
        let page = server.get(&path).await;
        let items = page.json();
        names.extend(
            items
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["name"].to_string()),
        );
        let Some(link) = page.headers.get("link") else {
            break;
        };
        let link = link.to_str().unwrap();
        path = link[1..link.find('>').unwrap()].to_owned();
    }
    assert_eq!(names, [r#""a""#, r#""b""#, r#""c""#]);
}

#[tokio::test]
async fn posted_lines_are_kept_for_runs_that_are_none_and_shown_live() {
    let server = Server::start().await;
    let mut events = server.sse("/logs/streams/outside/no-run", &[]).await;
    let line = r#"{"runid":"no-run","driver":"outside","pipeline":"p","timestamp":"1700000000","message":"hi"}"#;
    let answer = server.post("/logs", line).await;
    assert_eq!((answer.status, answer.body.as_str()), (201, "Created"));
    let event = events.next().await.unwrap();
    assert_eq!(event[0], ("id".to_owned(), "1".to_owned()));
    assert_eq!(event[1], ("data".to_owned(), line.to_owned()));
    let list = server.get("/logs?runid=no-run").await;
    assert_eq!(list.body, format!("[{line}]"));
    assert_eq!(server.get("/logs?runid=never-heard-of").await.body, "[]");
}

#[tokio::test]
async fn a_reader_at_the_end_of_an_ended_run_is_told_to_stay_away() {
    let server = Server::start().await;
    server.define("image").await;
    let mut driver = Scripted::new(&server, "builder", "image").await;
    let run = server.create("image", "a").await;
    let task = driver.take().await;
    driver.log(&task, 0, &["one"]).await;
    driver.logged(1).await;
    driver.report(Scripted::success(&task, 1)).await;
    server.run_is(&run, RunState::Succeeded).await;
    for path in [
        format!("/logs/streams/builder/{run}"),
        format!("/logs/pipeline/{run}"),
    ] {
        let at_end = server
            .http("GET", &path, &[("last-event-id", "1")], "")
            .await;
        assert_eq!(at_end.status, 204);
        let before = server
            .http("GET", &path, &[("last-event-id", "0")], "")
            .await;
        assert!(
            before.body.ends_with("id: 1\nevent: end\ndata: {}\n\n"),
            "{}",
            before.body
        );
    }
}

#[tokio::test]
async fn a_broadcast_is_published() {
    let server = Server::start().await;
    let body = r#"{"event":"e","payload":"p","id":"1","run_id":"r"}"#;
    let answer = server.post("/drivers/broadcast-message", body).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, r#"{"message":"message published"}"#)
    );
}
