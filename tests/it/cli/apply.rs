//! `conveyor apply`.

use insta::assert_snapshot;

use super::tidied;
use crate::support::Server;

const DEFINITION: &str = r#"{"name":"pipeline","schema":{"type":"object","required":["image"],"properties":{"image":{"type":"string"},"tag":{"type":"string"}}}}"#;
const PIPELINE: &str = r#"{"name":"two-steps","resource":"pipeline","steps":[{"id":"1","driver":"a"},{"id":"2","driver":"b","timeout":"90s","params":{"z":1.5,"a":[]}}]}"#;
const RESOURCE: &str = r#"{"name":"ubuntu-pipeline-6","resource":"pipeline","pipeline":"two-steps","spec":{"image":"a:1"}}"#;

#[tokio::test]
async fn each_document_is_created_then_unchanged_then_configured() {
    let server = Server::start().await;
    server.file("docs/1-resource.json", RESOURCE);
    server.file(
        "docs/2-rest.yaml",
        &format!("{PIPELINE}\n---\n{DEFINITION}\n"),
    );
    server.file("docs/notes.txt", "not a document");
    let created = server.cli(&["apply", "-f", "docs"]).await.said();
    assert_snapshot!(tidied(&created), @r"
    definition pipeline created
    pipeline two-steps created
    resource pipeline/ubuntu-pipeline-6 created (run <id>)
    ");
    let again = server.cli(&["apply", "-f", "docs"]).await.said();
    assert_snapshot!(tidied(&again), @r"
    definition pipeline unchanged
    pipeline two-steps unchanged
    resource pipeline/ubuntu-pipeline-6 unchanged
    ");
    server.file("docs/1-resource.json", &RESOURCE.replace("a:1", "a:2"));
    server.file("docs/2-rest.yaml", &PIPELINE.replace("90s", "2m"));
    let changed = server.cli(&["apply", "-f", "docs"]).await.said();
    assert_snapshot!(tidied(&changed), @r"
    pipeline two-steps configured (revision 2)
    resource pipeline/ubuntu-pipeline-6 configured (revision 2, run <id>)
    ");
}

#[tokio::test]
async fn json_of_the_user_arrives_as_written() {
    let server = Server::start().await;
    server.define("any").await;
    let spec = r#"{"z":9007199254740993,"a":1.10,"e":1E+2,"text":"A\n\"{","list":[],"big":123456789012345678901234567890}"#;
    let document = format!(r#"{{"name":"r","resource":"any","spec":{spec}}}"#);
    server.apply(&document).await.said();
    let stored = server.read("any", "r", 0).await.unwrap();
    assert_eq!(stored.spec_json, spec);
    let shown = server
        .cli(&["get", "resource", "any/r", "-o", "json"])
        .await
        .said();
    let shown: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["spec"]["z"], 9_007_199_254_740_993_u64);
}

#[tokio::test]
async fn yaml_keeps_the_order_of_keys() {
    let server = Server::start().await;
    server.define("any").await;
    let document = "name: r\nresource: any\nspec:\n  z: 1\n  a: {c: on, b: [1.5, ~]}\n";
    server.apply(document).await.said();
    let stored = server.read("any", "r", 0).await.unwrap();
    assert_eq!(stored.spec_json, r#"{"z":1,"a":{"c":"on","b":[1.5,null]}}"#);
}

#[tokio::test]
async fn what_get_prints_can_be_applied_again() {
    let server = Server::start().await;
    server
        .apply(&format!("{DEFINITION}{PIPELINE}{RESOURCE}"))
        .await
        .said();
    for format in ["json", "yaml"] {
        for kind in ["definitions", "pipelines", "resources"] {
            let printed = server.cli(&["get", kind, "-o", format]).await.said();
            let applied = server.apply(&printed).await.said();
            assert!(applied.ends_with(" unchanged\n"), "{format}: {applied}");
        }
    }
}

#[tokio::test]
async fn yaml_that_get_prints_keeps_each_token() {
    let server = Server::start().await;
    server.define("any").await;
    let spec = r#"{"z":1.10,"e":1E+2,"big":123456789012345678901234567890,"zip":"01234","no":["1.0","~",[],{},[[{}]]],"ü é":"日本 😀","text":"a:\n\n  b #c\n","01":" x\ty\r\n"}"#;
    let document = format!(r#"{{"name":"r","resource":"any","spec":{spec}}}"#);
    server.apply(&document).await.said();
    let printed = server
        .cli(&["get", "resource", "any/r", "-o", "yaml"])
        .await
        .said();
    let applied = server.apply(&printed).await.said();
    assert_eq!(applied, "resource any/r unchanged\n", "{printed}");
    server.file("other.yaml", &printed.replace("name: r\n", "name: other\n"));
    server.cli(&["apply", "-f", "other.yaml"]).await.said();
    let stored = server.read("any", "other", 0).await.unwrap();
    assert_eq!(stored.spec_json, spec);
}

#[tokio::test]
async fn yaml_that_may_mean_another_number_is_refused() {
    let server = Server::start().await;
    let document = "name: r\nresource: any\nspec:\n  zip: 01234\n";
    assert_snapshot!(server.apply(document).await.refused(), @r#"error: stdin: line 4 column 8: 01234 is no number that JSON has: put it in quotes for text ("01234"), or write the number as in JSON"#);
    let tagged = document.replace("01234", "!!binary aGk=");
    assert_snapshot!(server.apply(&tagged).await.refused(), @"error: stdin: line 4 column 17: the tag !!binary has no meaning here");
}

#[tokio::test]
async fn nothing_is_sent_before_all_documents_are_read() {
    let server = Server::start().await;
    server.file("1.json", DEFINITION);
    server.file(
        "2.yaml",
        "name: x\nresource: pipeline\nspec: {}\npipelin: two-steps\n",
    );
    let refusal = server
        .cli(&["apply", "-f", "1.json", "2.yaml"])
        .await
        .refused();
    assert_snapshot!(refusal, @"error: 2.yaml: there is no field pipelin; a resource has name, resource, pipeline, metadata, spec");
    assert_snapshot!(server.cli(&["get", "definitions"]).await.said(), @"NAME  VERSION  DIALECT  REVISION  AGE");
}

#[tokio::test]
async fn the_first_refusal_ends_the_work_and_says_what_was_done() {
    let server = Server::start().await;
    let wrong = r#"{"name":"wrong","resource":"pipeline","spec":{"image":1,"tag":2}}"#;
    server.file(
        "all.json",
        &format!("[{RESOURCE},{wrong},{PIPELINE},{DEFINITION}]"),
    );
    let swapped = RESOURCE.replace("ubuntu-pipeline-6", "never-sent");
    server.file("more.json", &swapped);
    let ran = server.cli(&["apply", "-f", "all.json", "more.json"]).await;
    assert_snapshot!(tidied(&ran.stdout), @r"
    definition pipeline created
    pipeline two-steps created
    resource pipeline/ubuntu-pipeline-6 created (run <id>)
    ");
    assert_snapshot!(ran.refused(), @r#"
    error: all.json document 2: resource pipeline/wrong: spec.image: 1 is not of type "string" (and 1 more)
      spec.image: 1 is not of type "string"
      spec.tag: 2 is not of type "string"
    3 of 5 documents were applied; the rest was not sent
    "#);
    assert!(server.read("pipeline", "never-sent", 0).await.is_err());
}

/// The text of a map with many entries, taken in many times.
fn bomb() -> String {
    let entries: String = (0..10_000).map(|n| format!("  key-{n}: 1\n")).collect();
    format!(
        "base: &base\n{entries}more:\n{}",
        "- {<<: *base}\n".repeat(50_000)
    )
}

#[tokio::test]
async fn a_file_that_unfolds_without_end_is_refused_by_its_name() {
    let server = Server::start().await;
    let mut doubled = "a0: &a0 [xxxxxxxxxxxxxxxx]\n".to_owned();
    for n in 1..20 {
        let inner = format!("*a{} ,", n - 1).repeat(10);
        doubled += &format!("a{n}: &a{n} [{inner}]\n");
    }
    for (file, text, why) in [
        ("merged.yaml", bomb(), "<< takes in more than 64 MiB"),
        ("doubled.yaml", doubled, "is more than 64 MiB as JSON"),
        (
            "deep.yaml",
            "[".repeat(1_000_000),
            "recursion limit exceeded",
        ),
    ] {
        server.file(file, &text);
        let refused = server.cli(&["apply", "-f", file]).await;
        let told = refused.refused();
        assert!(told.contains(file) && told.contains(why), "{told}");
    }
}
