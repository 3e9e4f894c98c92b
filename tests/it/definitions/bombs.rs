//! Schemas made to take the server down: each is refused or bounded, and the server goes on.

use serde_json::{Map, Value, json};

use crate::support::Server;

/// Defines `bomb` by a schema and creates a resource of it with a spec; both answers' status codes.
async fn set_off(schema: Value, spec: Value) -> (u16, u16) {
    let server = Server::start().await;
    let definition = json!({"name": "bomb", "schema": schema}).to_string();
    let defined = server
        .post("/resource-definitions/", &definition)
        .await
        .status;
    let resource = json!({"name": "a", "resource": "bomb", "spec": spec}).to_string();
    let created = server.post("/resources/", &resource).await.status;
    assert_eq!(server.get("/health").await.status, 200);
    (defined, created)
}

fn chain(levels: usize, link: impl Fn(String) -> Value) -> Map<String, Value> {
    let mut defs: Map<String, Value> = (0..levels)
        .map(|at| (format!("d{at}"), link(format!("d{}", at + 1))))
        .collect();
    defs.insert(format!("d{levels}"), json!({}));
    defs
}

#[tokio::test]
async fn long_chain_of_references_overflows_no_stack() {
    let unevaluated =
        |next| json!({"$ref": format!("#/$defs/{next}"), "unevaluatedProperties": false});
    let schema = json!({"$ref": "#/$defs/d0", "$defs": chain(3000, unevaluated)});
    assert_eq!(set_off(schema, json!({})).await, (400, 404));
    let plain = |next| json!({"$ref": format!("#/$defs/{next}")});
    let schema = json!({"$ref": "#/$defs/d0", "$defs": chain(5000, plain)});
    assert_eq!(set_off(schema, json!({})).await, (201, 400));
}

#[tokio::test]
async fn doubling_over_inner_documents_is_refused() {
    let mut defs = chain(
        40,
        |next| json!({"allOf": [{"$ref": next}, {"$ref": next}]}),
    );
    for (name, inner) in &mut defs {
        inner["$id"] = json!(format!("http://x/{name}"));
    }
    let schema = json!({"$id": "http://x/root", "$ref": "d0", "$defs": defs});
    assert_eq!(set_off(schema, json!({})).await, (201, 400));
}

#[tokio::test]
async fn nested_unevaluated_properties_are_refused() {
    let mut schema = json!({"properties": {"a": true}});
    for _ in 0..20 {
        schema = json!({"anyOf": [schema, {"$ref": "#/$defs/q"}], "unevaluatedProperties": false});
    }
    schema["$defs"] = json!({"q": {"properties": {"b": true}}});
    assert_eq!(set_off(schema, json!({"a": 1})).await, (201, 400));
}

#[tokio::test]
async fn patterns_share_one_budget() {
    let many = |count| json!({"allOf": vec![json!({"pattern": "\\p{L}{20}0"}); count]});
    assert_eq!(set_off(many(200), json!({})).await, (400, 404));
    assert_eq!(set_off(many(7000), json!({})).await, (400, 404));
}

#[tokio::test]
async fn thousands_of_violations_cost_bounded_memory() {
    let server = Server::start().await;
    let names: Vec<String> = (0..20_000).map(|n| format!("n{n}")).collect();
    let schema = json!({"properties": {"a": {"items": {"required": names}}}});
    let definition = json!({"name": "wide", "schema": schema}).to_string();
    assert_eq!(
        server
            .post("/resource-definitions/", &definition)
            .await
            .status,
        201
    );
    for items in [1, 1000] {
        let spec = json!({"a": vec![json!({}); items]});
        let resource = json!({"name": "a", "resource": "wide", "spec": spec}).to_string();
        assert_eq!(server.post("/resources/", &resource).await.status, 400);
    }
    assert!(
        server.resident_bytes() < 400 << 20,
        "{} bytes",
        server.resident_bytes()
    );
}

#[tokio::test]
async fn wide_schema_over_many_items_is_refused() {
    let names: Map<String, Value> = (0..15_000).map(|n| (format!("n{n}"), json!({}))).collect();
    let schema = json!({"properties": {"a": {"items": {"properties": names}}}});
    let spec = json!({"a": vec![json!({}); 1_000_000]});
    assert_eq!(set_off(schema, spec).await, (201, 400));
}
