//! `conveyor edit`.

use insta::assert_snapshot;

use super::{Ran, tidied};
use crate::support::{Server, soon};

const DOCUMENTS: &str = "name: any\nschema: {type: object, properties: {image: {type: string}}}\n---\nname: one\nresource: any\nsteps: [{driver: builder}]\n---\nname: r\nresource: any\nmetadata: {team: red}\nspec: {image: a, n: 1.10}\n";

/// Edits a thing with a command of the shell, which is given the file.
async fn edit(server: &Server, editor: &str, what: &[&str]) -> Ran {
    let mut command = server.command(&[&["edit"], what].concat());
    command.env("EDITOR", editor).env("TMPDIR", server.place());
    let output = command.env_remove("VISUAL").output();
    soon("the end of edit", output).await.unwrap().into()
}

/// The text that was kept, whose path an error names.
fn kept(error: &str) -> (String, String) {
    let (rest, path) = error.trim_end().split_once("kept in ").expect(error);
    let text = std::fs::read_to_string(path).unwrap();
    (rest.replace(path, "FILE"), text)
}

#[tokio::test]
async fn what_is_edited_is_written() {
    let server = Server::start().await;
    server.apply(DOCUMENTS).await.said();
    let shown = server.place().join("shown");
    let editor = format!("sh -c 'cp $0 {}'", shown.display());
    // The first editor only looks.
    let looked = edit(&server, &editor, &["any/r"]).await;
    assert_snapshot!(looked.said(), @"resource any/r unchanged");
    assert_snapshot!(std::fs::read_to_string(shown).unwrap(), @r#"
    ---
    kind: Resource
    resource: any
    name: r
    metadata:
      team: red
    spec:
      image: a
      "n": 1.10
    "#);
    let edited = edit(&server, "sed -i s/1.10/1.20/", &["any/r"]).await;
    assert_snapshot!(tidied(&edited.said()), @"resource any/r configured (revision 2, run <id>)");
    assert_eq!(
        server.read("any", "r", 0).await.unwrap().spec_json,
        r#"{"image":"a","n":1.20}"#
    );
    let edited = edit(&server, "sed -i s/builder/pusher/", &["pipeline", "one"]).await;
    assert_snapshot!(edited.said(), @"pipeline one configured (revision 2)");
    let edited = edit(&server, "sed -i s/image/picture/", &["definition", "any"]).await;
    assert_snapshot!(edited.said(), @"definition any configured (revision 2)");
}

#[tokio::test]
async fn a_text_that_cannot_be_written_is_kept() {
    let server = Server::start().await;
    server.apply(DOCUMENTS).await.said();
    let (why, text) = kept(
        &edit(&server, "sed -i 's/image: a/image: 1/'", &["any/r"])
            .await
            .refused(),
    );
    assert_snapshot!(why, @r#"
    error: spec.image: 1 is not of type "string"
    What you typed is
    "#);
    assert!(text.contains("image: 1"), "{text}");
    let (why, text) = kept(
        &edit(&server, "sed -i s/spec:/spec/", &["any/r"])
            .await
            .refused(),
    );
    assert_snapshot!(why, @r"
    error: FILE: line 7 column 1: simple key expected ':'
    What you typed is
    ");
    assert!(text.contains("\nspec\n"), "{text}");
    let (why, _) = kept(
        &edit(&server, "sed -i 's/name: r/name: q/'", &["any/r"])
            .await
            .refused(),
    );
    assert_snapshot!(why, @r"
    error: resource any/r was opened, and resource any/q came back: names cannot be edited; apply makes new things
    What you typed is
    ");
    let (why, _) = kept(&edit(&server, "false", &["any/r"]).await.refused());
    assert_snapshot!(why.lines().next().unwrap(), @"error: the editor false ended with exit status: 1");
    assert_eq!(server.read("any", "r", 0).await.unwrap().revision, 1);
}

#[tokio::test]
async fn an_empty_text_changes_nothing() {
    let server = Server::start().await;
    server.apply(DOCUMENTS).await.said();
    let refusal = edit(&server, "truncate -s 0", &["any/r"])
        .await
        .ended_with(2);
    assert_snapshot!(refusal.lines().next().unwrap(), @"error: the text is empty: nothing was changed; `conveyor delete` removes things");
    assert_eq!(server.read("any", "r", 0).await.unwrap().revision, 1);
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
    let server = Server::start().await;
    server.apply(DOCUMENTS).await.said();
    server.file("other.yaml", &DOCUMENTS.replace("n: 1.10", "n: 2"));
    let conveyor = env!("CARGO_BIN_EXE_conveyor");
    let other = server.place().join("other.yaml");
    let editor = format!(
        "{conveyor} apply -f {} > /dev/null; sed -i s/1.10/3/",
        other.display()
    );
    let (why, text) = kept(&edit(&server, &editor, &["any/r"]).await.ended_with(6));
    assert_snapshot!(why, @r"
    error: resource any/r was changed by somebody else meanwhile: edit it again
    What you typed is
    ");
    assert!(text.contains("\"n\": 3"), "{text}");
    assert_eq!(
        server.read("any", "r", 0).await.unwrap().spec_json,
        r#"{"image":"a","n":2}"#
    );
}

#[tokio::test]
async fn what_cannot_be_edited_is_explained() {
    let server = Server::start().await;
    server.define("any").await;
    assert_snapshot!(edit(&server, "true", &["driver", "builder"]).await.ended_with(2), @"error: driver builder cannot: definitions, pipelines and resources can be edited");
    assert_snapshot!(edit(&server, "true", &["any/gone"]).await.ended_with(3), @"error: resource any/gone is not known");
    assert_snapshot!(edit(&server, "true", &["any/a", "any/b"]).await.ended_with(2), @"error: one at a time: 2 were named");
}
