//! Decoders as functions of bytes: each target once, for the programs of `fuzz/` and for the property tests below.
//!
//! What a target does with hostile bytes may be an error, never a panic, and takes no longer than [`LIMIT`].

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use crate::api;
use crate::cli;
use crate::config;
use crate::model::json::Json;
use crate::model::name::{Name, RunId};
use crate::model::schema::Schema;
use crate::offline;
use crate::proto;
use crate::server;
use crate::store;
use crate::trace::TraceContext;

/// How long one input may take: no more than the longest that a request may.
pub const LIMIT: Duration = Duration::from_secs(10);

/// One decoder, or a few that belong together.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    decode: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: [Target; 18] = [
    target("names", |input| text(input, names), || seeds(NAMES)),
    target("times", |input| text(input, times), || seeds(TIMES)),
    target(
        "trace-context",
        |input| text(input, trace),
        || seeds(TRACES),
    ),
    target("keys", store::fuzz::key, store::fuzz::keys),
    target("values", store::fuzz::value, store::fuzz::values),
    target("bodies", bodies, || seeds(BODIES)),
    target("json", |input| text(input, json), || seeds(BODIES)),
    target("schemas", |input| text(input, schema), schemas),
    target("yaml", |input| text(input, cli::fuzz::yaml), || seeds(YAML)),
    target(
        "templates",
        |input| text(input, cli::fuzz::template),
        || seeds(TEMPLATES),
    ),
    target(
        "config",
        |input| text(input, config::fuzz::file),
        || seeds(CONFIG),
    ),
    target("archives", offline::fuzz::archive, offline::fuzz::archives),
    target("rest", server::fuzz::rest, || seeds(REQUESTS)),
    target("grpc", server::fuzz::grpc, calls),
    target("calls", server::fuzz::calls, api::fuzz::calls_of_each),
    target(
        "driver-stream",
        server::fuzz::driver_stream,
        api::fuzz::scripts,
    ),
    target("http", server::fuzz::http, server::fuzz::https),
    target(
        "websocket",
        server::fuzz::websocket,
        server::fuzz::websockets,
    ),
];

const fn target(name: &'static str, decode: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target {
        name,
        decode,
        seeds,
    }
}

impl Target {
    /// The target of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        const ALL: &[Target] = &TARGETS;
        ALL.iter().find(|target| target.name == name)
    }

    /// Decodes an input.
    ///
    /// # Panics
    /// Where something is wrong with the decoder.
    pub fn run(&self, input: &[u8]) {
        // The end of one server and the start of the next are not the input's.
        server::fuzz::turn_over();
        let began = Instant::now();
        (self.decode)(input);
        let took = began.elapsed();
        assert!(took < LIMIT, "{} took {took:?}", self.name);
    }

    /// Valid inputs to begin with, and some that mean harm.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        (self.seeds)()
    }
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn text(input: &[u8], decode: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(input) {
        decode(text);
    }
}

const NAMES: &[&str] = &[
    "app",
    "a-b.c_d9",
    "app/a",
    "runs\n0198f3c1-7d7e-7000-8000-000000000001",
    "pipeline\np",
    "\u{202e}gnp",
];

fn names(text: &str) {
    drop(Name::parse(text, "name"));
    drop(RunId::parse(text, "id"));
    cli::fuzz::words(text);
}

const TIMES: &[&str] = &[
    "2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00.123456789+02:00",
    "1767225600",
    "1767225600000000000",
    "-9999-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "1.5s",
];

/// A time of a line, and a duration of a step.
fn times(text: &str) {
    let text = serde_json::Value::from(text);
    let line = format!("{{\"time\":{text}}}");
    drop(proto::json::from_slice::<proto::LogEntry>(line.as_bytes()));
    let step = format!("{{\"timeout\":{text}}}");
    drop(proto::json::from_slice::<proto::Step>(step.as_bytes()));
}

