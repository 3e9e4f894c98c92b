//! What the targets begin with: valid inputs, and some that mean harm.

pub(super) const NAMES: &[&str] = &[
    "app",
    "a-b.c_d9",
    "app/a",
    "runs\n0198f3c1-7d7e-7000-8000-000000000001",
    "pipeline\np",
    "\u{202e}gnp",
];

pub(super) const TIMES: &[&str] = &[
    "2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00.123456789+02:00",
    "1767225600",
    "1767225600000000000",
    "-9999-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "1.5s",
    "90d",
    "1y 2mo 3w 4d",
    "PT1H30M",
    "forever",
    "100000",
];

pub(super) const TRACES: &[&str] = &[
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\nvendor=a,other=b",
    "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more\n",
];

pub(super) const BODIES: &[&str] = &[
    r#"{"name":"a","resource":"app","metadata":{"k":"v"},"spec":{"n":1.10,"big":9007199254740993}}"#,
    r#"{"name":"p","resource":"app","steps":[{"id":"s","driver":"d","params":[1,2.50],"timeout":"1.5s","labels":{"os":"x"}}]}"#,
    r#"{"name":"app","schema":{"type":"object","required":["n"]},"retention":{"runs":{"count":3}}}"#,
    r#"{"a":{"a":1,"a":[{},[],null,true,"\u00e9\ud83d\ude00"]}}"#,
];

/// Schemas of use, and those that cost much: nested allOf, chains of $ref, patterns that are large.
pub(super) fn schemas() -> Vec<Vec<u8>> {
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

pub(super) const YAML: &[&str] = &[
    "kind: Resource\nname: a\nresource: app\nspec:\n  n: 1.10\n  list: [1, 0x1f, ~, yes]\n---\nname: b\n",
    "kind: Pipeline\nname: p\nresource: app\nsteps:\n- {id: s, driver: d, timeout: 90s, params: {a: [1]}}\n",
    "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]\n",
    "base: &base {a: 1}\nmore: {<<: [*base, *base], b: !!str 2}\ntext: |\n  x\n   y\n",
];

pub(super) const DOCUMENTS: &[&str] = &[
    r#"{"name":"r","resource":"app","pipeline":"p","metadata":{"k":"v"},"spec":{"n":1.10,"n":2,"t":"two\nlines\n","u":"\u2028"}}"#,
    r#"[{"name":"app","schema":{"type":"object"},"retention":{"runs":{"max_age":"90d","max_count":3}}},{"kind":"Resource","name":"r","resource":"app"}]"#,
    "{\"name\":\"p\",\"resource\":\"app\",\"steps\":[{\"id\":\"s\",\"driver\":\"d\",\"timeout\":\"1.5s\",\"params\":[1,[2.50]],\"labels\":{\"os\":\"x\"}}]}\n{\"name\":\"q\"}",
    r#"{"name":"r","resource":"app","spec":{"half":"\ud83d\ude00","deep":[[[[{}]]]]}}"#,
    "name: p\nresource: app\nsteps: [{driver: d}]\n---\nname: r\nresource: app\nspec: {a: ~, b: 0x1f}\n",
];

pub(super) const CONTEXTS: &[&str] = &[
    "current: a\ncontexts:\n  a:\n    server: http://127.0.0.1:8080\n    output: json\n  \"b c\": {server: x}\n",
    "contexts: &a {x: {server: y}}\ncurrent: x\n",
    "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
];

pub(super) const TEMPLATES: &[&str] = &[
    "{.items[*].name}",
    "{range .items[*]}{.name}{\"\\t\"}{@.spec.n}{\"\\n\"}{end}",
    r"{.items[0].spec.a-b.c\.d}",
    "$.items[?@.name=='b' && count(@.*) > 1].spec",
    "{$..n}{.items[-1:0:-1]}",
];

pub(super) const CONFIG: &[&str] = &[
    "listen: 127.0.0.1:0\ndata: ./x\ndriver:\n  lease_time: 30s\n  heartbeat_period: 10s\napi:\n  body_bytes: 4 MiB\n  hosts: [a, b]\n",
    "api:\n  host: http://localhost:8080/\n  port: 8080\n  data: x\nlog: info,conveyor=debug\nretention:\n  runs: 30d\n",
    "trace: {otlp: 'http://127.0.0.1:4317', sample_ratio: 0.5}\nstore: {min_free_bytes: 1}\n",
    "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
];

pub(super) const REQUESTS: &[&str] = &[
    "GET /resources/app/a",
    "GET /resources/app/a/revisions?page_size=2&page_token=00",
    "GET /runs?resource=app&states=RUN_STATE_PENDING",
    "GET /logs?runid=x",
    "GET /logs/streams/d/x\nconnection: upgrade\nupgrade: websocket\nsec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    "POST /resources/\ncontent-type: application/json\nidempotency-key: k\n\n{\"name\":\"b\",\"resource\":\"app\",\"spec\":{\"n\":1}}",
    "PUT /resources/app/a\nif-match: \"1\"\ncontent-type: application/json\n\n{\"spec\":{\"n\":2}}",
    "POST /pipelines\ncontent-type: application/json\n\n{\"name\":\"p\",\"resource\":\"app\",\"steps\":[{\"id\":\"s\",\"driver\":\"builder\"}]}",
    "POST /resource-definitions\ncontent-type: application/json\n\n{\"name\":\"app2\",\"schema\":{}}",
    "POST /logs\ncontent-type: application/x-ndjson\n\n{\"runid\":\"x\",\"time\":\"1\",\"message\":\"m\"}\n{}",
    "DELETE /resources/app/%61?x=%ff&%&=&&a=%F0%9F\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "GET /metrics\naccept: application/openmetrics-text",
    "GET /watch/resources/app?after_position=1\nlast-event-id: 3",
    "GET /watch/resources?follow=false\nlast-event-id: 18446744073709551615",
    "GET /logs/pipeline/x?follow=false&since=2026-01-31T12%3A00%3A00Z&last_lines=1\nlast-event-id: end\naccept: text/event-stream",
    "GET /runs?page_size=1&page_token=617070&states=RUN_STATE_PENDING&states=RUN_STATE_FAILED",
    "POST /logs/bulk\ncontent-type: application/x-ndjson\nexpect: 100-continue\n\n{\"runid\":\"x\",\"message\":\"m\"}\n\n{\"runid\":\"x\",\"message\":1}",
    "OPTIONS /resources\norigin: http://localhost\naccess-control-request-method: PUT",
    "GET /swagger/..%2f..%2fetc%2fpasswd\nif-none-match: W/\"a\", *",
];
