//! `conveyor diff`.

use insta::assert_snapshot;

use crate::support::Server;

const DOCUMENTS: &str = r#"name: any
schema: {type: object}
retention: {runs: {max_age: 36h}, logs: {max_count: "100"}}
---
name: two
resource: any
steps:
  - {driver: builder, timeout: 90s}
  - {driver: pusher, params: {z: 1.50, a: [1e2]}}
---
name: r
resource: any
pipeline: two
metadata: {team: red}
spec: {z: 1.10, text: "a\u0041", list: [1, 2]}
"#;

#[tokio::test]
async fn what_apply_would_leave_alone_does_not_differ() {
    let server = Server::start().await;
    server.file("all.yaml", DOCUMENTS);
    server.cli(&["apply", "-f", "all.yaml"]).await.said();
    assert_eq!(server.cli(&["diff", "-f", "all.yaml"]).await.said(), "");
    let spelled = DOCUMENTS.replace("\\u0041", "A").replace("90s", "1m30s");
    server.file("all.yaml", &spelled);
    assert_eq!(server.cli(&["diff", "-f", "all.yaml"]).await.said(), "");
    let applied = server.cli(&["apply", "-f", "all.yaml"]).await.said();
    assert_eq!(applied.matches(" unchanged\n").count(), 3, "{applied}");
}

#[tokio::test]
async fn what_apply_would_change_is_shown_and_not_done() {
    let server = Server::start().await;
    server.apply(DOCUMENTS).await.said();
    let changed = DOCUMENTS
        .replace("1.10", "1.1")
        .replace("90s", "2m")
        .replace("team: red", "team: blue");
    server.file(
        "all.yaml",
        &format!("{changed}---\nname: new\nresource: any\nspec: {{}}\n"),
    );
    let ran = server.cli(&["diff", "-f", "all.yaml"]).await;
    assert_snapshot!(ran.stdout, @r#"
    --- pipeline two revision 1
    +++ pipeline two in all.yaml document 2
    @@ -5,7 +5,7 @@
     steps:
       - id: "1"
         driver: builder
    -    timeout: "90s"
    +    timeout: "120s"
       - id: "2"
         driver: pusher
         params:
    --- resource any/r revision 1
    +++ resource any/r in all.yaml document 3
    @@ -4,9 +4,9 @@
     name: r
     pipeline: two
     metadata:
    -  team: red
    +  team: blue
     spec:
    -  z: 1.10
    +  z: 1.1
       text: aA
       list:
         - 1
    --- /dev/null
    +++ resource any/new in all.yaml document 4
    @@ -0,0 +1,6 @@
    +---
    +kind: Resource
    +resource: any
    +name: new
    +metadata: {}
    +spec: {}
    "#);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert_eq!(server.read("any", "r", 0).await.unwrap().revision, 1);
    assert!(server.read("any", "new", 0).await.is_err());
}

#[tokio::test]
async fn trouble_is_told_from_a_difference() {
    let server = Server::start().await;
    server.file("wrong.yaml", "name: r\n");
    assert_snapshot!(server.cli(&["diff", "-f", "wrong.yaml"]).await.ended_with(2), @"error: wrong.yaml: has neither schema (a definition), nor steps (a pipeline), nor spec (a resource), nor kind, but name");
    server.file("any.yaml", "name: any\nschema: true\n");
    let away = ["diff", "-f", "any.yaml", "--server", "http://127.0.0.1:1"];
    assert_snapshot!(server.cli(&away).await.ended_with(5), @"error: no server answers at http://127.0.0.1:1: start one with `conveyor up`, or name it with --server");
}