const TRACES: &[&str] = &[
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\nvendor=a,other=b",
    "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more\n",
];

/// What was read is written as what reads as the same.
fn trace(text: &str) {
    let (parent, state) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(place) = TraceContext::parse(parent, state) {
        let again = TraceContext::parse(&place.traceparent(), place.tracestate());
        assert_eq!(again, Some(place));
    }
}

const BODIES: &[&str] = &[
    r#"{"name":"a","resource":"app","metadata":{"k":"v"},"spec":{"n":1.10,"big":9007199254740993}}"#,
    r#"{"name":"p","resource":"app","steps":[{"id":"s","driver":"d","params":[1,2.50],"timeout":"1.5s","labels":{"os":"x"}}]}"#,
    r#"{"name":"app","schema":{"type":"object","required":["n"]},"retention":{"runs":{"count":3}}}"#,
    r#"{"a":{"a":1,"a":[{},[],null,true,"\u00e9\ud83d\ude00"]}}"#,
];

fn bodies(input: &[u8]) {
    drop(proto::json::from_slice::<proto::ResourceDefinition>(input));
    drop(proto::json::from_slice::<proto::Resource>(input));
    drop(proto::json::from_slice::<proto::Pipeline>(input));
    drop(proto::json::from_slice::<proto::LogEntry>(input));
}

/// What was kept of a text is kept of itself, and says the same.
fn json(text: &str) {
    if let Ok((kept, value)) = Json::parse(text, "spec") {
        let (again, same) = Json::parse(kept.as_str(), "spec").expect("it was JSON before");
        assert_eq!(again.as_str(), kept.as_str());
        assert_eq!(same, value);
    }
}

/// A schema and a spec, with a zero byte between.
fn schema(text: &str) {
    let (schema, spec) = text.split_once('\0').unwrap_or((text, "{}"));
    let (Ok((_, schema)), Ok((_, spec))) =
        (Json::parse(schema, "schema"), Json::parse(spec, "spec"))
    else {
        return;
    };
    if let Ok(schema) = Schema::compile(&schema) {
        drop(schema.check(&spec));
    }
}

