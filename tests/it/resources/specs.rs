//! Specs: kept token for token, checked whole, every violation told with its path.

use conveyor_client::proto::Resource;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::{Server, resource, violations};

const STEPS: &str = r#"{
    "type": "object",
    "required": ["image", "steps"],
    "properties": {
        "image": {"type": "string"},
        "steps": {"type": "array", "items": {
            "type": "object",
            "required": ["name", "command"],
            "properties": {"name": {"type": "string"}, "command": {"type": "string"}}
        }}
    }
}"#;

fn with_spec(name: &str, spec: &str) -> Resource {
    Resource {
        spec_json: spec.into(),
        ..resource("image", name)
    }
}

fn number(number: f64) -> Value {
    Value {
        kind: Some(Kind::NumberValue(number)),
    }
}

async fn refused(server: &Server, spec: &str) -> Status {
    let status = server
        .try_create(with_spec("refused", spec))
        .await
        .expect_err(spec);
    let absent = server.read("image", "refused", 0).await.unwrap_err();
    assert_eq!(absent.code(), Code::NotFound, "bad input changes nothing");
    status
}

#[tokio::test]
async fn spec_comes_back_with_its_order_and_digits() {
    let mut server = Server::start().await;
    server.define("image").await;
    let spec = r#"{"z":1,"a":{"y":9007199254740993,"x":0.10},"m":[1.0,1E5,-0,12345678901234567890123.4567890],"t":"\u00e4\/<>&"}"#;
    server.try_create(with_spec("a", spec)).await.unwrap();
    server.kill_and_start_again().await;
    assert_eq!(server.read("image", "a", 0).await.unwrap().spec_json, spec);
}

