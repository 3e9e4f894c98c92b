//! The document is valid OpenAPI, and has every route that is served and no other.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::python;
use crate::support::Server;

/// The methods that a path can have in the document.
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

#[tokio::test]
async fn document_is_valid_openapi_3_1() {
    let Some(program) = python::program("openapi-spec-validator") else {
        return;
    };
    let server = Server::start().await;
    let answer = server.get("/openapi.json").await;
    assert_eq!(answer.json()["openapi"], "3.1.0");
    let file = server.place().join("openapi.json");
    fs::write(&file, &answer.body).unwrap();
    let output = Command::new(program)
        .args(["--schema", "3.1", "--errors", "all"])
        .arg(file)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
}

#[tokio::test]
async fn old_name_and_new_name_hold_the_same_document() {
    let server = Server::start().await;
    let new = server.get("/openapi.json").await;
    let old = server.get("/swagger/doc.json").await;
    assert_eq!((new.status, &new.body), (200, &old.body));
    assert_eq!(new.headers["content-type"], "application/json");
    assert_eq!(new.json()["info"]["version"], env!("CARGO_PKG_VERSION"));
    let head = server.http("HEAD", "/openapi.json", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.headers["content-length"], new.body.len().to_string());
}

#[tokio::test]
async fn document_at_hand_is_not_sent_again() {
    let server = Server::start().await;
    let first = server.get("/openapi.json").await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    for given in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"x\", {tag}"),
        "*".to_owned(),
    ] {
        let headers = [("if-none-match", given.as_str())];
        let again = server.http("GET", "/openapi.json", &headers, "").await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{given}");
        assert_eq!(again.headers["etag"], *tag);
    }
    let headers = [("if-none-match", "\"x\"")];
    let other = server.http("GET", "/openapi.json", &headers, "").await;
    assert_eq!((other.status, other.body), (200, first.body));
}

/// Of paths in the document the server says itself, in `Allow`, which methods they have.
#[tokio::test]
async fn each_path_has_the_methods_of_the_document_and_no_others() {
    let server = Server::start().await;
    let document = server.get("/openapi.json").await.json();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let mut documented: BTreeSet<&str> = METHODS
            .into_iter()
            .filter(|method| operations.get(method).is_some())
            .collect();
        assert_eq!(
            documented.len(),
            operations.as_object().unwrap().len(),
            "{path}"
        );
        if documented.contains("get") {
            documented.insert("head");
        }
        // No route has it, so that each says what it has.
        let answer = server.http("TRACE", &filled(path), &[], "").await;
        assert_eq!(answer.status, 405, "{path} is served");
        let allow = answer.headers["allow"].to_str().unwrap().to_lowercase();
        let served: BTreeSet<&str> = allow.split(',').map(str::trim).collect();
        assert_eq!(served, documented, "{path}");
    }
}

/// Routes of annotations are in the document by the way it is made. This reads those that are written by hand.
#[tokio::test]
async fn each_route_of_the_source_is_in_the_document() {
    let server = Server::start().await;
    let document = server.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    let routes = routes_by_hand();
    assert!(routes.len() >= 10, "{routes:?}");
    for route in routes {
        assert!(
            paths.contains_key(&route),
            "{route} is served and not in build/openapi"
        );
    }
}

#[tokio::test]
async fn each_annotated_method_is_in_the_document() {
    let server = Server::start().await;
    let document = server.get("/openapi.json").await.json();
    let mut bound = 0;
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/proto/conveyor/v1")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let Some((method, path)) = binding(line) else {
                continue;
            };
            bound += 1;
            let operation = &document["paths"][&template(path)][method];
            assert!(operation["operationId"].is_string(), "{method} {path}");
        }
    }
    assert!(bound >= 30, "only {bound} annotations were found");
}

#[tokio::test]
async fn each_operation_tells_its_errors_in_one_form() {
    let server = Server::start().await;
    let document = server.get("/openapi.json").await.json();
    for (status, response) in document["components"]["responses"].as_object().unwrap() {
        let schema = &response["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/Error", "{status}");
    }
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(!text(&operation["summary"]).is_empty(), "{place}");
            let answers = operation["responses"].as_object().unwrap();
            for status in ["403", "405", "431", "500", "503"] {
                assert!(answers.contains_key(status), "{place}: {status}");
            }
            let has = |status| answers.contains_key(status);
            let has_body = operation.get("requestBody").is_some();
            assert_eq!(has("415"), has_body, "{place}: 415");
            assert!(
                !has_body || (has("400") && has("413") && has("408")),
                "{place}"
            );
            assert!(!path.contains('{') || has("404"), "{place}: 404");
            // A broadcast writes nothing.
            let writes = method != "get" && operation["operationId"] != "BroadcastMessage";
            assert_eq!(has("429"), writes, "{place}: 429");
        }
    }
}

/// What `.route("...")` says in the sources, as the document writes it.
fn routes_by_hand() -> BTreeSet<String> {
    let mut folders = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/src/api/rest").into()];
    let mut routes = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let text: String = text.split_whitespace().collect();
            let found = text.split(".route(\"").skip(1);
            routes.extend(found.map(|rest| rest[..rest.find('"').unwrap()].to_owned()));
        }
    }
    routes
}

/// The verb and the path of an annotation in a proto file.
fn binding(line: &str) -> Option<(&str, &str)> {
    let at = METHODS
        .into_iter()
        .find_map(|method| Some((method, line.find(&format!("{method}: \"/"))?)));
    let (method, at) = at?;
    let path = line[at..].split('"').nth(1)?;
    Some((method, path))
}

/// `/pipelines/{pipeline.name}` as `/pipelines/{name}`.
fn template(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.rsplit_once('.') {
        Some((_, last)) if part.starts_with('{') => format!("{{{last}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// A path with something in the place of its parameters.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{revision}" => "1",
        _ if part.starts_with('{') => "a",
        _ => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