/// Schemas of use, and those that cost much: nested allOf, chains of $ref, patterns that are large.
fn schemas() -> Vec<Vec<u8>> {
    let doubled = |n: usize| {
        format!(
            r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{}"}},{{"$ref":"#/$defs/d{}"}}]}}"##,
            n + 1,
            n + 1
        )
    };
    let defs: Vec<String> = (0..24).map(doubled).collect();
    let bomb = format!(
        r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d24":{{"type":"object"}}}}}}"##,
        defs.join(",")
    );
    let chain: Vec<String> = (0..200)
        .map(|n| format!(r##""c{n}":{{"$ref":"#/$defs/c{}"}}"##, n + 1))
        .collect();
    let chain = format!(
        r##"{{"$ref":"#/$defs/c0","$defs":{{{},"c200":{{}}}}}}"##,
        chain.join(",")
    );
    [
        "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":1}},\"required\":[\"n\"]}\0{\"n\":0}",
        "{\"properties\":{\"a\":{\"pattern\":\"^(a+)+$\"}}}\0{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaa!\"}",
        "{\"patternProperties\":{\"[a-z]{1,900}\":{\"format\":\"date-time\"}}}\0{\"a\":\"2026-01-31T12:00:00Z\"}",
        "{\"$defs\":{\"t\":{\"items\":{\"$ref\":\"#/$defs/t\"}}},\"$ref\":\"#/$defs/t\"}\0[[[[]]]]",
        "{\"uniqueItems\":true,\"unevaluatedProperties\":false,\"if\":{},\"then\":{\"multipleOf\":0.1}}\0{\"a\":[1,1.0]}",
        &format!("{bomb}\0{{}}"),
        &format!("{chain}\0{{}}"),
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

const YAML: &[&str] = &[
    "kind: Resource\nname: a\nresource: app\nspec:\n  n: 1.10\n  list: [1, 0x1f, ~, yes]\n---\nname: b\n",
    "kind: Pipeline\nname: p\nresource: app\nsteps:\n- {id: s, driver: d, timeout: 90s, params: {a: [1]}}\n",
    "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]\n",
    "base: &base {a: 1}\nmore: {<<: [*base, *base], b: !!str 2}\ntext: |\n  x\n   y\n",
];

const TEMPLATES: &[&str] = &[
    "{.items[*].name}",
    "{range .items[*]}{.name}{\"\\t\"}{@.spec.n}{\"\\n\"}{end}",
    r"{.items[0].spec.a-b.c\.d}",
    "$.items[?@.name=='b' && count(@.*) > 1].spec",
    "{$..n}{.items[-1:0:-1]}",
];

const CONFIG: &[&str] = &[
    "listen: 127.0.0.1:0\ndata: ./x\ndriver:\n  lease_time: 30s\n  heartbeat_period: 10s\napi:\n  body_bytes: 4 MiB\n  hosts: [a, b]\n",
    "api:\n  host: http://localhost:8080/\n  port: 8080\n  data: x\nlog: info,conveyor=debug\nretention:\n  runs: 30d\n",
    "trace: {otlp: 'http://127.0.0.1:4317', sample_ratio: 0.5}\nstore: {min_free_bytes: 1}\n",
    "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
];

const REQUESTS: &[&str] = &[
    "GET /resources/app/a",
    "GET /resources/app/a/versions?page_size=2&page_token=00",
    "GET /runs?resource=app&states=RUN_STATE_PENDING",
    "GET /logs?runid=x",
    "GET /logs/streams/d/x\nconnection: upgrade\nupgrade: websocket\nsec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    "GET /resources/app/watch?position=1",
    "POST /resources/\ncontent-type: application/json\nidempotency-key: k\n\n{\"name\":\"b\",\"resource\":\"app\",\"spec\":{\"n\":1}}",
    "PUT /resources/app/a\nif-match: \"1\"\ncontent-type: application/json\n\n{\"spec\":{\"n\":2}}",
    "POST /pipelines\ncontent-type: application/json\n\n{\"name\":\"p\",\"resource\":\"app\",\"steps\":[{\"id\":\"s\",\"driver\":\"builder\"}]}",
    "POST /resource-definitions\ncontent-type: application/json\n\n{\"name\":\"app2\",\"schema\":{}}",
    "POST /logs\ncontent-type: application/x-ndjson\n\n{\"runid\":\"x\",\"time\":\"1\",\"message\":\"m\"}\n{}",
    "DELETE /resources/app/%61?x=%ff\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "GET /metrics\naccept: application/openmetrics-text",
];

/// A call of each method that the server's own descriptors name, and of those beside them.
fn calls() -> Vec<Vec<u8>> {
    use prost::Message;
    let set = prost_types::FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET);
    let files = set.map(|set| set.file).unwrap_or_default();
    let resource = proto::Resource {
        name: "a".into(),
        resource: "app".into(),
        spec_json: "{\"n\":1}".into(),
        revision: 1,
        ..Default::default()
    };
    let resource = resource.encode_to_vec();
    let length = u8::try_from(resource.len()).unwrap_or_default();
    let bodies = [
        [vec![0x0a, length], resource].concat(),
        b"\x0a\x03app\x12\x01a".to_vec(),
        b"\x08\x05".to_vec(),
    ];
    let mut calls = vec![
        b"/grpc.health.v1.Health/Check\n".to_vec(),
        b"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo\n\x3a\x01*".to_vec(),
    ];
    for file in &files {
        for service in &file.service {
            for method in &service.method {
                let head = format!("/{}.{}/{}\n", file.package(), service.name(), method.name());
                calls.extend(bodies.iter().map(|body| [head.as_bytes(), body].concat()));
            }
        }
    }
    calls
}