#[tokio::test]
async fn spaces_and_duplicate_keys_are_no_reason_to_refuse() {
    let server = Server::start().await;
    server.define("image").await;
    let (kept, _) = server
        .try_create(with_spec("a", r#"{"a":1,"b":2,"a":3}"#))
        .await
        .unwrap();
    // The last wins, and the others are gone from the stored text.
    assert_eq!(
        kept.spec_json.matches(r#""a""#).count(),
        1,
        "{}",
        kept.spec_json
    );
    assert!(
        kept.spec_json.contains('3') && !kept.spec_json.contains('1'),
        "{}",
        kept.spec_json
    );
    let (kept, _) = server
        .try_create(with_spec("b", " {\n\t\"a\" : [ ] } "))
        .await
        .unwrap();
    assert_eq!(
        kept.spec_json.split_whitespace().collect::<String>(),
        r#"{"a":[]}"#
    );
}

#[tokio::test]
async fn spec_as_struct_has_sorted_keys_and_whole_numbers() {
    let server = Server::start().await;
    server.define("image").await;
    let fields = [
        ("z".to_owned(), number(3.0)),
        ("a".to_owned(), number(0.5)),
        ("b".to_owned(), number(1e15)),
    ]
    .into();
    let wanted = Resource {
        spec: Some(Struct { fields }),
        ..resource("image", "a")
    };
    let (made, _) = server.try_create(wanted.clone()).await.unwrap();
    assert_eq!(made.spec_json, r#"{"a":0.5,"b":1000000000000000,"z":3}"#);
    assert_eq!(made.spec, wanted.spec, "answers fill both");
}

#[tokio::test]
async fn absent_spec_is_an_empty_object() {
    let server = Server::start().await;
    server.define("image").await;
    let (made, _) = server.try_create(resource("image", "a")).await.unwrap();
    assert_eq!(made.spec_json, "{}");
    assert_eq!(made.spec, Some(Struct::default()));
}

#[tokio::test]
async fn spec_in_both_fields_is_refused() {
    let server = Server::start().await;
    server.define("image").await;
    let both = Resource {
        spec: Some(Struct::default()),
        ..with_spec("a", "{}")
    };
    let status = server.try_create(both).await.unwrap_err();
    assert!(
        violations(&status)
            .iter()
            .any(|(field, _)| field.starts_with("spec")),
        "{status:?}"
    );
}

#[tokio::test]
async fn spec_that_is_no_object_is_refused() {
    let server = Server::start().await;
    server.define("image").await;
    for spec in [
        "null",
        "[]",
        "7",
        r#""text""#,
        "true",
        "{",
        "{} {}",
        "{\"a\":NaN}",
        "{'a':1}",
        "{\"a\":1,}",
    ] {
        let status = refused(&server, spec).await;
        assert!(
            violations(&status)
                .iter()
                .all(|(field, _)| field.starts_with("spec")),
            "{spec}: {status:?}"
        );
    }
}

#[tokio::test]
async fn number_that_is_none_in_a_struct_is_refused() {
    let server = Server::start().await;
    server.define("image").await;
    for bad in [
        number(f64::NAN),
        number(f64::INFINITY),
        Value { kind: None },
    ] {
        let list = Value {
            kind: Some(Kind::ListValue(ListValue {
                values: vec![bad.clone()],
            })),
        };
        let spec = Struct {
            fields: [("l".to_owned(), list)].into(),
        };
        let status = server
            .try_create(Resource {
                spec: Some(spec),
                ..resource("image", "a")
            })
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{bad:?}");
    }
}

#[tokio::test]
async fn nesting_is_bounded_at_128_and_shown_as_struct_to_24() {
    let server = Server::start().await;
    server.define("image").await;
    // The spec itself is the first level.
    let nested = |levels: usize| {
        format!(
            "{{\"a\":{}{}}}",
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        )
    };
    for (levels, shown) in [(2, true), (20, true), (30, false), (120, false)] {
        let (made, _) = server
            .try_create(with_spec(&format!("n{levels}"), &nested(levels)))
            .await
            .unwrap();
        assert_eq!(made.spec_json, nested(levels));
        assert_eq!(made.spec.is_some(), shown, "{levels} levels");
    }
    for levels in [130, 10_000] {
        let status = refused(&server, &nested(levels)).await;
        assert!(
            violations(&status)
                .iter()
                .all(|(field, _)| field.starts_with("spec")),
            "{status:?}"
        );
    }
}

#[tokio::test]
async fn large_spec_is_shown_as_text_only() {
    let server = Server::start().await;
    server.define("image").await;
    let text = |bytes: usize| format!(r#"{{"t":"{}"}}"#, "x".repeat(bytes - 8));
    for (name, bytes, shown) in [
        ("small", 500 << 10, true),
        ("large", 600 << 10, false),
        ("largest", 4 << 20, false),
    ] {
        server
            .try_create(with_spec(name, &text(bytes)))
            .await
            .unwrap();
        let read = server.read("image", name, 0).await.unwrap();
        assert!(read.spec_json == text(bytes), "{name}");
        assert_eq!(read.spec.is_some(), shown, "{name}");
    }
    let status = refused(&server, &text((4 << 20) + 1)).await;
    assert!(
        matches!(
            status.code(),
            Code::InvalidArgument | Code::ResourceExhausted
        ),
        "{status:?}"
    );
}

#[tokio::test]
async fn every_violation_is_told_with_its_path() {
    let server = Server::start().await;
    server.try_define("image", STEPS).await.unwrap();
    let spec = r#"{"image": 7, "steps": [{"name": "a", "command": "true"}, {"name": 1, "command": "x"}, {"name": "c", "command": null}]}"#;
    let status = refused(&server, spec).await;
    let mut fields: Vec<_> = violations(&status)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    fields.sort();
    assert_eq!(
        fields,
        ["spec.image", "spec.steps[1].name", "spec.steps[2].command"]
    );
    assert_eq!(
        status.get_error_details().error_info().unwrap().domain,
        "conveyor"
    );

    let missing = refused(&server, r#"{"steps": [{"name": "a"}]}"#).await;
    let missing = violations(&missing);
    let told = format!("{missing:?}");
    assert_eq!(missing.len(), 2, "{told}");
    assert!(
        told.contains("image") && told.contains("spec.steps[0]") && told.contains("command"),
        "{told}"
    );
}

#[tokio::test]
async fn violations_are_bounded_and_the_rest_counted() {
    let server = Server::start().await;
    server
        .try_define(
            "image",
            r#"{"properties": {"l": {"items": {"type": "string"}}}}"#,
        )
        .await
        .unwrap();
    let spec = format!(r#"{{"l": [{}]}}"#, vec!["1"; 500].join(","));
    let status = refused(&server, &spec).await;
    let told = violations(&status);
    assert!(told.len() > 1 && told.len() <= 51, "{}", told.len());
    let bytes: usize = told
        .iter()
        .map(|(field, text)| field.len() + text.len())
        .sum();
    assert!(bytes <= 4 << 10, "{bytes}");
    let shown = told.len() - 1;
    let (_, rest) = &told[shown];
    assert!(
        rest.contains(&(500 - shown).to_string()),
        "the last counts the other {}: {rest}",
        500 - shown
    );
    assert!(
        status.details().len() < 8 << 10,
        "trailers are small in most clients"
    );
}

#[tokio::test]
async fn descriptions_are_short_and_quote_no_long_value() {
    let server = Server::start().await;
    let long = "v".repeat(500);
    server
        .try_define(
            "image",
            r#"{"properties": {"n": {"type": "number"}}, "additionalProperties": false}"#,
        )
        .await
        .unwrap();
    let status = refused(&server, &format!(r#"{{"n": "{long}", "{long}": 1}}"#)).await;
    for (_, text) in violations(&status) {
        assert!(text.chars().count() <= 200, "{text}");
        assert!(!text.contains(&"v".repeat(60)), "{text}");
    }
}

#[tokio::test]
async fn whole_numbers_beyond_a_double_are_checked_exactly() {
    let server = Server::start().await;
    let schema = r#"{"properties": {"n": {"maximum": 9007199254740992}}}"#;
    server.try_define("image", schema).await.unwrap();
    server
        .try_create(with_spec("a", r#"{"n": 9007199254740992}"#))
        .await
        .unwrap();
    let status = refused(&server, r#"{"n": 9007199254740993}"#).await;
    assert_eq!(violations(&status)[0].0, "spec.n");
}

#[tokio::test]
async fn lone_surrogate_and_control_characters_are_refused() {
    let server = Server::start().await;
    server.define("image").await;
    for spec in [r#"{"a": "\ud800"}"#, "{\"a\": \"\u{1}\"}"] {
        refused(&server, spec).await;
    }
}
