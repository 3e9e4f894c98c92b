//! Schemas: every draft is read as it says, and none reaches outside or runs away.

use std::time::{Duration, Instant};

use conveyor_client::proto::{CreateResourceDefinitionRequest, Resource, ResourceDefinition};
use prost_types::Value;
use prost_types::value::Kind;
use tonic::Code;

use crate::support::{Server, resource, violations};

const DRAFTS: [(&str, &str); 5] = [
    ("http://json-schema.org/draft-04/schema#", "draft4"),
    ("http://json-schema.org/draft-06/schema#", "draft6"),
    ("http://json-schema.org/draft-07/schema#", "draft7"),
    (
        "https://json-schema.org/draft/2019-09/schema",
        "draft2019-09",
    ),
    (
        "https://json-schema.org/draft/2020-12/schema",
        "draft2020-12",
    ),
];

/// Whether a resource with this spec passes.
async fn passes(server: &Server, definition: &str, name: &str, spec: &str) -> bool {
    let wanted = Resource {
        spec_json: spec.into(),
        ..resource(definition, name)
    };
    match server.try_create(wanted).await {
        Ok(_) => true,
        Err(status) => {
            assert!(!violations(&status).is_empty());
            false
        }
    }
}

#[tokio::test]
async fn schema_names_its_draft() {
    let server = Server::start().await;
    for (uri, dialect) in DRAFTS {
        for (n, uri) in [uri.to_owned(), uri.trim_end_matches('#').to_owned()]
            .into_iter()
            .enumerate()
        {
            let name = format!("{}-{n}", dialect.replace('.', "-"));
            let schema = format!(r#"{{"$schema":"{uri}","type":"object"}}"#);
            let definition = server.try_define(&name, &schema).await.unwrap();
            assert_eq!(definition.dialect, dialect, "{uri}");
            assert_eq!(definition.schema_json, schema);
        }
    }
}

#[tokio::test]
async fn each_draft_is_read_by_its_own_rules() {
    let server = Server::start().await;
    // A keyword, a spec that breaks it, and the drafts that know it.
    let cases = [
        (
            "boolean-bound",
            r#""properties": {"n": {"maximum": 5, "exclusiveMaximum": true}}"#,
            r#"{"n": 5}"#,
            &["draft4"][..],
        ),
        (
            "const",
            r#""properties": {"n": {"const": 1}}"#,
            r#"{"n": 2}"#,
            &["draft6", "draft7", "draft2019-09", "draft2020-12"],
        ),
        (
            "if-then",
            r#""if": {}, "then": {"required": ["n"]}"#,
            "{}",
            &["draft7", "draft2019-09", "draft2020-12"],
        ),
        (
            "dependent",
            r#""dependentRequired": {"a": ["b"]}"#,
            r#"{"a": 1}"#,
            &["draft2019-09", "draft2020-12"],
        ),
        (
            "prefix",
            r#""properties": {"l": {"prefixItems": [{"type": "string"}]}}"#,
            r#"{"l": [1]}"#,
            &["draft2020-12"],
        ),
    ];
    for (case, keyword, spec, knowing) in cases {
        for (uri, dialect) in DRAFTS {
            let name = format!("{case}-{dialect}").replace('.', "-");
            let schema = format!(r#"{{"$schema": "{uri}", {keyword}}}"#);
            match server.try_define(&name, &schema).await {
                Ok(_) => assert_eq!(
                    !passes(&server, &name, "a", spec).await,
                    knowing.contains(&dialect),
                    "{case} {dialect}"
                ),
                // A later draft may refuse the keyword's old form altogether.
                Err(status) => assert!(!knowing.contains(&dialect), "{case} {dialect}: {status:?}"),
            }
        }
    }
}

#[tokio::test]
async fn schema_without_a_draft_is_the_first_that_compiles() {
    let server = Server::start().await;
    let cases = [
        ("plain", r#"{"type": "object"}"#, "draft2020-12"),
        (
            "old-items",
            r#"{"properties": {"l": {"items": [{"type": "string"}]}}}"#,
            "draft7",
        ),
        (
            "old-bound",
            r#"{"properties": {"n": {"maximum": 5, "exclusiveMaximum": true}}}"#,
            "draft4",
        ),
    ];
    for (name, schema, dialect) in cases {
        let definition = server.try_define(name, schema).await.unwrap();
        assert_eq!(definition.dialect, dialect, "{name}");
    }
    assert!(!passes(&server, "old-items", "a", r#"{"l": [1]}"#).await);
    assert!(!passes(&server, "old-bound", "a", r#"{"n": 5}"#).await);
}

#[tokio::test]
async fn booleans_and_the_empty_object_are_schemas() {
    let server = Server::start().await;
    for (name, schema) in [("any", "{}"), ("all", "true"), ("none", "false")] {
        server.try_define(name, schema).await.unwrap();
        assert_eq!(passes(&server, name, "a", "{}").await, name != "none");
    }
}

#[tokio::test]
async fn what_is_no_schema_is_refused() {
    let server = Server::start().await;
    let deep = format!("{}{}{}", r#"{"not":"#.repeat(200), "{}", "}".repeat(200));
    let large = format!(r#"{{"description": "{}"}}"#, "x".repeat(256 << 10));
    let cases = [
        ("missing", ""),
        ("null", "null"),
        ("text", r#""object""#),
        ("number", "7"),
        ("list", "[]"),
        ("not JSON", "{"),
        ("two values", "{} {}"),
        ("a type that is none", r#"{"type": 12}"#),
        ("a type that is no type", r#"{"type": "objekt"}"#),
        (
            "a pattern that is none",
            r#"{"properties": {"a": {"pattern": "("}}}"#,
        ),
        (
            "an unknown draft",
            r#"{"$schema": "http://json-schema.org/draft-03/schema#"}"#,
        ),
        (
            "a draft of one's own",
            r#"{"$schema": "https://example.org/my-schema"}"#,
        ),
        ("a draft that is no text", r#"{"$schema": 7}"#),
        ("a reference to nothing", r##"{"$ref": "#/$defs/absent"}"##),
        ("a file", r#"{"$ref": "file:///etc/hostname"}"#),
        ("a page", r#"{"$ref": "http://127.0.0.1:1/schema.json"}"#),
        (
            "a page, deep inside",
            r#"{"properties": {"a": {"items": {"$ref": "https://localhost/s.json"}}}}"#,
        ),
        ("a file by relative path", r#"{"$ref": "other.json"}"#),
        ("nested too deep", &deep),
        ("over 256 KiB", &large),
    ];
    for (what, schema) in cases {
        let status = server.try_define("image", schema).await.expect_err(what);
        let fields = violations(&status);
        assert!(
            fields.iter().all(|(field, _)| field.starts_with("schema")),
            "{what}: {fields:?}"
        );
        assert!(
            fields.iter().all(|(_, text)| text.chars().count() <= 200),
            "{what}: {fields:?}"
        );
    }
    assert_eq!(
        server.try_define("image", "{}").await.unwrap().revision,
        1,
        "nothing was written before"
    );
}

#[tokio::test]
async fn schema_in_both_fields_is_refused() {
    let server = Server::start().await;
    let definition = ResourceDefinition {
        name: "image".into(),
        schema_json: "true".into(),
        schema: Some(Value {
            kind: Some(Kind::BoolValue(true)),
        }),
        ..Default::default()
    };
    let request = CreateResourceDefinitionRequest {
        resource_definition: Some(definition),
        ..Default::default()
    };
    let status = server
        .resources()
        .create_resource_definition(request)
        .await
        .unwrap_err();
    assert!(
        violations(&status)
            .iter()
            .any(|(field, _)| field.starts_with("schema"))
    );
}

#[tokio::test]
async fn reference_within_the_schema_works() {
    let server = Server::start().await;
    let schema =
        r##"{"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "number"}}}"##;
    server.try_define("image", schema).await.unwrap();
    assert!(passes(&server, "image", "a", r#"{"a": 1}"#).await);
    assert!(!passes(&server, "image", "b", r#"{"a": "1"}"#).await);
}

#[tokio::test]
async fn recursive_schema_is_followed() {
    let server = Server::start().await;
    let schema = r##"{"properties": {"next": {"$ref": "#"}, "n": {"type": "number"}}}"##;
    server.try_define("list", schema).await.unwrap();
    assert!(
        passes(
            &server,
            "list",
            "a",
            r#"{"n": 1, "next": {"n": 2, "next": {}}}"#
        )
        .await
    );
    assert!(!passes(&server, "list", "b", r#"{"n": 1, "next": {"n": "2"}}"#).await);
}

#[tokio::test]
async fn schema_bombs_are_refused_or_bounded() {
    let server = Server::start().await;
    let mut doubling = String::from(r#"{"$defs": {"d0": {"type": "object"}"#);
    for n in 1..40 {
        let below = format!(r##"{{"$ref": "#/$defs/d{}"}}"##, n - 1);
        doubling += &format!(r#", "d{n}": {{"allOf": [{below}, {below}]}}"#);
    }
    doubling += r##"}, "$ref": "#/$defs/d39"}"##;
    let circle = r##"{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}"##;
    let pattern = r#"{"properties": {"a": {"pattern": "(((a{1,100}){1,100}){1,100}){1,100}"}}}"#;
    let backtracking = r#"{"properties": {"a": {"pattern": "^(a+)+$"}}}"#;
    let cases = [
        ("doubling", doubling.as_str()),
        ("circle", circle),
        ("pattern", pattern),
        ("backtracking", backtracking),
    ];
    for (name, schema) in cases {
        let begun = Instant::now();
        if server.try_define(name, schema).await.is_ok() {
            let spec = format!(r#"{{"a": "{}!"}}"#, "a".repeat(50_000));
            let wanted = Resource {
                spec_json: spec,
                ..resource(name, "a")
            };
            // It may pass, break the schema or be refused as too costly. It must not take the server with it.
            let _ = server.try_create(wanted).await;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{name} took {:?}",
            begun.elapsed()
        );
        server.define(&format!("after-{name}")).await;
    }
}

#[tokio::test]
async fn schema_text_comes_back_token_for_token() {
    let server = Server::start().await;
    let schema = "{\"type\":\"object\",\n  \"properties\" : {\"z\":{\"maximum\":1.50E+2},\"a\":{\"const\":12345678901234567890}}}";
    let definition = server.try_define("image", schema).await.unwrap();
    assert_eq!(tokens(&definition.schema_json), tokens(schema));
    assert!(definition.schema.is_some(), "both fields are filled");
    let wide = server.try_define("numbers", r#"{"maximum": 1e400}"#).await;
    assert!(wide.is_ok() || wide.unwrap_err().code() == Code::InvalidArgument);
}

/// JSON text less the spaces between its tokens; no text in these tests has a space.
fn tokens(json: &str) -> String {
    json.chars().filter(|c| !c.is_whitespace()).collect()
}
